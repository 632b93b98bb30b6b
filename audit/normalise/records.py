"""An object's bytes to its top-level JSON values, each with its number and place.

JSON lines are handed on line by line, unparsed. Only a line that turns out not to be one whole value is looked at
more closely: it may begin a value that spans lines, or hold several. What is no JSON costs one record: the line
it is on and, where it began as an object or array, the lines that can only be its continuation. A line of logfmt, and
one that begins with a time, is handed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

import msgspec
from msgspec import structs

from audit.normalise.decompress import BLOCK, Broken
from audit.normalise.logfmt import begins
from audit.normalise.samples import SAMPLE
from audit.normalise.values import Incomplete, Malformed, is_utf8, value_length

MAX_RECORD = 64 << 20

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_OPENS = (b"{", b"[")
_CONTINUES = (b" ", b"\t", b"}", b"]", b",", b"\r")
_SPACES = re.compile(rb"(?:[ \t\r\n\x1e]++|\xef\xbb\xbf)*+")
"""What may stand between records: also the marks of JSON text sequences, and those of files that were put together."""
_ZEROS = re.compile(rb"\0+")
_HOLE = b"\0" * 4
"""So many zeros, and more, are no part of what stands before or behind them."""
_LINE_ENDS = re.compile(rb"\n|" + re.escape(_HOLE))
_LINE = re.compile(
    rb"(?:<\d{1,3}>|@cee: ?|[A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d:\d\d(?:\.\d+)? )[^\n]*\{"  # syslog, with JSON in it
    rb"|\[pod/[^\]/\s]{1,253}/[^\]\s]{1,253}\] "  # kubectl logs --prefix
    rb"|" + SAMPLE.pattern
)
"""What else a line of text begins with that a format may know."""
STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d[0-9:.,]*(?:Z|[+-]\d\d:?\d\d)?[ \t]")
"""What a line of text begins with that is no JSON, and may hold some: a time, whose zone may be left out, and a space."""
NAMED = re.compile(
    rb"(?!-?\d+(?:\.\d+)?[ \t])(?=[A-Za-z0-9]*[./\d-])[A-Za-z0-9./][\w./:-]*+"
    rb"(?:(?: [A-Za-z][\w.-]*+)? (?=\{)|(?<=:)(?=\{)| {1,40}\| (?=\{))"
    rb"|[A-Za-z][\w.-]*: (?=\[\d+\.\d+, \{)"
)
"""As `STAMP`, of lines of several machines: the name of a node, pod or file, and of a container; or the tag of Fluent Bit's file, and a pair."""
GO_STAMP = re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? ")
"""As `STAMP`, of Go's log package: a time without a zone."""
RUNTIME_LIMIT = 16 << 10
"""Bytes at which Docker, and container runtimes, cut a line into parts."""
_DOCKER_HEAD = b'{"log":"'
_DOCKER = re.compile(
    rb'(?<!\\)(?:\\\\)*(\\n)?","stream":"(stdout|stderr)"(?:,"attrs":\{[^{}]*\})?,"time":"[^"\\]*"\}\Z'
)
"""How a line of Docker's file ends: with a line feed in its text, unless it is a part that another follows."""
_DOCKER_TAIL = 1 << 10
_AHEAD = 1 << 16
"""Bytes of lines that are looked at as one: where one of them is no record, what was looked at of the others was in vain."""
_REPLACED = 18
_RUNTIME = re.compile(STAMP.pattern + rb"(stdout|stderr) ([FP])(?::\S*)?[ \n]")


class Record(msgspec.Struct, frozen=True, gc=False):
    """One top-level value, or what stands where one should be.

    Attributes:
        number: counted from 1.
        offset: bytes from the start of the uncompressed object.
        data: its bytes, JSON or a line of text; empty when there is a `reason`.
        reason: why it can't be read; None when it can.
        whole: it is known to be one JSON value. A record that isn't may be given back (`Splitter.reject`).
    """

    number: int
    offset: int
    data: bytes
    reason: str | None
    whole: bool


class Ahead(msgspec.Struct, frozen=True, gc=False):
    """Lines that may be a record each.

    Attributes:
        number: of the first, counted from 1, if it is a record.
        offset: of the first, in bytes from the start of the uncompressed object.
        size: bytes of them all.
        lines: the lines, each with its line feed.
    """

    number: int
    offset: int
    size: int
    lines: BytesIO


