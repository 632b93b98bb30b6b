"""Mining against git itself, PyDriller's own loop and Perceval's git backend, and what is made of it against mining.

All ratios come from one run over the same commits: a repository that is cut at a mainline commit, because PyDriller
needs an hour for a large one. What PyDriller says of each file is compared with what we say.
"""

from __future__ import annotations

import importlib.util
import subprocess
from collections import Counter
from functools import partial
from pathlib import Path

import pydriller

from audit.git import history, observe, secrets
from audit.git.contents import Contents, Step
from audit.git.graph import BuildGraph
from audit.git.mining import text
from audit.git.paths import PathRules
from audit.simulator.organisation import simulate
from audit.sources.git_view import view
from bench.timing import Timed, show, timed

COMMITS = 4_000
_NAME = "bench/repository"
_KEY = b"a key for measuring"
_KINDS = {"ADD": "A", "DELETE": "D", "RENAME": "R", "COPY": "C", "MODIFY": "M", "UNKNOWN": "?"}

Fact = tuple[str, str | None, str | None, str, int, int]
"""Commit, path before, path after, status, lines added, lines deleted (0 for binary files)."""


def run(folder: Path, repository: Path | None) -> None:
    """Mines one repository: the whole of it against git, and a range that all can do against everybody."""
    if repository is None:
        simulate(folder, seed=1, changes=3_000, log_events=1_000)
        repository = folder / "repositories" / "netbpf-gitops.git"
    whole = history.read(repository, repo=_NAME, branch=None)
    commits = len(whole["commits"])
    show(f"Mining {commits:,} commits", *_ours_and_git(repository, commits))
    tip, commits = _cut(whole)
    part = _copy(repository, folder / "part.git", str(whole["repositories"]["branch"].iloc[0]), tip)
    ours, git = _ours_and_git(part, commits)
    found: list[Fact] = []
    peer = timed(
        "PyDriller's loop over modified_files",
        lambda: found.extend(_pydriller(part)),
        work=commits,
        unit="commits",
        runs=1,
    )
    show(
        f"Mining {commits:,} commits, all in the same range",
        ours,
        git,
        peer,
        *_perceval(part, folder, commits),
    )
    print(f"  limit: 10 times PyDriller's speed; this is {peer.median / ours.median:.1f} times")
    tables = history.read(part, repo=_NAME, branch=None)
    _compare(tables, found)
    _contents(part, tables, ours)


def _ours_and_git(path: Path, commits: int) -> tuple[Timed, Timed]:
    return (
        timed(
            "audit: commits, mainline diffs, merges' own content",
            lambda: history.read(path, repo=_NAME, branch=None),
            work=commits,
            unit="commits",
        ),
        timed(
            "git log --raw --numstat -m --first-parent > /dev/null",
            lambda: _git(path, "log", "--raw", "--numstat", "-m", "--first-parent"),
            work=commits,
            unit="commits",
        ),
    )


def _cut(whole: history.Tables) -> tuple[str, int]:
    """The last mainline commit that reaches no more than `COMMITS` commits, and how many it reaches."""
    table = whole["commits"]
    reached = table["landed_by"].value_counts().sort_index().cumsum()
    place = max(reached.index[reached <= COMMITS].max(), 0)
    (tip,) = table.loc[table["position"].eq(place).fillna(False).astype(bool), "sha"]
    return tip, int(reached[place])


def _copy(repository: Path, path: Path, branch: str, tip: str) -> Path:
    """A bare repository with nothing but one branch that ends at `tip`. PyDriller reads none that is not named .git."""
    subprocess.run(["git", "init", "-q", "--bare", f"--initial-branch={branch}", str(path)], check=True)
    packed = subprocess.run(
        ["git", "-C", str(repository), "pack-objects", "--revs", "--stdout", "-q", "--delta-base-offset"],
        input=f"{tip}\n".encode(),
        capture_output=True,
        check=True,
    )
    subprocess.run(
        ["git", "-C", str(path), "index-pack", "--stdin"],
        input=packed.stdout,
        capture_output=True,
        check=True,
    )
    _git(path, "update-ref", f"refs/heads/{branch}", tip)
    return path


