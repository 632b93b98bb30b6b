"""Which rows of long lists stand on the pages: those that something refers to, and sums of the others; all are attached.

What a page leaves out it says, with the number and the name of the attachment. `[report] whole_lists` has everything printed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from audit.report import areas
from audit.report.pieces import QueryRow
from audit.report.shapes import CoverageRow, EvidenceRow, ExceptionRow, Figure, SourceRow, TieRow

FEW = 60
"""Objects of evidence that are printed one by one, whatever refers to them."""

EVERYTHING = 10**9
"""More rows than any list has."""

_STEPS = ("parsed", "duplicates", "out_of_period", "kept")

_LOGS = "kubernetes-audit"
"""The format whose records tell, hour by hour, whether a cluster was watched."""


@dataclass(frozen=True)
class Group:
    """Objects of evidence of one source that were collected on one day.

    Attributes:
        digest: sha256 of their sha256, sorted, one a line.
    """

    source: str
    day: str
    objects: int
    size: int
    records: int
    kept: int
    quarantined: int
    digest: str


@dataclass(frozen=True)
class Shown:
    """A figure that is printed.

    Attributes:
        first: of those of its metric.
        more: groups of the same that are not printed; said beside the last one that is.
    """

    figure: Figure
    first: bool
    more: int


def rows(limit: int, whole: bool) -> int:
    """How many rows of a list are printed."""
    return EVERYTHING if whole else limit


def objects(
    evidence: Sequence[EvidenceRow], exceptions: Iterable[ExceptionRow], whole: bool
) -> list[EvidenceRow]:
    """Those that exceptions point to, and those of which something could not be read; all, where they are few."""
    if whole or len(evidence) <= FEW:
        return list(evidence)
    named = {pointer.partition(":")[0] for row in exceptions for pointer in row.evidence}
    return [row for row in evidence if row.sha256 in named or row.quarantined]


def groups(evidence: Sequence[EvidenceRow], zone: str) -> list[Group]:
    """All objects by source and the day on which they were collected, in the report's time zone."""

    def place(row: EvidenceRow) -> tuple[str, str]:
        at = datetime.fromisoformat(row.collected_at).astimezone(ZoneInfo(zone))
        return row.source, at.strftime("%Y-%m-%d")

    return [_group(key, list(some)) for key, some in groupby(sorted(evidence, key=place), key=place)]


def _group(key: tuple[str, str], some: Sequence[EvidenceRow]) -> Group:
    lines = "".join(f"{sha256}\n" for sha256 in sorted(row.sha256 for row in some))
    return Group(
        *key,
        objects=len(some),
        size=sum(row.size for row in some),
        records=sum(row.records for row in some),
        kept=sum(row.kept for row in some),
        quarantined=sum(row.quarantined for row in some),
        digest=hashlib.sha256(lines.encode()).hexdigest(),
    )


def figures(found: Sequence[Figure], whole: bool) -> list[Shown]:
    """Every figure, and the largest groups of each that is broken down."""
    parted: dict[tuple[str, str], list[Figure]] = {}
    for one in found:
        parted.setdefault((one.metric, one.dimension), []).append(one)
    printed: list[Shown] = []
    for (metric, dimension), each in parted.items():
        shown = each
        if dimension != "all" and not whole:
            shown = sorted(each, key=areas.largest_first)[: areas.GROUPS]
        for one in shown:
            more = len(each) - len(shown) if one is shown[-1] else 0
            first = not printed or printed[-1].figure.metric != metric
            printed.append(Shown(one, first, more))
    return printed


def ties(found: Sequence[TieRow], whole: bool) -> list[TieRow]:
    """Rows at each step by table, those of all its sources together; one that does not tie stands by itself."""
    if whole:
        return list(found)
    tables: dict[str, list[TieRow]] = {}
    for row in found:
        tables.setdefault(row.table, []).append(row)
    printed = []
    for table, each in sorted(tables.items()):
        tied, loose = [row for row in each if tie(row)], [row for row in each if not tie(row)]
        if len(tied) > 1:
            sums = {name: sum(getattr(row, name) for row in tied) for name in _STEPS}
            tied = [TieRow(source="", table=table, **sums)]
        printed += [*tied, *loose]
    return printed


def tie(row: TieRow) -> bool:
    """Whether each row that was parsed is accounted for."""
    return row.parsed == row.kept + row.duplicates + row.out_of_period


def queries(found: Sequence[QueryRow]) -> list[tuple[list[str], QueryRow]]:
    """What sources were asked for, each question with all sources that it was put to."""
    asked: dict[tuple[str, str], list[QueryRow]] = {}
    for row in found:
        asked.setdefault((row.query, row.filters), []).append(row)
    return [([row.source for row in some], some[0]) for some in asked.values()]


def drawn(coverage: Sequence[CoverageRow], sources: Sequence[SourceRow]) -> list[CoverageRow]:
    """The coverage that is drawn day by day: that of clusters' audit logs, and of what has records on most days."""
    logs = {source.name for source in sources if _LOGS in source.formats}
    return [row for row in coverage if row.source in logs or 2 * days_with_records(row) > len(row.days)]


def days_with_records(row: CoverageRow) -> int:
    """Days of the quarter with a record in any hour."""
    return sum(bool(hours) for hours in row.hours)


def whole_days(row: CoverageRow) -> int:
    """Days with a record in each of their hours."""
    return sum(seen >= hours for seen, hours in zip(row.hours, row.expected, strict=True))
