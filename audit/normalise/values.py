"""Whether bytes are a JSON value, how long it is, and whether it says one thing only."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
_SMALL = 1 << 16
"""Bytes up to which a value is made whole, to see whether it is written as it would be written again."""
_LARGE = 1 << 20
"""Bytes up to which what is inside of objects is kept, to be compared."""
_SHOWN = 64  # characters of a key
_raw = msgspec.json.Decoder(msgspec.Raw)
_any = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode


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


def contradiction(data: bytes) -> str | None:
    """What is wrong with a JSON value in which an object has one key twice, with two values; None when none has.

    Readers of the value would differ in what it says: which of the two counts, JSON leaves open.
    """
    value = data.strip()
    try:
        if len(value) <= _SMALL and _encode(_any.decode(value)) == value:
            return None  # written anew, an object has each key once
        return _Keys(whole=len(value) <= _LARGE).first_twice(value)
    except RecursionError:
        return "nested too deep"
    except ValueError:
        return None  # a line of text that begins as JSON does


class _Keys:
    """The keys of the objects in a value; of one that is not `whole`, what is inside of objects is not kept, and counts as different."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._twice: str | None = None

    def first_twice(self, value: bytes) -> str | None:
        json.loads(value, object_pairs_hook=self._object, parse_int=str, parse_float=str, strict=False)
        return self._twice

    def _object(self, members: list[tuple[str, Any]]) -> object:
        said = dict(members)
        if len(said) < len(members) and self._twice is None:
            known: dict[str, Any] = {}
            for key, value in members:
                if known.setdefault(key, value) != value:
                    self._twice = f"it has the key {key[:_SHOWN]!r} twice, with two values"
                    break
        return said if self._whole else object()
