"""Stored bytes to uncompressed blocks: plain, gzip, zstd or bzip2, streamed, bounded, and nothing lost before a break.

Members of gzip, frames of zstd and streams of bzip2 may follow each other in one object; zeros between them are
padding. What a damaged block of zstd or bzip2 held is not given: nothing in it can be told from damage. What is gzip once more inside, as
Firehose makes of what CloudWatch Logs hands it, is uncompressed twice; UTF-16, as Windows writes it, becomes UTF-8.
"""

from __future__ import annotations

import bz2
import codecs
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

import zstandard
from isal import isal_zlib

BLOCK = 1 << 18
MAX_UNCOMPRESSED = 4 << 30
MAX_RATIO = 1000
RATIO_FROM = 64 << 20

_IsalError = cast("type[Exception]", isal_zlib.error)
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib's code for "gzip header, largest window"
_OTHERS = {
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"PAR1": "Parquet",
    b"\xff\x06\x00\x00sN": "framed Snappy",
    b"\x04\x22\x4d\x18": "LZ4",
    b"Obj\x01": "Avro",
}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)  # of which the first begins as UTF-16 does
_STEP = 1 << 10  # of compressed bytes at a time: a block of them may hold 30,000 times as much
_ZSTD_WINDOW = 128 << 20  # what `zstd --ultra` needs; more, only `--long` asks for
ENDINGS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2"}
"""What the end of a key says of its compression."""
WORKBOOKS = (".xlsx", ".xlsm")
"""What the end of a key says of a workbook, which is an archive of parts and given as it is."""


class Broken(Exception):
    """The object can't be read any further; the message is the reason shown in quarantine."""


class _Decompressor(Protocol):
    eof: bool
    unused_data: bytes
    unconsumed_tail: bytes

    def decompress(self, data: bytes, max_length: int = 0) -> bytes: ...


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class _Codec(NamedTuple):
    """A compression whose objects are frames, one after the other.

    Attributes:
        magics: what a frame begins with: one of them.
        decoder: what decompresses one frame.
        error: what it raises when the frame is damaged.
    """

    name: str
    magics: tuple[bytes, ...]
    decoder: Callable[[], _Decoder]
    error: type[Exception]


class _Damaged(Exception):
    """A frame could not be decompressed.

    Attributes:
        place: where the bytes begin, in the object, that could not be.
    """

    def __init__(self, place: int, reason: str) -> None:
        super().__init__(reason)
        self.place = place


_SKIPPED = tuple(bytes([number]) + b"\x2a\x4d\x18" for number in range(0x50, 0x60))
_CODECS = (
    _Codec(
        "zstd",
        (b"\x28\xb5\x2f\xfd", *_SKIPPED),
        lambda: zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj(),
        zstandard.ZstdError,
    ),
    _Codec("bzip2", (b"BZh",), bz2.BZ2Decompressor, OSError),
)


def blocks(path: Path, *, key: str = "") -> Iterator[bytes]:
    """The uncompressed content of `path`, in blocks of at most about 1 MiB (zstd and bzip2: 32 MiB).

    Args:
        key: of the object; where its end names a compression (`ENDINGS`), anything else is refused.

    Raises:
        Broken: the object is empty, compressed in a way that isn't read, cut off, damaged, or grows beyond
            bounds. Everything before the break has been given by then.
    """
    once = partial(_once, path, _compression(path, key))
    head, content = _begun(once())
    if head.startswith(_GZIP):  # what is so at the first is not so any more
        content.close()
        inner = _Pieces(once())
        size = path.stat().st_size  # not of what it grew to at the first
        head, content = _begun(_bounded(lambda: size, _gunzip(inner, lambda: _Pieces(once()))))
        if head.startswith(_GZIP):
            raise Broken("it is compressed more than twice")
    if head.startswith(_UTF_32):
        raise Broken("UTF-32 is not read")
    if _is_tar(head):
        raise Broken("a tar archive is not read: unpack it")
    yield from _from_utf_16(content) if head.startswith(_UTF_16) else content


def _compression(path: Path, key: str) -> _Codec | str:
    """How an object is compressed: empty when it isn't.

    Raises:
        Broken: it is empty, or compressed otherwise than its key says or than is read.
    """
    with path.open("rb") as file:
        head = file.read(6)
    if not head:
        raise Broken("the object is empty")
    other = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), None)
    if other is not None and not (other == "zip" and key.lower().endswith(WORKBOOKS)):
        raise Broken(f"{other} is not read")
    codec = next((each for each in _CODECS if head.startswith(each.magics)), None)
    found = codec.name if codec is not None else "gzip" if head.startswith(_GZIP) else ""
    ending = next((ending for ending in ENDINGS if key.lower().endswith(ending)), None)
    if ending is not None and ENDINGS[ending] != found:
        raise Broken(f"not {ENDINGS[ending]}, though its name ends in {ending}")
    return codec or found


