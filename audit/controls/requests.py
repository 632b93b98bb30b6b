"""Requests to clusters, as several controls name and tell them."""

from __future__ import annotations

import pandas as pd

PAST_GIT: dict[str, tuple[str, ...]] = {
    "SOC 2": ("CC6.8", "CC7.1", "CC8.1"),
    "ISO 27001": ("8.9", "8.19", "8.2"),
    "NIST 800-53": ("CM-3(7)", "CM-5(1)", "CM-5(5)", "AU-6"),
    "PCI DSS": ("6.5.1", "10.2.1"),
    "CIS / SLSA": ("S 5.2.3", "K 5.1.1", "K 3.2.2"),
}
"""References of the controls of what reaches a cluster by another way than Git."""


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
