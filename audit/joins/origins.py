"""Where each change of a cluster came from: a deployment, the cluster itself, named automation, break-glass, a hand; or nobody knows.

What the operator writes belongs to a deployment when one of its own, in the same cluster or for the same environment
(an operator may deploy into other clusters than its own), ran at that time, give or take what clocks may differ.
"""

from __future__ import annotations

import pandas as pd

from audit.joins.identity import Resolver
from audit.joins.matching import matches_any
from audit.model import Origin, PrincipalKind
from audit.settings import Settings

_OWN_RECORDS = r"\.(?:argoproj\.io|(?:[a-z.-]+\.)?fluxcd\.io)(?:/|$)"
"""Resources in which the operators keep what they do: written all the time, and no change of what Git declares."""


def origins(
    writes: pd.DataFrame, deployments: pd.DataFrame, *, resolver: Resolver, settings: Settings
) -> pd.Series:
    """The `Origin` of each write that changed something (str, missing for the others).

    Args:
        writes: columns of `ClusterWrites`, without `origin`. deployments: `Deployments`.
    """
    users = pd.Series(writes["user"].unique(), dtype="str")
    operator = writes["user"].map(operators(users, settings)).astype("str")
    within = _within(writes.assign(operator=operator), deployments, settings)
    own = matches_any(users, settings.machines.cluster)
    named = matches_any(users, settings.machines.automation)
    known = writes["person"].isin(resolver.people)
    person = writes["principal_kind"].eq(PrincipalKind.PERSON.value)
    resources = pd.Series(writes["resource"].unique(), dtype="str")
    records = writes["resource"].isin(set(resources[resources.str.contains(_OWN_RECORDS)]))
    origin = pd.Series(Origin.MACHINE.value, index=writes.index, dtype="str")
    for which, name in (  # the last that applies holds
        (known | writes["user"].isin(set(users[named])), Origin.AUTOMATION),
        (writes["user"].isin(set(users[own])), Origin.CLUSTER),
        (operator.notna(), Origin.OPERATOR),
        (operator.notna() & records, Origin.RECORDS),
        (operator.notna() & within, Origin.DEPLOYMENT),
        (person, Origin.HAND),
        (person & writes["break_glass"].notna(), Origin.BREAK_GLASS),
    ):
        origin = origin.mask(which, name.value)
    return origin.where(writes["change"].astype(bool))


def operators(users: pd.Series, settings: Settings) -> dict[str, str]:
    """argocd or flux, by the names (str) that are theirs."""
    found: dict[str, str] = {}
    for operator, patterns in settings.machines.operators.items():
        found |= dict.fromkeys(users[matches_any(users, patterns)], operator)
    return found


def _within(rows: pd.DataFrame, deployments: pd.DataFrame, settings: Settings) -> pd.Series:
    """Which writes (with their `operator`) lie in a deployment of it, by cluster or by environment (bool)."""
    skew = pd.Timedelta(seconds=settings.thresholds.clock_skew_seconds)
    spans = deployments.assign(
        since=deployments["started_at"] - skew,
        until=deployments["finished_at"].fillna(deployments["started_at"]) + skew,
    )
    mine = rows.loc[rows["operator"].notna(), ["operator", "cluster", "environment", "at"]].sort_values("at")
    inside = pd.Series(False, index=rows.index)
    for place in ("cluster", "environment"):
        by = ["operator", place]
        known = spans[[*by, "since", "until"]].dropna().sort_values("since", kind="stable")
        open_until = known["until"].astype("int64").groupby([known[name] for name in by]).cummax()
        known = known.assign(until=pd.to_datetime(open_until, unit="us", utc=True))
        found = pd.merge_asof(mine[[*by, "at"]], known, left_on="at", right_on="since", by=by)
        inside.loc[mine.index] |= (found["at"] <= found["until"]).fillna(False).to_numpy(dtype=bool)
    return inside