def _once(path: Path, compression: _Codec | str) -> Generator[bytes]:
    """The content of `path`, uncompressed once."""
    with path.open("rb") as file:
        if isinstance(compression, _Codec):
            yield from _bounded(file.tell, _decoded(path, file, compression))
        elif compression:
            yield from _bounded(file.tell, _gunzip(file, lambda: path.open("rb")))
        else:
            while block := file.read(BLOCK):
                yield block


def _begun(source: Iterator[bytes]) -> tuple[bytes, Generator[bytes]]:
    """The first bytes of some content, a block of tar's where it has so many, and all of it, breaks included."""
    head, broken = b"", None
    try:
        while len(head) < tarfile.BLOCKSIZE and (block := next(source, b"")):
            head += block
    except Broken as error:
        broken = error
    return head, _all(head, broken, source)


def _is_tar(head: bytes) -> bool:
    """Whether content begins as an archive of tar's does, whose checksum no log has by chance."""
    if tarfile.POSIX_MAGIC[:5] != head[257:262]:
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "replace")
    except tarfile.HeaderError:
        return False
    return True


def _all(head: bytes, broken: Broken | None, rest: Iterator[bytes]) -> Generator[bytes]:
    if head:
        yield head
    if broken is not None:
        raise broken
    yield from rest


class _Pieces:
    """Blocks as a file that is read from its beginning."""

    def __init__(self, source: Generator[bytes]) -> None:
        self._source, self._held, self._given = source, b"", 0

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end. What was given before a break comes before it."""
        if self._given == len(self._held):
            self._held, self._given = next(self._source, b""), 0
        given = self._held[self._given : self._given + size]
        self._given += len(given)
        return given

    def close(self) -> None:
        self._source.close()


def _from_utf_16(content: Iterator[bytes]) -> Iterator[bytes]:
    """The content in UTF-8. Halves of a pair become what is no UTF-8, so that they cost their line alone."""
    decode = codecs.getincrementaldecoder("utf-16")("surrogatepass").decode
    for block in content:
        if text := decode(block).encode("utf-8", "surrogatepass"):
            yield text
    try:
        decode(b"", final=True)
    except UnicodeDecodeError:
        raise Broken("the UTF-16 text is cut off") from None


def _decoded(path: Path, file: BinaryIO, codec: _Codec) -> Iterator[bytes]:
    """Content of all frames; where one is damaged, it is read again byte by byte up to the damage."""
    given = 0
    try:
        for block in _frames(file, codec):
            given += len(block)
            yield block
        return
    except _Damaged as damaged:
        place, reason = damaged.place, str(damaged)
    try:
        with path.open("rb") as again:
            for block in _frames(again, codec, careful_from=place):
                if given < len(block):
                    yield block[given:]
                given = max(0, given - len(block))
    except _Damaged:
        raise Broken(f"the {codec.name} data is damaged: {reason}") from None


def _frames(file: BinaryIO, codec: _Codec, *, careful_from: int | None = None) -> Iterator[bytes]:
    """Content of all frames; from `careful_from` on, where a step began before, a byte at a time.

    Raises:
        Broken: cut off, or something else follows.
        _Damaged: a frame, or its checksum, is.
    """
    while head := _next_frame(file):
        if not head.startswith(codec.magics):
            raise Broken(f"something that is not {codec.name} follows the {codec.name} data")
        decoder = codec.decoder()
        while not decoder.eof:
            place = file.tell()
            data = file.read(_STEP if careful_from is None or place < careful_from else 1)
            if not data:
                raise Broken(f"the {codec.name} data is cut off")
            try:
                block = decoder.decompress(data)
            except codec.error as error:
                raise _Damaged(place, str(error).rpartition(": ")[2]) from None
            if block:
                yield block
        file.seek(-len(decoder.unused_data), 1)


def _next_frame(file: BinaryIO) -> bytes:
    """The first bytes of what comes next, zeros left out, where it is placed; none at the end."""
    while head := file.read(8):
        rest = head.lstrip(b"\0")
        if rest:
            file.seek(-len(rest), 1)
            if len(rest) == len(head):
                return head
    return b""


def _bounded(read: Callable[[], int], source: Iterator[bytes]) -> Iterator[bytes]:
    """Passes blocks on until they are more than any honest object holds.

    Args:
        read: tells how many bytes they come from, as they lie in the store.
    """
    size = 0
    for block in source:
        size += len(block)
        if size > MAX_UNCOMPRESSED:
            raise Broken(f"it decompresses to more than {MAX_UNCOMPRESSED >> 30} GiB")
        if size > RATIO_FROM and size > MAX_RATIO * read():
            raise Broken(f"it decompresses to more than {MAX_RATIO} times its size")
        yield block


def _gunzip(file: _Readable, again: Callable[[], _Readable]) -> Iterator[bytes]:
    """Fast; where the fast library fails, what it had not given yet is read `again` with the careful one."""
    given = 0
    try:
        for block in _members(file, isal_zlib):
            given += len(block)
            yield block
    except (_IsalError, Broken):
        pass
    else:
        return
    with closing(again()) as anew:
        for block in _members(anew, zlib):
            if given < len(block):
                yield block[given:]
            given = max(0, given - len(block))


def _members(file: _Readable, library: Any) -> Iterator[bytes]:
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
