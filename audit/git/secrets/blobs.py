"""Many blobs in one pass of one `git cat-file`, in the order asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from audit.errors import IntegrityError
from audit.git.contents import LARGEST, Unreadable
from audit.sources import git_command


def read(view: Path, ids: Iterable[str]) -> Iterator[bytes | Unreadable]:
    """The bytes of each blob, or why it can't be read (missing, no blob, too large); one at a time in memory.

    Raises:
        IntegrityError: git failed, or ended before the last; nothing given before that may be used.
    """
    asked = list(ids)
    if not asked:
        return
    source = _Source(
        git_command.stream(
            view, "cat-file", "--batch", "--buffer", feed=(f"{blob}\n".encode() for blob in asked)
        )
    )
    for blob in asked:
        head = source.line().split()
        if len(head) != 3:
            yield Unreadable(f"missing object {blob}")
            continue
        size = int(head[2])
        if size > LARGEST:
            source.skip(size + 1)
            yield Unreadable(f"too large: {size} bytes, the limit is {LARGEST}")
            continue
        data = source.take(size + 1)[:-1]
        yield data if head[1] == b"blob" else Unreadable(f"object {blob} is a {head[1].decode()}")
    source.end()


class _Source:
    """Reads lines and exact numbers of bytes from chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""
        self._at = 0

    def line(self) -> bytes:
        while (end := self._held.find(b"\n", self._at)) < 0:
            self._more()
        found = self._held[self._at : end]
        self._at = end + 1
        return found

    def take(self, size: int) -> bytes:
        parts = [self._held[self._at : self._at + size]]
        self._at += len(parts[0])
        missing = size - len(parts[0])
        while missing > 0:
            self._more()
            parts.append(self._held[:missing])
            self._at = len(parts[-1])
            missing -= self._at
        return b"".join(parts)

    def skip(self, size: int) -> None:
        while size > len(self._held) - self._at:
            size -= len(self._held) - self._at
            self._at = len(self._held)
            self._more()
        self._at += size

    def end(self) -> None:
        """Lets git end, so that its status is seen."""
        for _ in self._chunks:
            pass

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise IntegrityError(
                "git cat-file ended before the last object", remedy="run 'git fsck' on the repository"
            )
        self._held = self._held[self._at :] + chunk
        self._at = 0
