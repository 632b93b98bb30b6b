"""RBAC, admission, policy and Secrets in clusters are changed by the operators, and nobody reads Secrets in bulk.

## Why
Who binds a role, loosens a webhook or a constraint, or takes the Secrets, needs nothing else afterwards. Such an action must be a
reviewed change that the operator brought, or an emergency with a ticket.

## Evidence
The API servers' audit logs. Each write that was done, or of which no outcome was recorded, is one item, in every namespace: to roles
and bindings, `aws-auth`, webhooks and admission policies, objects of Gatekeeper and Kyverno, Secrets, and approvals of certificates; and
each token of a service account that a person took, and whatever one asked of a node past the API server (`nodes/proxy`). It
fails when a person made it outside break-glass, or a machine that `access.privileged_machines` does not name. Of each person and
cluster, requests for Secrets are one item: it fails at a list of all namespaces, or at `access.bulk_secret_reads` within
`access.secret_minutes`. Of each user, machines too, refused requests are one: it fails at `access.denied_secret_reads` within that time.

## Limits
CLU-01 judges people's changes of all that Git declares, and CLU-09 machines' beside deployments; this adds what lies outside of both. What machines read is not kept, but where it is
refused, or asked for with a program that people use (which names itself as it likes). That what the operator brought was reviewed is for DEP-04. What was read in Vault is for SEC-04. Where the log is silent nothing can
be told.

## Remediation
Undo it, or bring it into Git; rotate the Secrets that were read; take the right away from whoever does not need it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.controls import requests
from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import API_SERVER
from audit.controls.parts import pointer
from audit.joins.access import break_glass
from audit.joins.emergencies import allowing
from audit.joins.identity import Resolver
from audit.joins.matching import matches_any
from audit.joins.principals import acting
from audit.model import PrincipalKind, Severity

_PRIVILEGED = {
    "RBAC": (r".+\.rbac\.authorization\.k8s\.io",),
    "admission": (r".+\.admissionregistration\.k8s\.io",),
    "policy": (r".+\.gatekeeper\.sh", r".+\.kyverno\.io"),
    "a certificate": (r"certificatesigningrequests\.certificates\.k8s\.io/approval",),
    "a Secret": (r"secrets",),
    "a token": (r"serviceaccounts/token",),
    "a node": (r"nodes/proxy",),
}
"""What an action concerns, by `resource.group/subresource`."""
_EVERYDAY = ("a token", "a node")  # machines ask for theirs all the time
_READS, _REFUSED = ("get", "list", "watch"), (401, 403)
_WHO = ["cluster", "name"]

_GLASS = {
    "break_glass": [
        {
            "ticket": "INC-7",
            "person": "ada",
            "cluster": "prod",
            "opened": "2026-08-01T10:00:00Z",
            "closed": "2026-08-01T11:00:00Z",
        }
    ]
}
_ADA = """
        people
        | person |
        | ada    |
        identities
        | system     | identifier | person |
        | kubernetes | ada        | ada    |
