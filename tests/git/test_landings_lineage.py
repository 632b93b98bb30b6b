"""What a landing takes back, brings back or copies."""

from __future__ import annotations

import pytest
from forge_rows import pull
from git_repo import Repo
from landing_rows import Found

LINEAGE = ("reverts", "reinstates", "picks")


def test_a_revert_of_a_revert_brings_the_change_back_however_long_the_chain(repo: Repo) -> None:
    last = repo.commit("A")
    for number in range(1, 6):
        last = repo.commit(f"R{number}\n\nThis reverts commit {last}.")
    assert Found(repo).told("subject", *LINEAGE) == [
        ("A", None, None, None),
        ("R1", "A", None, None),
        ("R2", "R1", "A", None),
        ("R3", "R2", None, None),
        ("R4", "R3", "A", None),
        ("R5", "R4", None, None),
    ]


def test_an_abbreviated_id_is_followed_where_it_is_the_only_one(repo: Repo) -> None:
    made = repo.commit("A")
    repo.commit(f"R\n\nThis reverts commit {made[:9]}.")
    repo.commit("R of nothing\n\nThis reverts commit fffffff0.")
    assert Found(repo).told("reverts") == [(None,), ("A",), (None,)]


def test_the_revert_of_a_merge_is_the_revert_of_its_landing(repo: Repo) -> None:
    repo.branch("side")
    inner = repo.commit("work")
    repo.main()
    before = repo.sha()
    merge = repo.merge("Merge pull request #1 from acme/side", "side", committer="GitHub")
    repo.commit(f"Undo all\n\nThis reverts commit {merge}, reversing\nchanges made to {before}.")
    repo.commit(f"Undo a part\n\nThis reverts commit {inner}.")
    subject = "Merge pull request #1 from acme/side"
    assert Found(repo, pull(1, merge)).told("reverts") == [(None,), (subject,), (subject,)]


def test_a_revert_within_its_own_landing_takes_nothing_back(repo: Repo) -> None:
    repo.branch("side")
    inner = repo.commit("work")
    repo.commit(f"on second thoughts\n\nThis reverts commit {inner}.")
    repo.main()
    merge = repo.merge("Merge pull request #1 from acme/side", "side", committer="GitHub")
    assert Found(repo, pull(1, merge)).told(*LINEAGE) == [(None, None, None)]


def test_without_a_word_the_inverse_patch_is_a_revert_and_the_same_one_a_copy(repo: Repo) -> None:
    repo.commit("tag v2", {"tag": "v2\n"})
    repo.commit("tag v3", {"tag": "v3\n"})
    repo.commit("other", {"x": "1\n"})
    repo.commit("tag v2 again", {"tag": "v2\n"})
    repo.commit("other undone", {"x": None})
    repo.commit("other once more", {"x": "1\n"})
    repo.commit("tag v4", {"tag": "v4\n"})
    repo.commit("tag v2 by hand", {"tag": "v2\n"})
    assert Found(repo).told("subject", *LINEAGE) == [
        ("tag v2", None, None, None),
        ("tag v3", None, None, None),
        ("other", None, None, None),
        ("tag v2 again", "tag v3", None, None),
        ("other undone", "other", None, None),
        ("other once more", "other undone", "other", None),
        ("tag v4", None, None, None),
        ("tag v2 by hand", "tag v4", None, None),
    ]


def test_a_cherry_pick_is_a_copy_by_its_word_and_else_by_its_patch(repo: Repo) -> None:
    text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
    origin = repo.commit("A", {"base.txt": text.replace("2", "B")})
    repo.commit("away", {"base.txt": text, "too.txt": "x\n"})
    repo.commit(
        f"A again\n\n(cherry picked from commit {origin})", {"base.txt": text.replace("2", "B") + "10\n"}
    )
    repo.commit("away once more", {"base.txt": text, "three.txt": "x\n"})
    repo.commit("A by hand", {"base.txt": text.replace("2", "B")})
    repo.commit(f"not ours\n\n(cherry picked from commit {'f' * 40})", {"z": "z\n"})
    assert Found(repo).told("subject", "picks", "reverts") == [
        ("A", None, None),
        ("away", None, None),
        ("A again", "A", None),
        ("away once more", None, None),
        ("A by hand", "A", None),
        ("not ours", None, None),
    ]


@pytest.mark.parametrize("word", ["This reverts commit {}.", "(cherry picked from commit {})"])
def test_what_has_not_landed_yet_is_neither_taken_back_nor_copied(repo: Repo, word: str) -> None:
    """A commit of a branch may be named before it lands: what names it cannot undo its landing."""
    repo.branch("side")
    early = repo.commit("early")
    repo.main()
    repo.commit(f"names it\n\n{word.format(early)}", {"x": "x\n"})
    merge = repo.merge("Merge pull request #1 from acme/side", "side", committer="GitHub")
    assert Found(repo, pull(1, merge)).told("reverts", "picks") == [(None, None), (None, None)]


def test_a_commit_of_a_squashed_branch_stands_for_what_landed_it(repo: Repo) -> None:
    """Two pull requests hold it, one built on the other: the one that landed first is meant, and never the own one."""
    repo.branch("one", "main")
    named = repo.commit("work", {"one.txt": "1\n"})
    repo.git("update-ref", "refs/pull/1/head", named)
    repo.git("update-ref", "refs/pull/2/head", repo.commit("more work", {"two.txt": "1\n"}))
    repo.main()
    first = repo.commit(
        f"First (#1)\n\n* try\n* undo: This reverts commit {named}.", {"one.txt": "1\n"}, committer="GitHub"
    )
    second = repo.commit("Second (#2)", {"two.txt": "1\n"}, committer="GitHub")
    repo.commit(f"Undo\n\nThis reverts commit {named}.", {"x.txt": "1\n"})
    repo.commit(f"Copy\n\n(cherry picked from commit {named})", {"y.txt": "1\n"})
    repo.commit(f"Nobody's\n\nThis reverts commit {'f' * 40}.", {"z.txt": "1\n"})
    repo.git("branch", "--quiet", "-D", "one")
    assert Found(repo, pull(1, first), pull(2, second)).told("subject", "reverts", "picks") == [
        ("First (#1)", None, None),
        ("Second (#2)", None, None),
        ("Undo", "First (#1)", None),
        ("Copy", None, "First (#1)"),
        ("Nobody's", None, None),
    ]
