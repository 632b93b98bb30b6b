"""What counts as a merge commit's own content, and what does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from git_repo import Repo

from audit.errors import IntegrityError
from audit.git import history
from audit.git.merges import own_paths, unquote
from audit.sources import git_command

BASE = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"


def own(repo: Repo) -> list[tuple[str, str, bool]]:
    found = history.read(repo.path, repo="acme/gitops", branch="main")["merge_content"]
    return list(zip(found["sha"], found["path"], found["conflicted"], strict=True))


def both_sides(repo: Repo, side: str, main: str) -> None:
    """`base.txt` changed on a branch and on main."""
    repo.branch("side")
    repo.commit("side", {"base.txt": side})
    repo.main()
    repo.commit("main", {"base.txt": main})


def test_a_merge_that_git_makes_by_itself_is_clean(repo: Repo) -> None:
    both_sides(repo, BASE.replace("1\n", "one\n"), BASE.replace("9\n", "nine\n"))
    repo.merge("merge", "side")
    assert own(repo) == []


def test_a_line_that_only_the_merge_commit_has_is_its_own(repo: Repo) -> None:
    both_sides(repo, BASE.replace("1\n", "one\n"), BASE.replace("9\n", "nine\n"))
    evil = BASE.replace("1\n", "one\n").replace("9\n", "nine\n").replace("5\n", "privileged: true\n")
    merge = repo.merge("merge", "side", resolve={"base.txt": evil, "new file.txt": "smuggled\n"})
    assert own(repo) == [(merge, "base.txt", False), (merge, "new file.txt", False)]


def test_an_evil_merge_of_a_branch_that_could_be_fast_forwarded(repo: Repo) -> None:
    """The forge's usual case: the branch was up to date with main."""
    repo.branch("side")
    repo.commit("side")
    repo.main()
    merge = repo.merge("merge", "side", resolve={"smuggled": "x\n"})
    assert own(repo) == [(merge, "smuggled", False)]


def test_an_up_to_date_branch_merged_as_it_is_is_clean(repo: Repo) -> None:
    repo.branch("side")
    repo.commit("side")
    repo.main()
    repo.merge("merge", "side")
    assert own(repo) == []


def test_a_merge_that_drops_the_branch_is_not_what_git_makes(repo: Repo) -> None:
    repo.branch("side")
    repo.commit("side", {"side.txt": "x\n"})
    repo.main()
    repo.commit("main")
    repo.clock += 60
    repo.git("merge", "--quiet", "-s", "ours", "-m", "dropped", "side")
    assert own(repo) == [(repo.sha(), "side.txt", False)]


@pytest.mark.parametrize(
    ("resolved", "evil"),
    [
        ("five\n", False),  # theirs
        ("cinq\n", False),  # ours
        ("cinq\nfive\n", False),  # both, in one order
        ("five\ncinq\n", False),  # both, in the other
        ("fünf\n", True),  # neither's
        ("cinq\nprivileged: true\n", True),  # ours and more
    ],
)
def test_a_conflict_may_be_resolved_only_with_the_parents_lines(
    repo: Repo, resolved: str, evil: bool
) -> None:
    both_sides(repo, BASE.replace("5\n", "five\n"), BASE.replace("5\n", "cinq\n"))
    merge = repo.merge("merge", "side", resolve={"base.txt": BASE.replace("5\n", resolved)})
    assert own(repo) == ([(merge, "base.txt", True)] if evil else [])


def test_beside_an_honest_conflict_a_path_git_could_merge_is_told_apart(repo: Repo) -> None:
    both_sides(repo, BASE.replace("5\n", "five\n"), BASE.replace("5\n", "cinq\n"))
    fixed = {"base.txt": BASE.replace("5\n", "cinq\n"), "smuggled.txt": "x\n"}
    merge = repo.merge("merge", "side", resolve=fixed)
    assert own(repo) == [(merge, "smuggled.txt", False)]


