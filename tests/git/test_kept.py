"""What was mined once is kept: the next run asks git for new commits alone, and nothing damaged is ever believed."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pytest
from git_repo import Repo

from audit.git import history, kept
from audit.git.kept import Kept
from audit.sources import git_command

SCHEMA = pyarrow.schema([("sha", pyarrow.string()), ("said", pyarrow.int64())])


def read(repo: Repo, folder: Path | None = None) -> dict[str, pd.DataFrame]:
    return history.read(repo.path, repo="acme/gitops", branch="main", kept=folder)


def assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    assert one.keys() == other.keys()
    for name, data in one.items():
        pd.testing.assert_frame_equal(data, other[name])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The lines that git was fed, by its command."""
    fed: dict[str, list[str]] = {}
    real = git_command.stream

    def stream(
        git_dir: Path | None, *args: str, feed: Iterable[bytes] = (), **others: Any
    ) -> Iterator[bytes]:
        lines = list(feed)
        command = next(arg for arg in args if arg in ("log", "diff-tree", "merge-tree") or arg == args[-1])
        if lines:
            fed.setdefault(command, []).extend(line.decode().strip() for line in lines)
        return real(git_dir, *args, feed=lines, **others)

    monkeypatch.setattr(git_command, "stream", stream)
    return fed


def evil(repo: Repo, number: int) -> str:
    """Lands a branch by a merge that adds a file of its own, after a rename and a commit that changes nothing."""
    repo.branch(f"side-{number}")
    repo.commit("side", {f"side {number}.txt": "a long enough text\n" * 9})
    repo.main()
    repo.git("mv", "base.txt", "moved.txt")
    repo.commit("move", {})
    repo.git("mv", "moved.txt", "base.txt")
    repo.commit("move back", {})
    repo.commit("nothing", {})
    return repo.merge("merge", f"side-{number}", resolve={f"own {number}.txt": "own\n"})


def test_a_grown_repository_reads_as_if_from_the_start_and_git_is_asked_for_new_commits_alone(
    repo: Repo, tmp_path: Path, asked: dict[str, list[str]]
) -> None:
    evil(repo, 1)
    assert_same(read(repo, tmp_path / "kept"), read(repo))
    before = repo.sha()
    merge = evil(repo, 2)
    asked.clear()
    got = read(repo, tmp_path / "kept")
    new = repo.git("rev-list", f"{before}..HEAD").split()
    assert len(new) == 5
    assert sorted(asked.pop("log")) == sorted(new)
    trees = repo.git("log", "--first-parent", "--format=%T", f"{before}~..HEAD").split()
    pairs = {f"{old} {new}" for new, old in itertools.pairwise(trees) if old != new}
    assert pairs <= set(asked["diff-tree"])
    assert len(asked.pop("diff-tree")) == len(pairs) + 1  # what the merge added by itself
    assert set(asked.pop("merge-tree")) == {
        repo.git("rev-parse", f"{merge}^1", f"{merge}^2").replace("\n", " ")
    }
    assert asked == {}
    assert_same(got, read(repo))
    assert sorted(got["merge_content"]["path"]) == ["own 1.txt", "own 2.txt"]


def test_when_nothing_is_new_git_is_asked_for_no_commit(
    repo: Repo, tmp_path: Path, asked: dict[str, list[str]]
) -> None:
    evil(repo, 1)
    first = read(repo, tmp_path)
    asked.clear()
    assert_same(read(repo, tmp_path), first)
    assert asked == {}


def test_a_branch_that_was_moved_reads_as_if_from_the_start(repo: Repo, tmp_path: Path) -> None:
    """What left the branch is kept and not shown; what was a branch's commit may now be the mainline's."""
    evil(repo, 1)
    read(repo, tmp_path)
    for target in ("side-1", "HEAD~1"):
        repo.git("reset", "--quiet", "--hard", target)
        assert_same(read(repo, tmp_path), read(repo))
        repo.commit(f"after {target}")
        assert_same(read(repo, tmp_path), read(repo))


