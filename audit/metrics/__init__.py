"""Figures of the quarter and of the quarters before it, each with what it was made of.

`compute` measures every metric over each quarter. A quarter of which no evidence speaks, for it begins later, ended
before or is missing throughout, has missing values with a note, never zeros.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from audit import tables as t
from audit.metrics import change, delivery, review, reviewing, security, states, violations
from audit.metrics.ended import ended
from audit.metrics.interface import ROW, Count, Median, Metric, Span, Tables, note_of
from audit.model import Conclusion
from audit.period import Period
from audit.settings import Settings

METRICS: tuple[Metric, ...] = (
    *change.METRICS, *review.METRICS, *reviewing.METRICS, *delivery.METRICS, *states.METRICS, *security.METRICS,
)  # fmt: skip

JUDGED: tuple[Metric, ...] = violations.METRICS
"""Those of what controls came to: of the quarter that is judged; of the others as they were reported (`audit.metrics.reported`)."""

_BEGINNING = {
    "landings": ("landings", "landed_at", "no commit is on record before its end"),
    "reviews": ("changes", "created_at", "no pull request is on record before its end"),
    "deployments": ("deployments", "started_at", "no deployment is on record before its end"),
    "states": ("app_states", "start", "no state of an application is on record before its end"),
    "promotions": ("promotions", "set_at", "no image version is on record before its end"),
    "secrets": ("secret_references", "changed_at", "no declared secret is on record before its end"),
    "scans": ("scans", "at", "no scan is on record before its end"),
    "exceptions": ("exceptions", "at", ""),
}


def compute(tables: Tables, settings: Settings, period: Period, *, as_of: datetime) -> pd.DataFrame:
    """Every metric for `period` and the quarters before it (`thresholds.trend_quarters` in all), as `Metrics`.

    Args:
        tables: every git, normalised and joined table.
        as_of: when evidence was last collected (aware). Nothing at or after it counts.
    """
    parts: list[pd.DataFrame] = []
    quarter, kept = period, Span(settings, period, as_of).kept
    for _ in range(settings.thresholds.trend_quarters):
        span = Span(settings, quarter, as_of, kept)
        parts.extend(_measured(metric, tables, span) for metric in METRICS)
        quarter = quarter.previous()
    return t.conform(t.Metrics, pd.concat(parts, ignore_index=True))


def judged(tables: Tables, settings: Settings, period: Period, *, as_of: datetime) -> pd.DataFrame:
    """What controls came to, in figures: `Metrics` of the quarter alone.

    Args:
        tables: every table, `exceptions` and `conclusions` of this quarter among them.
        as_of: as for `compute`.
    """
    span = Span(settings, period, as_of)
    parts = [_measured(metric, tables, span) for metric in JUDGED]
    return t.conform(t.Metrics, pd.concat(parts, ignore_index=True))


_TIME = {
    "landing": "landed_at", "pull request": "landed_at", "deployment": "started_at", "state": "start",
    "promotion": "set_at", "secret": "changed_at", "scan": "at", "vulnerability": "at", "exception": "at",
}  # fmt: skip
_NAME = {
    "promotion": ["repo", "app", "environment", "image", "version"], "secret": ["repo", "path", "kind", "namespace", "name"],
    "scan": ["scanner", "artifact"], "vulnerability": ["scanner", "artifact", "target", "package", "vulnerability"],
}  # fmt: skip
"""Columns that together name an item which has no name of its own."""


def _subject(item: str, rows: pd.DataFrame) -> pd.Series:
    """What names each item in exceptions and reports."""
    if item == "landing":
        return rows["repo"] + "@" + rows["head_sha"]
    if item == "pull request":
        return rows["repo"] + "#" + rows["pr_number"].astype("str")
    if item == "exception":
        return rows["exception_id"]
    if item == "state":
        seen: pd.Series = rows["start"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        return rows["cluster"] + "/" + rows["application"] + ": " + rows["state"] + "@" + seen
    if item in _NAME:
        first, *others = _NAME[item]
        named: pd.Series = rows[first]
        for other in others:
            named = named + " " + rows[other]
        return named
    started: pd.Series = rows["started_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return rows["cluster"] + "/" + rows["application"] + "@" + started


def made_of(
    metric: str, tables: Tables, settings: Settings, period: Period, *, as_of: datetime
) -> pd.DataFrame:
    """The items that a figure of one quarter is made of.

    Args:
        metric: id of one of `METRICS` or `JUDGED`.
        tables, as_of: as for `compute`.

    Returns:
        `dimension`, `group`, `subject` (str), `at` (datetime64[us, UTC]), `value` (Float64; missing: undetermined) and
        `part` (str): one row for each item and group; in order of dimension, group, time and subject.

    Raises:
        KeyError: there is no such metric.
    """
    known = {one.id: one for one in (*METRICS, *JUDGED)}[metric]
    span = Span(settings, period, as_of)
    parts = [
        pd.DataFrame(
            {
                "group": items["group"],
                "subject": _subject(known.item, items),
                "at": items[_TIME[known.item]],
                **known.figure.parts(items),
            }
        ).assign(dimension=dimension)
        for dimension, items in known.items(tables, span).items()
    ]
    rows = pd.concat(parts, ignore_index=True)[["dimension", "group", "subject", "at", "value", "part"]]
    return rows.sort_values(["dimension", "group", "at", "subject"], kind="stable", ignore_index=True)


def timed_by(
    metric: str, tables: Tables, settings: Settings, period: Period, *, as_of: datetime
) -> pd.DataFrame:
    """The deployments from which the times of a figure's items are taken; no rows for a figure whose times end otherwise.

    Args:
        metric, tables, as_of: as for `made_of`.

    Returns:
        `repo`, `head_sha`, `cluster`, `application` (str), `started_at`, `done_at` (datetime64[us, UTC]).
    """
    if metric not in delivery.TIMED:
        return pd.DataFrame()
    return delivery.went_live(tables, Span(settings, period, as_of))


def _measured(metric: Metric, tables: Tables, span: Span) -> pd.DataFrame:
    """One metric over one quarter."""
    lacking = _lacking(metric, tables, span)
    if lacking:
        nothing = dict.fromkeys(ROW) | {"dimension": "all", "group": "", "undetermined": 0}
        rows = pd.DataFrame([nothing]).assign(note=lacking)
    else:
        rows = metric.measure(tables, span)
        rows = rows.assign(note=_notes(metric, rows, tables, span))
    return rows.assign(
        metric=metric.id,
        title_text=metric.title,
        unit=metric.unit,
        definition=metric.definition,
        quarter=span.period.label,
    ).astype({"value": "Float64", "numerator": "Float64", "denominator": "Float64"})


def _lacking(metric: Metric, tables: Tables, span: Span) -> str:
    """Why a quarter can't be measured at all; empty when it can."""
    if metric.evidence == "exceptions":  # nothing failed, or was not tested: notes tell which
        return ""
    table, time, why = _BEGINNING[metric.evidence]
    first = tables[table][time].min()
    if pd.isna(first) or first >= span.stop:
        return why
    return span.once(
        ("ended", metric.evidence), span.period, lambda: ended(metric.evidence, tables[table], tables, span)
    )


