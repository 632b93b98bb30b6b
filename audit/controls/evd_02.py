"""Each cluster's audit log covers the quarter.

## Why
Whoever can silence the log can act unseen. What is not in the log can't be found in it, so every control that reads
it holds only for the hours that it covers.

## Evidence
The times of all audit records of each cluster, noise included, object by object and hour by hour. API servers talk to
themselves all the time: an hour without any record is an hour that was not recorded. Requests that share an id and are not the
same are told of. Objects that were replaced or can't be read are EVD-04's.

## Limits
A silence shorter than the limit (`thresholds.silence_minutes`, at least 60) is not noticed, nor are single records
that were dropped, unless samples of `apiserver_audit_error_total` tell of them. The silence is measured whole and shown as far as it lies in the quarter.

## Remediation
Find the missing objects (late delivery, a dead log shipper, a full disk) and collect them. If they are lost, say so
to the auditor, and alert on silence.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import API_SERVER
from audit.controls.parts import joined, lasting, pointed, when
from audit.model import Severity

_LOG = """
        evidence_objects
        | source_name | key | format           | cluster | collected_at |
        | log         | 1   | kubernetes-audit | prod    | 2026-10-02   |
"""

EXAMPLES = (
    Example(
        title="records throughout the quarter, one request behind each id",
        given="""
        cluster_access
        | audit_id | variant | at               | user |
        | 1        | 0       | 2026-08-01 00:00 | ada  |
        """,
        conclusion="effective",
    ),
    Example(
        title="a silence of more than the limit fails; one of exactly the limit does not",
        given=_LOG
        + """
        coverage
        | source_name | cluster | hour             | first_at         | last_at          |
        | log         | prod    | 2026-06-30 23:00 | 2026-06-30 23:30 | 2026-06-30 23:30 |
        | log         | prod    | 2026-07-01 00:00 | 2026-07-01 00:30 | 2026-07-01 00:45 |
        | log         | prod    | 2026-08-01 01:00 | 2026-08-01 01:45 | 2026-08-01 01:45 |
        | log         | prod    | 2026-10-01 00:00 | 2026-10-01 00:01 | 2026-10-01 00:01 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                        | found                                                        |
        | prod:2026-07-01T00:45:00Z/2026-08-01T01:45:00Z | no audit record for 31 days (limit: 60 minutes) |
        | prod:2026-08-01T01:45:00Z/2026-10-01T00:00:00Z | no audit record for 60 days (limit: 60 minutes) |
        """,
    ),
    Example(
        title="a cluster without any record was silent all quarter, whatever else its objects hold",
        given="""
        evidence_objects
        | source_name | key | format                              | cluster | collected_at |
        | log         | 1   | kubernetes-audit,argocd-application | prod    | 2026-10-02   |

        coverage
        | source_name | cluster | format             | hour             | first_at         | last_at          |
        | log         | prod    | argocd-application | 2026-07-01 00:00 | 2026-07-01 00:00 | 2026-10-01 00:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                        | found                                           |
        | prod:2026-07-01T00:00:00Z/2026-10-01T00:00:00Z | no audit record for 92 days (limit: 60 minutes) |
        """,
    ),
    Example(
        title="events that the API server says it dropped",
        given=_LOG
        + """
        coverage
        | source_name | cluster | hour             | first_at         | last_at          |
        | log         | prod    | 2026-06-30 23:00 | 2026-06-30 23:30 | 2026-10-01 00:01 |

        metric_samples
        | cluster | metric                      | at               | value |
        | prod    | apiserver_audit_error_total | 2026-08-01 00:00 | 4     |
        | prod    | apiserver_audit_error_total | 2026-08-01 01:00 | 7     |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | prod:dropped:2026-08-01T00:00:00Z/2026-08-01T01:00:00Z | prod: the API server dropped 3 audit events from 2026-08-01T00:00:00Z to 2026-08-01T01:00:00Z |
        """,
    ),
    Example(
        title="two requests that claim one id, in a cluster of the settings",
        given="""
        cluster_access
        | cluster | audit_id | variant | at               | user | verb   | resource |
        | prod    | 1        | 0       | 2026-08-01 00:00 | ada  | get    | pods     |
        | prod    | 1        | 1       | 2026-08-01 00:00 | eve  | delete | secrets  |
        | other   | 1        | 0       | 2026-08-01 00:00 | ada  | get    | pods     |
        | other   | 1        | 1       | 2026-08-01 00:00 | eve  | delete | secrets  |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject   | found                                                                |
        | prod:id:1 | different requests claim the id 1: ada: get pods, eve: delete secrets |
        """,
    ),
    Example(
        title="without a cluster in the settings there is nothing to test",
        given="",
        settings={"clusters": []},
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every cluster of the settings; each long silence of its audit log fails, and each id that several requests claim."""
    clusters = [cluster.name for cluster in context.settings.clusters]
    population = pd.DataFrame({"subject": pd.Series(clusters, dtype="str")})
    population["at"] = context.start
    rows = silences(tables)
    limit = context.settings.thresholds.silence_minutes
    environments = {cluster.name: cluster.environment for cluster in context.settings.clusters}
    silent = failures(
        rows,
        subject=rows["cluster"] + ":" + when(rows["start"]) + "/" + when(rows["end"]),
        at=rows["start"],
        environment=rows["cluster"].map(environments),
        expected=f"an audit record at least every {limit} minutes",
        found="no audit record for " + lasting(rows["end"] - rows["start"]) + f" (limit: {limit} minutes)",
    )
    found = (silent, _dropped(tables, environments), _claimed(tables, environments))
    return Result(population, pd.concat(found, ignore_index=True))