@pytest.mark.parametrize("changed", ["version", "git"])
def test_another_version_of_the_product_or_of_git_reads_anew(
    repo: Repo, tmp_path: Path, asked: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    evil(repo, 1)
    first = read(repo, tmp_path)
    asked.clear()
    if changed == "version":
        monkeypatch.setattr(history, "VERSION", history.VERSION + 1)
    else:
        monkeypatch.setattr(kept, "_git_version", lambda: "git version 99.0")
    assert_same(read(repo, tmp_path), first)
    assert sorted(asked["log"]) == sorted(repo.git("rev-list", "HEAD").split())


NAMES = ("commits", "file_changes", "merge_content")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *((name, "a bit") for name in NAMES),
        *(("file_changes", how) for how in ("the end", "everything", "the file")),
    ],
)
def test_a_damaged_or_missing_segment_is_read_anew(
    repo: Repo, tmp_path: Path, name: str, damage: str
) -> None:
    evil(repo, 1)
    read(repo, tmp_path)
    evil(repo, 2)
    want = read(repo, tmp_path)
    segment = sorted(tmp_path.glob(f"*/{name}/*.parquet"))[0]
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 1
    if damage == "the file":
        segment.unlink()
    else:
        segment.write_bytes({"a bit": bytes(raw), "the end": bytes(raw[:-9]), "everything": b""}[damage])
    assert_same(read(repo, tmp_path), want)
    assert_same(read(repo, tmp_path), want)


@pytest.mark.parametrize("adds", range(3))
def test_a_run_that_is_killed_leaves_only_what_is_whole(repo: Repo, tmp_path: Path, adds: int) -> None:
    """Killed inside of one of its writes: what was kept before is used, nothing is half there."""
    evil(repo, 1)
    code = f"""
        import os, signal
        from pathlib import Path
        from audit.git import history, kept

        real, done = kept._write, []

        def write(where, first, rest):
            real(where, first, rest)
            done.append(where)
            if len(done) > {adds}:
                os.truncate(where, os.path.getsize(where) // 2)
                os.kill(os.getpid(), signal.SIGKILL)

        kept._write = write
        history.read(Path({str(repo.path)!r}), repo="acme/gitops", branch="main", kept=Path({str(tmp_path / "kept")!r}))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("kept/*/*/*.parquet"))) == adds
    assert_same(read(repo, tmp_path / "kept"), read(repo))


def test_runs_at_the_same_time_lose_nothing_and_count_nothing_twice(repo: Repo, tmp_path: Path) -> None:
    evil(repo, 1)
    want = read(repo)
    with ThreadPoolExecutor(3) as together:
        for got in together.map(lambda _: read(repo, tmp_path), range(3)):
            assert_same(got, want)
    assert_same(read(repo, tmp_path), want)


def batch(*rows: tuple[str, int | None]) -> pyarrow.RecordBatch:
    return pyarrow.RecordBatch.from_pylist([{"sha": sha, "said": said} for sha, said in rows], SCHEMA)


@pytest.mark.parametrize("on_disk", [True, False])
def test_rows_come_back_in_the_order_in_which_they_were_added(tmp_path: Path, on_disk: bool) -> None:
    store = Kept(tmp_path if on_disk else None, "x")
    assert store.load("n", "said", SCHEMA).to_pylist() == []
    store.add("n", [batch(("b", 2)), batch(), batch(("a", None))])
    store.add("n", [batch(("c", 3))])
    store.add("n", [])
    for seen in [store, Kept(tmp_path, "x")] if on_disk else [store]:
        assert seen.load("n", "said", SCHEMA).to_pylist() == [2, None, 3]
        assert seen.column("n", "sha") == {"a", "b", "c"}
    assert Kept(tmp_path, "y").column("n", "sha") == set()


def test_two_writers_that_know_nothing_of_each_other_both_keep_their_rows(tmp_path: Path) -> None:
    one, other = Kept(tmp_path), Kept(tmp_path)
    one.add("n", [batch(("a", 1))])
    other.add("n", [batch(("b", 2))])
    assert Kept(tmp_path).column("n", "sha") == {"a", "b"}


@pytest.mark.parametrize("on_disk", [True, False])
def test_batches_that_raise_add_nothing(tmp_path: Path, on_disk: bool) -> None:
    def broken() -> Iterator[pyarrow.RecordBatch]:
        yield batch(("a", 1))
        raise LookupError("broken off")

    store = Kept(tmp_path if on_disk else None)
    with pytest.raises(LookupError, match="broken off"):
        store.add("n", broken())
    assert store.column("n", "sha") == set()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_is_damaged_takes_everything_kept_beside_it_along(tmp_path: Path) -> None:
    """Rows of one name may say which commits those of another hold."""
    store = Kept(tmp_path)
    store.add("rows", [batch(("a", 1))])
    store.add("read", [batch(("a", None))])
    next(tmp_path.glob("*/rows/*.parquet")).write_bytes(b"PAR1")
    assert Kept(tmp_path).column("read", "sha") == set()
