"""No machine changes a cluster beside the deployments of its operator.

## Why
A pipeline or a controller that writes to a cluster by itself goes past Git, its reviews and the operator's history as well
as a person does; and whoever holds the operator's token can change anything in its name.

## Evidence
The API servers' audit logs, and the operators' deployments. What the operator writes must lie in one of its deployments, give
or take `thresholds.clock_skew_seconds`, or concern the objects in which it keeps what it does. The cluster's own controllers
and nodes follow what others asked for (`machines.cluster`); other automation must be a machine of the roster, or be named
(`machines.automation`). Every change counts that was done, or of which no outcome was recorded, to an object that Git declares.

## Limits
That a change lies in the time of a deployment does not prove that Git asked for it. Which user is whose is told by name
alone. Where deployments of an operator are not on record, nothing is said of what it wrote meanwhile. A machine's identity
used from a laptop is a person's doing, which CLU-01 judges.

## Remediation
Have the change made through Git and take the machine's right to write away; or name it in the roster or the settings, with
whoever answers for it. Find out who used the operator's identity outside its deployments, and renew its token.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import API_SERVER, OPERATORS
from audit.controls.operators import unseen_history
from audit.controls.parts import counted, joined, pointer, when
from audit.controls.requests import PAST_GIT
from audit.joins.origins import operators
from audit.model import Origin, PrincipalKind, Severity

_SHOWN = 5  # pointers to writes of one machine
_USER = ["cluster", "user"]
_ARGO = "system:serviceaccount:argocd:argocd-application-controller"
_HISTORY = {"argocd": "argocd-application", "flux": "flux-object"}

EXAMPLES = (
    Example(
        title="the operator in its deployments, the cluster itself and named automation pass",
        given=f"""
        cluster_writes
        | audit_id | at               | principal_kind | user                              | change | outcome | origin             |
        | 1        | 2026-08-01 10:00 | machine        | {_ARGO}                           | true   | done    | deployment         |
        | 2        | 2026-08-01 11:00 | machine        | {_ARGO}                           | true   | done    | operator's records |
        | 3        | 2026-08-01 11:00 | machine        | system:node:n1                    | true   | done    | cluster            |
        | 4        | 2026-08-01 11:00 | machine        | release-bot                       | true   | done    | automation         |
        | 5        | 2026-08-01 11:00 | person         | ada@netbpf.com                    | true   | done    | by hand            |
        | 6        | 2026-08-01 11:00 | machine        | system:serviceaccount:ci:deployer | false  | denied  |                    |
        """,
        conclusion="effective",
    ),
    Example(
        title="a machine that nobody names, and an operator outside its deployments; others' quarters are theirs",
        given=f"""
        deployments
        | application | started_at       | operator |
        | argocd/web  | 2026-08-01 10:00 | argocd   |
        cluster_writes
        | audit_id | at                  | principal_kind | user                              | verb  | resource         | change | outcome | origin        |
        | 1        | 2026-06-30 23:59:59 | machine        | system:serviceaccount:ci:deployer | patch | deployments.apps | true   | done    | other machine |
        | 2        | 2026-07-01 00:00:00 | machine        | system:serviceaccount:ci:deployer | patch | deployments.apps | true   | done    | other machine |
        | 3        | 2026-08-01 10:00:00 | machine        | system:serviceaccount:ci:deployer | patch | configmaps       | true   | unknown | other machine |
        | 4        | 2026-08-01 12:00:00 | machine        | {_ARGO}                           | patch | deployments.apps | true   | done    | operator      |
        """,
        conclusion="exceptions",
        exceptions=f"""
        | subject                                | found |
        | prod/system:serviceaccount:ci:deployer | 2 changes by a machine that nobody names, from 2026-07-01T00:00:00Z to 2026-08-01T10:00:00Z: patch configmaps, patch deployments.apps |
        | prod/{_ARGO}                           | 1 change outside every deployment on record, from 2026-08-01T12:00:00Z to 2026-08-01T12:00:00Z: patch deployments.apps |
        """,
    ),
    Example(
        title="nothing is said of an operator of whose deployments there is no record",
        given=f"""
        deployments
        | cluster | environment | application | started_at       | operator |
        | dev     | dev         | argocd/web  | 2026-08-01 10:00 | argocd   |
        | prod    | prod        | flux/web    | 2026-08-01 10:00 | flux     |
        cluster_writes
        | audit_id | at               | principal_kind | user    | change | outcome | origin   |
        | 1        | 2026-08-01 12:00 | machine        | {_ARGO} | true   | done    | operator |
        """,
        without=("argocd or flux",),
        conclusion="not tested",
    ),
    Example(
        title="while history is forgotten nothing is said; a second before, as it begins again, and in another cluster it is",
        given=f"""
        deployments
        | application | started_at       | operator |
        | argocd/web  | 2026-08-01 10:00 | argocd   |
        evidence_gaps
        | source_name | cluster | format             | kind | start            | end              | detail                                    | missing |
        | ops         | prod    | argocd-application | cap  | 2026-07-15 00:00 | 2026-08-01 10:00 | prod/argocd/web: history was never seen   | true    |
        | ops         | dev     | argocd-application | cap  | 2026-09-01 00:00 | 2026-09-20 00:00 | dev/argocd/web : history was never seen   | true    |
        cluster_writes
        | audit_id | at                  | principal_kind | user    | verb   | resource   | change | outcome | origin   |
        | 1        | 2026-07-14 23:59:59 | machine        | {_ARGO} | patch  | configmaps | true   | done    | operator |
        | 2        | 2026-07-15 00:00:00 | machine        | {_ARGO} | patch  | secrets    | true   | done    | operator |
        | 3        | 2026-08-01 09:59:59 | machine        | {_ARGO} | patch  | secrets    | true   | done    | operator |
        | 4        | 2026-08-01 10:00:00 | machine        | {_ARGO} | delete | configmaps | true   | done    | operator |
        | 5        | 2026-09-10 12:00:00 | machine        | {_ARGO} | create | configmaps | true   | done    | operator |
        """,
        conclusion="exceptions",
        exceptions=f"""
        | subject      | found |
        | prod/{_ARGO} | 3 changes outside every deployment on record, from 2026-07-14T23:59:59Z to 2026-09-10T12:00:00Z: create configmaps, delete configmaps, patch configmaps |
        """,
    ),
    Example(
        title="without the cluster's audit log nothing was tested",
        given="",
        without=("kubernetes-audit",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every machine that changed something in a cluster in the quarter; those whose changes nothing explains fail."""
    writes = tables["cluster_writes"]
    writes = writes[writes["change"].astype(bool) & context.holds(writes["at"])]
    writes = writes[writes["principal_kind"].eq(PrincipalKind.MACHINE.value)]
    every = writes.groupby(_USER, sort=True)["at"].min().reset_index()
    population = every.assign(subject=every["cluster"] + "/" + every["user"])
    stray = writes["origin"].eq(Origin.MACHINE.value)
    astray = writes["origin"].eq(Origin.OPERATOR.value)
    rows = writes[stray | (astray & _on_record(writes, tables, context))].reset_index(drop=True)
    return Result(population, _failed(rows), unseen_history(tables, context))


