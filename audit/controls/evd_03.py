"""Each application's deployment history is unbroken.

## Why
What was deployed between two records that do not follow upon each other is known to nobody: not what it was, not who
asked for it, not which changes it carried.

## Evidence
Entries of Argo CD's history, which it numbers without a hole; snapshots of applications with the revision that was
deployed last, against the successful deployments on record.

## Limits
A hole counts in every quarter in which it may lie: from the entry before it to the entry after it. What an operator had
forgotten before the first snapshot is named as a gap, and is no exception. A snapshot's revision must be that of the last
successful deployment before it, or of one since, as far as clocks may differ (`thresholds.clock_skew_seconds`). Flux
numbers nothing: two reconciliations between two snapshots of which no event was kept leave no trace.

## Remediation
Export snapshots more often than the operator forgets, raise `revisionHistoryLimit`, and keep the operators' events.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.arrivals import finished
from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import OPERATORS
from audit.controls.parts import pointer, when
from audit.controls.spans import APPLICATION, bounded, placed
from audit.model import Severity

EXAMPLES = (
    Example(
        title="entries that follow upon each other pass, with a snapshot of what was deployed last",
        given="""
        sync_records
        | app        | record  | history_id | revision | revision_kind | finished_at      | phase     | line |
        | argocd/web | history | 0          | a1…      | git           | 2026-07-10 10:00 | succeeded | 1    |
        | argocd/web | history | 1          | a2…      | git           | 2026-07-20 10:00 | succeeded | 2    |

        deployments
        | application | started_at       | finished_at      | revision | status    |
        | argocd/web  | 2026-07-10 09:55 | 2026-07-10 10:00 | a1…      | succeeded |
        | argocd/web  | 2026-07-20 09:55 | 2026-07-20 10:00 | a2…      | succeeded |
        | argocd/web  | 2026-07-21 09:55 | 2026-07-21 10:00 | a3…      | failed    |

        applications
        | app        | observed_at      | revision |
        | argocd/web | 2026-07-15 00:00 | a1…      |
        | argocd/web | 2026-07-20 09:55 | a2…      |
        | argocd/web | 2026-07-30 00:00 | a2…      |
        """,
        conclusion="effective",
    ),
    Example(
        title="a hole fails, also one that may lie in the quarter; holes of other quarters and a late beginning do not",
        given="""
        sync_records
        | app        | record  | history_id | revision | finished_at         | phase     | line |
        | argocd/web | history | 3          | a1…      | 2026-07-10 10:00:00 | succeeded | 1    |
        | argocd/web | history | 6          | a2…      | 2026-07-20 10:00:00 | succeeded | 2    |
        | argocd/api | history | 3          | a1…      | 2026-05-10 10:00:00 | succeeded | 3    |
        | argocd/api | history | 5          | a2…      | 2026-07-01 00:00:00 | succeeded | 4    |
        | argocd/old | history | 3          | a1…      | 2026-05-10 10:00:00 | succeeded | 5    |
        | argocd/old | history | 5          | a2…      | 2026-06-30 23:59:59 | succeeded | 6    |
        | argocd/new | history | 3          | a1…      | 2026-10-01 00:00:00 | succeeded | 7    |
        | argocd/new | history | 5          | a2…      | 2026-10-02 00:00:00 | succeeded | 8    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                      | found |
        | prod/argocd/web:history:4–5  | entries 4–5 of its history are in no snapshot: between 2026-07-10T10:00:00Z and 2026-07-20T10:00:00Z |
        | prod/argocd/api:history:4–4  | entry 4 of its history is in no snapshot: between 2026-05-10T10:00:00Z and 2026-07-01T00:00:00Z |
        """,
    ),
    Example(
        title="a revision that no deployment on record brought fails, as does one that was replaced before",
        given="""
        deployments
        | application | started_at          | finished_at         | revision | status    |
        | argocd/web  | 2026-07-10 09:55:00 | 2026-07-10 10:00:00 | a1…      | succeeded |
        | argocd/web  | 2026-07-20 10:00:00 | 2026-07-20 10:05:01 | a2…      | succeeded |
        | argocd/api  | 2026-07-10 09:55:00 | 2026-07-10 10:00:00 | a1…      | succeeded |
        | argocd/api  | 2026-07-11 09:55:00 | 2026-07-11 10:00:00 | a2…      | succeeded |

        applications
        | app        | observed_at         | revision |
        | argocd/web | 2026-07-20 10:00:00 | a2…      |
        | argocd/api | 2026-07-12 10:00:00 | a1…      |
        | argocd/job | 2026-07-12 10:00:00 |          |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                      | found |
        | prod/argocd/web:revision:a2… | a2… was deployed by 2026-07-20T10:00:00Z, and no record says when |
        | prod/argocd/api:revision:a1… | a1… was deployed by 2026-07-12T10:00:00Z, and no record says when |
        """,
    ),
    Example(
        title="without the operator's records of a cluster nothing was tested there",
        given="",
        without=("argocd or flux",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every application on record in the quarter; holes in its history and revisions without a record fail."""
    done = tables["deployments"].assign(at=lambda rows: rows["started_at"])
    shots = tables["applications"].rename(columns={"app": "application", "observed_at": "at"})
    holes = _holes(tables, context)
    jumps = _jumps(shots, tables, context)
    seen = pd.concat([rows[[*APPLICATION, "at"]] for rows in (done, shots, holes, jumps)], ignore_index=True)
    population = seen[context.holds(seen["at"])].sort_values("at", kind="stable").drop_duplicates(APPLICATION)
    population = population.assign(subject=population["cluster"] + "/" + population["application"])
    rows = placed(pd.concat([holes, jumps], ignore_index=True), tables)
    return Result(
        population,
        failures(rows, expected="every deployment of the application is on record"),
    )


