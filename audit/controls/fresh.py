"""Whether evidence speaks of the whole quarter: when it was collected, when it was made, and what of it can't be read."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from audit.controls.interface import Context, Gap, Tables

TIME = "%Y-%m-%dT%H:%M:%SZ"
LOG = "kubernetes-audit"
LOGS = (LOG, "gke-audit")
"""Formats of the API server's log."""
"""The format whose records stand in the order of time, and without end."""

_SHOWN = 3  # pointers named in a gap about several
_OBJECT = ["source_name", "sha256"]
_REMOVES = ("delete", "deletecollection")
_OPERATED = ("applications", "kustomizations", "helmreleases")


def of_formats(objects: pd.DataFrame, formats: tuple[str, ...]) -> pd.DataFrame:
    """Evidence objects with a readable record of at least one of `formats`, each once."""
    return objects[_named(objects, formats) & (objects["records"] > objects["quarantined"])]


def _named(objects: pd.DataFrame, formats: tuple[str, ...]) -> pd.Series:
    """Which objects name at least one of `formats` (bool). Many objects name the same few."""
    wanted = set(formats)
    answers = {
        text: not wanted.isdisjoint(name.strip() for name in text.split(","))
        for text in objects["format"].unique()
    }
    return objects["format"].map(answers).astype(bool)


