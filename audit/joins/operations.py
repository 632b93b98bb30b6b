"""Sync operations, each once, out of everything that recorded them.

Argo CD's history and its operation state share the time at which an operation started; its events are tied to them
by time, within `TOLERANCE`. Flux's events and its status share revision and second; its routine reconciliations of
a revision that is there already are no operations. What nothing else recorded, such as a failed sync known from its
events alone, is an operation of its own.
"""

from __future__ import annotations

from typing import Literal

import pandas as pd

TOLERANCE = pd.Timedelta(seconds=5)
"""How far the time of an event may be from what the object itself says."""
_FLUX_PROGRESS = pd.Timedelta(hours=1)
_APP = ["cluster", "app"]
_RANK = {"operation": 0, "history": 2, "event": 3}
_FLUX_EVENT_RANK = 1  # before the history, which names the last of several revisions
_UTC: Literal["datetime64[us, UTC]"] = "datetime64[us, UTC]"
_SAID = ["operator", "finished_at", "status", "initiated_by", "path", "repo_url", "message"]


def operations(sync_records: pd.DataFrame) -> pd.DataFrame:
    """One row for each sync operation of `SyncRecords`.

    Returns:
        The columns of `SyncRecords` but `record`, `history_id` and `phase`; `started_at` is the finish where no
        record says when it started, and unique within (cluster, app): operations that the evidence puts at one
        instant are kept a microsecond apart. `finished_at` (missing while it runs), `status` (succeeded, failed
        or running). What records disagree on is taken from the operation itself, then its history, then events;
        `automated` is False as soon as one record says so; `options` are those of all records.
    """
    rows = sync_records.sort_values(["evidence", "line"], kind="stable")
    told = [column for column in rows if column not in ("evidence", "line")]
    rows = rows.drop_duplicates(told).reset_index(drop=True)
    argocd, flux = rows["operator"].eq("argocd"), rows["operator"].eq("flux")
    keyed = [
        rows[argocd].assign(began=_argocd(rows[argocd]).astype(_UTC), variant=0),
        _flux(rows[flux]),
    ]
    return _apart(_without_routine(_merge(pd.concat(keyed))))


def _without_routine(merged: pd.DataFrame) -> pd.DataFrame:
    """Without Flux's routine reconciliations: at each interval it tells again of the revision that is there already.

    One with the revision and the outcome of the operation before it deploys nothing, unless somebody asked for it.
    Releases of charts are not told again, and stay.
    """
    order = merged.sort_values([*_APP, "began", "status", "revision"], kind="stable")
    before = order.groupby(_APP)[["revision", "status"]].shift()
    again = order["revision"].eq(before["revision"]) & order["status"].eq(before["status"])
    asked = order["options"].str.split(",").map(lambda options: "requested" in options)
    routine = order["operator"].eq("flux") & order["revision_kind"].eq("git") & order["status"].ne("running")
    return order[~(routine & again & ~asked)]


def _argocd(rows: pd.DataFrame) -> pd.Series:
    """The start of the operation that each record speaks of."""
    event = rows["record"].eq("event")
    running = rows["phase"].eq("running")
    began = rows["started_at"].where(~(event & running))
    core = rows.assign(began=began)[began.notna()]
    loose = rows[began.isna() & ~event]
    began = began.fillna(_nearest(loose, core, "finished_at", "finished_at", [*_APP, "revision"]))
    began = began.fillna(loose["finished_at"])
    known = rows.assign(began=began)[began.notna()]
    begin = rows[event & running]
    at = begin["started_at"].fillna(begin["finished_at"])
    began = began.fillna(_nearest(begin.assign(at=at), known, "at", "began", _APP)).fillna(at)
    end = rows[began.isna()]
    finished = known[known["phase"].ne("running")]
    began = began.fillna(_nearest(end, finished, "finished_at", "finished_at", [*_APP, "phase"]))
    began = began.fillna(_still_open(rows[began.isna()], rows.assign(began=began)))
    return began.fillna(rows["finished_at"])


