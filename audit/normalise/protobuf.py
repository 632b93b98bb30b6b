"""Fields of protobuf messages, without a schema: numbers, bytes, and messages in bytes. Groups are not read."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST = 10  # bytes of a number


class NotProtobuf(ValueError):
    """These bytes are no such message; the message says why."""


def number(data: bytes, position: int) -> tuple[int, int]:
    """The number (0 to 2**64 - 1) that stands at `position`, and the position behind it.

    Raises:
        NotProtobuf: none stands there.
    """
    value = shift = 0
    for place in range(position, min(position + _LONGEST, len(data))):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return value, place + 1
        shift += 7
    raise NotProtobuf(f"no number stands at byte {position}")


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field, in order: an int, or the bytes of anything else (8 or 4 of a fixed number).

    Raises:
        NotProtobuf: it is no message, or cut off.
    """
    position, size = 0, len(data)
    while position < size:
        tag, position = number(data, position)
        field, kind = tag >> 3, tag & 7
        if field == 0:
            raise NotProtobuf("a field has the number 0")
        if kind == _VARINT:
            value, position = number(data, position)
            yield field, value
            continue
        if kind == _BYTES:
            length, position = number(data, position)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise NotProtobuf(f"field {field} is of a kind that is not read")
        if length > size - position:
            raise NotProtobuf(f"field {field} is cut off")
        yield field, data[position : position + length]
        position += length


def signed(value: int) -> int:
    """A number that was written as one of 64 bits with a sign."""
    return value - (1 << 64) if value >> 63 else value


def double(value: bytes) -> float:
    """A fixed number of 8 bytes.

    Raises:
        NotProtobuf: it has not 8.
    """
    if len(value) != struct.calcsize("<d"):
        raise NotProtobuf("a number is not of 8 bytes")
    return float(struct.unpack("<d", value)[0])
