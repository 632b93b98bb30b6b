"""What a format is: pure, bytes in, typed rows out.

A format never opens a file, never asks the clock and never guesses. It is given one record (the bytes of one
JSON value, already unwrapped from its envelope) and gives rows, says that the record is noise by rule, or raises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import msgspec

Row = dict[str, Any]
Rows = list[
    tuple[str, Row]
]  # (table name, row without the columns `evidence` and `line`, which the reader adds)


@dataclass(frozen=True)
class Context:
    """What is known about a record from where it lies.

    Attributes:
        source: name of the source in the settings.
        key: key of the object below the source's location.
        cluster: cluster that the source belongs to, if any.
        repository: repository that the source belongs to, if any (owner/name).
    """

    source: str
    key: str
    cluster: str | None = None
    repository: str | None = None


class Unreadable(ValueError):
    """This record can't be read as this format; the message is the reason shown in quarantine."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What one record gave.

    Attributes:
        rows: rows by table; empty for noise (well-formed, but by rule of no interest).
        at: when the record speaks of (aware), for coverage; None when it has no time of its own.
        failed: why, for each part of the record that can't be read though the rest of it can: each is quarantined, and
            counted as a record of its own.
    """

    rows: Rows
    at: datetime | None
    failed: tuple[str, ...] = ()


class Format(Protocol):
    """One format of evidence."""

    name: str
    """Name in the settings, such as `kubernetes-audit`."""
    version: int
    """Raised whenever the same bytes would give other rows: what was parsed before is then parsed again."""
    tables: tuple[str, ...]
    """Names of the tables it gives rows of."""

    def recognises(self, record: bytes) -> bool:
        """Whether the record has this format's shape. Cheap; never raises."""
        ...

    def read(self, record: bytes, context: Context) -> Outcome:
        """The rows of one record.

        Raises:
            Unreadable: the record lacks what the format requires, or holds what it forbids.
        """
        ...


@dataclass
class Parsed:
    """What became of one object: rows by table, and every record accounted for.

    `records == kept + noise + len(quarantined)` always holds.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    coverage: dict[tuple[str, datetime], tuple[int, datetime, datetime]] = field(default_factory=dict)
    """By format and hour (aware, UTC): records, first and last time."""
    records: int = 0
    kept: int = 0
    noise: int = 0
    quarantined: list[tuple[int, int, str]] = field(default_factory=list)
    """(record number from 1, byte offset in the uncompressed object, of UTF-16 as it is in UTF-8, reason)."""
    by_format: Counter[str] = field(default_factory=Counter)
    """How many records were read as which format."""
    by_envelope: Counter[str] = field(default_factory=Counter)
    """How many envelopes of which kind were opened."""

    @property
    def formats(self) -> set[str]:
        """Formats that its records were read as."""
        return set(self.by_format)

    @property
    def envelopes(self) -> set[str]:
        """Kinds of envelopes that were opened."""
        return set(self.by_envelope)

    def tables(self) -> Iterable[str]:
        """Tables that it has rows of."""
        return self.rows.keys()
