"""Streams of evidence: one source's records of one format, and the pace that they keep."""

from __future__ import annotations

from typing import cast

import pandas as pd

from audit.joins.continuity.span import OBJECT, STREAM, Span
from audit.normalise.natures import API_SERVER_LOGS, LOG, NATURES
from audit.settings import Settings

LEARNED_FROM = 14
"""Active hours, and days from the first to the last of them, below which no pace is learned."""
TAUGHT_BEFORE = 56
"""Days of activity before the quarter from which on these alone teach a pace: eight weekends, and some holidays."""
_TIMES = 3  # what a pause may come to, of the longest usual one
_RARE = 400  # one in so many active hours may lead to a pause that is not usual
_LEAST_RARE = 3
_ON_TIME = 0.99
_LATEST = "datetime64[us, UTC]"


def objects_by_format(evidence_objects: pd.DataFrame) -> pd.DataFrame:
    """Evidence objects with readable records, one row for each format that an object holds: `STREAM` with `evidence`,
    `last_modified` and `collected_at`."""
    rows = evidence_objects[evidence_objects["records"] > evidence_objects["quarantined"]]
    rows = rows.assign(format=rows["format"].str.split(",")).explode("format", ignore_index=True)
    rows["format"] = rows["format"].astype("str").str.strip()
    rows = rows[rows["format"].fillna("").ne("")].rename(columns={"sha256": "evidence"})
    rows = rows[[*STREAM, "evidence", "last_modified", "collected_at"]]
    return rows.sort_values([*STREAM, "evidence", "collected_at"]).drop_duplicates([*STREAM, "evidence"])


