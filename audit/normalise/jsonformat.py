"""A format whose records are JSON objects: typed by a Struct, told apart by their keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

import msgspec

from audit.normalise.interface import Context, Outcome, Unreadable

T = TypeVar("T")

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A number that a system gave to something; fits a table's 64-bit integer."""
Number = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""As `Id`, counted from 1."""

ABSENT = msgspec.Raw()
"""Default of a field that is kept as it is written: it is not there."""


def is_there(raw: msgspec.Raw) -> bool:
    """Whether a field that is kept as it is written is there, and not null."""
    return bytes(raw) not in (b"", b"null")


@dataclass
class JsonFormat(Generic[T]):
    """A `Format` made of a Struct and a pure function.

    Attributes:
        shape: Struct of a record; a field that the format requires has no default, so that lacking it is loud.
        rows: what a decoded record gives; raises `Unreadable`.
        recognises: whether a record has this format's shape, by its bytes; cheap, and never raises.
    """

    name: str
    version: int
    tables: tuple[str, ...]
    shape: type[T]
    rows: Callable[[T, Context], Outcome]
    recognises: Callable[[bytes], bool]
    _decode: Callable[[bytes], T] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._decode = msgspec.json.Decoder(self.shape).decode

    def read(self, record: bytes, context: Context) -> Outcome:
        """The rows of one record.

        Raises:
            Unreadable: it is no JSON, lacks what the format requires, or holds what it forbids.
        """
        try:
            try:
                value = self._decode(record)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Unreadable(str(error)) from None
            return self.rows(value, context)
        except RecursionError:  # of a part that is decoded later, too
            raise Unreadable("nested too deep") from None


class Keys(msgspec.Struct):
    """What tells the kinds of Kubernetes objects and events apart."""

    kind: str | None = None
    apiVersion: str | None = None
    reason: str | None = None
    involvedObject: Reference | None = None
    regarding: Reference | None = None


class Reference(msgspec.Struct):
    """The object that an event is about."""

    kind: str | None = None
    apiVersion: str | None = None


_keys = msgspec.json.Decoder(Keys)
_NONE = Keys()


def keys(record: bytes) -> Keys:
    """The keys of a record that tell Kubernetes objects apart; none when it is no such thing."""
    try:
        return _keys.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NONE


_names = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOTHING: frozenset[str] = frozenset()


def names(record: bytes) -> frozenset[str]:
    """The top-level keys of a record; none when it is no JSON object."""
    try:
        return frozenset(_names.decode(record))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NOTHING


def has(required: tuple[str, ...], *, lacks: tuple[str, ...] = ()) -> Callable[[bytes], bool]:
    """A test for `JsonFormat.recognises`: every key in `required` is there at the top, and none in `lacks`."""
    quoted = tuple(f'"{name}"'.encode() for name in required)
    needed, unwanted = frozenset(required), frozenset(lacks)

    def looks(record: bytes) -> bool:
        if not all(name in record for name in quoted):
            return False
        found = names(record)
        return needed <= found and not unwanted & found

    return looks


def cluster_of(context: Context) -> str:
    """The cluster that a record speaks of.

    Raises:
        Unreadable: its source names none.
    """
    if context.cluster is None:
        raise Unreadable("the source names no cluster")
    return context.cluster
