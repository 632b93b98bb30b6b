"""Failed syncs are resolved in the set time.

## Why
A sync that failed leaves an application between two revisions, or on an old one: what was approved and landed does not
run, and nobody may have noticed.

## Evidence
Sync operations and reconciliations as Argo CD and Flux recorded them, with their outcomes. Failures of an application
that follow upon each other are one item, from the end of the first until the end of the next success.

## Limits
`thresholds.failed_sync_minutes` (or that of its environment) is how long it may take; exactly as long is in time. An item counts in every quarter
in which it was over that limit. Argo CD's history holds no failures: they are known from its events and from the
last operation of each snapshot. An operation that still runs is no success yet.

## Remediation
Read what the operator said, repair it in Git, and see to it that failed syncs raise an alert.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import OPERATORS
from audit.controls.operators import deployments, unseen_history
from audit.controls.parts import counted
from audit.controls.spans import APPLICATION, allowed_of, lasted, observed, unreported
from audit.model import Severity

_SHOWN = 200  # characters of what the operator said

EXAMPLES = (
    Example(
        title="a failed sync with a success exactly at the limit passes",
        given="""
        deployments
        | application | started_at       | finished_at      | status    |
        | argocd/web  | 2026-08-01 10:00 | 2026-08-01 10:05 | failed    |
        | argocd/web  | 2026-08-01 11:00 | 2026-08-01 11:05 | succeeded |

        evidence_objects
        | source_name | key | format                          | cluster | collected_at |
        | operator    | 1   | argocd-application,argocd-event | prod    | 2026-10-02   |
        """,
        conclusion="effective",
    ),
    Example(
        title="a success a second too late, none at all, and one that still runs; repeated failures are one",
        given="""
        deployments
        | application | started_at          | finished_at         | status    | message        |
        | argocd/a    | 2026-08-01 10:00:00 | 2026-08-01 10:05:00 | failed    | no such image  |
        | argocd/a    | 2026-08-01 10:10:00 | 2026-08-01 10:15:00 | failed    | no such image  |
        | argocd/a    | 2026-08-01 11:00:00 | 2026-08-01 11:05:01 | succeeded |                |
        | argocd/b    | 2026-08-01 10:00:00 | 2026-08-01 10:05:00 | failed    |                |
        | argocd/c    | 2026-08-01 10:00:00 |                     | failed    |                |
        | argocd/c    | 2026-08-01 10:10:00 |                     | running   |                |
        | argocd/d    | 2026-09-30 22:55:00 | 2026-09-30 23:00:00 | failed    |                |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                             | found |
        | prod/argocd/a@2026-08-01T10:00:00Z  | 2 syncs failed, without success for 1 h, from 2026-08-01T10:05:00Z until 2026-08-01T11:05:01Z: no such image |
        | prod/argocd/b@2026-08-01T10:00:00Z  | 1 sync failed, without success for 60 days, from 2026-08-01T10:05:00Z and still so at 2026-10-01T00:00:00Z |
        | prod/argocd/c@2026-08-01T10:00:00Z  | 1 sync failed, without success for 60 days, from 2026-08-01T10:00:00Z and still so at 2026-10-01T00:00:00Z |
        """,
    ),
    Example(
        title="another limit can be set; success of another application resolves nothing",
        given="""
        deployments
        | application | started_at       | finished_at      | status    |
        | argocd/a    | 2026-08-01 10:00 | 2026-08-01 10:05 | failed    |
        | argocd/a    | 2026-08-01 12:00 | 2026-08-01 12:05 | succeeded |
        | argocd/b    | 2026-08-01 10:00 | 2026-08-01 10:05 | failed    |
        | argocd/b    | 2026-08-01 12:00 | 2026-08-01 12:06 | succeeded |
        """,
        settings={"thresholds": {"failed_sync_minutes": 120}},
        conclusion="exceptions",
        exceptions="""
        | subject                            |
        | prod/argocd/b@2026-08-01T10:00:00Z |
        """,
    ),
    Example(
        title="where nothing failed there is nothing to test",
        given="""
        deployments
        | application | started_at       | finished_at      | status    |
        | argocd/web  | 2026-08-01 11:00 | 2026-08-01 11:05 | succeeded |

        evidence_objects
        | source_name | key | format                          | cluster | collected_at |
        | operator    | 1   | argocd-application,argocd-event | prod    | 2026-10-02   |
        """,
        conclusion="not applicable",
    ),
    Example(
        title="Argo CD's snapshots alone do not tell of all that failed",
        given="""
        deployments
        | application | started_at       | finished_at      | status    |
        | argocd/web  | 2026-08-01 11:00 | 2026-08-01 11:05 | succeeded |

        evidence_objects
        | source_name | key | format             | cluster | collected_at |
        | operator    | 1   | argocd-application | prod    | 2026-10-02   |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without the operator's records of a cluster nothing was tested there",
        given="",
        without=("argocd or flux",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every run of failures of an application, until it succeeded; those over the limit fail."""
    runs = _failed(tables)
    runs = runs.assign(allowed=allowed_of(runs, "failed_sync_minutes", tables, context))
    population = observed(runs, pd.to_timedelta(runs["allowed"], unit="min"), context)
    rows = population[population["late"]].reset_index(drop=True)
    said = rows["message"].str.replace(r"\s+", " ", regex=True).str.slice(0, _SHOWN)
    return Result(
        population,
        failures(
            rows,
            expected="a successful sync within " + rows["allowed"].astype("str") + " min of a failed one",
            found=counted(rows["failures"], "sync")
            + " failed, without success "
            + lasted(rows)
            + (": " + said).fillna(""),
        ),
        (*unreported(tables, context), *unseen_history(tables, context)),
    )


def _failed(tables: Tables) -> pd.DataFrame:
    """The first of the failures of each application that no success separates.

    With `start` (its end), `end` (of the next success; missing where none follows) and `failures` (how many).
    """
    rows = deployments(tables).sort_values([*APPLICATION, "started_at"], kind="stable")
    succeeded = rows["status"].eq("succeeded")
    by = [rows[column] for column in APPLICATION]
    rows = rows.assign(
        done_at=rows["finished_at"].fillna(rows["started_at"]),
        turn=succeeded.astype("int64").groupby(by).cumsum(),
    )
    turn = [*APPLICATION, "turn"]
    failed = rows[rows["status"].eq("failed")]
    first = failed.drop_duplicates(turn).rename(columns={"done_at": "start"})
    first = first.merge(failed.groupby(turn).size().rename("failures").reset_index(), on=turn)
    following = rows[succeeded].assign(turn=rows["turn"] - 1, end=rows["done_at"])
    return first.merge(following[[*turn, "end"]], on=turn, how="left")


CONTROL = Control(
    id="CLU-05",
    page=__doc__,
    clause="Monitoring and Observability › Required Metrics › Failed sync attempts",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC7.2", "CC8.1"),
        "ISO 27001": ("8.16", "8.32"),
        "NIST 800-53": ("CM-3", "SI-4"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 5.2.1",),
    },
    needs=(OPERATORS,),
    remediation="Repair in Git what made the sync fail, and have failed syncs raise an alert.",
    examples=EXAMPLES,
    test=test,
)
