"""What failed controls in the quarter: how much, where and since when. Systems are named, people are not."""

from __future__ import annotations

from audit.metrics.change import NOWHERE, teams
from audit.metrics.interface import Count, Grouped, Median, Metric, Share, Span, Tables, by, days, hours


def _failed(tables: Tables, span: Span) -> Grouped:
    """The exceptions of the judged quarter, by control, severity, system and team."""
    rows = tables["exceptions"].assign(one=1)
    rows = rows.assign(
        system=rows["repo"].fillna(rows["cluster"]),
        team=teams(tables, rows["person"], rows["at"].fillna(span.stop)).fillna(NOWHERE),
    )
    return by(
        rows,
        control=rows.assign(group=rows["control"]),
        severity=rows.assign(group=rows["severity"]),
        system=rows.assign(group=rows["system"].fillna(NOWHERE)),
        team=rows.assign(group=rows["team"]),
    )


def _ages(tables: Tables, span: Span) -> Grouped:
    failed = _failed(tables, span)
    return {
        dimension: failed[dimension].assign(days=days(span.stop - failed[dimension]["at"]))
        for dimension in ("all", "control", "severity")
    }


def _resolved(tables: Tables, span: Span) -> Grouped:
    failed = _failed(tables, span)
    return {
        dimension: rows.assign(
            hours=hours((rows["resolved_at"] - rows["at"]).where(rows["resolved_at"] < span.now))
        )
        for dimension, rows in failed.items()
        if dimension != "team"
    }


def _repeated(tables: Tables, span: Span) -> Grouped:
    rows = _failed(tables, span)["all"]
    again = rows.duplicated(["control", "system"], keep=False) & rows["system"].notna()
    rows = rows.assign(again=again, known=rows["system"].notna())
    return by(rows, system=rows[rows["known"]].assign(group=lambda known: known["system"]))


METRICS = (
    Metric(
        "violations",
        "Violations",
        "violations",
        "Items that failed a control in the quarter, whether or not they are waived, by control, severity, the repository or "
        "else the cluster, and the team of whoever did it, by the roster at that time.",
        "exceptions",
        "exception",
        _failed,
        Count("one"),
    ),
    Metric(
        "violation_age",
        "Age of violations",
        "days",
        "Median days from when an item failed a control to the quarter's end. Undetermined: what has no time of its own.",
        "exceptions",
        "exception",
        _ages,
        Median("days"),
    ),
    Metric(
        "resolve_time",
        "Time to resolve violations",
        "hours",
        "Median hours from when an item failed a control in the quarter (its start, for a state that began before it) to when it was "
        "put right, by control, severity and system. Undetermined: what was not put right yet, or of which nothing tells when it was.",
        "exceptions",
        "exception",
        _resolved,
        Median("hours"),
    ),
    Metric(
        "repeated_violations",
        "Violations in systems that repeat them",
        "share",
        "Items that failed a control which another item of the same repository, or else cluster, failed in the quarter too, "
        "divided by those whose system is known. Undetermined: those of no system that is known.",
        "exceptions",
        "exception",
        _repeated,
        Share(hit="again", known="known"),
    ),
)
