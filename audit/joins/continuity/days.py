"""Coverage by source, cluster and day, with a row for days without anything."""

from __future__ import annotations

import pandas as pd

from audit.joins.continuity.span import STREAM, Span
from audit.period import Period

Tables = dict[str, pd.DataFrame]

_DAY = "%Y-%m-%d"


def days(tables: Tables, known: pd.DataFrame, gaps: pd.DataFrame, period: Period, span: Span) -> pd.DataFrame:
    """The columns of `EvidenceDays`: every stream on every day of the quarter that has begun."""
    zone = period.time_zone
    last = span.stop - pd.Timedelta(microseconds=1)
    starts = pd.date_range(span.start.tz_convert(zone).normalize(), last.tz_convert(zone), freq="D")
    calendar = pd.DataFrame({"from": starts, "to": starts + pd.offsets.Day(1)})
    calendar["day"] = calendar["from"].dt.strftime(_DAY)
    rows = known[STREAM].merge(calendar, how="cross")
    hours = tables["coverage"]
    hours = hours.assign(day=hours["hour"].dt.tz_convert(zone).dt.strftime(_DAY))
    counted = hours.groupby([*STREAM, "day"], dropna=False).agg(
        records=("records", "sum"), hours=("hour", "nunique")
    )
    objects = tables["objects_by_format"].dropna(subset=["last_modified"])
    objects = objects.assign(day=objects["last_modified"].dt.tz_convert(zone).dt.strftime(_DAY))
    written = objects.groupby([*STREAM, "day"], dropna=False)["evidence"].nunique().rename("written")
    by = [*STREAM, "day"]
    rows = rows.merge(counted.reset_index(), on=by, how="left").merge(
        written.reset_index(), on=by, how="left"
    )
    rows = rows.merge(_missing(gaps, known, calendar), on=by, how="left")
    counts = ["records", "hours", "written", "missing_minutes"]
    return rows.fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, "Int64"))


def _missing(gaps: pd.DataFrame, known: pd.DataFrame, calendar: pd.DataFrame) -> pd.DataFrame:
    """Minutes of each day in gaps that leave something out, stream by stream; overlapping gaps count once."""
    of_sources = gaps[gaps["missing"] & gaps["source_name"].ne("")][[*STREAM, "start", "end"]]
    of_clusters = gaps[gaps["missing"] & gaps["source_name"].eq("")].drop(columns="source_name")
    of_clusters = known[STREAM].merge(of_clusters[["cluster", "format", "start", "end"]])
    both = pd.concat([of_sources, of_clusters[of_sources.columns]], ignore_index=True)
    both = both.sort_values([*STREAM, "start", "end"], kind="stable")
    reached = both.groupby(STREAM, dropna=False, sort=False)["end"].cummax()
    before = reached.groupby([both[name] for name in STREAM], dropna=False, sort=False).shift(1)
    both["start"] = both["start"].mask(both["start"] < before, before)
    both = both[both["end"] > both["start"]].merge(calendar, how="cross")
    start = both["start"].mask(both["start"] < both["from"], both["from"])
    end = both["end"].mask(both["end"] > both["to"], both["to"])
    minutes = ((end - start).dt.total_seconds() // 60).clip(lower=0)
    both = both.assign(missing_minutes=minutes)
    return both.groupby([*STREAM, "day"], dropna=False)["missing_minutes"].sum().reset_index()