"""
_FEWER = "fewer than 3 requests for Secrets within 30 minutes, and none for those of all namespaces"
_FEW = {"access": {"bulk_secret_reads": 3, "denied_secret_reads": 2, "secret_minutes": 30}}

EXAMPLES = (
    Example(
        title="an operator's change passes; so do a person's denied one, one under break-glass, and one of something else",
        given="""
        cluster_writes
        | audit_id | principal_kind | user                         | verb   | resource                               | outcome | break_glass |
        | 1        | machine        | system:serviceaccount:argo:a | update | roles.rbac.authorization.k8s.io        | done    |             |
        | 2        | person         | ada                          | create | clusterroles.rbac.authorization.k8s.io | denied  |             |
        | 3        | person         | ada                          | patch  | secrets                                | done    | INC-7       |
        | 4        | person         | ada                          | patch  | deployments.apps                       | done    |             |
        | 5        | person         | ada                          | patch  | k8spsp.constraints.gatekeeper.sh       | dry run |             |
        | 7        | machine        | system:node:a                | create | serviceaccounts/token                  | done    |             |
        | 8        | person         | ada                          | create | serviceaccounts/token                  | done    | INC-7       |
        | 9        | person         | ada                          | create | serviceaccounts                        | done    |             |
        | 10       | machine        | system:serviceaccount:m:prom | create | nodes/proxy                            | done    |             |
        | 11       | person         | ada                          | create | pods/proxy                             | done    |             |
        | 6        | person         | ada                          | create | subjectaccessreviews.authorization.k8s.io | done |             |
        """,
        conclusion="effective",
    ),
    Example(
        title="by hand: roles, aws-auth, webhooks, constraints, Secrets and approvals, in whatever namespace; and a machine that may not",
        given="""
        cluster_writes
        | audit_id | principal_kind | user | verb   | resource                                                       | namespace   | name     | outcome |
        | 1        | person         | ada  | create | clusterrolebindings.rbac.authorization.k8s.io                  |             | mine     | done    |
        | 2        | person         | ada  | patch  | configmaps                                                     | kube-system | aws-auth | done    |
        | 3        | person         | ada  | delete | validatingwebhookconfigurations.admissionregistration.k8s.io   |             | gate     | unknown |
        | 4        | person         | ada  | patch  | k8spsp.constraints.gatekeeper.sh                               |             | psp      | done    |
        | 5        | person         | ada  | patch  | clusterpolicies.kyverno.io                                     |             | labels   | done    |
        | 6        | person         | ada  | update | certificatesigningrequests.certificates.k8s.io/approval        |             | csr-1    | done    |
        | 7        | person         | ada  | create | secrets                                                        | kube-system | key      | done    |
        | 8        | machine        | ci   | create | rolebindings.rbac.authorization.k8s.io                         | shop        | ci       | done    |
        | 9        | machine        | argo | create | rolebindings.rbac.authorization.k8s.io                         | shop        | web      | done    |
        | 10       | person         | ada  | patch  | configmaps                                                     | shop        | aws-auth | done    |
        | 11       | person         | ada  | create | serviceaccounts/token                                          | shop        | ci       | done    |
        | 12       | person         | ada  | get    | nodes/proxy                                                    |             | node-1   | done    |
        """,
        settings={"access": {"privileged_machines": ["argo"]}},
        conclusion="exceptions",
        exceptions="""
        | subject | found                                                                                                                                |
        | prod/1  | ada: create clusterrolebindings.rbac.authorization.k8s.io mine, which concerns RBAC                                                  |
        | prod/2  | ada: patch configmaps kube-system/aws-auth, which concerns RBAC                                                                      |
        | prod/3  | ada: delete validatingwebhookconfigurations.admissionregistration.k8s.io gate, which concerns admission (its outcome was not recorded) |
        | prod/4  | ada: patch k8spsp.constraints.gatekeeper.sh psp, which concerns policy                                                               |
        | prod/5  | ada: patch clusterpolicies.kyverno.io labels, which concerns policy                                                                  |
        | prod/6  | ada: update certificatesigningrequests.certificates.k8s.io/approval csr-1, which concerns a certificate                              |
        | prod/7  | ada: create secrets kube-system/key, which concerns a Secret                                                                         |
        | prod/11 | ada: create serviceaccounts/token shop/ci, which concerns a token |
        | prod/12 | ada: get nodes/proxy node-1, which concerns a node |
        | prod/8  | ci: create rolebindings.rbac.authorization.k8s.io shop/ci, which concerns RBAC                                                       |
        """,
    ),
    Example(
        title="few reads pass, spread ones, of others' objects, of nothing, of machines, and under break-glass",
        given=_ADA
        + """
        cluster_access
        | audit_id | at                  | verb  | resource | namespace | user                      | code |
        | 1        | 2026-07-01 10:00:00 | get   | secrets  | shop      | ada                       | 200  |
        | 2        | 2026-07-01 10:00:01 | list  | secrets  | shop      | ada                       | 200  |
        | 3        | 2026-07-01 10:30:00 | get   | secrets  | shop      | ada                       | 200  |
        | 4        | 2026-07-01 10:30:00 | get   | secrets  | shop      | grace                     | 200  |
        | 5        | 2026-07-01 10:30:00 | get   | secrets  | shop      | ada                       | 400  |
        | 6        | 2026-07-01 10:30:00 | list  | pods     |           | ada                       | 200  |
        | 7        | 2026-07-01 10:30:00 | list  | secrets  | shop      | ada                       | 403  |
        | 8        | 2026-07-01 11:00:00 | list  | secrets  | shop      | ada                       | 403  |
        | 9        | 2026-08-01 10:59:59 | list  | secrets  |           | ada                       | 200  |
        | 10       | 2026-08-01 10:00:00 | list  | secrets  |           | system:serviceaccount:a:b | 200  |
        """,
        settings=_FEW | _GLASS,
        conclusion="effective",
    ),
    Example(
        title="an emergency of which records alone tell excuses what was read in it once it is closed, until its end",
        given=_ADA
        + """
        emergencies
        | ticket | person | opened_at        | ends_at          | told_by |
        | INC-9  | ada    | 2026-08-15 09:00 | 2026-08-15 12:00 | record  |
        | INC-10 | ada    | 2026-09-15 09:00 |                  | record  |
        cluster_access
        | audit_id | at                  | verb | resource | user | code | line |
        | 1        | 2026-08-15 11:59:59 | list | secrets  | ada  | 200  | 1    |
        | 2        | 2026-08-15 12:00:00 | list | secrets  | ada  | 200  | 2    |
        | 3        | 2026-09-15 10:00:00 | list | secrets  | ada  | 200  | 3    |
        """,
        conclusion="exceptions",
        exceptions=f"""
        | subject                | found                                  | evidence     |
        | prod/ada: Secrets read | list of the Secrets of all namespaces  | {"0" * 64}:2 |
        """,
    ),
    Example(
        title="many reads in the time, a list of everything, and refused ones again and again, by machines too",
        given=_ADA
        + """
        cluster_access
        | audit_id | at                  | verb  | resource | namespace | name | user                      | code | impersonated | line |
        | 1        | 2026-07-01 09:00:00 | get   | secrets  | shop      | a    | ada                       | 200  |              | 1    |
        | 2        | 2026-07-01 10:00:00 | get   | secrets  | shop      | a    | ada                       | 200  |              | 2    |
        | 3        | 2026-07-01 10:10:00 | watch | secrets  | shop      |      | ada                       |      |              | 3    |
        | 4        | 2026-07-01 10:29:59 | get   | secrets  | shop      | c    | ada                       | 200  |              | 4    |
        | 5        | 2026-07-01 10:30:00 | get   | secrets  | shop      | d    | ada                       | 200  |              | 5    |
        | 6        | 2026-08-01 11:00:00 | list  | secrets  |           |      | grace                     | 200  |              | 6    |
        | 7        | 2026-08-01 12:00:00 | get   | secrets  | shop      | a    | system:serviceaccount:a:b | 403  |              | 7    |
        | 8        | 2026-08-01 12:29:59 | list  | secrets  |           |      | system:serviceaccount:a:b | 401  |              | 8    |
        | 9        | 2026-08-01 13:00:00 | list  | secrets  |           |      | system:serviceaccount:a:b | 200  | mallory      | 9    |
        | 10       | 2026-06-30 23:59:59 | list  | secrets  |           |      | before                    | 200  |              | 10   |
        """,
        settings=_FEW,
        conclusion="exceptions",
        exceptions=f"""
        | subject                                        | expected | found                                            | evidence |
        | prod/ada: Secrets read                         | {_FEWER} | 3 requests for Secrets within 30 minutes         | {"0" * 64}:2 {"0" * 64}:3 {"0" * 64}:4 |
        | prod/grace: Secrets read                       | {_FEWER} | list of the Secrets of all namespaces            | {"0" * 64}:6 |
        | prod/mallory: Secrets read                     | {_FEWER} | list of the Secrets of all namespaces            | {"0" * 64}:9 |
        | prod/system:serviceaccount:a:b: Secrets refused | fewer than 2 refused requests for Secrets within 30 minutes | 2 refused requests for Secrets within 30 minutes | {"0" * 64}:7 {"0" * 64}:8 |
        """,
    ),
    Example(
        title="without the cluster's audit log nobody knows who changed or read what",
        given="",
        without=("kubernetes-audit",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every privileged write; and of each user and cluster the requests for Secrets, those done and those refused."""
    writes = _privileged(tables)
    rules = context.settings.access
    person = writes["principal_kind"].eq(PrincipalKind.PERSON.value)
    allowed = (
        writes["break_glass"].notna().where(person, matches_any(writes["user"], rules.privileged_machines))
    )
    bad = writes[~allowed.astype(bool)].reset_index(drop=True)
    asked = _asked(tables, context)
    read = asked[asked["human"] & ~asked["refused"] & asked["ticket"].isna()]
    parts = (
        _counted(read, "read", rules.bulk_secret_reads, context),
        _counted(asked[asked["refused"]], "refused", rules.denied_secret_reads, context),
    )
    items = [part[0] for part in parts]
    columns = ["subject", "at", "cluster"]
    return Result(
        pd.concat([writes[columns], *(item[columns] for item in items)], ignore_index=True),
        pd.concat(
            [
                failures(
                    bad,
                    person_raw=bad["user"],
                    expected="a change that the operator brought from Git, or a break-glass ticket",
                    found=requests.story(bad, ", which concerns " + bad["concerns"]),
                    evidence=pointer(bad),
                ),
                *(part[1] for part in parts),
            ],
            ignore_index=True,
        ),
    )


