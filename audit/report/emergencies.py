"""Emergencies in clusters, step by step: opened, acted in, closed, reviewed, brought back to Git."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from audit.period import Period
from audit.report.plain import records, words
from audit.report.shapes import EmergencyRow


def emergencies(
    table: pd.DataFrame, exceptions: pd.DataFrame, period: Period, as_of: datetime
) -> list[EmergencyRow]:
    """Every emergency that was opened in the quarter, in order of time.

    Args:
        table: `Emergencies`. exceptions: `Exceptions`, of which those name each that CHG-09 raised.
    """
    rows = table[period.holds(table["opened_at"]) & (table["opened_at"] < as_of)]
    rows = rows.sort_values(["opened_at", "ticket", "cluster", "person"], kind="stable")
    found = {row["subject"]: row for row in records(exceptions[exceptions["control"].eq("CHG-09")])}
    return [
        EmergencyRow(
            ticket=row["ticket"],
            cluster=row["cluster"],
            person=row["person"],
            told_by=row["told_by"],
            opened_at=row["opened_at"],
            actions=row["actions"],
            changes=row["changes"],
            closed_at=row["closed_at"],
            reviewed_at=row["reviewed_at"],
            reviewer=row["reviewer"],
            returned_at=row["returned_at"],
            returned=words(row["returned"]),
            wanting=words(raised.get("found", ""), "; ") or _untested(row),
            waiver=raised.get("waiver", ""),
            evidence=words(row["evidence"]),
        )
        for row in records(rows)
        for raised in (found.get(_subject(row), {}),)
    ]


def _subject(row: dict[str, Any]) -> str:
    """As CHG-09 names it."""
    return f"break-glass {row['ticket']}: {row['person']} in {row['cluster']}@{row['opened_at']}"


def _untested(row: dict[str, Any]) -> list[str]:
    """A step that is not in evidence, and that nobody found to be left out, was not tested."""
    back = row["changes"] == 0 or row["returned_at"]
    return [] if row["closed_at"] and row["reviewed_at"] and back else ["not tested"]