def _notes(metric: Metric, rows: pd.DataFrame, tables: Tables, span: Span) -> list[str]:
    """For each row: small numbers, a quarter that runs, and evidence that begins within it."""
    table, time, _ = _BEGINNING[metric.evidence]
    first, limit = tables[table][time].min(), span.settings.thresholds.small_number
    common = []
    if span.now < pd.Timestamp(span.period.end):
        common.append(f"the quarter is running: counted until {span.stop:%Y-%m-%d}")
    if metric.evidence == "exceptions":
        untested = int(tables["conclusions"]["conclusion"].eq(Conclusion.NOT_TESTED.value).sum())
        common += [f"controls not tested: {untested}"] if untested else []
    elif first > span.start and metric.evidence not in ("reviews", "secrets"):
        common.append(f"evidence begins on {first:%Y-%m-%d}")
    counted = rows["numerator"] if isinstance(metric.figure, Median) else rows["denominator"]
    if isinstance(metric.figure, Count):
        counted = pd.Series(float(limit), index=rows.index)  # a count is exact, however small
    facts = zip(rows["value"], counted, rows["undetermined"], strict=True)
    own = [note_of(value, items, undetermined, limit) for value, items, undetermined in facts]
    return ["; ".join(part for part in (note, *common) if part) for note in own]
