"""How long an application was in which state: spans from what the operator reported and what snapshots show."""

from __future__ import annotations

import pandas as pd

from audit.tables import AppStates, conform

_KEY = ["cluster", "application", "aspect"]


def spans(state_changes: pd.DataFrame, applications: pd.DataFrame) -> pd.DataFrame:
    """`AppStates` of `StateChanges` and `Applications`: a span lasts until another state is seen.

    A snapshot that shows another state than the last report opens a span too: a report was missed. Of what is said
    for one instant, a report counts before a snapshot, and the report that no other one follows upon.
    """
    seen = _one_each_instant(_observations(state_changes, applications)).sort_values([*_KEY, "at"])
    by = [seen[column] for column in _KEY]
    starts = seen[seen["state"].ne(seen["state"].groupby(by).shift())]
    ends = starts["at"].groupby([starts[column] for column in _KEY]).shift(-1)
    return conform(AppStates, starts.rename(columns={"at": "start"}).assign(end=ends))


def _observations(state_changes: pd.DataFrame, applications: pd.DataFrame) -> pd.DataFrame:
    """Everything said about a state: `_KEY`, `at`, `state`, `before`, `rank` (0 a report, 1 a snapshot)."""
    reports = state_changes.rename(columns={"app": "application", "after": "state"}).assign(rank=0)
    kept = [*_KEY, "at", "state", "before", "rank"]
    snapshots = [
        applications.rename(columns={"app": "application", "observed_at": "at", column: "state"})
        .assign(aspect=aspect, before=pd.Series(pd.NA, index=applications.index, dtype="str"), rank=1)
        .dropna(subset=["state"])[kept]
        for aspect, column in (("sync", "sync_status"), ("health", "health_status"))
    ]
    return pd.concat([reports[kept], *snapshots], ignore_index=True)


def _one_each_instant(seen: pd.DataFrame) -> pd.DataFrame:
    """One observation for each instant of each aspect."""
    at = [*_KEY, "at"]
    left = seen.loc[seen["before"].notna(), [*at, "before"]].drop_duplicates()
    followed = seen[[*at, "state"]].merge(
        left, how="left", left_on=[*at, "state"], right_on=[*at, "before"], indicator=True
    )
    ranked = seen.assign(followed=followed["_merge"].eq("both").to_numpy())
    return ranked.sort_values([*at, "rank", "followed", "state"], kind="stable").drop_duplicates(at)
