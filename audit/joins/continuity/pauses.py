"""Pauses that are longer than the cadence: silent logs, exports that did not come."""

from __future__ import annotations

from typing import cast

import pandas as pd

from audit.joins.continuity.span import STREAM, TIME, Span
from audit.joins.continuity.streams import LEARNED_FROM, pauses
from audit.normalise.natures import API_SERVER_LOGS, CUMULATIVE, LOG
from audit.settings import Settings

Tables = dict[str, pd.DataFrame]


def silences(tables: Tables, known: pd.DataFrame, settings: Settings, span: Span) -> pd.DataFrame:
    """Gaps of kind `silence`: of each cluster's API servers together, by `thresholds.silence_minutes`; of each log whose
    cadence is set or was learned; and of each that says too little for that, where it pauses for longer than would teach one."""
    logs = known[known["nature"].eq(LOG) & known["basis"].isin(["set", "learned"])]
    rows = _longer(tables["activity"], logs, settings, span)
    rows["detail"] = (
        rows["source_name"]
        + ": no "
        + rows["format"]
        + " records from "
        + _until(rows)
        + ", longer than its cadence ("
        + rows["basis"]
        + ") of "
        + _whole(rows["cadence_minutes"])
        + " minutes"
    )
    parts = [_of_servers(tables, settings, span), rows, _hardly_known(tables, known, settings, span)]
    return pd.concat(parts, ignore_index=True).assign(kind="silence")


def _hardly_known(tables: Tables, known: pd.DataFrame, settings: Settings, span: Span) -> pd.DataFrame:
    """Silences of logs whose cadence nobody knows: that they say little is no proof that there was little to say."""
    logs = known[known["nature"].eq(LOG) & known["basis"].eq("unknown")]
    logs = logs.assign(cadence_minutes=pd.Series(LEARNED_FROM * 1440, index=logs.index, dtype="Float64"))
    rows = _longer(tables["activity"], logs, settings, span)
    rows["detail"] = (
        rows["source_name"]
        + ": no "
        + rows["format"]
        + " records from "
        + _until(rows)
        + f", longer than {LEARNED_FROM} days, and too few tell what is usual: set cadence_minutes"
    )
    return rows


def undelivered(tables: Tables, known: pd.DataFrame, settings: Settings, span: Span) -> pd.DataFrame:
    """Gaps of kind `undelivered`: times without an export, where their cadence is set or was learned.

    What cumulative exports leave out for a while, the next one brings: it is told, and not missing.
    """
    exports = known[known["nature"].ne(LOG) & known["basis"].isin(["set", "learned"])]
    rows = _longer(tables["activity"], exports, settings, span)
    rows["detail"] = (
        rows["source_name"]
        + ": no "
        + rows["format"]
        + " was written from "
        + _until(rows)
        + ", longer than its cadence ("
        + rows["basis"]
        + ") of "
        + _whole(rows["cadence_minutes"])
        + " minutes"
    )
    return rows.assign(kind="undelivered", missing=rows["nature"].ne(CUMULATIVE))


def _of_servers(tables: Tables, settings: Settings, span: Span) -> pd.DataFrame:
    """Silences of each cluster of the settings, whatever source its API servers' logs come from."""
    hours = tables["coverage"]
    names = pd.DataFrame({"cluster": pd.Series([each.name for each in settings.clusters], dtype="str")})
    own = hours[hours["format"].isin(API_SERVER_LOGS) & hours["cluster"].isin(names["cluster"])]
    active = _with_edges(own[["cluster", "first_at", "last_at", "evidence"]], names, ["cluster"], span)
    rows = pauses(active, ["cluster"])
    limit = pd.Timedelta(minutes=settings.thresholds.silence_minutes)
    rows = _touching(rows[rows["end"] - rows["start"] > limit], span)
    detail = rows["cluster"] + ": no audit records from " + _until(rows)
    return rows.assign(source_name="", format=API_SERVER_LOGS[0], detail=detail)


def _longer(active: pd.DataFrame, known: pd.DataFrame, settings: Settings, span: Span) -> pd.DataFrame:
    """Pauses of `known` streams that are longer than their cadence, with the streams' columns."""
    active = active.merge(known[STREAM], on=STREAM)
    rows = pauses(_with_edges(active, known[STREAM], STREAM, span), STREAM)
    rows = rows.merge(known[[*STREAM, "nature", "cadence_minutes", "basis"]], on=STREAM)
    limit = pd.to_timedelta(rows["cadence_minutes"].astype("float64"), unit="m")
    rows = _touching(_while_given(rows[rows["end"] - rows["start"] > limit], known, settings), span)
    repos = {source.name: source.repository for source in settings.sources}
    return rows.assign(repo=rows["source_name"].map(repos))


def _with_edges(active: pd.DataFrame, names: pd.DataFrame, by: list[str], span: Span) -> pd.DataFrame:
    """Activity with the quarter's edges, where a stream shows nothing before its start, or nothing after its end."""
    parts = [active]
    for moment, reached in (
        (span.start, active["first_at"] <= span.start),
        (span.stop, active["last_at"] >= span.stop),
    ):
        beyond = active.loc[reached, by].drop_duplicates().assign(beyond=True)
        lacking = names.merge(beyond, on=by, how="left")
        lacking = lacking.loc[lacking["beyond"].isna(), by]
        parts.append(lacking.assign(first_at=moment, last_at=moment, evidence=""))
    times = {"first_at": "datetime64[us, UTC]", "last_at": "datetime64[us, UTC]"}
    return pd.concat([part.astype(times) for part in parts], ignore_index=True)


def _touching(rows: pd.DataFrame, span: Span) -> pd.DataFrame:
    """Pauses that share more than a moment with the quarter, cut to it."""
    return span.inside(rows[(rows["end"] > span.start) & (rows["start"] < span.stop)])


def _while_given(rows: pd.DataFrame, known: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Pauses without what comes after a source ended (`ended_at`) whose place another one has taken."""
    ended = {source.name: source.ended_at for source in settings.sources if source.ended_at is not None}
    if not ended:
        return rows
    lasting = known.loc[~known["source_name"].isin(list(ended)), ["cluster", "format"]].drop_duplicates()
    succeeded = rows[["cluster", "format"]].merge(lasting.assign(by=True), how="left")["by"].notna()
    moment = pd.to_datetime(rows["source_name"].map(ended), utc=True).where(succeeded.to_numpy())
    rows = rows.assign(end=rows["end"].mask(rows["end"] > moment, moment))
    return rows[rows["end"] > rows["start"]]


def _until(rows: pd.DataFrame) -> pd.Series:
    return cast("pd.Series", rows["start"].dt.strftime(TIME) + " to " + rows["end"].dt.strftime(TIME))


def _whole(minutes: pd.Series) -> pd.Series:
    return minutes.astype("Float64").round().astype("Int64").astype("str")
