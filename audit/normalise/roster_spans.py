"""Spans of the roster: since when and until when somebody held a role or a name, without overlap and without a gap.

A span runs from its first day to the first day on which it no longer holds; None is open. Days begin at midnight UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple, Protocol

import yaml

from audit.normalise.roster_nodes import Nodes, line_of

_EVER = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
_ADJOIN = "let each span end ('until') on the day on which the next one begins ('from')"


class Span(NamedTuple):
    """A while, half-open, and the line that tells it."""

    since: datetime | None
    until: datetime | None
    line: int

    @property
    def begin(self) -> datetime:
        """Its first instant."""
        return self.since or _EVER

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return self.until or _NEVER

    def overlaps(self, other: Span) -> bool:
        """Whether some instant lies in both."""
        return max(self.begin, other.begin) < min(self.end, other.end)

    def within(self, other: Span) -> Span | None:
        """What of it lies in another span; None for nothing."""
        if not self.overlaps(other):
            return None
        return _span(max(self.begin, other.begin), min(self.end, other.end), self.line)

    def without(self, other: Span) -> list[Span]:
        """What of it lies outside another span."""
        if not self.overlaps(other):
            return [self]
        parts = ((self.begin, min(self.end, other.begin)), (max(self.begin, other.end), self.end))
        return [_span(begin, end, self.line) for begin, end in parts if begin < end]

    def words(self) -> str:
        """As in `2026-07-01 to 2026-08-01`."""
        since = f"{self.since:%Y-%m-%d}" if self.since else "ever"
        return f"{since} to {self.until:%Y-%m-%d}" if self.until else f"{since} on"


class Spanned(Protocol):
    """Anything that holds for a while."""

    @property
    def span(self) -> Span:
        """The while."""
        ...


def _span(begin: datetime, end: datetime, line: int) -> Span:
    return Span(begin if begin > _EVER else None, end if end < _NEVER else None, line)


def read(nodes: Nodes, fields: dict[str, yaml.Node], line: int) -> Span:
    """The span of a mapping with `from` and `until`, as far as they are there."""
    since, until = nodes.day(fields.get("from"), "from"), nodes.day(fields.get("until"), "until")
    if since and until and until <= since:
        at = line_of(fields["until"])
        nodes.fail(at, f"'until' is {until:%Y-%m-%d}, and 'from' no earlier than that: {since:%Y-%m-%d}")
    return Span(since, until, line)


def require_whole(
    nodes: Nodes, whose: str, spans: Iterable[Span], joined: datetime | None, left: datetime | None
) -> None:
    """Makes sure that a person's spans follow each other from the first day to the last.

    Raises:
        UsageError: two overlap, or there is a gap between two, before the first or after the last.
    """
    ordered = sorted(spans, key=lambda span: span.begin)
    for before, after in pairwise(ordered):
        if before.overlaps(after):
            later = max(before, after, key=lambda span: span.line)
            other = before if later is after else after
            nodes.fail(
                later.line, f"roles of '{whose}' overlap: {later.words()}, on line {other.line} {other.words()}", _ADJOIN
            )  # fmt: skip
        if before.end < after.begin:
            gap = Span(before.until, after.since, after.line)
            nodes.fail(after.line, f"roles of '{whose}' have a gap: none is told for {gap.words()}", _ADJOIN)
    first, last = ordered[0], ordered[-1]
    if joined and first.begin > joined:
        gap = Span(joined, first.since, first.line)
        nodes.fail(first.line, f"roles of '{whose}' have a gap: none is told for {gap.words()}, from 'joined' on", _ADJOIN)  # fmt: skip
    if last.until and (left is None or last.until < left):
        gap = Span(last.until, left, last.line)
        nodes.fail(
            last.line,
            f"roles of '{whose}' have a gap: none is told for {gap.words()}",
            "leave 'until' of the last span out, write the span after it, or 'left' with the last day",
        )
