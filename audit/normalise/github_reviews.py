"""GitHub reviews of pull requests, as REST gives them, to `reviews`."""

from __future__ import annotations

import re

import msgspec

from audit.normalise.github import Account, login, repository
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, has
from audit.normalise.times import Time, optional

_STATES = frozenset({"APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"})
_NUMBER = re.compile(r"/pulls/([1-9][0-9]{0,17})$")


class Review(msgspec.Struct):
    """One review. A pending one was not submitted yet."""

    id: Id
    user: Account | None
    state: str
    pull_request_url: str
    commit_id: str | None = None
    submitted_at: Time | None = None


def _rows(review: Review, context: Context) -> Outcome:
    number = _NUMBER.search(review.pull_request_url)
    if number is None:
        raise Unreadable("pull_request_url names no pull request")
    state = review.state.upper()
    if state not in _STATES:
        raise Unreadable(f"unknown state {review.state[:40]!r}")
    at = optional(review.submitted_at)
    if at is None and state != "PENDING":
        raise Unreadable("submitted_at is missing, and it is not pending")
    row = {
        "repo": repository(review.pull_request_url, context),
        "number": int(number[1]),
        "review_id": review.id,
        "reviewer": login(review.user),
        "state": state,
        "submitted_at": at,
        "commit_sha": review.commit_id,
    }
    return Outcome([("reviews", row)], at)


FORMAT = JsonFormat(
    "github-reviews",
    1,
    ("reviews",),
    Review,
    _rows,
    has(("id", "state", "pull_request_url", "user"), lacks=("path", "diff_hunk")),
)
