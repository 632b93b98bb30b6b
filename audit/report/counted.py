"""Metrics as figures beside the quarter before, and as charts over quarters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from audit.model import LandingKind, Severity
from audit.report.plain import number, records
from audit.report.shapes import ControlResult, Figure, Series, Trend

_CONTINUOUS = frozenset({"share", "ratio", "percent", "hours", "days"})

HEADLINES = (
    "change_volume",
    "review_coverage",
    "time_to_first_review",
    "lead_time",
    "deployment_frequency",
    "change_failure_rate",
    "restore_time",
)
"""Metrics of the summary and of the trends, in their order; the annex has all of them."""


def figures(metrics: pd.DataFrame, quarter: str, previous: str) -> list[Figure]:
    """The quarter's metrics, each beside its value of the quarter before: headlines first, then by id."""
    by_key = ["metric", "dimension", "group"]
    now = metrics[metrics["quarter"] == quarter]
    before = metrics.loc[metrics["quarter"] == previous, [*by_key, "value"]]
    both = now.merge(before.rename(columns={"value": "previous"}), on=by_key, how="left")
    found = [_figure(row) for row in records(both)]
    return sorted(found, key=lambda figure: (_rank(figure.metric), figure.dimension != "all"))


def _rank(metric: str) -> tuple[int, str]:
    return (HEADLINES.index(metric), "") if metric in HEADLINES else (len(HEADLINES), metric)


def _figure(row: dict[str, Any]) -> Figure:
    return Figure(
        metric=row["metric"],
        title=row["title_text"],
        unit=row["unit"],
        definition=row["definition"],
        dimension=row["dimension"],
        group=row["group"],
        value=number(row["value"]),
        previous=number(row["previous"]),
        numerator=number(row["numerator"]),
        denominator=number(row["denominator"]),
        undetermined=int(row["undetermined"]),
        note=row["note"],
    )


def key_figures(found: Sequence[Figure]) -> list[Figure]:
    """The headlines, not broken down."""
    return [figure for figure in found if figure.dimension == "all" and figure.metric in HEADLINES]


def trends(metrics: pd.DataFrame, controls: Sequence[ControlResult]) -> list[Trend]:
    """A chart for each charted metric that was ever determined, and one of this quarter's exceptions by control.

    A count broken down by kind is drawn stacked instead of whole: its bars add up to the same.
    """
    quarters = sorted(set(metrics["quarter"]))
    drawn = []
    for metric in HEADLINES:
        rows = metrics[metrics["metric"] == metric]
        kinds, whole = rows[rows["dimension"] == "kind"], rows[rows["dimension"] == "all"]
        if not whole["value"].notna().any():
            continue
        if set(whole["unit"]) <= _CONTINUOUS:
            drawn.append(_trend(metric, "line", whole, quarters))
        elif len(kinds):
            drawn.append(_trend(metric, "stacked", kinds, quarters))
        else:
            drawn.append(_trend(metric, "bars", whole, quarters))
    return [*drawn, *_violations(metrics, quarters), *_by_control(controls)]


def _violations(metrics: pd.DataFrame, quarters: list[str]) -> list[Trend]:
    """Violations by severity, once more than one quarter was judged."""
    rows = metrics[metrics["metric"].eq("violations")]
    known = rows.loc[rows["dimension"].eq("all") & rows["value"].notna()]
    if len(known) < 2 or not known["value"].gt(0).any():
        return []
    none = known.merge(pd.DataFrame({"of": list(Severity)}), how="cross")
    none = none.assign(group=none["of"].astype("str"), dimension="severity", value=0.0).drop(columns="of")
    given = rows[rows["dimension"].eq("severity")]
    every = pd.concat([given, none]).drop_duplicates(["quarter", "group"])
    every = every.assign(group=every["group"].str.capitalize())
    return [_trend("violations", "stacked", every, quarters, [str(each).capitalize() for each in Severity])]


def _trend(
    metric: str,
    form: str,
    rows: pd.DataFrame,
    quarters: list[str],
    names: Sequence[str] = tuple(LandingKind),
) -> Trend:
    """A chart of one metric; `names` are the parts of a stacked one, in their order."""
    values: dict[str, dict[str, float | None]] = (
        {str(name): {} for name in names} if form == "stacked" else {}
    )
    for row in records(rows):
        values.setdefault(row["group"], {})[row["quarter"]] = number(row["value"])
    first = rows.iloc[0]
    missing = [q for q in quarters if all(group.get(q) is None for group in values.values())]
    return Trend(
        id=metric,
        title=str(first["title_text"]),
        unit=str(first["unit"]),
        form=form,
        labels=quarters,
        series=[Series(name, [group.get(q) for q in quarters]) for name, group in values.items() if group],
        note=f"Not determined: {', '.join(missing)}." if missing else "",
    )


def _by_control(controls: Sequence[ControlResult]) -> list[Trend]:
    failed = sorted((c for c in controls if c.exception_count), key=lambda c: (-c.exception_count, c.id))
    if not failed:
        return []
    values: list[float | None] = [float(c.exception_count) for c in failed]
    labels = [c.id for c in failed]
    return [Trend("exceptions", "Exceptions by control", "items", "ranked", labels, [Series("", values)], "")]
