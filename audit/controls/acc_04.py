"""Rights that are granted are used, and no more is granted than is needed.

## Why
A right that nobody uses is there for whoever gets hold of its account. A role that names everything grows with every kind
of object that is added, and who is `cluster-admin` passes by every other rule.

## Evidence
The lists of collaborators and the roles and bindings of each cluster, with which the quarter began and ended (the last no older than
`thresholds.snapshot_days`); what people did in the repositories and asked of the API servers. A right is dormant when it was held for all of the last
`access.dormant_days` of the quarter, and logs and exports that are whole show no use of it. Each right is one item
(`system:holder:right@namespace`).

## Limits
Any act of the holder there counts as use: a log does not say which role allowed it. Reading a repository leaves no trace,
and machines' reads are not kept of a cluster's log: rights to these, those of teams, memberships and what Vault's log shows
are never called dormant. Where a log has gaps, no right in its scope is. Kubernetes' own roles for its own users, groups and
controllers are left out (`access.builtin_roles`). A cluster role is a wildcard that names all verbs, or all resources together
with a verb that writes.

## Remediation
Take the right away, or bind a role that names what is needed.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import API_SERVER, GRANTS, PULLS, PUSHES, RBAC, REVIEWS, repositories
from audit.controls.parts import pointer
from audit.joins.rights.used import NATURAL
from audit.model import Severity

_KINDS = ("repository", "cluster")
_COMPARED = ("added", "changed", "removed", "none")
_DATED = ("event", "created")
_SINCE_BEGIN = "2026-07-01 06:00"

_REPO = "repository   | netbpf/netbpf-gitops"
_PROD = "cluster      | prod                "
_LISTED = f"true  | 2026-10-01 06:00 | {_SINCE_BEGIN}"
_GIVEN = f"""
        access_rights
        | right_id | system_kind  | system               | holder | right         | held  | listed_at        | compared_at      | usage | change | wildcard |
        | R-1      | {_REPO} | ada    | push          | {_LISTED} | used  | none   | false    |
        | R-2      | {_PROD} | ada    | ClusterRole/x | {_LISTED} | used  | none   | false    |
"""
_NEW = """
        access_rights
        | right_id | system_kind  | system               | holder | right                     | held  | listed_at        | usage | change | admin | wildcard | since            | since_basis |
