"""Whoever enters a cluster is of the roster at that moment, and authorised for its environment.

## Why
Who left keeps what was not taken away. A shared certificate or an anonymous request says of nobody who it was, and
`system:masters` passes by every role.

## Evidence
The API servers' audit logs: each person who authenticated in a cluster, and each person as whom a machine acted (a proxy).
The roster says who they are, from when and until when; `access.environments` which environments their role or team may
enter. Each person and cluster is one item; it fails at the first request that was not refused.

## Limits
Requests that were refused (401, 403) are attempts. A machine's identity used from a laptop is a person whom nobody knows.
Requests of nobody (`system:anonymous`) for no resource, such as a look whether the server lives, are left out. Machines' reads
are kept only where they act for somebody or come from a program that people use, which names itself as it likes.

## Remediation
Take the access away, find out what was done with it, and replace shared identities by people's own.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import API_SERVER, ROSTER
from audit.controls.parts import pointer
from audit.joins.identity import Resolver
from audit.joins.principals import acting
from audit.model import Severity

_MASTERS, _NOBODY = "system:masters", "system:anonymous"
_REFUSED = (401, 403)

_PEOPLE = """
        people
        | person | joined     | left       |
        | ada    | 2026-08-01 |            |
        | grace  | 2020-01-01 | 2026-08-10 |
        | eve    |            |            |
        roles
        | person | role     | team |
        | ada    | lead     | core |
        | grace  | engineer | data |
        identities
        | system     | identifier        | person |
        | kubernetes | ada@example.com   | ada    |
        | kubernetes | grace@example.com | grace  |
        | kubernetes | eve@example.com   | eve    |
