"""The numbers that tie, source by source, as a finished report has them: what the manifest that freezes it says."""

from __future__ import annotations

from audit.evidence.reported import Tally
from audit.report.shapes import Report

_LISTED = ("listed", "collected", "unread")
_STORED = ("stored", "read", "out_of_period", "quarantined")
_RECORDS = ("records", "kept", "noise", "quarantined")
_ROWS = ("parsed", "duplicates", "out_of_period", "kept")


def tallies(report: Report) -> list[Tally]:
    """One for each source of which the report counts objects, in its order."""
    totals = {source.name: source for source in report.sources}
    found = []
    for counted in report.counts:
        told = [name for name in (*_LISTED, *_STORED) if getattr(counted, name) is not None]
        source = totals.get(counted.source_name)
        rows = [tie for tie in report.ties if tie.source == counted.source_name]
        found.append(
            Tally(
                source=counted.source_name,
                objects={name: getattr(counted, name) for name in told},
                records={name: getattr(source, name) if source is not None else 0 for name in _RECORDS},
                rows={name: sum(getattr(row, name) for row in rows) for name in _ROWS},
            )
        )
    return found
