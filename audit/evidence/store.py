"""The evidence store: each object once, under the sha256 of its bytes, written once and read-only from then on.

    objects/ab/abcdef…      the bytes as the source gave them
    manifests/000001.json   what each collection brought (see `audit.evidence.manifest`)
    journal.jsonl           what the collection that is under way has brought so far

Bytes arrive in `partial/` and are renamed when they are whole and on disk: a crash leaves no half object.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from audit.errors import IntegrityError, UsageError
from audit.evidence import aside

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Stored:
    """What was put: sha256 (hex), size in bytes, and whether the store did not have it yet."""

    sha256: str
    size: int
    new: bool


class Store:
    """A store in a folder, made on first use. Safe to put into from several threads and processes."""

    def __init__(self, root: Path) -> None:
        """Args: root, the store's folder.

        Raises:
            UsageError: the folder can't be made or written.
        """
        self.root = root
        self._partial = root / "partial"
        self._held = 0
        try:
            for folder in (root / "objects", self._partial, root / "manifests"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(root, error) from None

    def put(self, chunks: Iterable[bytes]) -> Stored:
        """Keeps the bytes of `chunks`; bytes that the store has are left as they are.

        Raises:
            UsageError: the store can't be written: disk full, permissions.
            IntegrityError: the store has an object of this name and another size.
            Whatever `chunks` raises; nothing is kept then.
        """
        written = self.write_aside(aside.of_chunks(chunks))
        new = self.settle([written])
        return Stored(written.sha256, written.size, new=bool(new))

    def write_aside(self, fill: aside.Fill) -> aside.Written:
        """Reads and hashes an object's bytes into `partial/`: it is kept once `settle` was called with what this returns.

        Raises:
            UsageError: the store can't be written: disk full, permissions.
            Whatever `fill` raises; nothing is left then.
        """
        return aside.write(fill, self._partial, self._writing)

    def settle(self, written: Iterable[aside.Written]) -> list[aside.Written]:
        """Makes objects that were written aside durable, all at once, then gives them their names. Returns those that
        the store did not have; the others are left as they are.

        Raises:
            UsageError: the store can't be written.
            IntegrityError: the store has an object of one of these names and another size.
        """
        new: dict[str, aside.Written] = {}
        with self._writing():
            for one in written:
                if one.sha256 in new or self.has(one.sha256, size=one.size):
                    Path(one.path).unlink()
                else:
                    new[one.sha256] = one
            aside.make_durable(new.values(), self._partial)
            for sha256, one in new.items():
                self._rename(Path(one.path), self.path(sha256))
        return list(new.values())

    @staticmethod
    def _rename(path: Path, named: Path) -> None:
        try:
            path.rename(named)
        except FileNotFoundError:
            named.parent.mkdir(exist_ok=True)
            path.rename(named)

    def path(self, sha256: str) -> Path:
        """Where the object of this sha256 (64 hex digits) lies, or would lie."""
        if _SHA256.fullmatch(sha256) is None:
            raise IntegrityError(
                f"{self.root}: '{sha256}' is not a sha256",
                remedy="restore the store's manifests from a backup",
            )
        return self.root / "objects" / sha256[:2] / sha256

    def has(self, sha256: str, *, size: int) -> bool:
        """Whether the store holds the object.

        Raises:
            IntegrityError: it holds one of another size.
        """
        try:
            actual = self.path(sha256).stat().st_size
        except FileNotFoundError:
            return False
        if actual != size:
            raise IntegrityError(
                f"{self.path(sha256)}: has {actual} bytes and had {size} when it was stored",
                remedy="restore the evidence store from a backup, or collect into a new one",
            )
        return True

    def open(self, sha256: str) -> BinaryIO:
        """The object's bytes, to be read and closed.

        Raises:
            IntegrityError: the store does not hold it.
        """
        try:
            return self.path(sha256).open("rb")
        except FileNotFoundError:
            raise IntegrityError(
                f"{self.path(sha256)}: the object is gone from the evidence store",
                remedy="restore the evidence store from a backup, or collect again",
            ) from None

    def sync(self) -> None:
        """Makes the names of all objects durable: once for many, before a manifest names them."""
        with self._writing():
            aside.make_all_durable(self.root / "objects")

    def objects(self) -> Iterator[Path]:
        """Every object's path, in order of sha256."""
        for folder in sorted((self.root / "objects").iterdir()):
            yield from sorted(folder.iterdir())

    def write(self, relative: str, content: bytes) -> Path:
        """Writes a file of the store's own, aside and renamed: never half there. Returns its path.

        Raises:
            UsageError: the store can't be written.
        """
        path = self.root / relative
        written = self.write_aside(aside.of_chunks([content]))
        with self._writing():
            aside.make_durable([written], self._partial)
            Path(written.path).rename(path)
            aside.sync(path.parent)
        return path

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """The right to collect, held by one store at a time (again and again by the same one, from one thread);
        leftovers of a killed run are removed.

        Raises:
            UsageError: another process is collecting into this store.
        """
        with contextlib.ExitStack() as ends:
            if self._held == 0:
                self._lock(ends)
            self._held += 1
            try:
                yield
            finally:
                self._held -= 1

    def _lock(self, ends: contextlib.ExitStack) -> None:
        with self._writing():
            lock = ends.enter_context((self.root / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{self.root}: another run is collecting into this store",
                remedy="wait until it has ended; what it collects need not be collected again",
            ) from None
        for leftover in self._partial.iterdir():
            leftover.unlink()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _unwritable(self.root, error) from None


def _unwritable(root: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{root}: the evidence store can't be written: {error.strerror}",
        remedy="check the folder's permissions and the free space, or set 'store' to another folder",
    )