def _failed(rows: pd.DataFrame) -> pd.DataFrame:
    """One exception for each user of a cluster, with how often it wrote, what, and when first and last."""
    whole = rows.groupby(_USER, sort=True).agg(
        at=("at", "min"), last=("at", "max"), environment=("environment", "first"), person=("person", "first"),
        origin=("origin", "first"), count=("at", "size"),
    ).reset_index()  # fmt: skip
    done = joined(rows.assign(done=rows["verb"] + " " + rows["resource"]), _USER, "done", ", ").reset_index()
    first = rows.sort_values([*_USER, "at", "audit_id"], kind="stable").groupby(_USER).head(_SHOWN)
    shown = joined(first.assign(pointers=pointer(first)), _USER, "pointers", " ").reset_index()
    whole = whole.merge(done, on=_USER).merge(shown, on=_USER)
    what = pd.Series(" by a machine that nobody names", index=whole.index).where(
        whole["origin"].eq(Origin.MACHINE.value), " outside every deployment on record"
    )
    span = ", from " + when(whole["at"]) + " to " + when(whole["last"]) + ": "
    return failures(
        whole,
        subject=whole["cluster"] + "/" + whole["user"],
        person_raw=whole["user"],
        expected="changes within the operator's deployments, or by automation that is named",
        found=counted(whole["count"], "change") + what + span + whole["done"],
        evidence=whole["pointers"],
    )


def _on_record(writes: pd.DataFrame, tables: Tables, context: Context) -> pd.Series:
    """Which writes (bool) are an operator's of whose deployments there are records, from when they are whole on."""
    users = pd.Series(writes["user"].unique(), dtype="str")
    operator = writes["user"].map(operators(users, context.settings)).astype("str")
    known = tables["deployments"]
    told = pd.Series(False, index=writes.index)
    for place in ("cluster", "environment"):
        told |= (operator + " " + writes[place]).isin(set(known["operator"] + " " + known[place]))
    forgotten = _forgotten(writes.assign(operator=operator), tables["evidence_gaps"])
    return told.fillna(False).astype(bool) & ~forgotten


def _forgotten(writes: pd.DataFrame, gaps: pd.DataFrame) -> pd.Series:
    """Which writes of an `operator` lie where its history in that cluster is not whole (bool)."""
    by = ["cluster", "operator"]
    formats = {name: operator for operator, name in _HISTORY.items()}
    spans = gaps[gaps["kind"].eq("cap")].assign(
        operator=lambda rows: rows["format"].map(formats).astype("str")
    )
    spans = spans.dropna(subset=by).sort_values("start", kind="stable")
    last = spans["end"].astype("int64").groupby([spans[name] for name in by]).cummax()
    spans = spans.assign(until=pd.to_datetime(last, unit="us", utc=True))[[*by, "start", "until"]]
    mine = writes.loc[writes["operator"].notna(), [*by, "at"]].sort_values("at", kind="stable")
    found = pd.merge_asof(mine, spans, left_on="at", right_on="start", by=by)
    inside = pd.Series(False, index=writes.index)
    inside.loc[mine.index] = (found["at"] < found["until"]).fillna(False).to_numpy(dtype=bool)
    return inside


CONTROL = Control(
    id="CLU-09",
    page=__doc__,
    clause="Principles › Automated Operations › All changes to environments go through Git",
    severity=Severity.MEDIUM,
    frameworks=PAST_GIT,
    needs=(API_SERVER, OPERATORS),
    remediation="Make the change through Git, or name the machine and who answers for it; renew a token that was abused.",
    examples=EXAMPLES,
    test=test,
)
