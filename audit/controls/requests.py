"""Requests to clusters, as several controls name and tell them."""

from __future__ import annotations

import pandas as pd


def subject(rows: pd.DataFrame) -> pd.Series:
    """`cluster/id` of each request; where several claim one id, `~1` and so on behind it."""
    several = ("~" + rows["variant"].astype("str")).where(rows["variant"].gt(0), "")
    return rows["cluster"] + "/" + rows["audit_id"] + several


def story(rows: pd.DataFrame, more: str | pd.Series = "") -> pd.Series:
    """Who did what to which object, of rows of `ClusterWrites`; `more` before what is said of the outcome."""
    acting = (" acting as " + rows["impersonated"]).fillna("")
    named = (rows["namespace"] + "/" + rows["name"]).str.strip("/")
    done = rows["user"] + acting + ": " + (rows["verb"] + " " + rows["resource"] + " " + named).str.strip()
    unknown = pd.Series(" (its outcome was not recorded)", index=rows.index, dtype="str")
    return done + more + unknown.where(rows["outcome"].eq("unknown"), "")
