"""Whether a repository is whole: what git would quietly do without, or quietly put in another's place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from audit.errors import IntegrityError
from audit.sources import git_command
from audit.sources.git_command import GitFailed
from audit.sources.git_view import common_dir, refs, view

_MOST = 20  # objects named one by one; the count of all is always given
_PROMISES = r"^(extensions\.partialclone|remote\..*\.(promisor|partialclonefilter))$"
_UNUSABLE = {
    "shallow": "fetch the rest of its history: git fetch --unshallow",
    "partial": "fetch what is missing: git fetch --refetch --no-filter, or clone it again without --filter",
    "missing object": "fetch it again from its origin, or restore it from a backup",
    "corrupt": "restore it from its origin or a backup",
}


class Problem(NamedTuple):
    """One way in which a repository is not whole, in the words of the table `repository_problems`."""

    problem: str
    detail: str


def problems(path: Path, *, tip: str | None = None) -> list[Problem]:
    """Every way in which the repository at `path` is not whole, sorted.

    Markers (shallow, grafts, replacements, alternates, promisors) are read from its files. Then every object
    that its refs (or, when given, only `tip`) need is looked for, without fetching any: `rev-list --objects`
    reads all commits and trees. Each pack's own checksum is recomputed, which finds damage on disk. That a
    promisor is configured is no problem by itself while nothing is missing.

    Raises:
        UsageError: there is no repository at `path`.
    """
    git_dir = common_dir(path)
    shallow = list(_shallow(git_dir))
    found = [*shallow, *_grafts(git_dir), *_replaced(git_dir), *_alternates(git_dir), *_packs(git_dir)]
    if not shallow:  # what lies behind a shallow mark is missing by design: one problem says it
        found += _missing(path, git_dir, tip)
    return sorted(set(found))


def refuse(found: list[Problem], name: str) -> None:
    """Ends the run when a repository can't be audited because part of its history is not there.

    Raises:
        IntegrityError: it is shallow, partial, damaged or lacks objects; names it, the object and the remedy.
    """
    for problem, detail in found:
        if problem in _UNUSABLE:
            raise IntegrityError(
                f"{name}: the repository is not whole: {problem}: {detail}", remedy=_UNUSABLE[problem]
            )


def marks(path: Path) -> list[Problem]:
    """The problems that its files tell without a look at any object: cheap."""
    git_dir = common_dir(path)
    return sorted({*_shallow(git_dir), *_grafts(git_dir), *_replaced(git_dir), *_alternates(git_dir)})


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="backslashreplace").split("\n")


def _shallow(git_dir: Path) -> Iterator[Problem]:
    cut = sorted(line for line in _lines(git_dir / "shallow") if line)
    if cut:
        yield Problem("shallow", f"history is cut below {len(cut)} commits: {' '.join(cut[:3])}")


def _grafts(git_dir: Path) -> Iterator[Problem]:
    for line in _lines(git_dir / "info" / "grafts"):
        if line and not line.startswith("#"):
            yield Problem("grafted", f"info/grafts gives {line.split()[0]} other parents")


def _replaced(git_dir: Path) -> Iterator[Problem]:
    for ref, sha in refs(git_dir).items():
        if ref.startswith("refs/replace/"):
            yield Problem("replaced", f"{ref.removeprefix('refs/replace/')} is replaced by {sha}")


def _alternates(git_dir: Path) -> Iterator[Problem]:
    for name in ("alternates", "http-alternates"):
        for line in _lines(git_dir / "objects" / "info" / name):
            if line and not line.startswith("#"):
                yield Problem("alternates", f"objects are borrowed through objects/info/{name}")


def promisor(git_dir: Path) -> bool:
    """Whether the repository says that another one holds objects which it lacks."""
    if any((git_dir / "objects" / "pack").glob("*.promisor")):
        return True
    said = git_command.run(git_dir, "config", "--local", "--get-regexp", _PROMISES, ok=(0, 1))
    return bool(said)


def _missing(path: Path, git_dir: Path, tip: str | None) -> Iterator[Problem]:
    kind = "partial" if promisor(git_dir) else "missing object"
    start = ["--all"] if tip is None else [tip]
    with view(path) as seen:
        try:
            said = git_command.run(seen, "rev-list", "--objects", "--missing=print", "--quiet", *start)
        except GitFailed as error:
            yield _broken(error, kind)
            return
    gone = sorted(line[1:].decode() for line in said.split(b"\n") if line.startswith(b"?"))
    if kind == "partial" and gone:
        some = f", the first {_MOST} by id" if len(gone) > _MOST else ""
        yield Problem(kind, f"{len(gone)} objects were left out{some}: {' '.join(gone[:_MOST])}")
        return
    for sha in gone[:_MOST]:
        yield Problem(kind, f"{sha} (one of {len(gone)})" if len(gone) > 1 else sha)


def _broken(error: GitFailed, kind: str) -> Problem:
    """What a walk that died says: an object that is not there, or one that can't be read."""
    said = " ".join(error.said.split())
    damaged = re.search(r"corrupt|inflate|mismatch|unpack|malformed|zlib|loose object", said)
    return Problem("corrupt" if damaged else kind, said)


def _packs(git_dir: Path) -> Iterator[Problem]:
    """Packs whose last 20 bytes are not the SHA-1 of those before, or that have no index."""
    for pack in sorted((git_dir / "objects" / "pack").glob("*.pack")):
        with pack.open("rb") as file:
            left, digest = pack.stat().st_size - 20, hashlib.sha1(usedforsecurity=False)
            while left > 0 and (chunk := file.read(min(left, 1 << 20))):
                digest.update(chunk)
                left -= len(chunk)
            if file.read() != digest.digest():
                yield Problem("corrupt", f"checksum of {pack.name} does not match its bytes")
        if not pack.with_suffix(".idx").exists():
            yield Problem("corrupt", f"{pack.name} has no index")