def _dropped(tables: Tables, environments: dict[str, str]) -> pd.DataFrame:
    """Exceptions for events that an API server says it could not hand on."""
    rows = tables["evidence_gaps"]
    rows = rows[rows["kind"].eq("dropped") & rows["cluster"].isin(list(environments))].reset_index(drop=True)
    return failures(
        rows,
        subject=rows["cluster"] + ":dropped:" + when(rows["start"]) + "/" + when(rows["end"]),
        at=rows["start"],
        environment=rows["cluster"].map(environments),
        expected="a log of every request",
        found=rows["detail"],
    )


def _claimed(tables: Tables, environments: dict[str, str]) -> pd.DataFrame:
    """Exceptions for ids that several different requests claim: a client may choose its own."""
    rows = tables["cluster_access"]
    rows = rows[rows["cluster"].isin(list(environments))]
    rows = rows[rows.groupby(["cluster", "audit_id"])["variant"].transform("max").gt(0)]
    by = ["cluster", "audit_id"]
    first = rows.sort_values([*by, "at", "variant"]).drop_duplicates(by).reset_index(drop=True)
    said = rows.assign(said=rows["user"].fillna("unknown") + ": " + rows["verb"] + " " + rows["resource"])
    first = first.merge(joined(said, by, "said", ", ").reset_index(), on=by)
    first = first.merge(pointed(rows, by), on=by)
    return failures(
        first,
        subject=first["cluster"] + ":id:" + first["audit_id"],
        environment=first["cluster"].map(environments),
        expected="one request behind each id",
        found="different requests claim the id " + first["audit_id"] + ": " + first["said"],
        evidence=first["pointers"],
    )


def silences(tables: Tables) -> pd.DataFrame:
    """Silences of each cluster's API servers that are longer than the limit, as far as they lie in the quarter: rows of
    `EvidenceGaps`."""
    rows = tables["evidence_gaps"]
    return rows[rows["kind"].eq("silence") & rows["source_name"].eq("")].reset_index(drop=True)


CONTROL = Control(
    id="EVD-02",
    page=__doc__,
    clause="Compliance and Auditing › Audit Logs › Cluster access logs",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC7.2",),
        "ISO 27001": ("8.15", "8.17", "5.33", "5.28"),
        "NIST 800-53": ("AU-2", "AU-8", "AU-9(3)", "AU-11", "AU-12"),
        "PCI DSS": ("10.2.2", "10.5.1", "10.7.2"),
        "CIS / SLSA": ("K 3.2.1", "K 1.2.16–1.2.19", "SLSA L2"),
    },
    needs=(replace(API_SERVER, judged=("silence", "dropped")),),
    remediation="Find and collect the missing objects of the log, or record their loss, and alert on silence.",
    examples=EXAMPLES,
    test=test,
)