"""
_NEW_ROW = "ClusterRole/cluster-admin | true  | 2026-10-01 06:00 | used  | untold | true  | true    "

EXAMPLES = (
    Example(
        title="rights that were used pass, by lists with which the quarter began and ended",
        given=_GIVEN,
        conclusion="effective",
    ),
    Example(
        title="dormant; by a role that names everything; newly administrator of a cluster. What is Kubernetes' own, gone, or of "
        "the organisation is not judged",
        given=f"""
        access_rights
        | right_id | system_kind  | system               | holder | right                     | scope | held  | listed_at        | compared_at      | change | dormant | admin | wildcard | builtin | last_used  | how           |
        | R-1      | {_REPO} | grace  | push                      |       | {_LISTED} | none   | true    | false | false    | false   | 2026-03-04 |               |
        | R-2      | {_PROD} | eve    | Role/all                  | shop  | {_LISTED} | none   | true    | false | true     | false   |            | RoleBinding b |
        | R-3      | {_PROD} | ada    | ClusterRole/cluster-admin |       | {_LISTED} | added  | false   | true  | true     | false   |            |               |
        | R-4      | {_PROD} | kim    | ClusterRole/cluster-admin |       | {_LISTED} | none   | false   | true  | true     | false   |            |               |
        | R-5      | {_PROD} | gc     | ClusterRole/system:gc     |       | {_LISTED} | added  | false   | false | true     | true    |            |               |
        | R-6      | {_PROD} | ada    | ClusterRole/gone          |       | {_LISTED.replace("true ", "false")} | none   | true    | true  | true     | false   |            |               |
        | R-7      | organisation | netbpf               | ada    | owner                     |       | {_LISTED} | added  | false   | true  | false    | false   |            |               |
        | R-8      | {_PROD} | lee    | policy/Admin              |       | {_LISTED} | changed | false   | true  | false    | false   |            |               |
        | R-9      | {_PROD} | max    | Role/view                 | shop  | {_LISTED} | added  | false   | false | false    | false   |            |               |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                            | repo                 | cluster | found                                                                              |
        | netbpf/netbpf-gitops:grace:push    | netbpf/netbpf-gitops |         | not used since 2026-03-04                                                          |
        | prod:eve:Role/all@shop             |                      | prod    | no use of it is on record, by RoleBinding b: its role names all verbs or resources |
        | prod:ada:ClusterRole/cluster-admin |                      | prod    | gives everything in the cluster, and is new                                        |
        | prod:lee:policy/Admin              |                      | prod    | gives everything in the cluster, and is new                                        |
        """,
    ),
    Example(
        title="without a list of the quarter's beginning, who was bound as it began is new, and who was before is not",
        given=_NEW
        + f"""
        | R-1      | {_REPO} | ada    | push                      | true  | 2026-10-01 06:00 | used  | untold | false | false    | 2026-10-01 06:00 | earlier     |
        | R-2      | {_PROD} | ada    | {_NEW_ROW} | 2026-07-01 00:00 | created     |
        | R-3      | {_PROD} | kim    | {_NEW_ROW} | 2026-06-30 23:59 | event       |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                            | found                                       |
        | prod:ada:ClusterRole/cluster-admin | gives everything in the cluster, and is new |
        """,
    ),
    Example(
        title="without one, and where nothing else tells since when somebody administers a cluster, it can't be told",
        given=_NEW
        + f"""
        | R-1      | {_REPO} | ada    | push                      | true  | 2026-10-01 06:00 | used  | untold | false | false    | 2026-10-01 06:00 | earlier     |
        | R-2      | {_PROD} | ada    | {_NEW_ROW} | 2026-10-01 06:00 | earlier     |
        """,
        conclusion="not tested",
    ),
    Example(
        title="of who administers a repository, and of whom nobody is told to be new, that is not asked",
        given=_NEW
        + f"""
        | R-1      | {_REPO} | ada    | admin                     | true  | 2026-10-01 06:00 | used  | untold | true  |          | 2026-10-01 06:00 | earlier     |
        | R-2      | {_PROD} | ada    | {_NEW_ROW} | 2026-06-30 23:59 | created     |
        | R-3      | {_PROD} | max    | Role/view                 | true  | 2026-10-01 06:00 | used  | untold | false | false    | 2026-10-01 06:00 | earlier     |
        """,
        conclusion="effective",
    ),
    Example(
        title="a list made in the quarter's last second, or as long before as snapshots may be apart, tells of its end",
        given=_GIVEN.replace("2026-10-01 06:00", "2026-09-23 00:00"),
        conclusion="effective",
    ),
    Example(
        title="lists made earlier tell nothing of the quarter's end",
        given=_GIVEN.replace("2026-10-01 06:00", "2026-09-22 23:59"),
        conclusion="not tested",
    ),
    Example(
        title="a list made as the quarter ended tells of its last second",
        given=_GIVEN.replace("2026-10-01 06:00", "2026-10-01 00:00")
        .replace("| wildcard |", "| wildcard | how |")
        .replace("| false    |", "| true     | b   |"),
        conclusion="exceptions",
        exceptions="""
        | subject                       | found                                     |
        | netbpf/netbpf-gitops:ada:push | by b: its role names all verbs or resources |
        | prod:ada:ClusterRole/x        | by b: its role names all verbs or resources |
        """,
    ),
    Example(
        title="where the evidence that would show use has gaps, nobody is called dormant",
        given=_GIVEN.replace("| used ", "| untold"),
        conclusion="not tested",
    ),
    Example(
        title="a role of which no rule is in evidence may name everything",
        given=_GIVEN.replace("| false    |", "|          |"),
        conclusion="not tested",
    ),
    Example(
        title="without roles and bindings nobody knows who may do what in the cluster",
        given=_GIVEN,
        without=("rbac-object",),
        conclusion="not tested",
    ),
    Example(
        title="without the API server's log nothing shows what is used there",
        given=_GIVEN,
        without=("kubernetes-audit",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Each right in a repository or cluster that was held as the quarter ended."""
    every = tables["access_rights"]
    every = every[every["system_kind"].isin(_KINDS) & ~every["builtin"].astype(bool)]
    rows = every[every["held"].fillna(False).astype(bool)].reset_index(drop=True)
    scope = ("@" + rows["scope"]).where(rows["scope"].ne(""), "")
    last = context.stop - pd.Timedelta(seconds=1)
    rows = rows.assign(
        subject=rows["system"] + ":" + rows["holder"] + ":" + rows["right"] + scope,
        at=rows["listed_at"].where(rows["listed_at"].lt(context.stop), last),
        found=_wrong(rows, context),
    )
    rows = rows.sort_values(["subject", "right_id"], kind="stable")
    bad = rows[rows["found"].ne("")].drop_duplicates("subject").reset_index(drop=True)
    of_cluster = bad["system_kind"].eq("cluster")
    failed = failures(
        bad,
        person_raw=bad["holder"],
        repo=bad["system"].where(~of_cluster),
        cluster=bad["system"].where(of_cluster),
        expected="a right that is used, by a role that names what is needed",
        evidence=pointer(bad),
    )
    return Result(rows[["subject", "at"]], failed, (*_gaps(rows, tables, context), *_untold(rows)))


