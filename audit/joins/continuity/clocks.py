"""Clocks that can't be right: records of a later time than their object, and effects before their cause."""

from __future__ import annotations

import pandas as pd

from audit.joins.continuity.span import STREAM, TIME, Span
from audit.normalise.natures import LOG, NATURES
from audit.settings import Settings

Tables = dict[str, pd.DataFrame]

_SHOWN = 3
_MADE_BY_LANDING = ("merge", "squash")


def clocks(tables: Tables, settings: Settings, span: Span) -> pd.DataFrame:
    """Gaps of kind `clock`, by more than `thresholds.clock_skew_seconds`."""
    skew = pd.Timedelta(seconds=settings.thresholds.clock_skew_seconds)
    return pd.concat([_ahead(tables, skew, span), _before_cause(tables, skew, span)], ignore_index=True)


def _ahead(tables: Tables, skew: pd.Timedelta, span: Span) -> pd.DataFrame:
    """Logs whose records are dated after they were written or collected: when they were made is not known, but that it
    was before. What was written before the quarter is no part of it."""
    objects = tables["objects_by_format"]
    objects = objects[objects["format"].map(NATURES).eq(LOG)]
    known = objects["collected_at"]
    known = known.mask(objects["last_modified"] < known, objects["last_modified"])
    hours = tables["coverage"].merge(objects.assign(known=known).drop(columns="cluster"))
    hours = hours[(hours["last_at"] > hours["known"] + skew) & (hours["known"] >= span.start)]
    worst = hours.sort_values([*STREAM, "last_at", "evidence"]).groupby(STREAM, dropna=False)
    rows = worst.tail(1).reset_index(drop=True)
    digests = worst["evidence"].agg(_named).reset_index(name="named")
    rows = rows.drop(columns="evidence").merge(digests, on=STREAM)
    rows["detail"] = (
        rows["cluster"].fillna(rows["source_name"])
        + ": "
        + rows["format"]
        + ": records are dated up to "
        + rows["last_at"].dt.strftime(TIME)
        + ", and were there "
        + rows["known"].dt.strftime(TIME)
        + ": "
        + rows["named"].str.replace(" ", ", ")
    )
    rows = rows.assign(start=span.start, end=rows["known"].mask(rows["known"] > span.stop, span.stop))
    return rows.assign(kind="clock", evidence=rows["named"])


def deployed_landings(deployments: pd.DataFrame, landings: pd.DataFrame) -> pd.DataFrame:
    """Deployments of a commit that landing made, with when the forge says that it landed (`landed_at`).

    Where no forge dates a landing, its committer did: that clock is nobody's. Only commits that landing makes count: others
    may have been deployed from a branch.
    """
    landed = landings[landings["landed_at_source"].eq("forge") & landings["kind"].isin(_MADE_BY_LANDING)]
    return deployments.merge(
        landed[["repo", "head_sha", "landed_at"]],
        left_on=["repo", "revision"],
        right_on=["repo", "head_sha"],
    )


def _before_cause(tables: Tables, skew: pd.Timedelta, span: Span) -> pd.DataFrame:
    """Deployments of a landing that began before the forge says that it landed: one of both clocks is wrong."""
    ran = tables["deployed_landings"]
    ran = ran[ran["started_at"] < ran["landed_at"] - skew]
    rows = span.inside(ran.assign(start=ran["started_at"], end=ran["landed_at"]))
    rows["detail"] = (
        rows["cluster"]
        + "/"
        + rows["application"]
        + ": "
        + rows["revision"].str[:12]
        + " was deployed "
        + rows["started_at"].dt.strftime(TIME)
        + ", before it landed "
        + rows["landed_at"].dt.strftime(TIME)
    )
    return rows.assign(kind="clock", source_name="", format=rows["operator"].map(OPERATED))


OPERATED = {"argocd": "argocd-application", "flux": "flux-object"}
"""Under which format the times of an operator's deployments are booked."""


def _named(digests: pd.Series) -> str:
    return " ".join(sorted(set(digests))[:_SHOWN])
