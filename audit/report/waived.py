"""Waivers that stood in the quarter, with what each of them covers, as plain values."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pandas as pd

from audit.period import Period
from audit.report.plain import records
from audit.report.shapes import WaiverRow

_SCOPE = ("repository", "environment", "cluster", "app", "path", "subject")


def waivers(
    table: pd.DataFrame, exceptions: pd.DataFrame, period: Period, as_of: datetime
) -> list[WaiverRow]:
    """Every waiver that stood in the quarter, by repository, id and place.

    Args:
        table: `Waivers`. exceptions: `Exceptions` of the quarter, of which the uses are counted.
    """
    stop = pd.Timestamp(min(period.end, as_of))
    gone = table["withdrawn_at"].le(pd.Timestamp(period.start)).fillna(False).astype(bool)
    rows = table[table["landed_at"].lt(stop) & ~gone]
    used = Counter(
        (row["control"], name)
        for row in records(exceptions.loc[exceptions["waiver"].notna(), ["control", "waiver"]])
        for name in row["waiver"].split("; ")
    )
    ended = rows["expires"].lt(stop).fillna(False).astype(bool)
    return [
        _row(row, used[row["control"], row["id"]], past=bool(past))
        for row, past in zip(records(rows), ended, strict=True)
    ]


def _row(row: dict[str, str], uses: int, *, past: bool) -> WaiverRow:
    notes = [text for text in row["flaws"].split("; ") if text]
    if not notes and not uses:
        notes.append("nothing of this quarter needed it")
    if row["broad"]:
        notes.append("its scope names no application, path or exception")
    if row["after_the_fact"]:
        notes.append("it covers what happened before it landed")
    return WaiverRow(
        id=row["id"],
        repo=row["repo"],
        control=row["control"],
        state="without effect" if row["flaws"] else "ended" if past else "in force",
        requester=row["requester"],
        approver=row["approver"],
        reason=row["reason"],
        compensating_control=row["compensating_control"],
        scope=", ".join(f"{name} {row[name]}" for name in _SCOPE if row[name]),
        covers_from=row["covers_from"],
        covers_until=row["covers_until"],
        uses=uses,
        notes=notes,
        evidence=[f"{row['repo']}@{row['head_sha']}"],
        place=row["place"],
    )
