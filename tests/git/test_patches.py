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


def twins(repo: Repo) -> list[tuple[str, str, str]]:
    """(subject, earlier subject, relation)."""
    git = history.read(repo.path, repo=REPO, branch="main")
    found = patches.twins(repo.path, repo=REPO, commits=git["commits"], file_changes=git["file_changes"])
    said = git["commits"].set_index("sha")["subject"]
    rows = zip(found["sha"].map(said), found["other"].map(said), found["relation"], strict=True)
    return sorted(rows)


def test_a_commit_that_undoes_or_repeats_an_earlier_one_is_its_twin(repo: Repo) -> None:
    one, two = "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\nB\n3\n4\n5\n6\n7\n8\n9\n"
    repo.commit("set B", {"base.txt": two})
    repo.commit("another line", {"base.txt": two.replace("9", "nine")})
    repo.commit("back to 2", {"base.txt": one.replace("9", "nine")})
    repo.commit("set C", {"base.txt": two.replace("B", "C").replace("9", "nine")})
    repo.commit("back again", {"base.txt": one.replace("9", "nine")})
    repo.branch("side")
    repo.commit("on a branch", {"base.txt": two.replace("9", "nine")})
    repo.main()
    repo.merge("Merge side into main", "side")
    assert twins(repo) == [
        ("Merge side into main", "back to 2", "inverse"),
        ("Merge side into main", "set B", "same"),
        ("back again", "set C", "inverse"),
        ("back to 2", "set B", "inverse"),
    ]


def test_commits_that_touch_the_same_lines_otherwise_are_no_twins(repo: Repo) -> None:
    repo.commit("a", {"a.txt": "one\n"})
    repo.commit("b", {"b.txt": "one\n"})
    repo.commit("a differs", {"a.txt": "two\n"})
    repo.commit("a differs again", {"a.txt": "three\n"})
    repo.commit("nothing", {})
    repo.commit("nothing again", {})
    assert twins(repo) == []