def _wrong(rows: pd.DataFrame, context: Context) -> pd.Series:
    """What is wrong with each right (str); empty for nothing."""
    used = "not used since " + rows["last_used"].dt.strftime("%Y-%m-%d").astype("str")
    compared = rows["change"].isin(_COMPARED)
    dated = rows["since_basis"].isin(_DATED) & rows["since"].ge(context.start).fillna(False)
    new = rows["change"].isin(["added", "changed"]) | (~compared & dated)
    of_cluster = rows["system_kind"].eq("cluster")
    parts = (
        (rows["dormant"], used.fillna("no use of it is on record")),
        (
            rows["wildcard"].fillna(False) & ~rows["admin"],
            "by " + rows["how"] + ": its role names all verbs or resources",
        ),
        (
            rows["admin"] & of_cluster & new,
            pd.Series("gives everything in the cluster, and is new", rows.index),
        ),
    )
    found = pd.Series("", index=rows.index, dtype="str")
    for holds, words in parts:
        found = found + (words + ", ").where(holds.astype(bool), "")
    return found.str.removesuffix(", ")


def _gaps(rows: pd.DataFrame, tables: Tables, context: Context) -> list[Gap]:
    """Repositories and clusters of which no list tells of the quarter's end, and administrators who may be new or not."""
    days = pd.Timedelta(days=context.settings.thresholds.snapshot_days)
    late = set(rows.loc[rows["listed_at"].ge(context.stop - days), "system"])
    text = f"no list of its rights was made within {days.days} days of the quarter's end"
    gaps = [Gap(f"{name}: {text}", repo=name) for name in repositories(tables, context) if name not in late]
    gaps += [
        Gap(f"{one.name}: {text}", cluster=one.name)
        for one in context.settings.clusters
        if one.name not in late
    ]
    rules = rows[rows["wildcard"].isna() & rows["system_kind"].eq("cluster")]
    gaps += [
        Gap(f"{name}: no rule of {', '.join(sorted(set(held['right'])))} is in evidence", cluster=str(name))
        for name, held in rules.groupby("system", sort=True)
    ]
    open_ones = (
        rows["admin"].astype(bool) & ~rows["change"].isin(_COMPARED) & ~rows["since_basis"].isin(_DATED)
    )
    open_ones &= rows["system_kind"].eq("cluster")
    return gaps + [
        Gap(
            f"{name}: nothing tells since when {', '.join(sorted(set(held['holder'])))} may do everything",
            cluster=str(name),
        )
        for name, held in rows[open_ones].groupby("system", sort=True)
    ]


def _untold(rows: pd.DataFrame) -> list[Gap]:
    """Systems in which use can't be told, for another reason than that nothing ever tells it."""
    told = rows[rows["usage"].eq("untold") & ~rows["usage_note"].isin(NATURAL)]
    told = (
        told[["system_kind", "system", "usage_note"]].drop_duplicates().sort_values(["system", "usage_note"])
    )
    return [
        Gap(
            f"{system}: whether rights there are used can't be told: {note.replace('; ', ', ')}",
            repo=system if kind == "repository" else None,
            cluster=system if kind == "cluster" else None,
        )
        for kind, system, note in told.itertuples(index=False, name=None)
    ]


CONTROL = Control(
    id="ACC-04",
    page=__doc__,
    clause="Compliance and Auditing › Compliance Checks › Access reviews",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC6.1", "CC6.3"),
        "ISO 27001": ("5.15", "5.18", "8.2"),
        "NIST 800-53": ("AC-2", "AC-6"),
        "PCI DSS": ("7.2.4", "7.2.5"),
        "CIS / SLSA": ("K 5.1.1", "K 5.1.2", "K 5.1.3"),
    },
    needs=(*(replace(need, blind=False) for need in (GRANTS, PULLS, REVIEWS)), PUSHES, RBAC, API_SERVER),
    remediation="Take the right away, or bind a role that names what is needed.",
    examples=EXAMPLES,
    test=test,
)
