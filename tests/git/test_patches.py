"""A pull request whose merge commit the forge does not name is found by its patch."""

from __future__ import annotations

import pytest
from forge_rows import REPO, operations, pull, pulls
from git_repo import Repo

from audit.git import history, landings, patches


def landed(repo: Repo, **more: object) -> list[list[object]]:
    git = history.read(repo.path, repo=REPO, branch="main")
    evidence = pulls(pull(7, None, **more))
    found = patches.find(repo.path, repo=REPO, commits=git["commits"], pulls=evidence)
    rows = landings.find(git, evidence, operations(), forge_complete=True, patches=found)["landings"]
    rows = rows[["subject", "kind", "pr_number", "link", "confidence"]].iloc[1:]
    return rows.astype(object).where(rows.notna(), None).to_numpy().tolist()


@pytest.fixture
def squashed(repo: Repo) -> Repo:
    """Two commits on a branch, and on main, after another change, one commit with what both did."""
    repo.branch("side")
    repo.commit("one", {"one.txt": "1\n"})
    repo.commit("two", {"two.txt": "2\n"})
    repo.main()
    repo.commit("other", {"other.txt": "x\n"})
    repo.commit("by hand", {"one.txt": "1\n", "two.txt": "2\n"})
    return repo


def test_the_same_patch_is_the_same_change(squashed: Repo) -> None:
    assert landed(squashed, head_sha=squashed.sha("side"))[1:] == [
        ["by hand", "rebase", 7, "patch-id", "strong"]
    ]


def test_another_patch_is_another_change(squashed: Repo) -> None:
    assert [row[1] for row in landed(squashed, head_sha=squashed.sha("side~1"))] == ["direct", "direct"]


def test_a_branch_that_is_gone_tells_nothing(squashed: Repo) -> None:
    assert [row[1] for row in landed(squashed, head_sha="e" * 40)] == ["direct", "direct"]


def test_a_patch_that_landed_twice_does_not_tell_which(squashed: Repo) -> None:
    squashed.commit("undo", {"one.txt": None, "two.txt": None})
    squashed.commit("again", {"one.txt": "1\n", "two.txt": "2\n"})
    assert {row[1] for row in landed(squashed, head_sha=squashed.sha("side"))} == {"direct"}
