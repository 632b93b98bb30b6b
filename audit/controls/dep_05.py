"""Rollbacks are Git reverts that the operator reconciles.

## Why
Going back past Git leaves main asking for what was just taken out: the next sync brings it back, and what runs was
never declared.

## Evidence
Successful deployments of an older place on the mainline than the one before, or that the operator calls a rollback;
requests to roll a workload back in the API servers' audit logs (the `rollback` subresource, and writes by
`kubectl rollout`, known by their field manager); landings that revert what was taken back.

## Limits
A rollback is covered when landings after it on the mainline revert all that it took back, no later than
`thresholds.rollback_revert_hours` after it. `kubectl rollout undo` and `kubectl rollout restart` look alike in the
log: both are named, unless a machine did it or a break-glass span covers it. A rollback that is written into Git is a landing like any other, and no item of this control.

## Remediation
Revert the change on main, and let the operator bring the cluster there. Take the right to roll back away from people.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.arrivals import TARGET, successes
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import API_SERVER, GIT, OPERATORS
from audit.controls.operators import unseen_history
from audit.controls.parts import counted, deployment, pointer
from audit.controls.spans import APPLICATION
from audit.model import PrincipalKind, Severity

_ASKED = r"(?:^|,)\s*rollback\s*(?:,|$)"
_ROLLOUT = "kubectl-rollout"
_DEPLOYED = """
        deployments
        | application | app | started_at       | repo                 | revision | position | status    | initiated_by | options  |
        | argocd/web  | web | 2026-08-01 10:00 | netbpf/netbpf-gitops | a4…      | 4        | succeeded |              |          |
        | argocd/web  | web | 2026-08-02 10:00 | netbpf/netbpf-gitops | a5…      | 5        | succeeded |              |          |
        | argocd/web  | web | 2026-08-02 12:00 | netbpf/netbpf-gitops | a4…      | 4        | succeeded | grace        | rollback |
        | argocd/web  | web | 2026-08-05 12:00 | netbpf/netbpf-gitops | a6…      | 6        | succeeded |              |          |
        | argocd/web  | web | 2026-08-06 12:00 | netbpf/netbpf-gitops | a6…      | 6        | succeeded |              |          |

        landing_environments
        | head_sha | app | environment |
        | a4…      | web | prod        |
        | a5…      | web | prod        |
        | a6…      | web | prod        |
"""

_SEVERAL = """
        deployments
        | application | app | started_at       | repo                 | position | status    | initiated_by |
        | argocd/web  | web | 2026-08-02 10:00 | netbpf/netbpf-gitops | 5        | succeeded |              |
        | argocd/web  | web | 2026-08-02 12:00 | netbpf/netbpf-gitops | 2        | succeeded | ada          |

        landing_environments
        | head_sha | app | environment |
        | a3…      | web | prod        |
        | a4…      | web | prod        |
        | a5…      | web | prod        |
