"""Whether bytes are a JSON value, and how long it is: the values themselves are not made."""

from __future__ import annotations

import re

import msgspec

_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
_raw = msgspec.json.Decoder(msgspec.Raw)


class Incomplete(Exception):
    """More bytes are needed to tell."""


class Malformed(Exception):
    """No JSON value begins here."""


def value_length(data: bytes | memoryview) -> int:
    """How many bytes of `data` its first JSON value and the space after it take.

    Raises:
        Incomplete: `data` ends before the value does.
        Malformed: what stands there is no JSON value; the message says why.
    """
    try:
        _raw.decode(data)
    except msgspec.DecodeError as error:
        trailing = _TRAILING.search(str(error))
        if trailing:
            return int(trailing[1]) - 1
        if "truncated" in str(error):
            raise Incomplete from None
        raise Malformed(str(error).removeprefix("JSON is malformed: ")) from None
    except RecursionError:
        raise Malformed("nested too deep") from None
    return len(data)


def is_value(data: bytes) -> bool:
    """Whether `data` is one JSON value and nothing else."""
    try:
        return value_length(data) == len(data)
    except (Incomplete, Malformed):
        return False


def is_utf8(data: bytes) -> bool:
    """Whether `data` is UTF-8."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
