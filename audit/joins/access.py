"""Writes to the clusters: by whom, with what outcome, and whether they changed anything in scope.

The principal is who authenticated, never who was impersonated. A machine's identity used from a laptop is a
person's doing: whose is not known.
"""

from __future__ import annotations

import pandas as pd

from audit.joins.identity import Resolver
from audit.joins.matching import matches_any
from audit.joins.origins import origins
from audit.joins.principals import principals
from audit.model import PrincipalKind
from audit.settings import BreakGlass, Scope, Settings
from audit.tables import ClusterWrites, conform

WRITE_VERBS = ("create", "update", "patch", "delete", "deletecollection")
_SESSIONS = ("exec", "attach", "portforward", "ephemeralcontainers")
"""Into workloads; kubectl opens them over WebSockets, as requests with the verb get."""
_NO_CHANGE_SUBRESOURCES = (
    "exec",
    "attach",
    "portforward",
    "proxy",
    "log",
    "ephemeralcontainers",
    "token",
)
_QUESTIONS = (
    "subjectaccessreviews",
    "selfsubjectaccessreviews",
    "selfsubjectrulesreviews",
    "localsubjectaccessreviews",
    "tokenreviews",
    "selfsubjectreviews",
)
_UNNAMED = "unknown"


def writes(
    cluster_access: pd.DataFrame, deployments: pd.DataFrame, resolver: Resolver, settings: Settings
) -> pd.DataFrame:
    """`ClusterWrites` of `ClusterAccess` (one row for each request): every request with a verb that writes, sessions, and
    what people ask of nodes past the API server (`nodes/proxy`), for a get there may run a command in any container.

    Args:
        deployments: `Deployments`, to which what the operators write belongs.
    """
    node = cluster_access["resource"].eq("nodes") & cluster_access["subresource"].eq("proxy")
    asked = cluster_access["verb"].isin(WRITE_VERBS) | cluster_access["subresource"].isin(_SESSIONS)
    kept = asked | node
    rows = cluster_access[kept].assign(polled=(node & ~asked)[kept]).reset_index(drop=True)
    rows = rows.assign(**principals(rows, resolver, settings))
    # what collects metrics reads them there all the time
    rows = rows[~(rows["polled"] & rows["principal_kind"].eq(PrincipalKind.MACHINE.value))].reset_index(
        drop=True
    )
    plain = rows["resource"] + ("." + rows["api_group"]).where(rows["api_group"].ne(""), "")
    outcome = _outcome(rows)
    done = outcome.isin(["done", "unknown"])
    result = rows.assign(
        user=rows["user"].fillna(_UNNAMED),
        environment=rows["cluster"]
        .map({name: settings.environment_of(name) for name in rows["cluster"].unique()})
        .astype("str"),
        resource=plain + ("/" + rows["subresource"]).where(rows["subresource"].ne(""), ""),
        outcome=outcome,
        change=done & _changes_objects(rows) & _in_scope(rows, plain, settings.scope),
        break_glass=break_glass(rows, settings.break_glass, resolver),
    )
    came = origins(result, deployments, resolver=resolver, settings=settings)
    return conform(ClusterWrites, result.assign(origin=came))


def _outcome(rows: pd.DataFrame) -> pd.Series:
    """What became of each request (str). Refused and failed come before dry run: neither changed anything."""
    code = rows["code"]
    outcome = pd.Series("done", index=rows.index, dtype="str")
    outcome = outcome.mask(code.isna(), "unknown")
    outcome = outcome.mask(rows["dry_run"].fillna(False).astype(bool), "dry run")
    outcome = outcome.mask((code >= 400).fillna(False).astype(bool), "failed")
    return outcome.mask(code.isin([401, 403]).fillna(False).astype(bool), "denied")


def _changes_objects(rows: pd.DataFrame) -> pd.Series:
    """Which requests write an object, rather than open a session, ask a question or take a token (bool)."""
    group = rows["api_group"]
    asks = rows["resource"].isin(_QUESTIONS) & (
        group.eq("") | group.str.startswith(("authorization.", "authentication."))
    )
    return rows["resource"].ne("") & ~rows["subresource"].isin(_NO_CHANGE_SUBRESOURCES) & ~asks


def _in_scope(rows: pd.DataFrame, plain: pd.Series, scope: Scope) -> pd.Series:
    """Which requests concern what Git declares (bool); `plain` is resource.group without the subresource."""
    namespaces = pd.Series(rows["namespace"].unique(), dtype="str")
    unmanaged = set(namespaces[matches_any(namespaces, scope.unmanaged_namespaces)]) - {""}
    return ~rows["namespace"].isin(unmanaged) & ~plain.isin(scope.unmanaged_resources)


def break_glass(rows: pd.DataFrame, spans: tuple[BreakGlass, ...], resolver: Resolver) -> pd.Series:
    """Ticket of the span that each request (person, cluster, at) lies in (str); missing for none.

    Where spans overlap, it is the first that the settings name.
    """
    ticket = pd.Series(pd.NA, index=rows.index, dtype="str")
    opened = pd.Series([span.opened for span in spans]).astype("datetime64[us, UTC]")
    names = resolver.resolve(pd.Series([span.person for span in spans], dtype="str"), "roster", opened)
    for span, person in zip(spans, names["person"], strict=True):
        inside = (
            rows["person"].eq(person)
            & rows["cluster"].eq(span.cluster)
            & rows["at"].ge(pd.Timestamp(span.opened))
            & rows["at"].lt(pd.Timestamp(span.closed))
        )
        ticket = ticket.mask(inside & ticket.isna(), span.ticket)
    return ticket