"""
_MAY = {"access": {"environments": {"lead": ["prod"], "data": ["prod", "dev"]}}}

EXAMPLES = (
    Example(
        title="from the first day to the last, by role or team; machines, refused requests and probes are none",
        given=_PEOPLE
        + """
        cluster_access
        | audit_id | at                  | user                       | groups                 | resource | code | impersonated    |
        | 1        | 2026-08-01 00:00:00 | oidc:ada@example.com       | dev                    | pods     | 200  |                 |
        | 2        | 2026-08-09 23:59:59 | Grace@example.com          | dev                    | pods     |      |                 |
        | 3        | 2026-08-09 10:00:00 | system:serviceaccount:a:b  | system:masters         | pods     | 200  |                 |
        | 4        | 2026-08-09 10:00:00 | system:serviceaccount:a:b  |                        | pods     | 200  | ada@example.com |
        | 5        | 2026-08-10 00:00:00 | grace@example.com          | dev                    | pods     | 403  |                 |
        | 6        | 2026-08-10 00:00:00 | system:anonymous           | system:unauthenticated | secrets  | 401  |                 |
        | 7        | 2026-08-10 00:00:00 | system:anonymous           | system:unauthenticated |          | 200  |                 |
        """,
        settings=_MAY,
        conclusion="effective",
    ),
    Example(
        title="a second too early, after leaving, not authorised, unknown, anonymous, and as system:masters",
        given=_PEOPLE
        + """
        cluster_access
        | audit_id | at                  | verb | user              | groups             | resource | code |
        | 1        | 2026-07-31 23:59:59 | get  | ada@example.com   |                    | pods     | 200  |
        | 2        | 2026-08-10 00:00:00 | list | grace@example.com |                    | secrets  | 404  |
        | 3        | 2026-08-20 00:00:00 | get  | eve@example.com   |                    | pods     | 200  |
        | 4        | 2026-08-20 00:00:00 | get  | mallory           |                    | pods     | 200  |
        | 5        | 2026-08-20 00:00:00 | get  | system:anonymous  |                    | pods     | 200  |
        | 6        | 2026-08-20 00:00:00 | get  | kubernetes-admin  | a,system:masters,b | pods     | 200  |
        """,
        settings=_MAY,
        conclusion="exceptions",
        exceptions="""
        | subject                | found                                                                  |
        | prod/ada@example.com   | get pods: joined only on 2026-08-01                                    |
        | prod/grace@example.com | list secrets: had left on 2026-08-10                                   |
        | prod/eve@example.com   | get pods: neither role nor team may enter prod                         |
        | prod/mallory           | get pods: is not in the roster                                         |
        | prod/system:anonymous  | get pods: nobody, for the request was anonymous                        |
        | prod/kubernetes-admin  | get pods: is not in the roster, acted as system:masters                |
        """,
    ),
    Example(
        title="a role held in August lets nobody in in September, and a name is whose it was at that moment",
        given="""
        people
        | person | joined     |
        | ada    | 2020-01-01 |
        | grace  | 2020-01-01 |
        roles
        | person | role     | since      | until      |
        | ada    | lead     |            | 2026-09-01 |
        | ada    | engineer | 2026-09-01 |            |
        | grace  | engineer |            | 2026-09-01 |
        | grace  | lead     | 2026-09-01 |            |
        identities
        | system     | identifier | person | since      | until      |
        | kubernetes | ada        | ada    |            |            |
        | kubernetes | grace      | grace  |            |            |
        | kubernetes | on-call    | ada    |            | 2026-09-01 |
        | kubernetes | on-call    | grace  | 2026-09-01 | 2026-09-20 |
        cluster_access
        | audit_id | at                  | verb | user    | resource | code |
        | 1        | 2026-08-31 23:59:59 | get  | ada     | pods     | 200  |
        | 2        | 2026-08-31 23:59:59 | get  | on-call | pods     | 200  |
        | 3        | 2026-09-01 00:00:00 | get  | grace   | pods     | 200  |
        | 4        | 2026-09-19 23:59:59 | get  | on-call | pods     | 200  |
        | 5        | 2026-09-01 00:00:00 | list | ada     | pods     | 200  |
        | 6        | 2026-09-20 00:00:00 | get  | on-call | pods     | 200  |
        """,
        settings=_MAY,
        conclusion="exceptions",
        exceptions="""
        | subject      | person             | found                                           |
        | prod/ada     | ada                | list pods: neither role nor team may enter prod |
        | prod/on-call | kubernetes:on-call | get pods: is not in the roster                  |
        """,
    ),
    Example(
        title="a service account from a laptop, and somebody unknown behind a proxy, fail once each",
        given=_PEOPLE
        + """
        cluster_access
        | audit_id | at               | verb | user                      | resource | code | impersonated | user_agent    |
        | 1        | 2026-08-20 00:00 | get  | system:serviceaccount:a:b | pods     | 200  |              | kubectl/v1.31 |
        | 2        | 2026-08-20 00:01 | get  | system:serviceaccount:a:b | pods     | 200  |              | kubectl/v1.31 |
        | 3        | 2026-08-20 00:02 | get  | system:serviceaccount:a:b | pods     | 200  | mallory      | proxy/1       |
        | 4        | 2026-10-01 00:00 | get  | after-the-quarter         | pods     | 200  |              |               |
        """,
        settings=_MAY,
        conclusion="exceptions",
        exceptions="""
        | subject                        | found                          |
        | prod/system:serviceaccount:a:b | get pods: is not in the roster |
        | prod/mallory                   | get pods: is not in the roster |
        """,
    ),
    Example(
        title="where nothing says who may enter which environment, nobody can be told to be authorised",
        given=_PEOPLE,
        conclusion="not tested",
    ),
    Example(
        title="without the cluster's audit log nobody knows who was in it",
        given=_PEOPLE,
        settings=_MAY,
        without=("kubernetes-audit",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Each person and cluster of the quarter, judged request by request."""
    rows = _visits(tables, context)
    rows = rows.assign(found=_wrong(rows, tables, context))
    bad = rows[rows["found"].ne("")].drop_duplicates("subject").reset_index(drop=True)
    resource = (bad["verb"] + " " + bad["resource"]).str.strip()
    failed = failures(
        bad,
        person_raw=bad["name"],
        expected="a person of the roster, authorised for the environment",
        found=resource + ": " + bad["found"],
        evidence=pointer(bad),
    )
    gaps = []
    if not context.settings.access.environments:
        gaps.append(
            Gap("access.environments is not set: who is authorised for which environment can't be told")
        )
    return Result(rows.drop_duplicates("subject")[["subject", "at", "cluster"]], failed, tuple(gaps))


