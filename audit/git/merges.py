r"""What merge commits bring in by themselves (evil merges).

A merge is clean when its tree is what git makes of its parents. Where it is not, the paths that differ are its own
content. Three ways to tell, the cheapest first:

1. The first parent is an ancestor of the second: git would have taken the second's tree as it is.
2. `git merge-tree` merges the parents again, all merges in one process. A tree that differs is tried once more
   without rename detection, as older forges merge.
3. Where git could not merge a path, or a merge has three or more parents, the combined diff is read: only lines
   that are in the result and in none of the parents, or in all parents and not in the result, are the merge's own.
   A conflict that was resolved by choosing among the parents' lines is honest.

Limits: merge drivers that a repository's attributes name are not run, so their results show as own content. Merges
inside a branch, off the mainline, are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from audit.errors import IntegrityError
from audit.git.diffs import paths_between
from audit.git.mining import text
from audit.sources import git_command

_ESCAPES = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")


class Merge(NamedTuple):
    """A merge commit on the mainline. `fast`: its first parent is an ancestor of its second."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    parent_trees: tuple[str, ...]
    fast: bool


class OwnContent(NamedTuple):
    """A path in which a merge differs from what git makes of its parents."""

    sha: str
    path: str
    conflicted: bool


class _Auto(NamedTuple):
    tree: str
    conflicts: frozenset[str]


def own_content(view: Path, merges: Iterable[Merge]) -> list[OwnContent]:
    """What merges brought in by themselves, in the order of the merges.

    Args:
        view: git directory that may be written to: trial merges leave objects there.

    Raises:
        IntegrityError: git could not read an object or could not try a merge.
    """
    found: list[OwnContent] = []
    merges = list(merges)
    pairs = [merge for merge in merges if len(merge.parents) == 2]
    quick = [merge for merge in pairs if merge.fast]
    found += _differing(view, {m: _Auto(m.parent_trees[1], frozenset()) for m in quick})
    tried = _auto(view, [merge for merge in pairs if not merge.fast])
    unlike = [m for m, auto in tried.items() if m.tree != auto.tree and not auto.conflicts]
    again = _auto(view, unlike, "merge.renames=false")
    tried = {m: a for m, a in tried.items() if m not in again or m.tree != again[m].tree}
    found += _differing(view, tried)
    combined = [m for m, auto in tried.items() if auto.conflicts and m.tree != auto.tree]
    found += (
        OwnContent(merge.sha, path, True)
        for merge, path in _in_no_parent(view, combined)
        if path in tried[merge].conflicts
    )
    octopuses = [merge for merge in merges if len(merge.parents) > 2]
    found += (OwnContent(merge.sha, path, False) for merge, path in _in_no_parent(view, octopuses))
    order = {merge.sha: place for place, merge in enumerate(merges)}
    return sorted(set(found), key=lambda own: (order[own.sha], own.path))


def _differing(view: Path, tried: dict[Merge, _Auto]) -> Iterator[OwnContent]:
    """Paths that git merged by itself, and that the commit has otherwise."""
    unlike = {merge: auto for merge, auto in tried.items() if merge.tree != auto.tree}
    paths = paths_between(view, ((auto.tree, merge.tree) for merge, auto in unlike.items()))
    for merge, auto in unlike.items():
        for path in paths[auto.tree, merge.tree]:
            if path not in auto.conflicts:
                yield OwnContent(merge.sha, path, False)


def _auto(view: Path, merges: list[Merge], *options: str) -> dict[Merge, _Auto]:
    """What git makes of the parents of each merge, and the paths that it could not merge."""
    if not merges:
        return {}
    settings = [part for option in ("merge.directoryRenames=false", *options) for part in ("-c", option)]
    chunks = git_command.stream(
        view, *settings, "merge-tree", "--write-tree", "--stdin", "--name-only", "--no-messages", "--allow-unrelated-histories",
        feed=(f"{merge.parents[0]} {merge.parents[1]}\n".encode() for merge in merges),
    )  # fmt: skip
    parts = git_command.tokens(chunks)
    found: dict[Merge, _Auto] = {}
    for merge in merges:
        head = tuple(islice(parts, 2))
        if len(head) != 2 or head[0] not in (b"0", b"1"):
            raise IntegrityError(f"merge {merge.sha}: git could not try it again", remedy="run 'git fsck'")
        names = frozenset(text(name) for name in iter(lambda: next(parts, b""), b""))
        found[merge] = _Auto(head[1].decode(), names)
    if next(parts, None) is not None:  # reads to the end, where git's exit status is looked at
        raise IntegrityError("git tried more merges than it was asked to", remedy="run 'git fsck'")
    return found


def _in_no_parent(view: Path, merges: list[Merge]) -> Iterator[tuple[Merge, str]]:
    """Paths of merges with lines that are in none of the parents, or in all of them and not in the result."""
    if not merges:
        return
    by_sha = {merge.sha: merge for merge in merges}
    chunks = git_command.stream(
        view, "diff-tree", "--stdin", "--cc", "-p", "--no-renames", "--no-textconv", "--no-ext-diff", "--no-color",
        feed=(f"{merge.sha}\n".encode() for merge in merges),
    )  # fmt: skip
    for sha, path in own_paths(_lines(chunks), {m.sha: len(m.parents) for m in merges}):
        yield by_sha[sha], path


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    yield rest


def own_paths(lines: Iterable[bytes], parents: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Reads `diff-tree --stdin --cc -p`: (commit, path) of files with content of the merge's own.

    Args:
        parents: number of parents by commit id.
    """
    sha, path, told, hunk = "", "", False, False
    for line in lines:
        if hunk and line[:1] in (b" ", b"+", b"-", b"\\", b"@"):
            mark = line[: parents[sha]]
            own = mark.strip(b"+") == b"" or mark.strip(b"-") == b""
        elif line[:10] in (b"diff --cc ", b"diff --com"):
            path = text(unquote(line.split(b" ", 2)[2]))
            told = hunk = own = False
        elif len(line) == 40 and line.decode("ascii", "replace") in parents:
            sha, hunk, own = line.decode(), False, False
        else:
            hunk = hunk or line.startswith(b"@@@")
            own = line.startswith((b"Binary files ", b"deleted file mode "))
        if own and not told:
            told = True
            yield sha, path


def unquote(name: bytes) -> bytes:
    """A path as git writes it in headers: in quotes with C escapes, or as it is."""
    if not name.startswith(b'"'):
        return name
    return _ESCAPE.sub(_unescape, name[1:-1])


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8)]) if len(code) == 3 else _ESCAPES.get(code, code)