def activity(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """When streams showed that they are alive: `STREAM`, `first_at`, `last_at` (datetime64[us, UTC]), `evidence`.

    That is, hour by hour and object by object, from the first to the last record of a log; of anything else the moment
    at which an object was written, where the source says it.
    """
    hours = tables["coverage"]
    logs = hours.loc[hours["format"].map(NATURES).eq(LOG), [*STREAM, "first_at", "last_at", "evidence"]]
    objects = tables["objects_by_format"]
    written = objects[objects["format"].map(NATURES).ne(LOG) & objects["last_modified"].notna()]
    written = written.assign(first_at=written["last_modified"], last_at=written["last_modified"])
    both = pd.concat([logs, written[logs.columns]], ignore_index=True)
    return both.astype({"first_at": _LATEST, "last_at": _LATEST})


def pauses(active: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """What lies between activity and the next, of one stream or of several that are taken for one.

    Args:
        active: columns `by`, `first_at`, `last_at`, `evidence`; in any order, overlapping as they may.
        by: what tells streams apart.

    Returns:
        `by`, `start`, `end` (`start` before `end`) and `evidence` (sha256 of the objects on either side, separated by a
        space).
    """
    rows = active.sort_values([*by, "first_at", "last_at", "evidence"], kind="stable", na_position="first")
    # The record that ended last so far, not the one in the row before: objects overlap and arrive late.
    groups = rows.groupby(by, dropna=False, sort=False)
    latest = groups["last_at"].cummax()
    before = latest.groupby([rows[name] for name in by], dropna=False, sort=False).shift(1)
    beside = groups["evidence"].shift(1).fillna("")
    found = rows[by].assign(
        start=before, end=rows["first_at"], evidence=(beside + " " + rows["evidence"]).str.strip()
    )
    return found[found["end"] > found["start"]].reset_index(drop=True)


def streams(tables: dict[str, pd.DataFrame], settings: Settings, span: Span) -> pd.DataFrame:
    """The columns of `EvidenceStreams`, one row for each source and format that it gave.

    A pace is learned from what came before the quarter, where that is enough: a log that grows thin in a quarter does not
    teach that this is usual. Else it is learned from all there is.
    """
    objects = tables["objects_by_format"]
    rows = objects.groupby(STREAM, dropna=False)["evidence"].nunique().rename("objects").reset_index()
    rows["nature"] = rows["format"].map(NATURES)
    counted = tables["coverage"].groupby(STREAM, dropna=False)["records"].sum().reset_index()
    rows = rows.merge(counted, on=STREAM, how="left").fillna({"records": 0})
    active = tables["activity"]
    lives = _lives(active)
    rows = rows.merge(lives.drop(columns="active"), on=STREAM, how="left")
    found = pauses(active, STREAM)
    found["minutes"] = _minutes(found["end"] - found["start"])
    longest = found.groupby(STREAM, dropna=False)["minutes"].agg(pauses="size", longest_minutes="max")
    rows = rows.merge(longest.reset_index(), on=STREAM, how="left").fillna({"pauses": 0})
    before = _lives(active[active["last_at"] < span.start])
    early = _taught(before, found[found["end"] < span.start], TAUGHT_BEFORE)
    late = _taught(lives, found, LEARNED_FROM)
    both = pd.concat([early, late], ignore_index=True).drop_duplicates(STREAM)
    rows = rows.merge(both, on=STREAM, how="left").merge(_delays(tables, objects), on=STREAM, how="left")
    rows["cadence_minutes"], rows["basis"] = _cadence(rows, settings)
    return rows.drop(columns="usual")


def _lives(active: pd.DataFrame) -> pd.DataFrame:
    """From when until when streams were active, and in how many hours (`STREAM`, `first_at`, `last_at`, `active`)."""
    hours = active.assign(hour=active["first_at"].dt.floor("h")).groupby(STREAM, dropna=False)
    lives = hours.agg(first_at=("first_at", "min"), last_at=("last_at", "max"), active=("hour", "nunique"))
    return lives.reset_index()


def _taught(lives: pd.DataFrame, found: pd.DataFrame, days: int) -> pd.DataFrame:
    """What is `usual` for the streams that lived for so many days or more (`STREAM`, minutes)."""
    lived = (lives["last_at"] - lives["first_at"]) >= pd.Timedelta(days=days)
    return _usual(found, lives[lived & lives["active"].ge(LEARNED_FROM)])


def _minutes(spans: pd.Series) -> pd.Series:
    return cast("pd.Series", spans.dt.total_seconds() / 60)


def _usual(found: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The longest pause that is usual: but for the few longest of all."""
    ranked = found.merge(rows[[*STREAM, "active"]], on=STREAM).sort_values(
        [*STREAM, "minutes"], ascending=[True, True, True, False], kind="stable"
    )
    place = ranked.groupby(STREAM, dropna=False).cumcount() + 1
    rare = (-(-ranked["active"] // _RARE)).clip(lower=_LEAST_RARE)
    return ranked.loc[place.eq(rare), [*STREAM, "minutes"]].rename(columns={"minutes": "usual"})


def _delays(tables: dict[str, pd.DataFrame], objects: pd.DataFrame) -> pd.DataFrame:
    """How long after their last record the objects of logs are written: `STREAM`, `delay_minutes`.

    Only of streams whose objects were written hour after hour: copies say when they were copied.
    """
    hours = tables["coverage"]
    last = hours.groupby([*OBJECT, "format"])["last_at"].max().reset_index()
    dated = objects[objects["format"].map(NATURES).eq(LOG) & objects["last_modified"].notna()]
    dated = dated.merge(last, on=[*OBJECT, "format"])
    dated["hour"] = dated["last_modified"].dt.floor("h")
    dated["delay"] = _minutes(dated["last_modified"] - dated["last_at"]).clip(lower=0.0)
    groups = dated.groupby(STREAM, dropna=False)
    told = groups["hour"].nunique().rename("hours").reset_index()
    delays = groups["delay"].quantile(_ON_TIME, interpolation="higher").rename("delay_minutes").reset_index()
    return delays.merge(told[told["hours"] >= LEARNED_FROM][STREAM], on=STREAM)


def _cadence(rows: pd.DataFrame, settings: Settings) -> tuple[pd.Series, pd.Series]:
    """How long each stream may pause (minutes, missing where nobody knows), and how that is known.

    The log of an API server that alone speaks for its cluster goes by the rule for all of them.
    """
    least = settings.thresholds.silence_minutes
    declared = {source.name: source.cadence_minutes for source in settings.sources}
    learned = (rows["usual"] * _TIMES).clip(lower=float(least))
    server = rows["format"].isin(API_SERVER_LOGS)
    sources = rows[server].groupby("cluster")["source_name"].nunique()
    alone = server & rows["cluster"].map(sources).eq(1)
    said = rows["source_name"].map(declared).astype("Float64")
    cadence = said.fillna(learned.astype("Float64").mask(alone, float(least)))
    basis = pd.Series("unknown", index=rows.index).mask(cadence.notna(), "learned")
    return cadence, basis.mask(alone, "rule").mask(said.notna(), "set")