class Splitter:
    """Iterates over the records of one object; memory is bounded by the longest record.

    Args:
        blocks: uncompressed content; may end with `Broken`.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._buffer = b""
        self._position = 0  # of what is not handed out yet, in the buffer
        self._base = 0  # of the buffer, in the object
        self._number = 0
        self._ended = False
        self._break: str | None = None
        self._rejected = False

    def reject(self) -> None:
        """Says that the record given last is malformed: it is read again with care."""
        self._rejected = True

    def ahead(self) -> Ahead | None:
        """Lines that follow the line given last, for whoever can read JSON objects alone of them: all are UTF-8, and each
        ends with a line feed. None where that can't be said. They are not passed until that is said (`passed`).
        """
        end = self._buffer.rfind(b"\n", self._position, self._position + _AHEAD) + 1
        data = self._buffer[self._position : end]
        if not data or not is_utf8(data):
            return None
        return Ahead(self._number + 1, self._base + self._position, len(data), BytesIO(data))

    def passed(self, count: int, length: int) -> None:
        """Says that so many of the lines ahead, and bytes of them, were taken, each line as a record."""
        self._number += count
        self._position += length

    def __iter__(self) -> Iterator[Record]:
        self._fill()
        if self._buffer.startswith(_BOM):
            self._position = len(_BOM)
        while True:
            start, buffer = self._position, self._buffer
            end = buffer.find(b"\n", start)
            if end < 0 and not self._ended and len(self._buffer) - self._position < BLOCK:
                self._fill()
                continue
            if end < 0:
                if self._ended and not self._skip_space():
                    break
                yield from self._careful()
                continue
            line = buffer[start:end]
            if line[-1:] == b"}" and line[:1] == b"{":
                if end - start > RUNTIME_LIMIT:
                    if (parts := self._parts(line)) is not None:
                        yield parts
                        continue
                    start, end = self._position, self._position + len(line)  # it may have taken in more
                self._position = end + 1
                self._number += 1
                yield Record(self._number, self._base + start, line, None, False)
                if self._rejected:
                    self._rejected = False
                    self._number -= 1
                    self._position = start
                    yield from self._careful()
            elif line.strip(_SPACE):
                yield from self._careful()
            else:
                self._position = end + 1
        if self._break is not None:
            yield self._failed(self._position, self._break)

    def _failed(self, start: int, reason: str) -> Record:
        self._number += 1
        return Record(self._number, self._base + start, b"", reason, True)

    def _parts(self, line: bytes) -> Record | None:
        """The lines that Docker made of one that was longer than 16 KiB, as one record; None when this is no part of one."""
        stream = _part(line)
        if stream is None:
            return None
        held = length = len(line) + 1
        reason: str | None = (
            "a part of a line that the container runtime cut at 16 KiB, and whose end does not follow"
        )
        while length <= MAX_RECORD:
            length = self._line_end(held)
            following = self._buffer[self._position + held : self._position + length].rstrip(b"\r\n")
            if _part(following) == stream:
                held = length
                continue
            end = _DOCKER.search(following[-_DOCKER_TAIL:]) if following.startswith(_DOCKER_HEAD) else None
            if end is not None and end[1] and end[2] == stream:
                held, reason = length, None
            break
        else:
            reason = _too_long()
        start, offset = self._position, self._base + self._position
        data = self._buffer[start : start + held].rstrip(b"\r\n") if reason is None else b""
        self._position += held
        self._number += 1
        return Record(self._number, offset, data, reason, True)

    def _fill(self) -> None:
        """Takes in at least as much again as there is, so that growing a record stays linear."""
        kept = self._buffer[self._position :]
        self._base += self._position
        self._position = 0
        want, parts = max(len(kept), 1), [kept]
        while want > 0 and not self._ended:
            try:
                block = next(self._blocks)
            except StopIteration:
                self._ended = True
            except Broken as error:
                self._ended, self._break = True, str(error)
            else:
                want -= len(block)
                parts.append(block)
        self._buffer = b"".join(parts)

    def _skip_space(self) -> bool:
        """Moves over space; False at the end of what is in the buffer."""
        while True:
            found = _SPACES.match(self._buffer, self._position)
            self._position = found.end() if found else self._position
            if self._ended or self._buffer[self._position : self._position + len(_BOM)] not in (
                _BOM[:1],
                _BOM[:2],
            ):
                return self._position < len(self._buffer)
            self._fill()

    def _careful(self) -> Iterator[Record]:
        """The values from here to the end of a line, however many lines or values that takes."""
        while self._skip_space():
            if self._at_hole():
                yield self._zeros()
                continue
            start = self._position
            if any(mark.match(self._buffer, start) for mark in (STAMP, GO_STAMP, NAMED)):
                yield self._text_line()
                return
            try:
                length = value_length(memoryview(self._buffer)[start:])
            except Malformed as error:
                if begins(self._buffer, start) or _LINE.match(self._buffer, start):
                    yield self._text_line()
                else:
                    yield self._failed_line(f"not JSON: {error}")
                return
            except Incomplete:
                yield from self._incomplete()
                return
            if length == len(self._buffer) - start and not self._ended and self._buffer[-1:] not in b'}]\n"':
                self._fill()  # a number or a space at the very end: more of it may follow
                continue
            value = self._buffer[start : start + length]
            self._position = start + length
            if len(value) > MAX_RECORD:
                yield self._failed(start, _too_long())
            else:
                self._number += 1
                yield Record(self._number, self._base + start, value.rstrip(_SPACE), None, True)
            if b"\n" in value[len(value.rstrip(_SPACE)) :]:
                return

    def _at_hole(self) -> bool:
        if not self._buffer.startswith(b"\0", self._position):
            return False
        while len(self._buffer) - self._position < len(_HOLE) and not self._ended:
            self._fill()
        return self._buffer.startswith(_HOLE, self._position)

    def _zeros(self) -> Record:
        """One record for zeros: a part of a file that was never written, or that was emptied while something wrote to it."""
        offset, length = self._base + self._position, 0
        while found := _ZEROS.match(self._buffer, self._position):
            self._position = found.end()
            length = self._base + self._position - offset
            if self._position == len(self._buffer) and not self._ended:
                self._fill()
        self._number += 1
        return Record(self._number, offset, b"", f"{length:,} zero bytes, where nothing was written", True)

    def _incomplete(self) -> Iterator[Record]:
        """What to do with a value that the buffer does not hold to its end."""
        if not self._ended and len(self._buffer) - self._position <= MAX_RECORD:
            self._fill()
            yield from self._careful()
            return
        failed = self._failed_line("not JSON: it does not end" if self._ended else _too_long())
        if self._break is not None and self._position == len(self._buffer):
            failed, self._break = structs.replace(failed, reason=self._break), None
        yield failed

    def _text_line(self) -> Record:
        """The line of text here; of one that begins with a time, with the parts that a container runtime cut it into."""
        length = self._line_end(0)
        part = _RUNTIME.match(self._buffer, self._position)
        while part is not None and part[2] == b"P" and length <= MAX_RECORD:
            stream, further = part[1], self._line_end(length)
            part = _RUNTIME.match(self._buffer, self._position + length)
            if part is None or part[1] != stream:
                break
            length = further
        start, offset = self._position, self._base + self._position
        line = self._buffer[start : start + length]
        if length > MAX_RECORD:
            self._position += length
            if not line.endswith(b"\n"):
                self._pass_line()
            self._number += 1
            return Record(self._number, offset, b"", _too_long(), True)
        if self._break is not None and not line.endswith(b"\n"):
            failed = self._failed_line(self._break)
            self._break = None
            return failed
        self._number += 1
        self._position += length
        return Record(self._number, offset, line.rstrip(b"\r\n"), None, True)

    def _line_end(self, after: int) -> int:
        """How many bytes there are from here to behind the first line feed that follows `after` of them."""
        while (end := self._buffer.find(b"\n", self._position + after)) < 0:
            length = len(self._buffer) - self._position
            if self._ended or length > MAX_RECORD:
                return length
            self._fill()
        return end + 1 - self._position

    def _failed_line(self, reason: str) -> Record:
        """One record for the line here and, where it opens a value, the lines that can only continue it."""
        start, base = self._position, self._base
        opens = self._buffer.startswith(_OPENS, start)
        self._pass_line()
        while opens and self._at_continuation():
            self._pass_line()
        self._number += 1
        return Record(self._number, base + start, b"", reason, True)

    def _at_continuation(self) -> bool:
        if self._position == len(self._buffer) and not self._ended:
            self._fill()
        return self._buffer.startswith(_CONTINUES, self._position)

    def _pass_line(self) -> None:
        """Moves behind the next line feed, or to a hole before it, or to the end of the object, keeping nothing."""
        while (found := _LINE_ENDS.search(self._buffer, self._position)) is None:
            zeros = len(self._buffer) - len(self._buffer.rstrip(b"\0"))
            self._position = max(self._position, len(self._buffer) - (0 if self._ended else zeros))
            if self._ended:
                return
            self._fill()
        self._position = found.end() if found[0] == b"\n" else found.start()


def _part(line: bytes) -> bytes | None:
    """The stream of a line of Docker's file that is a part of a line, and not the last; None when it is none."""
    if len(line) <= RUNTIME_LIMIT or not line.startswith(_DOCKER_HEAD):
        return None
    end = _DOCKER.search(line[-_DOCKER_TAIL:])
    if end is None or end[1]:
        return None
    try:
        text = _docker.decode(line).log
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    # what is cut within a letter is replaced, on both sides, by up to three bytes for each of its own
    return end[2] if 0 <= len(text.encode(errors="replace")) - RUNTIME_LIMIT <= _REPLACED else None


class _Line(msgspec.Struct):
    log: str


_docker = msgspec.json.Decoder(_Line)


def _too_long() -> str:
    return f"longer than {MAX_RECORD >> 20} MiB"
