"""Landings, deployments and writes held against each other: counts that tie, and what has no counterpart."""

from __future__ import annotations

import pandas as pd

from audit.joins.reconciling import OUTCOMES
from audit.model import Standing
from audit.report.plain import records, words
from audit.report.shapes import ReconciledCount, ReconciledRow

_STANDINGS = [Standing.UNEXPLAINED, Standing.WAITING, Standing.EXPLAINED]


def counts(table: pd.DataFrame) -> list[ReconciledCount]:
    """`ReconciledCounts`, side by side in the order in which outcomes are declared."""
    order = [(side.value, str(one.name)) for side, outcomes in OUTCOMES.items() for one in outcomes]
    rows = [ReconciledCount(**row) for row in records(table)]
    return sorted(rows, key=lambda row: order.index((row.side, row.outcome)))


def items(table: pd.DataFrame, exceptions: pd.DataFrame) -> list[ReconciledRow]:
    """`ReconciledChanges`, numbered: what nothing explains first, then by side and time.

    Args:
        exceptions: `Exceptions` of the quarter, of which those are named that each item gave rise to.
    """
    raised: dict[tuple[str, str], list[str]] = {}
    for row in records(exceptions[["control", "subject", "exception_id", "waiver"]]):
        name = row["exception_id"] + (f" (waived by {row['waiver']})" if row["waiver"] else "")
        subject = row["subject"].partition(">")[0]
        raised.setdefault((row["control"], subject), []).append(name)
    sides = [side.value for side in OUTCOMES]
    rows = records(table)
    rows.sort(
        key=lambda row: (_STANDINGS.index(row["standing"]), sides.index(row["side"]), row["at"], row["item"])
    )
    return [
        ReconciledRow(
            number=number,
            side=row["side"],
            item=row["item"],
            at=row["at"],
            outcome=row["outcome"],
            standing=row["standing"],
            explanation=row["explanation"],
            control=row["control"],
            raised=raised.get((row["control"], row["subject"]), []) if row["control"] else [],
            person=row["person"],
            environment=row["environment"],
            evidence=words(row["evidence"]),
        )
        for number, row in enumerate(rows, 1)
    ]
