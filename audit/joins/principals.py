"""Who made a request to a cluster: by who authenticated, never by whom they acted as or by a name in what they sent."""

from __future__ import annotations

import pandas as pd

from audit.joins.cloud_users import ASSUMED
from audit.joins.identity import Resolver
from audit.joins.matching import matches_any
from audit.model import PrincipalKind
from audit.settings import Settings


def principals(rows: pd.DataFrame, resolver: Resolver, settings: Settings) -> dict[str, pd.Series]:
    """`person` and `principal_kind` (both str) of each request of `ClusterAccess`, by who authenticated."""
    who = who_asked(rows, resolver)
    agents = pd.Series(rows["user_agent"].dropna().unique(), dtype="str")
    laptops = set(agents[matches_any(agents, settings.machines.laptop_agents)])
    borrowed = who["kind"].eq(PrincipalKind.MACHINE) & rows["user_agent"].isin(laptops)
    return {
        "person": who["person"].mask(borrowed, "kubernetes:" + rows["user"]),
        "principal_kind": who["kind"].mask(borrowed, PrincipalKind.PERSON.value),
    }


def acting(rows: pd.DataFrame, resolver: Resolver, settings: Settings) -> pd.DataFrame:
    """Who acts in each request of `ClusterAccess`: who authenticated, or the person for whom a machine (a proxy) acts.

    Returns:
        `name` (str): as the log has it. `person` (str): resolved. `human` (bool): a person.
    """
    own = principals(rows, resolver, settings)
    machine = own["principal_kind"].eq(PrincipalKind.MACHINE.value)
    behind = resolver.resolve(rows["impersonated"], "kubernetes", rows["at"])
    proxied = machine & rows["impersonated"].notna() & behind["kind"].eq(PrincipalKind.PERSON.value)
    return pd.DataFrame(
        {
            "name": rows["user"].fillna("unknown").mask(proxied, rows["impersonated"]),
            "person": own["person"].mask(proxied, behind["person"]),
            "human": ~machine | proxied,
        }
    )


def who_asked(rows: pd.DataFrame, resolver: Resolver) -> pd.DataFrame:
    """Who authenticated in each request of `ClusterAccess`: as `Resolver.resolve` says it.

    A principal of the cloud that nobody knows is `iam:ARN`, so that people behind a shared user are told apart.
    """
    named = resolver.resolve(rows["user"], "kubernetes", rows["at"])
    arn = resolver.cloud.arns(rows) if resolver.cloud is not None else pd.Series(pd.NA, index=rows.index)
    if resolver.cloud is None or arn.isna().all():
        return named
    parts = arn.str.extract(ASSUMED)
    own = resolver.resolve(arn, "iam", rows["at"])
    by_role = resolver.resolve(parts[0] + ":iam::" + parts[1] + ":role/" + parts[2], "iam", rows["at"])
    by_session = resolver.resolve(parts[3].where(resolver.cloud.believed(parts[2])), "sso", rows["at"])
    for other in (by_role, by_session):
        better = ~own["known"] & other["known"]
        own = own.mask(better, other)
    own = own.astype({"known": bool})
    machine = named["kind"].eq(PrincipalKind.MACHINE.value)
    said = own["known"] | ((_derived(rows["user"], parts[3]) | ~named["known"]) & ~machine)
    said = arn.notna() & said
    return named.mask(said, own).astype({"person": "str", "known": bool, "kind": "str"})


def _derived(users: pd.Series, sessions: pd.Series) -> pd.Series:
    """Which users are made of the name of their session, also with `-` for `@`, or are ARNs (bool)."""
    pairs = pd.DataFrame({"user": users, "session": sessions}).astype("object")
    distinct = pairs.dropna().drop_duplicates()
    held = [
        session in user or session.replace("@", "-") in user
        for user, session in zip(distinct["user"], distinct["session"], strict=True)
    ]
    made = pairs.merge(distinct.assign(made=held), on=["user", "session"], how="left")["made"]
    return made.set_axis(users.index).eq(True) | users.str.startswith("arn:aws").fillna(False).astype(bool)
