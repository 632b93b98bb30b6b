"""Which files each mainline commit changed: one `git diff-tree` for thousands of commits.

Merges are compared with their first parent, so that a landing's content is its diff to the mainline before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from audit.errors import IntegrityError
from audit.git.mining import text
from audit.sources import git_command

_HEADERS = re.compile(rb"(?:[0-9a-f]{40}(?: [0-9a-f]{40})?(?:\n|\Z))+")
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_AT_ONCE = 8192  # comparisons of one git process, which never gives back the memory of what it looked at
_SAFE = ("--no-textconv", "--no-ext-diff", "--no-color")
_STATUSES = "AMDRCT"


class FileChange(NamedTuple):
    """One changed file.

    `added` and `deleted` are lines, None for a binary file. `old_blob` and `blob` are the contents before and after,
    None where there is no regular file: added, deleted, a symbolic link, a submodule.
    """

    sha: str
    path: str
    old_path: str | None
    status: str
    added: int | None
    deleted: int | None
    old_blob: str | None
    blob: str | None


class _Raw(NamedTuple):
    """A raw entry: paths as bytes, the rest as in `FileChange`."""

    path: bytes
    old_path: bytes | None
    status: str
    old_blob: str | None
    blob: str | None


class Compared(NamedTuple):
    """A commit to compare: its tree, and that of its first parent (None for a root)."""

    sha: str
    tree: str
    before: str | None


def of_mainline(view: Path, steps: Iterable[Compared]) -> Iterator[FileChange]:
    """Files that each commit changed against its first parent, renames found.

    Trees are given to git, not commits: it would compare a merge with each of its parents, and it holds in memory
    every commit that it was told of. A pair of trees that several commits share is compared once; commits of such
    a pair come together, otherwise in the order given.

    Raises:
        IntegrityError: an object is missing or damaged; nothing given before that may be used.
    """
    steps = iter(steps)
    while some := list(islice(steps, _AT_ONCE)):
        commits: dict[str, list[str]] = {}
        for sha, tree, before in some:
            if tree != (before or _EMPTY_TREE):
                commits.setdefault(f"{before or _EMPTY_TREE} {tree}", []).append(sha)
        if not commits:
            continue
        chunks = git_command.stream(
            view, "diff-tree", "--stdin", "-r", "--raw", "--numstat", "-z", "-M", "-l1000", *_SAFE,
            feed=(f"{pair}\n".encode() for pair in commits),
        )  # fmt: skip
        for change in parse(git_command.tokens(chunks)):
            for sha in commits[change.sha]:
                yield change._replace(sha=sha)


def paths_between(view: Path, trees: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
    """For pairs of trees, the paths in which they differ; renames count as both paths."""
    pairs = list(dict.fromkeys(trees))
    if not pairs:
        return {}
    chunks = git_command.stream(
        view, "diff-tree", "--stdin", "-r", "--raw", "-z", "--no-renames", *_SAFE,
        feed=(f"{one} {other}\n".encode() for one, other in pairs),
    )  # fmt: skip
    found: dict[tuple[str, str], list[str]] = {pair: [] for pair in pairs}
    at: list[str] = []
    parts = git_command.tokens(chunks)
    for token in parts:
        header, entry = _header(token)
        at = header.split() if header else at
        if entry:
            found[at[0], at[1]].append(text(next(parts)))
    return found


def parse(parts: Iterator[bytes]) -> Iterator[FileChange]:
    """Reads the tokens of `diff-tree --stdin --raw --numstat -z`; `sha` is the commit, or pair of trees, git names.

    A commit's raw entries come first, then as many numstat entries. Paths are taken by their place, never by
    their looks: any byte but NUL may be in them.

    Raises:
        IntegrityError: git's output is not of that form.
    """
    sha, raw, counts = "", list[_Raw](), dict[bytes, tuple[int | None, int | None]]()
    for token in parts:
        header, entry = _header(token)
        if header:
            yield from _joined(sha, raw, counts)
            sha, raw, counts = header, [], {}
        if not entry:
            continue
        if entry.startswith(b":"):
            raw.append(_raw(entry, parts))
            continue
        added, deleted, path = entry.split(b"\t", 2)
        if not path:
            next(parts)
            path = next(parts)
        counts[path] = (None, None) if added == b"-" else (int(added), int(deleted))
    yield from _joined(sha, raw, counts)


def _raw(entry: bytes, parts: Iterator[bytes]) -> _Raw:
    """One raw entry, `:old-mode mode old-blob blob status`, with the paths that follow it."""
    old_mode, mode, old_blob, blob, status = entry.split(b" ")
    first = next(parts)
    kind = status[:1].decode()
    path, old_path = (next(parts), first) if kind in "RC" else (first, None)
    return _Raw(path, old_path, kind, _regular(old_mode[1:], old_blob), _regular(mode, blob))


def _regular(mode: bytes, blob: bytes) -> str | None:
    """The object id of a regular file's content; None for anything else."""
    return blob.decode() if mode.startswith(b"100") else None


def _header(token: bytes) -> tuple[str, bytes]:
    """The last commit (or pair of trees) named at the start of a token, and what follows it."""
    if token[40:41] not in (b"", b"\n", b" ") or token.startswith(b":"):
        return "", token
    match = _HEADERS.match(token)
    if match is None:
        return "", token
    return match[0].decode().rstrip("\n").rsplit("\n", 1)[-1], token[match.end() :]


def _joined(
    sha: str, raw: list[_Raw], counts: dict[bytes, tuple[int | None, int | None]]
) -> Iterator[FileChange]:
    for path, old, status, old_blob, blob in raw:
        if path not in counts or status not in _STATUSES:
            raise IntegrityError(
                f"commit {sha}: git lists {text(path)} as '{status}' and counts no lines for it",
                remedy="run 'git fsck' on the repository",
            )
        added, deleted = counts[path]
        yield FileChange(
            sha, text(path), None if old is None else text(old), status, added, deleted, old_blob, blob
        )
