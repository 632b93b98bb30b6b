"""Times as evidence writes them, to aware times in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from audit.normalise.interface import Unreadable

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with an offset."""

_UNITS = ((100_000_000_000_000, "microseconds"), (100_000_000_000, "milliseconds"))
"""From which number on it is which; as seconds, the lowest would be the year 5138, and as milliseconds, it is 1973."""
_NANOSECONDS_FROM = 100_000_000_000_000_000
_LONGEST = 19  # digits
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(value: datetime) -> datetime:
    """`value` in UTC.

    Raises:
        Unreadable: it lies outside what a time can be there.
    """
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Unreadable(f"not a time: {value.isoformat()}") from None


def optional(value: datetime | None) -> datetime | None:
    """As `utc`; None stays None."""
    return None if value is None else utc(value)


def parse(value: str | float) -> datetime:
    """RFC 3339, or seconds, or thousandths, millionths or billionths of them, since 1970 as a number or as digits.

    Raises:
        Unreadable: it is none of these.
    """
    if isinstance(value, bool):
        raise Unreadable(f"not a time: {value!r}")
    if isinstance(value, str):
        try:
            value = int(value) if value.isdecimal() and len(value) <= _LONGEST else float(value)
        except ValueError:
            return _rfc3339(str(value))
    try:
        number = value // 1000 if abs(value) >= _NANOSECONDS_FROM else value
        unit = next((unit for least, unit in _UNITS if abs(number) >= least), "seconds")
        return _EPOCH + timedelta(**{unit: number})
    except (OverflowError, ValueError):
        raise Unreadable(f"not a time: {value!r}") from None


def _rfc3339(text: str) -> datetime:
    try:
        return utc(msgspec.convert(text, Time))
    except msgspec.ValidationError as error:
        raise Unreadable(f"not a time: {text[:40]!r}: {error}") from None