def _still_open(ends: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """For each event of an end: the operation before it, when nothing else says how that one ended.

    Of several such ends the first is the operation's; the others have lost their beginning.
    """
    known = rows[rows["began"].notna()]
    known = known.assign(open=known["phase"].eq("running"))
    each = known.groupby([*_APP, "began"])["open"].all().reset_index()
    found = pd.merge_asof(
        ends[[*_APP, "finished_at"]].reset_index().sort_values("finished_at", kind="stable"),
        each.sort_values("began", kind="stable"),
        left_on="finished_at",
        right_on="began",
        by=_APP,
    )
    found = found[found["open"].eq(True)].drop_duplicates([*_APP, "began"])
    return found.set_index("index")["began"]


def _nearest(
    left: pd.DataFrame, right: pd.DataFrame, left_on: str, right_on: str, by: list[str]
) -> pd.Series:
    """`began` of the record in `right` nearest in time to each of `left`, within the tolerance."""
    found = pd.merge_asof(
        left[[*by, left_on]].reset_index().sort_values(left_on, kind="stable"),
        right[list(dict.fromkeys([*by, right_on, "began"]))]
        .rename(columns={right_on: "_at"})
        .assign(began=right["began"])
        .sort_values(["_at", "began"], kind="stable"),
        left_on=left_on,
        right_on="_at",
        by=by,
        direction="nearest",
        tolerance=TOLERANCE,
    )
    return found.set_index("index")["began"]


def _flux(records: pd.DataFrame) -> pd.DataFrame:
    """`records` with `began`, and `variant` for what began at one instant: one revision, end and second are one.

    A record that an operation is running belongs to the end that follows it soon after.
    """
    rows = records.assign(second=records["finished_at"].dt.floor("s"))
    rows = rows.assign(revision=_flux_revision(rows))
    by = [*_APP, "revision"]
    ended = rows["phase"].ne("running")
    following = pd.merge_asof(
        rows.loc[~ended, [*by, "second"]].reset_index().sort_values("second", kind="stable"),
        rows.loc[ended, [*by, "second", "phase"]]
        .rename(columns={"second": "end"})
        .sort_values(["end", "phase"]),
        left_on="second",
        right_on="end",
        by=by,
        direction="forward",
        tolerance=_FLUX_PROGRESS,
    ).set_index("index")
    second = rows["second"].mask(~ended, following["end"]).fillna(rows["second"])
    phase = rows["phase"].mask(~ended, following["phase"]).fillna(rows["phase"])
    begun = rows["started_at"].fillna(rows["finished_at"].where(~ended))
    one = [rows[column] for column in by] + [second, phase]
    began = begun.groupby(one).transform("min").fillna(rows["finished_at"].groupby(one).transform("min"))
    return records.assign(
        revision=rows["revision"].where(rows["revision"].ne("")),
        began=began.astype(_UTC),
        variant=rows.groupby(one, sort=True).ngroup(),
    )


def _flux_revision(rows: pd.DataFrame) -> pd.Series:
    """The revision that each record speaks of (str, empty where none is known).

    An entry of Flux's history keeps the time of its first reconciliation, but names the revision of its last one. So
    an event of that second knows better; else the export in which the entry counts the fewest reconciliations does.
    """
    instant = [*_APP, "second", "phase"]
    stated = rows["revision"].fillna("")
    event = rows["record"].eq("event") & stated.ne("")
    order = rows[instant].assign(
        revision=stated,
        rank=(~event).astype(int) + stated.eq("").astype(int),
        length=rows["message"].str.len().fillna(0),  # "…; 9 times until …" is before "…; 10 times until …"
        message=rows["message"].fillna(""),
    )
    order = order.sort_values(["rank", "length", "message", "revision"], kind="stable")
    best = order.groupby(instant)["revision"].transform("first").reindex(rows.index)
    known = rows.loc[event, [*instant, "revision"]].drop_duplicates()
    agreed = rows[instant].assign(revision=stated).merge(known, how="left", indicator=True)["_merge"]
    return stated.where((agreed == "both").to_numpy(), best)


def _merge(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each (cluster, app, began, variant): what the best record says, column by column."""
    one = [*_APP, "began", "variant"]
    running = rows["phase"].eq("running")
    flux_event = rows["operator"].eq("flux") & rows["record"].eq("event")
    rows = rows.assign(
        rank=rows["record"].map(_RANK).mask(flux_event, _FLUX_EVENT_RANK),
        status=rows["phase"].mask(running),
        finished_at=rows["finished_at"].mask(running),
        running=running,
        kept=rows["record"].eq("history") & rows["phase"].eq("succeeded"),
        sayer=rows["automated"].astype("Float64"),
    ).sort_values([*one, "rank", "evidence", "line"], kind="stable")
    grouped = rows.groupby(one, sort=True)
    merged = grouped[_SAID].first()
    source = rows.drop_duplicates(one).set_index(one)[["evidence", "line"]]
    words = rows.assign(option=rows["options"].str.split(",")).explode("option")
    words = words[words["option"].fillna("").ne("")].drop_duplicates([*one, "option"])
    options = words.sort_values([*one, "option"]).groupby(one)["option"].agg(",".join)
    return (
        merged.join(_revision(rows, one))
        .assign(
            status=merged["status"].mask(grouped["kept"].any(), "succeeded").fillna("running"),
            automated=grouped["sayer"].min().astype("boolean"),
            options=options.reindex(merged.index).fillna(""),
            evidence=source["evidence"],
            line=source["line"],
        )
        .reset_index()
    )


def _revision(rows: pd.DataFrame, one: list[str]) -> pd.DataFrame:
    """`revision` and `revision_kind` of each operation, both from one record: a commit says more than a branch."""
    order = rows.assign(unsaid=rows["revision"].isna(), other=rows["revision_kind"].ne("git"))
    by = ["unsaid", "other", "running", "rank", "evidence", "line"]
    best = order.sort_values(by, kind="stable").drop_duplicates(one)
    return best.set_index(one)[["revision", "revision_kind"]]


def _apart(merged: pd.DataFrame) -> pd.DataFrame:
    """Gives each operation a start of its own within its application."""
    order = merged.sort_values([*_APP, "began", "finished_at", "status", "revision"], kind="stable")
    place = order.groupby([*_APP, "began"]).cumcount()
    started = (order["began"] + pd.to_timedelta(place, unit="us")).astype(_UTC)
    return order.assign(started_at=started).drop(columns=["began", "variant"]).reset_index(drop=True)