def _pydriller(path: Path) -> list[Fact]:
    return [
        (
            commit.hash, file.old_path if file.change_type.name != "MODIFY" else None, file.new_path,
            _KINDS[file.change_type.name], file.added_lines, file.deleted_lines,
        )
        for commit in pydriller.Repository(str(path)).traverse_commits()
        for file in commit.modified_files
    ]  # fmt: skip


_DIFFERENCES = (
    "files that only one of the two names",
    "files of another status or former path",
    "files of other numbers of lines",
    "files of which PyDriller does not know what changed: their mode alone",
)


def _compare(tables: history.Tables, theirs: list[Fact]) -> None:
    """Says in how many files of the mainline's non-merge commits PyDriller and we differ, and in what."""
    commits = tables["commits"]
    alone = commits["position"].notna() & ~commits["parents"].str.contains(" ", regex=False)
    shas = set(commits.loc[alone, "sha"])
    changes = tables["file_changes"]
    changes = changes[changes["sha"].isin(shas)]
    former = changes["old_path"].astype(object).where(changes["old_path"].notna(), None)
    lines = changes[["added", "deleted"]].fillna(0)
    keys = zip(changes["sha"], changes["path"], strict=True)
    facts = zip(former, changes["status"], lines["added"], lines["deleted"], strict=True)
    ours = dict(zip(keys, facts, strict=True))
    said = {
        (sha, _path(new or old or "")): (_path(old) if kind in "RC" and old else None, kind, added, deleted)
        for sha, old, new, kind, added, deleted in theirs
        if sha in shas
    }
    differ = Counter(_difference(ours.get(key), said.get(key)) for key in ours.keys() | said.keys())
    print(f"  {len(ours):,} files of {len(shas):,} non-merge mainline commits compared with PyDriller's:")
    for what in _DIFFERENCES:
        print(f"    {differ[what]:,} {what}")


def _difference(one: tuple[object, ...] | None, other: tuple[object, ...] | None) -> str:
    if one is None or other is None:
        return _DIFFERENCES[0]
    if other[1] == "?" and one[1] == "M" and one[2:] == (0, 0):
        return _DIFFERENCES[3]
    if one[:2] != other[:2]:
        return _DIFFERENCES[1]
    return _DIFFERENCES[2] if one != other else ""


def _path(name: str) -> str:
    return text(name.encode("utf-8", "surrogateescape"))


def _perceval(path: Path, folder: Path, commits: int) -> list[Timed]:
    """Perceval's git backend over its own clone, which is made before; none when it is not installed."""
    if importlib.util.find_spec("perceval") is None:
        print("\nPerceval is not installed, and so not compared with: pip install 'gitops-audit[bench]'")
        return []
    from perceval.backends.core.git import Git  # noqa: PLC0415

    backend = Git(str(path), str(folder / "perceval.git"))
    for _ in backend.fetch():
        break
    return [
        timed(
            "Perceval's git backend",
            lambda: sum(1 for _ in backend.fetch(no_update=True)),
            work=commits,
            unit="commits",
        )
    ]


def _contents(path: Path, tables: history.Tables, mining: Timed) -> None:
    """What contents say of every mainline commit, against mining."""
    steps = observe.mainline_steps(tables, 0)
    with view(path) as seen:
        parts = [
            timed(name, partial(function, seen, steps), work=mining.work, unit="commits")
            for name, function in (
                (f"environments of {len(steps):,} mainline commits", _environments),
                ("secrets that they added", _secrets),
            )
        ]
    scope = observe.Scope(PathRules((), ()), _KEY)
    everything = timed(
        "both, with images and what the tip says, as tables",
        lambda: observe.read(path, tables, scope, since=None),
        work=mining.work,
        unit="commits",
    )
    show("What contents say, against mining", mining, *parts, everything)
    both = sum(part.median for part in parts) / mining.median
    print(f"  limit: environments and secrets together 2 times mining; this is {both:.2f} times")


def _environments(seen: Path, steps: list[Step]) -> None:
    with Contents(seen) as contents:
        graph = BuildGraph(contents, PathRules((), ()), (), None, ())
        graph.begin({}, "")
        for _ in graph.walk(steps):
            pass


def _secrets(seen: Path, steps: list[Step]) -> None:
    with Contents(seen) as contents:
        secrets.scan(seen, contents, steps, key=_KEY)


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")
