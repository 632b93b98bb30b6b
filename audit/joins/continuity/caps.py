"""Lists that systems keep short, and bodies that they leave out: what they say themselves that is not all."""

from __future__ import annotations

import pandas as pd

from audit.joins.continuity.span import TIME, Span

Tables = dict[str, pd.DataFrame]

FLUX_KEEPS = 5
_SNAPSHOT = ["cluster", "app", "evidence", "line"]


def capped(tables: Tables, span: Span) -> pd.DataFrame:
    """Gaps of kind `cap`: syncs that no snapshot of an application shows, for its history keeps the last ones only."""
    return pd.concat([_unseen(tables, span), _outlived(tables, span)], ignore_index=True).assign(kind="cap")


def _unseen(tables: Tables, span: Span) -> pd.DataFrame:
    """Holes in the numbers of Argo CD's history, which counts from 0, application by application.

    A hole between two entries concerns the quarter when it may lie in it.
    """
    records = tables["sync_records"]
    seen = records[records["operator"].eq("argocd") & records["history_id"].notna()]
    seen = seen.groupby(["cluster", "app", "history_id"], sort=True)["finished_at"].min().reset_index()
    before = seen.groupby(["cluster", "app"])[["history_id", "finished_at"]].shift(1)
    first = before["history_id"].fillna(-1).astype("int64") + 1
    last = seen["history_id"].astype("int64") - 1
    start = before["finished_at"].fillna(span.start)
    rows = seen.assign(start=start, end=seen["finished_at"], first=first, last=last)
    concerns = rows["end"].ge(span.start) & ~before["finished_at"].ge(span.stop) & first.le(last)
    rows = rows[concerns]
    rows = rows.assign(start=rows["start"].mask(rows["start"] > rows["end"], rows["end"]))
    numbers = "entry " + rows["first"].astype("str") + " was"
    several = "entries " + rows["first"].astype("str") + "\N{EN DASH}" + rows["last"].astype("str") + " were"
    numbers = numbers.where(rows["first"].eq(rows["last"]), several)
    rows["detail"] = rows["cluster"] + "/" + rows["app"] + ": history " + numbers + " never seen"
    return span.held(rows).assign(format="argocd-application")


def _outlived(tables: Tables, span: Span) -> pd.DataFrame:
    """Times before the oldest entry of a Flux object's history, when that is full and shares no entry with the snapshot
    before it."""
    records = tables["sync_records"]
    records = records[records["operator"].eq("flux") & records["record"].eq("history")]
    shots = records.groupby(_SNAPSHOT)["finished_at"].agg(["size", "min", "max"]).reset_index()
    shots = shots.sort_values(["cluster", "app", "max", "min", *_SNAPSHOT[2:]], kind="stable")
    newest = shots.groupby(["cluster", "app"])["max"].cummax()
    before = newest.groupby([shots["cluster"], shots["app"]]).shift(1).fillna(span.start)
    lost = shots["size"].ge(FLUX_KEEPS) & shots["min"].gt(before)
    rows = shots.assign(start=before, end=shots["min"])[lost]
    rows = span.inside(rows[(rows["end"] > span.start) & (rows["start"] < span.stop)])
    rows["detail"] = (
        rows["cluster"]
        + "/"
        + rows["app"]
        + ": its history keeps "
        + str(FLUX_KEEPS)
        + " entries, and none of before "
        + rows["end"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        + " was seen"
    )
    return rows.assign(format="flux-object")


DROPPED = "apiserver_audit_error_total"
"""Counts the events that an API server could not hand to its log's backend, since it started."""


def dropped(tables: Tables, span: Span) -> pd.DataFrame:
    """Gaps of kind `dropped`: events that an API server says it lost, between two samples of its count.

    A count that falls begins anew, as the server does.
    """
    rows = tables["metric_samples"]
    rows = rows[rows["metric"].eq(DROPPED) & rows["value"].notna() & rows["cluster"].notna()]
    by = ["cluster", "labels"]
    rows = rows.sort_values([*by, "at"], kind="stable")
    before = rows.groupby(by)[["at", "value"]].shift(1)
    more = rows["value"] - before["value"].where(before["value"].le(rows["value"]), 0.0)
    known = before["at"].notna() & more.gt(0)
    found = rows.assign(start=before["at"], end=rows["at"], more=more)[known.astype(bool)]
    found = found[(found["end"] > span.start) & (found["start"] < span.stop)]
    found = span.held(found.groupby(["cluster", "start", "end"]).agg(
        more=("more", "sum"), evidence=("evidence", lambda all: " ".join(sorted(set(all)))),
    ).reset_index())  # fmt: skip
    found["detail"] = (
        found["cluster"]
        + ": the API server dropped "
        + found["more"].round().astype("Int64").astype("str")
        + " audit events from "
        + found["start"].dt.strftime(TIME)
        + " to "
        + found["end"].dt.strftime(TIME)
    )
    return found.assign(kind="dropped", format="kubernetes-audit", source_name="")


def without_bodies(requests: pd.DataFrame) -> pd.DataFrame:
    """Requests (`ClusterAccess`) whose bodies the API server left out."""
    return requests[requests["truncated"].fillna(False).astype(bool)]


def cut(tables: Tables, span: Span) -> pd.DataFrame:
    """Gaps of kind `cut`: events whose bodies the API server left out, by cluster and hour of the quarter.

    Who did what to which object is there; only what was sent is not.
    """
    rows = tables["cluster_access"]
    rows = rows[(rows["at"] >= span.start) & (rows["at"] < span.stop)]
    by = ["cluster", "start"]
    rows = rows.assign(start=rows["at"].dt.floor("h"))
    found = rows.groupby(by).agg(
        requests=("audit_id", "size"),
        end=("at", "max"),
        evidence=("evidence", lambda all: " ".join(sorted(set(all)))),
    )
    found = found.reset_index()
    found["detail"] = (
        found["cluster"] + ": bodies of " + found["requests"].astype("str") + " requests were left out"
    )
    return found.assign(kind="cut", format="kubernetes-audit", part="bodies", source_name="")