def _privileged(tables: Tables) -> pd.DataFrame:
    """Privileged writes that were done, or of which no outcome was recorded, with `subject` and what they concern."""
    writes = tables["cluster_writes"]
    writes = writes[writes["outcome"].isin(["done", "unknown"])]
    names = pd.Series(writes["resource"].unique(), dtype="str")
    kinds = {
        name: concern
        for concern, patterns in _PRIVILEGED.items()
        for name in names[matches_any(names, patterns)]
    }
    concerns = writes["resource"].map(kinds).astype("str")
    place = writes["namespace"] + "/" + writes["name"]
    auth = writes["resource"].eq("configmaps") & place.eq("kube-system/aws-auth")
    concerns = concerns.mask(auth, "RBAC")
    rows = writes.assign(subject=requests.subject(writes), concerns=concerns)
    theirs = rows["concerns"].isin(_EVERYDAY) & rows["principal_kind"].eq(PrincipalKind.MACHINE.value)
    return rows[rows["concerns"].notna() & ~theirs].reset_index(drop=True)


def _asked(tables: Tables, context: Context) -> pd.DataFrame:
    """Requests of the quarter that read Secrets, or were refused to, in order, with who acts and under which ticket."""
    rows = tables["cluster_access"]
    rows = rows[rows["resource"].eq("secrets") & rows["verb"].isin(_READS) & context.holds(rows["at"])]
    failed = rows["code"].ge(400).fillna(False).astype(bool)
    refused = rows["code"].isin(_REFUSED).fillna(False).astype(bool)
    everything = rows["namespace"].eq("") & rows["name"].eq("") & rows["verb"].ne("get")
    rows = rows.assign(refused=refused, whole=everything & ~refused)[refused | ~failed]
    resolver = Resolver.of(tables, context.settings)
    who = acting(rows, resolver, context.settings)
    rows = rows.assign(name=who["name"], person=who["person"], human=who["human"])
    spans = allowing(tables["emergencies"], context.settings).break_glass
    rows = rows.assign(ticket=break_glass(rows, spans, resolver))
    return rows.sort_values([*_WHO, "at", "audit_id", "variant"], kind="stable")


