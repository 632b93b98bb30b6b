"""What `audit mine` tells of one repository by itself."""

from __future__ import annotations

from git_repo import Repo

from audit.git.alone import mine, summary


def test_reverts_copies_and_what_nothing_ties_are_counted_and_listed(repo: Repo) -> None:
    one = repo.commit("A (#1)", {"a": "1\n"}, committer="GitHub")
    two = repo.commit(f"R\n\nThis reverts commit {one}.", {"a": None})
    repo.commit(f"RR\n\nThis reverts commit {two}.", {"a": "1\n"})
    repo.commit(f"gone\n\nThis reverts commit {'f' * 40}.", {"b": "1\n"})
    repo.commit(f"short\n\nThis reverts commit {one[:8]}.", {"a": None})
    repo.commit(f"copy\n\n(cherry picked from commit {one})", {"a": "1\n"})
    repo.branch("side")
    repo.commit("work", {"c": "1\n"})
    repo.main()
    last = repo.merge("Merge side into main", "side")
    got = summary(mine(repo.path))
    assert (got["reverts"], got["reinstates"], got["picks"]) == (3, 1, 1)
    assert got["named_reverts"] == {"commits": 3, "known": 2, "linked": 2}
    assert {via: count for via, count in got["by_via"].items() if count} == {
        "pull request": 1, "branch merge": 1, "push": 6,
    }  # fmt: skip
    assert got["linked"] == 1 - 7 / 8
    assert [each["subject"] for each in got["unmatched"]] == [
        "Merge side into main", "copy", "short", "gone", "RR", "R", "Start",
    ]  # fmt: skip
    assert got["unmatched"][0] == {"sha": last, "subject": "Merge side into main", "at": got["last"]}


def test_a_repository_that_mostly_bears_gerrits_trailers_was_reviewed_there(repo: Repo) -> None:
    for number in range(3):
        trailers = f"Change-Id: I{number}{'a' * 39}\nReviewed-on: https://gerrit.example.org/{number}"
        repo.commit(f"change {number}\n\n{trailers}")
    repo.commit("past it")
    assert summary(mine(repo.path))["by_link"] == [
        {"link": "change id", "confidence": "weak", "landings": 3},
        {"link": "none", "confidence": "none", "landings": 2},
    ]
    assert summary(mine(repo.path, reviews="github"))["linked"] == 0
