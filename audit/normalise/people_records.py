"""What the records that people keep share: columns under several names, days, words for a state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

import msgspec

from audit.normalise.cells import told_other
from audit.normalise.interface import Unreadable
from audit.normalise.jsonformat import names
from audit.normalise.times import Time, utc

Entry = dict[str, msgspec.Raw]
"""A record: what its columns hold, unread."""
Names = Mapping[str, tuple[str, ...]]
"""By what a column means: the names that it may have."""

_scalar = msgspec.json.Decoder(str | int | float | None)


def texts(entry: Entry, known: Names, *, first: tuple[str, ...] = ()) -> dict[str, str | None]:
    """What a record says, by meaning; None for what it leaves out or empty. Other columns are left alone.

    Args:
        first: meanings of which several columns may be given that say the same in other words, such as an address and a
            name: the first that is named and not empty counts.

    Raises:
        Unreadable: two columns mean the same, or one holds no text or number.
    """
    found: dict[str, str | None] = {}
    for meaning, wordings in known.items():
        there = [name for name in wordings if name in entry]
        if meaning in first:
            there = [name for name in there if _text(name, entry[name]) is not None][:1]
        if len(there) > 1:
            raise Unreadable(f"both {there[0]} and {there[1]} are given")
        found[meaning] = _text(there[0], entry[there[0]]) if there else None
    return found


def _text(name: str, raw: msgspec.Raw) -> str | None:
    try:
        value = _scalar.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable(f"{name} {_why(raw)}") from None
    if value is None:
        return None
    written = value if isinstance(value, str) else bytes(raw).decode()
    return written.strip() or None


def _why(raw: msgspec.Raw) -> str:
    """Why what a column holds is no text."""
    cell = None
    if bytes(raw)[:1] == b"{":
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            cell = told_other(msgspec.json.decode(raw))
    if cell is None:
        return "is neither text nor number"
    return f"({cell[:80]}) has a number format that shows another text than the cell holds: give it the format 'General', or one of days"


def required(found: Mapping[str, str | None], meaning: str) -> str:
    """What must be said.

    Raises:
        Unreadable: it is left out.
    """
    value = found[meaning]
    if value is None:
        raise Unreadable(f"{meaning} is missing")
    return value


def day(found: Mapping[str, str | None], meaning: str) -> datetime | None:
    """The start of a day, or a time with its offset.

    Raises:
        Unreadable: it is written in a way that could mean several days, or none.
    """
    text = found[meaning]
    if text is None:
        return None
    try:
        return utc(msgspec.convert(text if len(text) > 10 else f"{text}T00:00:00Z", Time))
    except msgspec.ValidationError:
        raise Unreadable(
            f"{meaning} is '{text[:40]}': write a day as in 2026-07-01, or a time with its offset"
        ) from None


def word(found: Mapping[str, str | None], meaning: str, known: Mapping[str, str], otherwise: str) -> str:
    """Our word for theirs, or `otherwise` where nothing is said.

    Raises:
        Unreadable: theirs is not known.
    """
    text = found[meaning]
    if text is None:
        return otherwise
    ours = known.get(text.lower())
    if ours is None:
        raise Unreadable(f"{meaning} is '{text[:40]}': write one of {', '.join(known)}")
    return ours


def has(known: Names, *meanings: str) -> Callable[[bytes], bool]:
    """A test for `JsonFormat.recognises`: a column is there for each of the meanings."""

    def looks(record: bytes) -> bool:
        quick = all(any(f'"{name}"'.encode() in record for name in known[meaning]) for meaning in meanings)
        if not quick:
            return False
        found = names(record)
        return all(found & set(known[meaning]) for meaning in meanings)

    return looks