def holding(objects: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    """Evidence objects whose `column` (names separated by spaces) holds `name`."""
    return objects[[name in names.split(" ") for names in objects[column]]]


def late(objects: pd.DataFrame, scope: Gap, tables: Tables, context: Context) -> list[Gap]:
    """A gap when nothing shows that `objects` were made after the quarter ended (and it is over).

    They must have been collected since; and the source must say that one of them was written since, or the settings
    that they were exported since, or one of their records must speak of the quarter's end: of its last hours
    (`thresholds.export_slack_hours`), for nothing may have happened in them.

    Args:
        scope: the gap without its reason: its text says what `objects` are.

    Returns:
        a gap whose `after` is the last time of which there is evidence.
    """
    before = collected(objects, scope, context)
    if objects.empty or context.running or before:
        return before
    end = pd.Timestamp(context.period.end)
    made = objects["last_modified"].max()
    declared = {s.name: s.exported_at for s in context.settings.sources if s.exported_at is not None}
    stated = [pd.Timestamp(declared[name]) for name in set(objects["source_name"]) & declared.keys()]
    if any(moment >= end for moment in [*stated, made] if not pd.isna(moment)):
        return []
    newest = _newest(objects, tables)
    slack = pd.Timedelta(hours=context.settings.thresholds.export_slack_hours)
    if not pd.isna(newest) and newest >= end - slack:
        return []
    last = (
        "none of its records has a time"
        if pd.isna(newest)
        else f"its last record is of {newest.strftime(TIME)}"
    )
    gap = _because(scope, f"nothing shows that it was exported after the quarter ended: {last}")
    return [gap if pd.isna(newest) else replace(gap, after=newest)]


def collected(objects: pd.DataFrame, scope: Gap, context: Context) -> list[Gap]:
    """A gap when the last of `objects` was collected before the quarter ended (and it is over)."""
    last = objects["collected_at"].max()
    if objects.empty or context.running or last >= pd.Timestamp(context.period.end):
        return []
    return [
        replace(
            _because(scope, f"last collected {last.strftime(TIME)}, before the quarter ended"), after=last
        )
    ]


def _because(scope: Gap, reason: str) -> Gap:
    return replace(scope, text=f"{scope.text}: {reason}")


def _newest(objects: pd.DataFrame, tables: Tables) -> Any:
    """The latest time that a record of `objects` speaks of; NaT where none has one."""
    hours = tables["coverage"][["source_name", "evidence", "last_at"]].rename(columns={"evidence": "sha256"})
    return hours.merge(objects[_OBJECT].drop_duplicates(), on=_OBJECT)["last_at"].max()


def missing(tables: Tables, formats: tuple[str, ...], cluster: str | None = None) -> list[Gap]:
    """A gap for each span of the quarter in which evidence of `formats` is missing, or its times can't be trusted.

    Args:
        cluster: only of this cluster's records; for None, of sources of no cluster.
    """
    return [
        Gap(
            row["detail"].replace("; ", ", "),
            repo=None if pd.isna(row["repo"]) else row["repo"],
            cluster=cluster,
            after=row["start"],
            until=row["end"],
        )
        for row in _missing(tables, formats, cluster).to_dict("records")
    ]


def uncovered(
    tables: Tables,
    formats: tuple[str, ...],
    cluster: str,
    *,
    but: tuple[str, ...] = (),
    each: bool = False,
) -> list[Gap]:
    """As `missing`, for controls to which each of `formats` tells enough: a span that one of them covers is none.

    What happened there is known as far as it is on record: the gaps keep no exception back.

    Args:
        but: kinds of `EvidenceGaps` that are left out.
        each: none of `formats` stands in for another.
    """
    rows = _missing(tables, formats, cluster)
    rows = rows[~rows["kind"].isin(but)]
    if not each and len(rows):
        timed = rows[rows["kind"].isin(_TIMED)]
        pairs = timed.reset_index().merge(timed, on="cluster", suffixes=("", "_other"))
        met = pairs[(pairs["start"] < pairs["end_other"]) & (pairs["start_other"] < pairs["end"])]
        everywhere = met.groupby("index")["format_other"].nunique().eq(len(formats))
        rows = rows[~rows["kind"].isin(_TIMED) | rows.index.isin(everywhere.index[everywhere])]
    return [Gap(detail.replace("; ", ", "), cluster=cluster) for detail in rows["detail"]]


def interrupted(tables: Tables, formats: tuple[str, ...]) -> list[Gap]:
    """As `missing`, of every source, whether or not it belongs to a cluster.

    What happened there is known as far as it is on record: the gaps keep no exception back.
    """
    rows = _lacking(tables, formats)
    return [
        Gap(row["detail"].replace("; ", ", "), cluster=None if pd.isna(row["cluster"]) else row["cluster"])
        for row in rows.to_dict("records")
    ]


class Unrecorded(NamedTuple):
    """A span without records, which begins and ends with what is on record; of one cluster, or of all (None)."""

    cluster: str | None
    after: pd.Timestamp
    until: pd.Timestamp


def unrecorded(tables: Tables, formats: tuple[str, ...], context: Context) -> list[Unrecorded]:
    """The spans of which `interrupted` tells, and the time after the last evidence where that is too early: for controls to
    which a record that isn't there is an exception.
    """
    every, end = of_formats(tables["evidence_objects"], formats), pd.Timestamp(context.as_of)
    ends = [gap.after for gap in late(every, Gap(""), tables, context) if gap.after is not None]
    rows = _lacking(tables, formats).to_dict("records")
    return [Unrecorded(None, after, end) for after in ends] + [
        Unrecorded(None if pd.isna(row["cluster"]) else row["cluster"], row["start"], row["end"])
        for row in rows
    ]


def _missing(tables: Tables, formats: tuple[str, ...], cluster: str | None) -> pd.DataFrame:
    rows = _lacking(tables, formats)
    return rows[rows["cluster"].eq(cluster) if cluster is not None else rows["cluster"].isna()]


def _lacking(tables: Tables, formats: tuple[str, ...]) -> pd.DataFrame:
    rows = tables["evidence_gaps"]
    rows = rows[rows["format"].isin(formats) & rows["part"].eq("") & rows["missing"].astype(bool)]
    return rows.sort_values(["detail", "start"], kind="stable") if len(rows) > 1 else rows


_TIMED = ("silence", "undelivered", "pending", "retention")
"""Kinds of gaps that leave a span of time without records of one format: another format may have them."""


def forgotten(objects: pd.DataFrame, tables: Tables, context: Context, cluster: str) -> list[Gap]:
    """A gap for each of a cluster's applications of which nothing was collected after the quarter ended.

    What the API server's log says was deleted since has no later record to give.
    """
    if objects.empty or context.running:
        return []
    names = objects[["apps", "collected_at"]].assign(app=objects["apps"].str.split(" ")).explode("app")
    last = names[names["app"].ne("")].groupby("app")["collected_at"].max()
    last = last[last < pd.Timestamp(context.period.end)]
    access = tables["cluster_access"]
    removed = access[
        access["cluster"].eq(cluster) & access["verb"].isin(_REMOVES) & access["resource"].isin(_OPERATED)
    ]
    deleted = set(removed["namespace"] + "/" + removed["name"])
    return [
        Gap(
            f"{cluster}: {app} was last collected {when.strftime(TIME)}, before the quarter ended, and nothing says "
            "that it was deleted",
            cluster=cluster,
        )
        for app, when in last.items()
        if app not in deleted
    ]


def unread(
    tables: Tables, context: Context, formats: tuple[str, ...], what: str, cluster: str | None = None
) -> list[Gap]:
    """A gap when something could not be read that may have been evidence of `formats`.

    That is a record in an object of such a format, and an object of which nothing is known in a source that gives
    such a format, or none at all. What was collected or written before the quarter began, and for a log what lies
    between records of other times, does not concern it.

    Args:
        what: what it may have been, for the gap.
        cluster: only what sources of this cluster gave; for None, what sources of no cluster gave, and others that
            give such a format.
    """
    objects = tables["evidence_objects"]
    given = set(of_formats(objects, formats)["source_name"])
    known = set(objects.loc[objects["format"].ne(""), "source_name"])
    own = objects["cluster"].eq(cluster) if cluster is not None else objects["cluster"].isna()
    may = objects["source_name"].isin(given) | ~objects["source_name"].isin(known)
    named = _named(objects, formats)
    if cluster is not None:
        concerned = own & (named | objects["format"].eq("") & may)
    else:
        concerned = named | objects["format"].eq("") & may & (own | objects["source_name"].isin(given))
    lost = _lost(tables, context, given, what, cluster)
    rows = objects[concerned & objects["quarantined"].gt(0)]
    if len(rows):
        rows = rows[_of_quarter(rows, tables, context)]
    if rows.empty:
        return lost
    lines = (
        tables["quarantine"]
        .rename(columns={"evidence": "sha256"})
        .merge(rows[[*_OBJECT, "key"]].drop_duplicates(), on=[*_OBJECT, "key"])
    )
    places = lines["key"].str.replace(";", ",") + ":" + lines["line"].astype("str")  # "; " parts gaps
    pointers = sorted(set(places))
    shown = ", ".join(pointers[:_SHOWN]) + (", …" if len(pointers) > _SHOWN else "")
    count = int(rows["quarantined"].sum())
    records = "1 record" if count == 1 else f"{count} records"
    return [Gap(f"{what}: {records} could not be read: {shown}", cluster=cluster), *lost]


def _lost(
    tables: Tables, context: Context, given: Container[str], what: str, cluster: str | None
) -> list[Gap]:
    """Gaps for objects that a source listed and that could not be collected, and for a source not listed to its end.

    Concerned is a source that gives such records (`given`); and one that gave nothing at all, if it is this cluster's.
    """
    of = {source.name: source.cluster for source in context.settings.sources}
    gaps = []
    for row in tables["source_counts"].sort_values("source_name").to_dict("records"):
        name, own = row["source_name"], of.get(row["source_name"]) == cluster
        if row["source_name"] not in of or not (own or cluster is None):
            continue
        if name not in given and (row["stored"] or not own):
            continue
        if not pd.isna(row["unread"]) and row["unread"]:
            objects = "1 object" if row["unread"] == 1 else f"{row['unread']} objects"
            gaps.append(Gap(f"{what}: {objects} of {name} could not be collected", cluster=cluster))
        if not pd.isna(row["complete"]) and not row["complete"]:
            gaps.append(Gap(f"{what}: {name} could not be listed to its end", cluster=cluster))
        if not row["ties"]:
            gaps.append(Gap(f"{what}: the numbers of {name} do not tie", cluster=cluster))
    return gaps


def _of_quarter(objects: pd.DataFrame, tables: Tables, context: Context) -> pd.Series:
    """Which objects may hold something of the quarter (bool): not those of which all that can be read is of others.

    What an export leaves out can't be told from what it holds: only an audit log's records stand in the order of time.
    """
    margin = pd.Timedelta(minutes=context.settings.thresholds.silence_minutes)
    before = (objects["collected_at"] < context.start) | (objects["last_modified"] < context.start)
    hours = tables["coverage"].groupby(["source_name", "evidence"])[["first_at", "last_at"]]
    spans = hours.agg({"first_at": "min", "last_at": "max"}).reset_index()
    spans = objects[_OBJECT].merge(spans, left_on=_OBJECT, right_on=["source_name", "evidence"], how="left")
    spans = spans.set_index(objects.index)
    outside = (spans["last_at"] < context.start - margin) | (spans["first_at"] >= context.stop + margin)
    return ~before & ~(outside & objects["format"].isin(LOGS))