def _counted(
    rows: pd.DataFrame, what: str, limit: int, context: Context
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Users and clusters of requests for Secrets, as items, and what failed: where so many were made within the time.

    Args:
        rows: ordered by user and cluster, then by time.
        what: `read` or `refused`.
    """
    rows = rows.assign(subject=rows["cluster"] + "/" + rows["name"] + ": Secrets " + what)
    rows = rows.reset_index(drop=True)
    minutes = context.settings.access.secret_minutes
    begin = _begin(rows, pd.Timedelta(minutes=minutes))
    sizes = pd.Series(np.arange(len(rows)) - begin + 1, index=rows.index)
    bad = rows[rows["whole"] | (sizes >= limit)].drop_duplicates("subject")
    first = begin.where(~rows["whole"], rows.index.to_series())
    spans = zip(first[bad.index], bad.index, strict=True)
    evidence = [" ".join(pointer(rows.loc[start:stop])) for start, stop in spans]
    refused = "refused " if what == "refused" else ""
    many = bad["verb"].mask(~bad["whole"], f"{limit} {refused}requests for Secrets within {minutes} minutes")
    few = f"fewer than {limit} {refused}requests for Secrets within {minutes} minutes"
    failed = failures(
        bad,
        person_raw=bad["name"],
        expected=few if what == "refused" else f"{few}, and none for those of all namespaces",
        found=many.mask(bad["whole"], bad["verb"] + " of the Secrets of all namespaces"),
        evidence=pd.Series(evidence, index=bad.index, dtype="str"),
    )
    return rows.drop_duplicates("subject"), failed


def _begin(rows: pd.DataFrame, window: pd.Timedelta) -> pd.Series:
    """Of each request, the place (int) of the first one of the same user and cluster within the time up to it."""
    if rows.empty:
        return pd.Series(dtype="int64")
    groups = rows.groupby(_WHO, sort=False).ngroup().to_numpy(dtype="int64")
    moments = rows["at"].astype("int64").to_numpy()
    times = moments - moments.min()
    length = int(window / pd.Timedelta(microseconds=1))
    places = groups * (times.max() + length + 1) + times
    return pd.Series(np.searchsorted(places, places - length, side="right"), index=rows.index)


CONTROL = Control(
    id="ACC-05",
    page=__doc__,
    clause="Compliance and Auditing › Audit Logs › Cluster access logs",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC6.1", "CC6.3"),
        "ISO 27001": ("8.2", "5.18"),
        "NIST 800-53": ("AC-6", "AC-6(9)", "CM-5(5)"),
        "PCI DSS": ("7.2.5",),
        "CIS / SLSA": ("K 5.1.1", "K 5.1.2", "K 5.1.3"),
    },
    needs=(API_SERVER,),
    remediation="Undo it or bring it into Git, rotate the Secrets that were read, and take the right away.",
    examples=EXAMPLES,
    test=test,
)
