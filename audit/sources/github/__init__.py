"""GitHub's API as a source: each page of an answer is an object, with the bytes that GitHub sent."""