"""

EXAMPLES = (
    Example(
        title="a rollback passes when main reverts what it took back, exactly at the limit",
        given=_DEPLOYED
        + """
        landings
        | head_sha | position | landed_at        | reverts |
        | a4…      | 4        | 2026-08-01 09:00 |         |
        | a5…      | 5        | 2026-08-02 09:00 |         |
        | a6…      | 6        | 2026-08-03 12:00 | a5…     |
        """,
        conclusion="effective",
    ),
    Example(
        title="a revert a second too late, or of something else, covers nothing",
        given=_DEPLOYED
        + """
        landings
        | head_sha | position | landed_at           | reverts |
        | a4…      | 4        | 2026-08-01 09:00:00 |         |
        | a5…      | 5        | 2026-08-02 09:00:00 |         |
        | a6…      | 6        | 2026-08-03 12:00:01 | a5…     |
        | a7…      | 7        | 2026-08-03 10:00:00 | a4…     |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                              | found |
        | prod/argocd/web@2026-08-02T12:00:00Z | grace went back from place 5 to place 4 of main, and took 1 change back: none of them was reverted within 24 h |
        """,
    ),
    Example(
        title="a revert that was taken back with the rest covers nothing",
        given="""
        deployments
        | application | app | started_at       | repo                 | position | status    |
        | argocd/web  | web | 2026-08-01 10:00 | netbpf/netbpf-gitops | 4        | succeeded |
        | argocd/web  | web | 2026-08-02 10:00 | netbpf/netbpf-gitops | 6        | succeeded |
        | argocd/web  | web | 2026-08-02 12:00 | netbpf/netbpf-gitops | 4        | succeeded |

        landings
        | head_sha | position | landed_at        | reverts |
        | a5…      | 5        | 2026-08-02 09:00 |         |
        | a6…      | 6        | 2026-08-02 09:30 | a5…     |

        landing_environments
        | head_sha | app | environment |
        | a5…      | web | prod        |
        | a6…      | web | prod        |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                              | found |
        | prod/argocd/web@2026-08-02T12:00:00Z | somebody went back from place 6 to place 4 of main, and took 2 changes back: none of them was reverted within 24 h |
        """,
    ),
    Example(
        title="a rollback over several changes is covered when each of them is reverted",
        given=_SEVERAL
        + """
        landings
        | head_sha | position | landed_at        | reverts |
        | a3…      | 3        | 2026-08-01 09:00 |         |
        | a4…      | 4        | 2026-08-01 09:00 |         |
        | a5…      | 5        | 2026-08-01 09:00 |         |
        | a6…      | 6        | 2026-08-02 13:00 | a4…     |
        | a7…      | 7        | 2026-08-02 13:00 | a3…     |
        | a8…      | 8        | 2026-08-02 13:00 | a5…     |
        """,
        conclusion="effective",
    ),
    Example(
        title="a revert of one of them covers not the others",
        given=_SEVERAL
        + """
        landings
        | head_sha | position | landed_at        | reverts |
        | a3…      | 3        | 2026-08-01 09:00 |         |
        | a4…      | 4        | 2026-08-01 09:00 |         |
        | a5…      | 5        | 2026-08-01 09:00 |         |
        | a6…      | 6        | 2026-08-02 13:00 | a4…     |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                              | found |
        | prod/argocd/web@2026-08-02T12:00:00Z | ada went back from place 5 to place 2 of main, and took 3 changes back: those at places 3, 5 were not reverted within 24 h |
        """,
    ),
    Example(
        title="as long as a revert may still follow nobody can tell",
        given="""
        deployments
        | application | app | started_at       | repo                 | position | status    |
        | argocd/web  | web | 2026-08-02 10:00 | netbpf/netbpf-gitops | 6        | succeeded |
        | argocd/web  | web | 2026-09-30 00:00 | netbpf/netbpf-gitops | 4        | succeeded |
        """,
        settings={"thresholds": {"rollback_revert_hours": 48}},
        conclusion="not tested",
    ),
    Example(
        title="a workload rolled back in the cluster fails; so does what may be a restart; denied is not done",
        given="""
        cluster_writes
        | audit_id | user           | principal_kind | verb   | resource                  | namespace | name | change | outcome | field_manager   |
        | 1        | ada@netbpf.com | person         | create | deployments.apps/rollback | shop      | web  | true   | done    |                 |
        | 2        | ada@netbpf.com | person         | patch  | deployments.apps          | shop      | web  | true   | done    | kubectl-rollout |
        | 3        | ada@netbpf.com | person         | patch  | deployments.apps          | shop      | web  | false  | denied  | kubectl-rollout |
        | 4        | ada@netbpf.com | person         | patch  | deployments.apps          | shop      | web  | true   | done    | kubectl-edit    |
        | 5        | ci             | machine        | patch  | deployments.apps          | shop      | web  | true   | done    | kubectl-rollout |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject        | found |
        | prod/rollout/1 | ada@netbpf.com: create deployments.apps/rollback shop/web |
        | prod/rollout/2 | ada@netbpf.com: patch deployments.apps shop/web with kubectl rollout (undo or restart) |
        """,
    ),
    Example(
        title="without the operator's records of a cluster nothing was tested there",
        given="",
        without=("argocd or flux",),
        conclusion="not tested",
    ),
    Example(
        title="without the API server's log nobody knows who rolled workloads back",
        given="",
        without=("kubernetes-audit",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every rollback by an operator or in a cluster; those that no revert on main covers fail."""
    hours = context.settings.thresholds.rollback_revert_hours
    back = _covered(_back(tables), tables, pd.Timedelta(hours=hours))
    undone = _undone(tables)
    population = pd.concat([back, undone], ignore_index=True)
    now = pd.Timestamp(context.as_of)
    open_ = ~back["covered"] & (back["at"] + pd.Timedelta(hours=hours) >= now)
    rows = back[~back["covered"] & ~open_].reset_index(drop=True)
    taken = counted(rows["taken"], "change")
    who = rows["initiated_by"].fillna("somebody")
    places = rows["before"].astype("str") + " to place " + rows["position"].astype("str")
    found = who + " went back from place " + places + " of main, and took " + taken + " back: "
    left = ("those at places " + rows["left"] + " were not").where(rows["some"], "none of them was")
    expected = "a revert on main, which the operator reconciles"
    return Result(
        population,
        pd.concat(
            [
                failures(rows, expected=expected, found=found + left + f" reverted within {hours} h"),
                failures(undone, expected=expected, found=undone["found"]),
            ],
            ignore_index=True,
        ),
        (
            *(Gap(f"{name}: a revert may still follow") for name in back.loc[open_, "subject"]),
            *unseen_history(tables, context),
        ),
    )