def _holes(tables: Tables, context: Context) -> pd.DataFrame:
    """Numbers of Argo CD's histories between two entries on record that may be of the quarter."""
    records = tables["sync_records"].rename(columns={"app": "application"})
    seen = records[records["history_id"].notna()]
    seen = seen.sort_values([*APPLICATION, "history_id", "finished_at"], kind="stable")
    seen = seen.drop_duplicates([*APPLICATION, "history_id"])
    before = seen.groupby(APPLICATION)[["history_id", "finished_at"]].shift(1)
    rows = seen.assign(
        first=before["history_id"] + 1, last=seen["history_id"] - 1, began=before["finished_at"]
    )
    rows = rows[before["history_id"].notna()]
    inside = rows["finished_at"] >= context.start
    rows = rows[inside & (rows["first"] <= rows["last"]).fillna(False).astype(bool)].reset_index(drop=True)
    one = rows["first"].eq(rows["last"]).fillna(False).astype(bool)
    numbers = rows["first"].astype("str") + "–" + rows["last"].astype("str")
    words = "entries " + numbers + " of its history are"
    words = words.mask(one, "entry " + rows["first"].astype("str") + " of its history is")
    between = " in no snapshot: between " + when(rows["began"]) + " and " + when(rows["finished_at"])
    return rows.assign(
        subject=rows["cluster"] + "/" + rows["application"] + ":history:" + numbers,
        at=bounded(rows["began"], lower=context.start),  # after the quarter where it began after it
        found=words + between,
        evidence=pointer(rows),
    )[[*APPLICATION, "subject", "at", "found", "evidence"]]


def _jumps(shots: pd.DataFrame, tables: Tables, context: Context) -> pd.DataFrame:
    """Revisions that a snapshot shows as deployed last, and that no deployment on record brought last."""
    skew = pd.Timedelta(seconds=context.settings.thresholds.clock_skew_seconds)
    shown = shots[shots["revision"].notna()].assign(seen_at=lambda rows: rows["at"] + skew)
    done = finished(tables).sort_values("done_at", kind="stable")
    times = done[[*APPLICATION, "done_at"]].rename(columns={"done_at": "last_at"})
    brought = done[[*APPLICATION, "revision", "done_at"]].dropna(subset=["revision"])
    rows = pd.merge_asof(
        shown.sort_values("at", kind="stable"), times, left_on="at", right_on="last_at", by=APPLICATION
    )
    rows = pd.merge_asof(
        rows.sort_values("seen_at", kind="stable"),
        brought,
        left_on="seen_at",
        right_on="done_at",
        by=[*APPLICATION, "revision"],
    )
    unknown = rows["done_at"].isna() | (rows["done_at"] < rows["last_at"])
    rows = rows[unknown & context.holds(rows["at"])].sort_values("at", kind="stable")
    rows = rows.drop_duplicates([*APPLICATION, "revision"])
    return rows.assign(
        subject=rows["cluster"] + "/" + rows["application"] + ":revision:" + rows["revision"],
        found=rows["revision"] + " was deployed by " + when(rows["at"]) + ", and no record says when",
        evidence=pointer(rows),
    )[[*APPLICATION, "subject", "at", "found", "evidence"]]


CONTROL = Control(
    id="EVD-03",
    page=__doc__,
    clause="Compliance and Auditing › Audit Logs › Deployment history",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC7.2",),
        "ISO 27001": ("8.15", "8.17", "5.33", "5.28"),
        "NIST 800-53": ("AU-2", "AU-8", "AU-9(3)", "AU-11", "AU-12"),
        "PCI DSS": ("10.2.2", "10.5.1", "10.7.2"),
        "CIS / SLSA": ("K 3.2.1", "SLSA L2"),
    },
    needs=(OPERATORS,),
    remediation="Export snapshots more often than the operator forgets, and keep its events.",
    examples=EXAMPLES,
    test=test,
)
