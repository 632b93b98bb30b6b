"""Contents of a repository's files, at any revision, without checking any out.

One long-lived `git cat-file --batch` gives blobs by id; what was parsed is kept for a while, so that a file which
many steps look at is read once. Everything here is hostile: files are bounded in size, depth and expansion.
"""

from __future__ import annotations

import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

from audit.git.documents import Unreadable, parse
from audit.git.mining import text
from audit.sources import git_command

__all__ = ["Change", "Contents", "Step", "Unreadable", "parse"]

LARGEST = 8 << 20
"""Bytes of the largest file that is read; Kubernetes itself refuses objects beyond 1.5 MiB."""

_KEPT = 4096
_REGULAR = (b"100644", b"100755", b"100664")


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


class Contents:
    """Reads trees and blobs through one view of a repository; use as a context manager.

    Args:
        view: git directory of a view (`audit.sources.git_view`).
    """

    def __init__(self, view: Path) -> None:
        self.view = view
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            git_command.arguments(view, ["cat-file", "--batch"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=git_command.environment(),
        )
        self.documents = lru_cache(maxsize=_KEPT)(self._documents)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
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
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(blob.encode() + b"\n")
            self._process.stdin.flush()
            head = self._process.stdout.readline().split()
        except BrokenPipeError:
            head = []
        if len(head) != 3:
            raise Unreadable(self._why(blob, head))
        size = int(head[2])
        if size > LARGEST:
            self._skip(size + 1)
            raise Unreadable(f"too large: {size} bytes, the limit is {LARGEST}")
        data = self._process.stdout.read(size + 1)
        if len(data) != size + 1:
            raise Unreadable(self._why(blob, []))
        return data[:-1]

    def _documents(self, blob: str) -> tuple[Any, ...]:
        """YAML or JSON documents of a blob; every scalar is the text that was written, aliases are resolved.

        What is given is shared with other callers: never change it.

        Raises:
            Unreadable: not YAML (with the line), not UTF-8, too large, too deep, or it expands without bound.
        """
        return parse(self.raw(blob))

    def _skip(self, size: int) -> None:
        assert self._process.stdout is not None
        while size > 0 and (chunk := self._process.stdout.read(min(size, 1 << 20))):
            size -= len(chunk)

    def _why(self, blob: str, head: list[bytes]) -> str:
        if head[1:2] == [b"missing"]:
            return f"missing object {blob}"
        self._errors.seek(0)
        said = " ".join(self._errors.read(2000).decode("utf-8", "backslashreplace").split())
        return f"object {blob} can't be read: {said or 'git ended'}"