def test_a_conflict_that_is_resolved_by_deleting_what_both_keep_is_own_content(repo: Repo) -> None:
    both_sides(repo, BASE.replace("5\n", "five\n"), BASE.replace("5\n", "cinq\n"))
    merge = repo.merge("merge", "side", resolve={"base.txt": "cinq\n9\n"})
    assert own(repo) == [(merge, "base.txt", True)]


def test_a_conflict_in_a_path_with_odd_bytes(repo: Repo) -> None:
    name = 'odd "näme\\x\n'
    repo.commit("odd", {name: BASE})
    repo.branch("side")
    repo.commit("side", {name: BASE.replace("5", "five")})
    repo.main()
    repo.commit("main", {name: BASE.replace("5", "cinq")})
    merge = repo.merge("merge", "side", resolve={name: BASE.replace("5", "neither")})
    assert own(repo) == [(merge, 'odd "näme\\x5cx\n', True)]


def test_an_octopus_is_clean_or_not_by_its_combined_diff(repo: Repo) -> None:
    for name in ("a", "b", "c", "d"):
        repo.branch(name, "main")
        repo.commit(name, {f"{name}.txt": f"{name}\n"})
    repo.main()
    repo.merge("clean octopus", "a", "b")
    merge = repo.merge("octopus with more", "c", "d", resolve={"c.txt": "c\nmore\n"})
    assert len(repo.git("rev-parse", "HEAD^@").split()) == 3
    assert own(repo) == [(merge, "c.txt", False)]


def test_histories_without_a_common_root_can_be_merged(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--orphan", "other")
    repo.git("rm", "-rq", "-f", ".")
    repo.commit("other root", {"other.txt": "x\n"})
    repo.main()
    repo.clock += 60
    repo.git("merge", "--quiet", "--no-ff", "--allow-unrelated-histories", "-m", "joined", "other")
    assert own(repo) == []


def test_many_merges_in_a_row_are_each_judged(repo: Repo) -> None:
    evil = []
    for number in range(12):
        repo.branch("side", "main")
        repo.commit("side", {f"f{number}": "x\n"})
        repo.main()
        repo.commit("main", {f"m{number}": "x\n"})
        merge = repo.merge(
            f"merge {number}", "side", resolve={f"e{number}": "x\n"} if number % 3 == 0 else None
        )
        evil += [(merge, f"e{number}", False)] if number % 3 == 0 else []
    assert sorted(own(repo)) == sorted(evil)


def test_lines_that_look_like_headers_are_content() -> None:
    sha = "a" * 40
    diff = [
        sha,
        "",
        "diff --cc f",
        "index 1,2..3",
        "--- a/f",
        "+++ b/f",
        "@@@ -1,2 -1,2 +1,3 @@@",
        "  1",
        " +diff --cc g",
        "  -- 2",
    ]
    lines = [line.encode() for line in diff]
    assert list(own_paths(lines, {sha: 2})) == []
    assert list(own_paths([*lines, b"++own"], {sha: 2})) == [(sha, "f")]


@pytest.mark.parametrize(
    ("quoted", "name"),
    [(b"plain", b"plain"), (rb'"a\"b\\c\n\303\251"', b'a"b\\c\n\xc3\xa9'), (rb'"\t\001"', b"\t\1")],
)
def test_quoted_paths_are_read_back(quoted: bytes, name: bytes) -> None:
    assert unquote(quoted) == name


def test_a_trial_that_fails_after_its_last_merge_is_an_error(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git may write everything that was asked for and fail all the same: its exit status decides."""
    repo.branch("side")
    repo.commit("side")
    repo.main()
    repo.commit("direct")
    repo.merge("merge", "side")
    real = git_command.stream

    def stream(git_dir: Path | None, *args: str, **others: Any) -> Iterator[bytes]:
        return real(git_dir, *args, **others | ({"ok": (7,)} if "merge-tree" in args else {}))

    monkeypatch.setattr(git_command, "stream", stream)
    with pytest.raises(IntegrityError, match="'git merge-tree' failed with status 0"):
        history.read(repo.path, repo="acme/gitops", branch="main")
