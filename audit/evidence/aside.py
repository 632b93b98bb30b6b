"""Objects on their way into the store: read, hashed and written aside in one pass, through a buffer that is used again.

A large object goes past the page cache where the file system can (`O_DIRECT`): that costs a tenth of the processor's
time, and leaves the cache to those who read.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import itertools
import mmap
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

Fill = Callable[[memoryview], int]
"""Puts the next bytes into a buffer, fills it unless they end, and returns how many it put; 0 once there are no more."""

Guard = Callable[[], AbstractContextManager[None]]
_BUFFER = 1 << 20
_BLOCK = 4096
"""What is written past the page cache begins and ends at a multiple of so many bytes."""
_DIRECT_FROM = 1 << 17
"""Bytes from which on it is worth while."""
_O_DIRECT: int = getattr(os, "O_DIRECT", 0)
_numbers = itertools.count()
_own = threading.local()


class Written(NamedTuple):
    """An object that lies aside, whole and not yet on disk for sure."""

    path: str
    sha256: str
    size: int


def of_chunks(chunks: Iterable[bytes]) -> Fill:
    """Gives the bytes of `chunks`, one after the other."""
    rest = iter(chunks)
    left = memoryview(b"")

    def fill(buffer: memoryview) -> int:
        nonlocal left
        filled = 0
        while filled < len(buffer):
            if not left:
                chunk = next(rest, None)
                if chunk is None:
                    break
                left = memoryview(chunk)
                continue
            taken = min(len(left), len(buffer) - filled)
            buffer[filled : filled + taken] = left[:taken]
            left = left[taken:]
            filled += taken
        return filled

    return fill


def write(fill: Fill, folder: Path, writing: Guard) -> Written:
    """Writes an object into a new file of `folder`, read-only.

    Args:
        writing: entered around all that touches the file, and around nothing else: what its errors are told as.

    Raises:
        Whatever `fill` raises, or `writing` makes of an OSError; the file is gone then.
    """
    buffer, digest, size = _buffer(), hashlib.sha256(), 0
    filled = fill(buffer)
    with writing():
        descriptor, path = _create(folder, _O_DIRECT if filled >= _DIRECT_FROM else 0)
    try:
        while filled:
            part = buffer[:filled]
            digest.update(part)
            size += filled
            with writing():
                _write(descriptor, part)
            filled = fill(buffer) if filled == len(buffer) else 0
        with writing():
            os.fchmod(descriptor, 0o444)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return Written(path, digest.hexdigest(), size)


def make_durable(written: Iterable[Written], folder: Path) -> None:
    """Returns once the bytes of files in `folder` are on disk: one by one, or, where there are several, all at once.

    Raises:
        OSError: they can't be.
    """
    files = list(written)
    if len(files) > 1 and _sync_all(folder):
        return
    for one in files:
        sync(one.path)


def make_all_durable(folder: Path) -> None:
    """Returns once the names of what lies in the folders of `folder` are on disk, and these themselves.

    Raises:
        OSError: they can't be.
    """
    if not _sync_all(folder):
        for inside in folder.iterdir():
            sync(inside)
        sync(folder)


def sync(path: str | Path) -> None:
    """Makes a file's bytes durable, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_all(folder: Path) -> bool:
    """Makes durable all that was written to the file system of a folder; False where the system has no call for it."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if call(descriptor) == 0:
            return True
        number = ctypes.get_errno()
        if number == errno.ENOSYS:
            return False
        raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)


def _buffer() -> memoryview:
    """This thread's buffer, which begins at a page, as writing past the cache asks."""
    found: memoryview | None = getattr(_own, "buffer", None)
    if found is None:
        found = _own.buffer = memoryview(mmap.mmap(-1, _BUFFER))
    return found


def _create(folder: Path, flag: int) -> tuple[int, str]:
    """A file that nobody else has, of a name that a killed run can't have left to us."""
    while True:
        path = f"{folder}/{os.getpid():x}-{next(_numbers):x}"
        try:
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | flag, 0o600), path
        except FileExistsError:
            continue
        except OSError as error:
            if flag == 0 or error.errno != errno.EINVAL:
                raise
            flag = 0  # this file system can't


def _write(descriptor: int, part: memoryview) -> None:
    """Writes all of it; what is no whole block, and what the file system does not take otherwise, by way of the cache."""
    whole = len(part) - len(part) % _BLOCK
    done = 0
    while done < len(part):
        end = whole if done < whole else len(part)
        if end > whole or done % _BLOCK:
            _through_the_cache(descriptor)
        try:
            done += os.write(descriptor, part[done:end])
        except OSError as error:
            if error.errno != errno.EINVAL or not _through_the_cache(descriptor):
                raise


def _through_the_cache(descriptor: int) -> bool:
    """Writes by way of the page cache from now on; False where that was so before."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    if _O_DIRECT == 0 or not flags & _O_DIRECT:
        return False
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & ~_O_DIRECT)
    return True
