"""Stored bytes to uncompressed blocks: plain or gzip, streamed, bounded, and nothing lost before a break."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from isal import isal_zlib

BLOCK = 1 << 20
MAX_UNCOMPRESSED = 4 << 30
MAX_RATIO = 1000
RATIO_FROM = 64 << 20

_IsalError = cast("type[Exception]", isal_zlib.error)
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib's code for "gzip header, largest window"
_OTHERS = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"PAR1": "Parquet",
}


class Broken(Exception):
    """The object can't be read any further; the message is the reason shown in quarantine."""


class _Decompressor(Protocol):
    eof: bool
    unused_data: bytes
    unconsumed_tail: bytes

    def decompress(self, data: bytes, max_length: int = 0) -> bytes: ...


def blocks(path: Path, *, named_gzip: bool = False) -> Iterator[bytes]:
    """The uncompressed content of `path`, in blocks of at most about 1 MiB.

    Args:
        named_gzip: its key says that it is gzip, so that anything else is refused.

    Raises:
        Broken: the object is empty, compressed in a way that isn't read, cut off, damaged, or grows beyond
            bounds. Everything before the break has been given by then.
    """
    with path.open("rb") as file:
        head = file.read(6)
        if not head:
            raise Broken("the object is empty")
        other = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), None)
        if other is not None:
            raise Broken(f"{other} is not read")
        gzip = head.startswith(_GZIP)
        if named_gzip and not gzip:
            raise Broken("not gzip, though its name ends in .gz")
        file.seek(0)
        if gzip:
            yield from _bounded(file, _gunzip(path, file))
        else:
            while block := file.read(BLOCK):
                yield block


def _bounded(file: BinaryIO, source: Iterator[bytes]) -> Iterator[bytes]:
    """Passes blocks on until they are more than any honest object holds."""
    size = 0
    for block in source:
        size += len(block)
        if size > MAX_UNCOMPRESSED:
            raise Broken(f"it decompresses to more than {MAX_UNCOMPRESSED >> 30} GiB")
        if size > RATIO_FROM and size > MAX_RATIO * file.tell():
            raise Broken(f"it decompresses to more than {MAX_RATIO} times its size")
        yield block


def _gunzip(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """Fast; where the fast library fails, what it had not given yet is read again with the careful one."""
    given = 0
    try:
        for block in _members(file, isal_zlib):
            given += len(block)
            yield block
    except (_IsalError, Broken):
        pass
    else:
        return
    with path.open("rb") as again:
        for block in _members(again, zlib):
            if given < len(block):
                yield block[given:]
            given = max(0, given - len(block))


def _members(file: BinaryIO, library: Any) -> Iterator[bytes]:
    """Content of all gzip members. `library` is `zlib` or `isal_zlib`, which speak alike.

    Raises:
        Broken: cut off, or something else than gzip follows.
        isal_zlib.error: damaged, when `library` is isal_zlib.
    """
    data = file.read(BLOCK)
    while data:
        decompressor = cast("_Decompressor", library.decompressobj(_GZIP_WINDOW))
        while not decompressor.eof:
            data = data or file.read(BLOCK)
            ended, given = not data, False
            for block in _feed(decompressor, data, library):
                given = True
                yield block
            if ended and not given and not decompressor.eof:
                raise Broken("the gzip data is cut off")
            data = decompressor.unconsumed_tail
        data = decompressor.unused_data or file.read(BLOCK)
        while data and not data.strip(b"\0"):  # padding, as tapes leave it
            data = file.read(BLOCK)
        data = data.lstrip(b"\0")
        if len(data) == 1:
            data += file.read(BLOCK)
        if data and not data.startswith(_GZIP):
            raise Broken("something that is not gzip follows the gzip data")


def _feed(decompressor: _Decompressor, data: bytes, library: Any) -> Iterator[bytes]:
    """What `data` gives, at most one block; with zlib, byte by byte up to where it breaks."""
    if library is not zlib:
        if block := decompressor.decompress(data, BLOCK):
            yield block
        return
    before = cast("Any", decompressor).copy()
    try:
        block = decompressor.decompress(data, BLOCK)
    except zlib.error as error:
        for index in range(len(data)):
            try:
                byte = before.decompress(data[index : index + 1])
            except zlib.error:
                break
            if byte:
                yield byte
        raise Broken(f"the gzip data is damaged: {str(error).rpartition(': ')[2]}") from None
    if block:
        yield block