def _visits(tables: Tables, context: Context) -> pd.DataFrame:
    """Requests of people in the quarter that were not refused, in order: `name`, `person`, `known`, `subject`."""
    rows = tables["cluster_access"]
    refused = rows["code"].isin(_REFUSED).fillna(False).astype(bool)
    probe = rows["user"].eq(_NOBODY).fillna(False).astype(bool) & rows["resource"].eq("")
    rows = rows[context.holds(rows["at"]) & ~refused & ~probe].reset_index(drop=True)
    resolver = Resolver.of(tables, context.settings)
    who = acting(rows, resolver, context.settings)
    rows = rows.assign(
        name=who["name"],
        person=who["person"],
        environment=rows["cluster"].map({c.name: c.environment for c in context.settings.clusters}),
        subject=rows["cluster"] + "/" + who["name"],
    )
    rows = rows[who["human"]]
    return rows.sort_values(["at", "subject", "audit_id", "variant"], kind="stable").reset_index(drop=True)


def _wrong(rows: pd.DataFrame, tables: Tables, context: Context) -> pd.Series:
    """What is wrong with each visit (str); empty for nothing."""
    people = tables["people"].drop_duplicates("person").set_index("person")
    facts = people[["joined", "left"]].reindex(rows["person"]).set_axis(rows.index)
    held = Resolver.of(tables, context.settings).held(rows["person"], rows["at"])
    known = rows["person"].isin(people.index)
    may = {
        (who, environment)
        for who, environments in context.settings.access.environments.items()
        for environment in environments
    }
    authorised = pd.Series(False, index=rows.index)
    for column in ("role", "team"):
        pairs = zip(held[column].astype(object), rows["environment"].astype(object), strict=True)
        authorised |= pd.Series([pair in may for pair in pairs], index=rows.index, dtype=bool)
    gone, early = facts["left"].le(rows["at"]), facts["joined"].gt(rows["at"])
    anonymous = rows["user"].eq(_NOBODY)
    parts = (
        (anonymous, "nobody, for the request was anonymous"),
        (~known & ~anonymous.fillna(False).astype(bool), "is not in the roster"),
        (gone, "had left on " + facts["left"].dt.strftime("%Y-%m-%d").astype("str")),
        (early, "joined only on " + facts["joined"].dt.strftime("%Y-%m-%d").astype("str")),
        (known & ~authorised & bool(may), "neither role nor team may enter " + rows["environment"]),
        (("," + rows["groups"] + ",").str.contains(f",{_MASTERS},", regex=False), f"acted as {_MASTERS}"),
    )
    found = pd.Series("", index=rows.index, dtype="str")
    for holds, words in parts:
        text = words if isinstance(words, pd.Series) else pd.Series(words, index=rows.index, dtype="str")
        found = found + (text + ", ").fillna("").where(holds.fillna(False).astype(bool), "")
    return found.str.removesuffix(", ")


CONTROL = Control(
    id="ACC-02",
    page=__doc__,
    clause="Security Controls › Access Control",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC6.1", "CC6.2", "CC6.3"),
        "ISO 27001": ("5.15", "5.18", "8.2"),
        "NIST 800-53": ("AC-2", "AC-6(9)"),
        "PCI DSS": ("7.2.4", "7.2.5"),
        "CIS / SLSA": ("K 5.1.1",),
    },
    needs=(ROSTER, API_SERVER),
    remediation="Take the access away, find out what was done with it, and replace shared identities.",
    examples=EXAMPLES,
    test=test,
)
