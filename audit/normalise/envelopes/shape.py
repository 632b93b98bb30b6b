"""What an opener is, and what openers share."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from audit.normalise.envelopes import kpl
from audit.normalise.protobuf import NotProtobuf
from audit.normalise.records import MAX_RECORD

Top = Mapping[str, msgspec.Raw]
"""The members of a JSON object, undecoded."""

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31
_MAX_MEMBERS = 100
_MAX_NAMES = 16 << 20  # characters of names from the top, each of which has those above it within
_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_NO_TEXT = (b"", b"{", b"[")
_any = msgspec.json.Decoder()


@dataclass
class Contents:
    """What is in one envelope.

    Attributes:
        items: JSON values or text; each may be several of them, or an envelope.
        noise: records that by rule say nothing.
        failed: reason for each that could not be taken out.
        grown: bytes by which the items are longer than they were, as they were compressed.
        closed: whether the member `message` of each item is a text of the record, in which nothing is looked for.
    """

    items: list[bytes] = field(default_factory=list)
    noise: int = 0
    failed: list[str] = field(default_factory=list)
    grown: int = 0
    closed: bool = False


class Opener(NamedTuple):
    """One kind of envelope.

    Attributes:
        name: as reports name it.
        needs: keys without which an object is no such envelope.
        open: what is in it; None when it is none after all. Never raises.
        beside: what it takes for the line may also be a text of the record that was parsed into the very same object.
    """

    name: str
    needs: frozenset[str]
    open: Callable[[Top], Contents | None]
    beside: bool = False


def agree(parsed: Top, line: Top, apart: frozenset[str]) -> bool:
    """Whether an object is what was parsed of a line: they have at least one member in common, and none that the other lacks or that
    says something else. Members within members count one by one, however they are nested; a number is the same as its text.

    Args:
        parsed: what a shipper or a platform holds.
        line: what its line says.
        apart: members of either that say nothing of it, for who parses adds, moves or changes them.
    """
    one, other = _leaves(parsed, apart), _leaves(line, apart)
    return bool(one) and one is not None and other is not None and one.keys() == other.keys() and all(
        _same(value, other[name]) for name, value in one.items()
    )  # fmt: skip


def _leaves(top: Top, apart: frozenset[str]) -> dict[str, object] | None:
    """The members of an object by their names from the top, such as `grpc.method`; None where two have one name, or names are too long."""
    found: dict[str, object] = {}
    room = _MAX_NAMES
    try:
        left: list[tuple[str, object]] = [
            (name, _any.decode(value)) for name, value in top.items() if name not in apart
        ]
    except _ERRORS:
        return None
    while left:
        name, value = left.pop()
        if isinstance(value, dict) and value:
            room -= len(name) * len(value)
            if room < 0:
                return None
            left.extend((f"{name}.{inner}", of) for inner, of in value.items())
        elif name in found:
            return None
        else:
            found[name] = value
    return found


def _same(one: object, other: object) -> bool:
    """Whether two values are equal, or one is the other's text."""
    if isinstance(one, str) == isinstance(other, str):
        return one == other
    text, value = (one, other) if isinstance(one, str) else (other, one)
    try:
        return bool(_any.decode(str(text)) == value)
    except _ERRORS:
        return False


def as_object(value: bytes | msgspec.Raw) -> dict[str, msgspec.Raw] | None:
    """The members of a JSON object; None when it is something else."""
    try:
        return _object.decode(value)
    except _ERRORS:
        return None


def as_array(value: bytes | msgspec.Raw) -> list[msgspec.Raw] | None:
    """The items of a JSON array; None when it is something else."""
    try:
        return _array.decode(value)
    except _ERRORS:
        return None


def as_text(value: bytes | msgspec.Raw) -> str | None:
    """A JSON string; None when it is something else."""
    if bytes(memoryview(value)[:1]) in _NO_TEXT:  # which costs less than an error does
        return None
    try:
        return _text.decode(value)
    except _ERRORS:
        return None


def text_of(value: bytes | msgspec.Raw) -> bytes:
    """The bytes that a JSON string stands for; none when it is something else."""
    return (as_text(value) or "").encode(errors="replace")


def content(value: msgspec.Raw) -> bytes:
    """What a member holds: the text of a string, or the value itself."""
    text = as_text(value)
    return bytes(value) if text is None else text.encode(errors="replace")


def each(values: Iterable[msgspec.Raw]) -> Contents:
    """Values as they are."""
    return Contents([bytes(value) for value in values])


def each_text(values: Iterable[msgspec.Raw]) -> Contents:
    """What each of some values holds: the text of a string, or the value itself."""
    return Contents([content(value) for value in values])


def member(name: str) -> Callable[[Top], Contents | None]:
    """An opener of what one member holds, unless it is null."""

    def opened(top: Top) -> Contents | None:
        return None if bytes(top[name]) == b"null" else Contents([content(top[name])])

    return opened


def listed(name: str) -> Callable[[Top], Contents | None]:
    """An opener of the list that one member is."""

    def opened(top: Top) -> Contents | None:
        items = as_array(top[name])
        return None if items is None else each(items)

    return opened


def unpacked(value: msgspec.Raw | None) -> Contents | None:
    """What base64 stands for, uncompressed where it is gzip, taken apart where it is several; None when it is no string."""
    text = as_text(value) if value is not None else None
    if text is None:
        return None
    try:
        data = decoded(text)
        if data.startswith(kpl.MARK):
            return joined(_opened(part) for part in kpl.apart(data))
        return _opened(data)
    except NotPacked as error:
        return Contents(failed=[str(error)])
    except NotProtobuf as error:
        return Contents(failed=[f"not what Kinesis' producers put together: {error}"])


def _opened(data: bytes) -> Contents:
    if not data.startswith(_GZIP):
        return Contents([data])
    try:
        result = _gunzipped(data)
    except NotPacked as error:
        return Contents(failed=[str(error)])
    return Contents([result], grown=max(0, len(result) - len(data)))


class NotPacked(Exception):
    """It can't be taken out of its base64 or gzip; the message says why."""


def decoded(text: str) -> bytes:
    """What base64 stands for.

    Raises:
        NotPacked: it is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotPacked("not base64") from None


def _gunzipped(data: bytes) -> bytes:
    """The content of gzip members, as long as a record may be at most.

    Raises:
        NotPacked: it is longer, damaged or cut off.
    """
    result = b""
    for _ in range(_MAX_MEMBERS):
        member_ = zlib.decompressobj(_GZIP_WINDOW)
        try:
            result += member_.decompress(data, MAX_RECORD + 1 - len(result))
        except zlib.error as error:
            raise NotPacked(f"the gzip data inside is damaged: {str(error).rpartition(': ')[2]}") from None
        if len(result) > MAX_RECORD:
            raise NotPacked(f"it decompresses to more than {MAX_RECORD >> 20} MiB")
        if not member_.eof:
            raise NotPacked("the gzip data inside is cut off")
        data = member_.unused_data.lstrip(b"\0")
        if not data:
            return result
    raise NotPacked(f"more than {_MAX_MEMBERS} members of gzip")


def joined(parts: Iterable[Contents]) -> Contents:
    """Several contents as one."""
    whole = Contents()
    for part in parts:
        whole.items.extend(part.items)
        whole.noise += part.noise
        whole.failed.extend(part.failed)
        whole.grown += part.grown
    return whole


def keys(*names: str) -> frozenset[str]:
    """What an opener needs."""
    return frozenset(names)