def _back(tables: Tables) -> pd.DataFrame:
    """Successful deployments that went back on the mainline, or were asked to, with the place `before` (Int64)."""
    done = successes(tables).sort_values([*APPLICATION, "started_at"], kind="stable")
    done = done.assign(
        before=done.groupby([*APPLICATION, "repo"])["position"].shift().astype("Int64"),
        subject=deployment(done),
        at=done["started_at"],
        person_raw=done["initiated_by"],
        evidence=pointer(done),
    )
    older = (done["position"] < done["before"]).fillna(False).astype(bool)
    asked = done["options"].str.contains(_ASKED, regex=True) & done["before"].notna()
    return done[older | asked].reset_index(drop=True)


def _covered(back: pd.DataFrame, tables: Tables, limit: pd.Timedelta) -> pd.DataFrame:
    """Rollbacks with what they took back of the application.

    Returns:
        `back` with `taken` (int64, landings), `some` (bool: main reverts one of them), `covered` (bool: it reverts all), and
        `left` (str: places of the others, separated by commas).
    """
    landings = tables["landings"]
    places = tables["landing_environments"][[*TARGET, "head_sha"]].drop_duplicates()
    places = places.merge(landings[["repo", "head_sha", "position"]], on=["repo", "head_sha"])
    taken = back[["subject", "at", "before", "position", *TARGET]].merge(
        places.rename(columns={"position": "place"}), on=TARGET
    )
    taken = taken[(taken["place"] > taken["position"]) & (taken["place"] <= taken["before"])]
    count = taken.groupby("subject")["head_sha"].nunique().rename("taken").reset_index()
    reverts = landings.loc[landings["reverts"].notna(), ["repo", "reverts", "position", "landed_at"]]
    reverts = reverts.rename(columns={"reverts": "head_sha", "position": "reverted"})
    made = taken.merge(reverts, on=["repo", "head_sha"])
    made = made[(made["reverted"] > made["before"]) & (made["landed_at"] <= made["at"] + limit)]
    back = back.merge(count, on="subject", how="left")
    pair = ["subject", "head_sha"]
    rest = taken.merge(made[pair].drop_duplicates().assign(made=True), on=pair, how="left")
    rest = rest[rest["made"].isna()].drop_duplicates(pair).sort_values(["subject", "place"])
    left = rest.assign(place=rest["place"].astype("str")).groupby("subject")["place"].agg(", ".join)
    some = back["subject"].isin(made["subject"])
    return back.assign(
        taken=back["taken"].fillna(0).astype("int64"),
        some=some,
        covered=some & ~back["subject"].isin(rest["subject"]),
        left=back["subject"].map(left).astype("str"),
    )


def _undone(tables: Tables) -> pd.DataFrame:
    """Writes by which people rolled a workload back in a cluster, with `subject`, `at`, `found` and pointers."""
    writes = tables["cluster_writes"]
    rollout = writes["field_manager"].eq(_ROLLOUT).fillna(False).astype(bool)
    asked = writes["resource"].str.endswith("/rollback")
    person = writes["principal_kind"].eq(PrincipalKind.PERSON) & writes["break_glass"].isna()
    rows = writes[writes["change"].astype(bool) & person & (rollout | asked)].reset_index(drop=True)
    named = (rows["namespace"] + "/" + rows["name"]).str.strip("/")
    several = ("~" + rows["variant"].astype("str")).where(rows["variant"].gt(0), "")
    how = pd.Series("", index=rows.index, dtype="str").mask(
        ~rows["resource"].str.endswith("/rollback"), " with kubectl rollout (undo or restart)"
    )
    return rows.assign(
        subject=rows["cluster"] + "/rollout/" + rows["audit_id"] + several,
        person_raw=rows["user"],
        found=rows["user"] + ": " + rows["verb"] + " " + rows["resource"] + " " + named + how,
        evidence=pointer(rows),
    )


CONTROL = Control(
    id="DEP-05",
    page=__doc__,
    clause="Workflow › Rollback › To rollback, revert the Git commit that introduced the change",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC8.1", "CC7.5"),
        "ISO 27001": ("8.32",),
        "NIST 800-53": ("CM-3", "CP-10"),
        "PCI DSS": ("6.5.1",),
    },
    needs=(GIT, OPERATORS, API_SERVER),
    remediation="Revert the change on main, let the operator reconcile it, and take the right to roll back away.",
    examples=EXAMPLES,
    test=test,
)
