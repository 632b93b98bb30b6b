"""Who can do what, since when, last used when, and what changed; and what reviews of it came to."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from audit.joins.identity import Resolver
from audit.joins.principals import principals
from audit.joins.rights import compared, decided, events, grants, judged, lists, seen, used
from audit.joins.rights.shapes import Span, Tables
from audit.model import PrincipalKind
from audit.period import Period
from audit.settings import Settings
from audit.tables import AccessDecisions, AccessRights, conform

READS = (
    "access_reviews",
    "cluster_access",
    "cluster_identities",
    "cluster_writes",
    "commits",
    "coverage",
    "evidence_gaps",
    "evidence_objects",
    "forge_events",
    "git_operations",
    "identities",
    "memberships",
    "people",
    "pull_requests",
    "rbac_bindings",
    "rbac_rules",
    "repo_grants",
    "reviews",
    "roles",
    "secret_access",
)
"""All tables that it looks at; there is no other within its reach."""


def rights(tables: Tables, settings: Settings, period: Period, *, as_of: datetime) -> Tables:
    """`access_rights` and `access_decisions` of a quarter.

    Args:
        tables: those that `READS` names; any other is left alone.
        as_of: when evidence was last collected (aware); lists made after it tell nothing.
    """
    tables = {name: tables[name] for name in READS}
    span = Span.of(period, settings, as_of)
    dated = lists.made(tables["evidence_objects"], settings, grants.FORMATS)
    listed = lists.numbered(grants.listed(tables, settings), dated, span.after)
    listed = listed.assign(wildcard=_wild(listed, grants.wildcards(tables, dated)))
    done = used.acts(tables, listed)
    resolver = Resolver.of(tables, settings)
    gave = events.grants(tables, resolver)
    found = _rights(listed, tables, settings, span, done=done, gave=gave, resolver=resolver)
    by = compared.granted(listed, gave)
    decisions = decided.decisions(
        tables, settings, span, resolver, listed=listed, rights=found, done=done, granted=by
    )
    return {
        "access_rights": conform(AccessRights, found),
        "access_decisions": conform(AccessDecisions, decisions),
    }


def _rights(
    listed: pd.DataFrame,
    tables: Tables,
    settings: Settings,
    span: Span,
    *,
    done: pd.DataFrame,
    gave: pd.DataFrame,
    resolver: Resolver,
) -> pd.DataFrame:
    """`AccessRights`, with `template`: those of the lists and those that were seen."""
    access = tables["cluster_access"]
    machines = principals(access, resolver, settings)["principal_kind"].eq(PrincipalKind.MACHINE.value)
    rows = compared.compared(listed, span)
    rows = rows.assign(**compared.since(rows, gave))
    only_seen = seen.seen(tables, span, machines)
    only_seen = only_seen[~only_seen["right_id"].isin(rows["right_id"])]
    rows = rows.assign(last_used=used.last(rows, done, span))
    same = dict.fromkeys(("before", "granted_by", "since_basis"), "str") | dict.fromkeys(
        ("held", "wildcard"), "boolean"
    )
    rows = pd.concat([part.astype(same) for part in (rows, only_seen)], ignore_index=True)
    rows = rows.assign(**judged.whose(rows, tables, settings, resolver))
    rows = rows.assign(
        **used.usage(rows, rows["last_used"], used.untold(tables, settings, span), span),
        how=judged.ways(rows),
    )
    rows = rows.assign(excess=judged.excess(rows, settings, resolver), dormant=judged.dormant(rows, span))
    return rows.assign(excessive=rows["excess"].ne(""), leaver=rows["standing"].eq("left"))


def _wild(listed: pd.DataFrame, roles: pd.DataFrame) -> pd.Series:
    """Which rights come by a role that is wild in the list of rules nearest to theirs (boolean).

    Missing for a role of which no rule is in evidence, but Kubernetes' own.
    """
    of_role = listed["right"].str.startswith("Role/")
    asked = pd.DataFrame(
        {
            "system": listed["system"],
            "right": listed["right"],
            "scope": listed["scope"].where(of_role, ""),
            "made": listed["made"],
        }
    ).reset_index(names="place")
    found = pd.merge_asof(
        asked.sort_values("made", kind="stable"),
        roles.sort_values("made", kind="stable"),
        on="made",
        by=["system", "right", "scope"],
        direction="nearest",
    )
    wild = found.set_index("place")["wild"].reindex(listed.index)
    role = listed["right"].str.startswith(("Role/", "ClusterRole/")) & ~listed["builtin"] & ~listed["admin"]
    wild = wild.astype("boolean")
    return wild.mask(wild.isna() & ~role, False)
