"""Gerrit's changes, branches merged without a pull request, and default branches that had other names."""

from __future__ import annotations

from typing import Any

import pytest
from forge_rows import ZEROS, at, pull, push
from git_repo import Repo
from landing_rows import Found

ID = "I" + "1" * 40
ADDRESS = "https://gerrit.example.org/r/c/gitops/+/7"
TRAILERS = f"\n\nChange-Id: {ID}\nReviewed-on: {ADDRESS}"
CHANGE = ("kind", "via", "change", "link", "confidence")


def test_gerrits_trailers_make_a_change_where_changes_are_reviewed_there(repo: Repo) -> None:
    repo.commit(f"Do it{TRAILERS}")
    repo.commit(f"Submitted without an address\n\nChange-Id: {ID}")
    repo.commit(f"An address alone\n\nReviewed-on: {ADDRESS}")
    repo.commit("Pushed past it")
    assert Found(repo, reviews="gerrit").told(*CHANGE) == [
        ("rebase", "gerrit", ADDRESS, "change id", "weak"),
        ("rebase", "gerrit", ID, "change id", "weak"),
        ("direct", "push", None, "none", "none"),
        ("direct", "push", None, "none", "none"),
    ]


def test_in_a_repository_reviewed_on_the_forge_trailers_prove_nothing(repo: Repo) -> None:
    repo.commit(f"Do it{TRAILERS}")
    assert Found(repo).told(*CHANGE) == [("direct", "push", None, "none", "none")]


def test_gerrits_merge_commit_is_the_change_that_it_merges(repo: Repo) -> None:
    repo.branch("change")
    repo.commit(f"Do it{TRAILERS}")
    repo.main()
    repo.commit(f"Another{TRAILERS.replace('/7', '/8')}")
    repo.merge('Merge "Do it"', "change")
    repo.branch("loose")
    repo.commit("Never reviewed")
    repo.main()
    repo.merge('Merge "Never reviewed"', "loose")
    assert Found(repo, reviews="gerrit").told("kind", "via", "change", "commits") == [
        ("rebase", "gerrit", ADDRESS.replace("/7", "/8"), 1),
        ("merge", "gerrit", ADDRESS, 2),
        ("direct", "branch merge", None, 2),
    ]


def test_changes_of_one_push_are_landings_of_their_own(repo: Repo) -> None:
    root = repo.sha()
    repo.commit(f"One{TRAILERS}")
    repo.commit("loose")
    head = repo.commit(f"Two{TRAILERS}")
    found = Found(repo, pushes=(push(1, root, head),), reviews="gerrit")
    assert found.told("subject", "via", "mainline_commits") == [
        ("One", "gerrit", 1), ("loose", "push", 1), ("Two", "gerrit", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "via"),
    [
        ("Merge update-image-tag/web/prod/v1 into main", "branch merge"),
        ("Merge branch 'side'", "branch merge"),
        ("Merge branch 'side' into main", "branch merge"),
        ("Merge remote-tracking branch 'origin/side'", "branch merge"),
        ("Merge pull request #9 from acme/side", "branch merge"),  # there is no such pull request
        ("Whatever it is called", "branch merge"),
        ("Merge branch 'main' of example.org:gitops", "push"),  # a pull before a push
        ("Merge remote-tracking branch 'origin/main'", "push"),
    ],
)
@pytest.mark.parametrize("committer", ["ann", "GitHub"])
def test_a_branch_merged_without_a_pull_request_is_told_from_a_push(
    repo: Repo, subject: str, via: str, committer: str
) -> None:
    repo.branch("side")
    repo.commit("work", author="bob")
    repo.main()
    head = repo.merge(subject, "side", committer=committer)
    pushed = (push(1, repo.sha("HEAD~1"), head, actor="image-bot"),)
    found = Found(repo, pushes=pushed)
    assert found.told("kind", "via", "pr_number", "pusher", "commits") == [
        ("direct", via, None, "image-bot", 2)
    ]


def test_a_merge_among_other_commits_of_one_push_is_part_of_it(repo: Repo) -> None:
    root = repo.sha()
    repo.branch("side")
    repo.commit("work")
    repo.main()
    repo.merge("Merge branch 'side'", "side")
    head = repo.commit("and more")
    assert Found(repo, pushes=(push(1, root, head),)).told("via", "commits") == [("push", 3)]


def renamed(repo: Repo) -> tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]:
    """Pull request 1 into master, a push of two commits to master, a renaming, and pull request 2 into main."""
    root = repo.sha()
    old = repo.commit("Into master (#1)", committer="GitHub")
    repo.commit("pushed 1")
    last = repo.commit("pushed 2")
    new = repo.commit("Into main (#2)", committer="GitHub")
    master = {"ref": "refs/heads/master"}
    pushes = (
        push(1, root, old, "pr_merge", **master),
        push(2, old, last, actor="dan", **master),
        push(3, ZEROS, last, "branch_creation"),
        push(4, last, ZEROS, "branch_deletion", **master),
        push(5, last, new, "pr_merge"),
    )
    return (pull(1, old, base_ref="master"), pull(2, new)), pushes


def test_what_landed_under_a_former_name_of_the_branch_landed_here(repo: Repo) -> None:
    made, pushes = renamed(repo)
    found = Found(repo, *made, pushes=pushes, former_branches=("master",))
    assert found.told("pr_number", "mainline_commits", "pusher", "landed_at") == [
        (1, 1, "bob", at(10)),
        (None, 2, "dan", at(2)),
        (2, 1, "bob", at(10)),
    ]


def test_a_name_that_the_settings_do_not_give_is_another_branch(repo: Repo) -> None:
    made, pushes = renamed(repo)
    assert Found(repo, *made, pushes=pushes).told("pr_number", "mainline_commits") == [
        (None, 1), (None, 1), (None, 1), (2, 1),
    ]  # fmt: skip
