"""Records that came late, and those that may still be on their way."""

from __future__ import annotations

import pandas as pd

from audit.joins.continuity.span import OBJECT, STREAM, TIME, Span

Tables = dict[str, pd.DataFrame]

_LATE = 3  # times the usual delay, and no less than a day
_A_DAY = 1440.0


def pending(tables: Tables, known: pd.DataFrame, span: Span) -> pd.DataFrame:
    """Gaps of kind `pending`: a log was collected sooner after the quarter's end than its records usually take."""
    if span.running:
        return known.iloc[:0]
    objects = tables["objects_by_format"]
    last = objects.groupby(STREAM, dropna=False)["collected_at"].max().reset_index()
    rows = known[known["delay_minutes"].notna()].merge(last, on=STREAM)
    delay = pd.to_timedelta(rows["delay_minutes"].astype("float64"), unit="m")
    rows = rows.assign(start=rows["collected_at"] - delay, end=span.stop)
    rows = rows[rows["start"] < span.stop]
    rows = span.inside(rows)
    rows["detail"] = (
        rows["source_name"]
        + ": "
        + rows["format"]
        + " records come up to "
        + rows["delay_minutes"].round().astype("Int64").astype("str")
        + " minutes late, and it was last collected "
        + rows["collected_at"].dt.strftime(TIME)
    )
    return rows.assign(kind="pending")


def late(tables: Tables, known: pd.DataFrame, span: Span) -> pd.DataFrame:
    """Gaps of kind `late`: what was written long after its records, though the stream is usually in time.

    It is there: nothing is missing.
    """
    hours = tables["coverage"]
    spans = hours.groupby([*OBJECT, "format"]).agg(start=("first_at", "min"), end=("last_at", "max"))
    objects = tables["objects_by_format"]
    rows = objects.merge(spans.reset_index(), on=[*OBJECT, "format"])
    rows = rows.merge(known.loc[known["delay_minutes"].notna(), [*STREAM, "delay_minutes"]], on=STREAM)
    took = (rows["last_modified"] - rows["end"]).dt.total_seconds() / 60
    limit = (rows["delay_minutes"].astype("float64") * _LATE).clip(lower=_A_DAY)
    rows = span.inside(rows.assign(took=took)[took > limit])
    rows["detail"] = (
        rows["source_name"]
        + ": "
        + rows["format"]
        + " records until "
        + rows["end"].dt.strftime(TIME)
        + " were written "
        + rows["last_modified"].dt.strftime(TIME)
    )
    return rows.assign(kind="late", missing=False)
