"""Records that Kinesis' producers put together into one: a mark, a protobuf message, and its MD5."""

from __future__ import annotations

import hashlib

from audit.normalise.protobuf import NotProtobuf, fields

MARK = b"\xf3\x89\x9a\xc2"
_DIGEST = 16  # bytes of MD5
_RECORD, _DATA = 3, 3  # numbers of the fields


def apart(data: bytes) -> list[bytes]:
    """The records in an aggregate, which begins with `MARK`, in order.

    Raises:
        NotProtobuf: it is none after all, or damaged.
    """
    message, digest = data[len(MARK) : -_DIGEST], data[-_DIGEST:]
    if hashlib.md5(message, usedforsecurity=False).digest() != digest:
        raise NotProtobuf("its MD5 is another")
    found = []
    for field, record in fields(message):
        if field == _RECORD and isinstance(record, bytes):
            found += [part for inner, part in fields(record) if inner == _DATA and isinstance(part, bytes)]
    return found
