"""Contents of a repository's files, at any revision, without checking any out.

One long-lived `git cat-file --batch` gives blobs by id, many at once to who knows what will be asked for; what was
read and parsed is kept for a while, so that a file which many steps look at is read once. Everything here is hostile:
files are bounded in size, depth and expansion.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Generic, NamedTuple, Self, TypeVar

from audit.git.documents import Unreadable, parse
from audit.git.mining import text
from audit.sources import git_command

__all__ = ["Change", "Contents", "Step", "Unreadable", "parse"]

LARGEST = 8 << 20
"""Bytes of the largest file that is read; Kubernetes itself refuses objects beyond 1.5 MiB."""

_KEPT = 4096
_KEPT_BYTES = 16 << 20  # of text; as Python's objects it takes up to ten times as much
_REGULAR = (b"100644", b"100755", b"100664")
_AT_ONCE = 96  # names of objects that fit into one page: what a pipe takes at least without anyone reading
_Value = TypeVar("_Value")


class Change(NamedTuple):
    """One file that a mainline commit changed, as in the table `file_changes`."""

    path: str
    old_path: str | None
    status: str
    old_blob: str | None
    blob: str | None


class Step(NamedTuple):
    """One mainline commit with the files it changed against its first parent."""

    sha: str
    position: int
    changes: tuple[Change, ...]


class _Unfit(Unreadable):
    """One blob can't be read; git answers for the next one."""


class _Recent(Generic[_Value]):
    """What was asked for last, by blob, up to a number of blobs and of bytes."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[_Value, int]] = OrderedDict()
        self._weight = 0

    def __contains__(self, blob: str) -> bool:
        return blob in self._held

    def get(self, blob: str) -> _Value | None:
        """What is kept of a blob, which is the last asked for now."""
        known = self._held.get(blob)
        if known is None:
            return None
        self._held.move_to_end(blob)
        return known[0]

    def put(self, blob: str, value: _Value, size: int) -> None:
        """Keeps what a blob of `size` bytes gave, as long as there is room."""
        self._held[blob] = value, size
        self._weight += size
        while self._weight > _KEPT_BYTES or len(self._held) > _KEPT:
            self._weight -= self._held.popitem(last=False)[1][1]


class Contents:
    """Reads trees and blobs through one view of a repository; use as a context manager.

    Args:
        view: git directory of a view (`audit.sources.git_view`).
    """

    def __init__(self, view: Path) -> None:
        self.view = view
        self._documents = _Recent[tuple[Any, ...]]()
        self._raw = _Recent[bytes]()
        self._start()

    def _start(self) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            git_command.arguments(self.view, ["cat-file", "--batch"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=git_command.environment(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it ended before it read what was asked
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()

    def tree(self, commit: str) -> dict[str, str]:
        """Blob id by path of every regular file of a commit; symbolic links and submodules are left out.

        Raises:
            IntegrityError: a tree is missing or damaged.
        """
        found = {}
        for entry in git_command.tokens(
            git_command.stream(self.view, "ls-tree", "-r", "-z", "--full-tree", commit)
        ):
            head, path = entry.split(b"\t", 1)
            mode, _kind, blob = head.split(b" ")
            if mode in _REGULAR:
                found[text(path)] = blob.decode()
        return found

    def raw(self, blob: str) -> bytes:
        """The bytes of a blob.

        Raises:
            Unreadable: it is missing, damaged, or larger than `LARGEST`.
        """
        known = self._raw.get(blob)
        if known is None:
            self._ask([blob])
            known = self._answered(blob)
        return known

    def ahead(self, blobs: Iterable[str]) -> None:
        """Reads blobs that will be asked for soon: together, in a fraction of the time that one by one takes.

        What can't be read, or finds no room, is left for `raw` to read or to tell.
        """
        wanted = [blob for blob in dict.fromkeys(blobs) if blob not in self._raw]
        for start in range(0, len(wanted), _AT_ONCE):
            asked = wanted[start : start + _AT_ONCE]
            try:
                self._ask(asked)
                for blob in asked:
                    with contextlib.suppress(_Unfit):
                        self._answered(blob)
            except Unreadable:  # git ended: whatever else was asked of it will be asked again
                continue

    def _ask(self, blobs: list[str]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("".join(f"{blob}\n" for blob in blobs).encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended(blobs[0]) from None

    def _answered(self, blob: str) -> bytes:
        """What git gives for the blob that it was asked for."""
        assert self._process.stdout is not None
        head = self._process.stdout.readline().split()
        if head[1:] == [b"missing"]:
            raise _Unfit(f"missing object {blob}")
        if len(head) != 3:
            raise self._ended(blob)
        size = int(head[2])
        if size > LARGEST:
            self._skip(size + 1)
            raise _Unfit(f"too large: {size} bytes, the limit is {LARGEST}")
        data = self._process.stdout.read(size + 1)
        if len(data) != size + 1:
            raise self._ended(blob)
        raw = data[:-1]
        self._raw.put(blob, raw, size)
        return raw

    def documents(self, blob: str) -> tuple[Any, ...]:
        """YAML or JSON documents of a blob; every scalar is the text that was written, aliases are resolved.

        What is given is shared with other callers: never change it. What was asked for last is kept, up to a number
        of blobs and of bytes.

        Raises:
        Unreadable: not YAML (with the line), not UTF-8, too large, too deep, or it expands without bound.
        """
        known = self._documents.get(blob)
        if known is None:
            raw = self.raw(blob)
            known = parse(raw)
            self._documents.put(blob, known, len(raw))
        return known

    def _skip(self, size: int) -> None:
        assert self._process.stdout is not None
        while size > 0 and (chunk := self._process.stdout.read(min(size, 1 << 20))):
            size -= len(chunk)

    def _ended(self, blob: str) -> Unreadable:
        """Why git ended over a blob; another process is there for the next one."""
        assert self._process.stdout is not None
        self._process.stdout.read()  # to the end: it has said everything then
        self._errors.seek(0)
        said = " ".join(self._errors.read(2000).decode("utf-8", "backslashreplace").split())
        self._stop()
        self._start()
        return Unreadable(f"object {blob} can't be read: {said or 'git ended'}")
