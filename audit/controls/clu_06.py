"""Production applications recover in the set time.

## Why
An application that is degraded or missing does not serve. How long that lasts says whether anybody watches it, and
whether going back works.

## Evidence
Spans of health of applications in production, as Argo CD and Flux reported them. An application is unwell from its
first degraded or missing state until it is healthy or suspended: what it passes through in between, such as
progressing, is no recovery.

## Limits
`thresholds.recovery_minutes` (or that of its environment) is how long it may take; exactly as long is in time. A span counts in every quarter in
which it was over that limit. Health is what the operator knows of it: a process that runs and answers wrongly is healthy
to it. Flux reports health only where it checks it.

## Remediation
Restore the application: revert what broke it, and let the operator bring it back. Have its health raise an alert.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import PRODUCTION_OPERATORS
from audit.controls.parts import when
from audit.controls.spans import (
    APPLICATION,
    allowed_of,
    environments,
    lasted,
    observed,
    placed,
    states,
    untold,
)
from audit.model import Severity

_UNWELL = ("Degraded", "Missing")
_WELL = ("Healthy", "Suspended")

EXAMPLES = (
    Example(
        title="an application that is healthy exactly at the limit passes",
        given="""
        app_states
        | application | aspect | state    | start            | end              |
        | argocd/web  | health | Degraded | 2026-08-01 10:00 | 2026-08-01 11:00 |
        | argocd/web  | health | Healthy  | 2026-08-01 11:00 |                  |
        """,
        conclusion="effective",
    ),
    Example(
        title="a second longer fails, as do a missing one and one that only progressed in between",
        given="""
        app_states
        | application | aspect | state       | start               | end                 |
        | argocd/a    | health | Degraded    | 2026-08-01 10:00:00 | 2026-08-01 11:00:01 |
        | argocd/a    | health | Healthy     | 2026-08-01 11:00:01 |                     |
        | argocd/b    | health | Missing     | 2026-09-30 22:59:59 |                     |
        | argocd/c    | health | Degraded    | 2026-08-01 10:00:00 | 2026-08-01 10:30:00 |
        | argocd/c    | health | Progressing | 2026-08-01 10:30:00 | 2026-08-01 10:40:00 |
        | argocd/c    | health | Degraded    | 2026-08-01 10:40:00 | 2026-08-01 11:20:00 |
        | argocd/c    | health | Healthy     | 2026-08-01 11:20:00 | 2026-08-02 11:20:00 |
        | argocd/c    | health | Degraded    | 2026-08-02 11:20:00 | 2026-08-02 11:40:00 |
        | argocd/c    | health | Suspended   | 2026-08-02 11:40:00 |                     |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                    | found |
        | prod/argocd/a:health@2026-08-01T10:00:00Z  | Degraded for 1 h, from 2026-08-01T10:00:00Z until 2026-08-01T11:00:01Z |
        | prod/argocd/b:health@2026-09-30T22:59:59Z  | Missing for 1 h, from 2026-09-30T22:59:59Z and still so at 2026-10-01T00:00:00Z |
        | prod/argocd/c:health@2026-08-01T10:00:00Z  | Degraded for 1 h, from 2026-08-01T10:00:00Z until 2026-08-01T11:20:00Z |
        """,
    ),
    Example(
        title="what is not production is not asked for",
        given="""
        app_states
        | application | cluster | aspect | state    | start            | end |
        | argocd/web  | dev     | health | Degraded | 2026-08-01 10:00 |     |

        evidence_objects
        | source_name | key | format             | cluster | collected_at |
        | operator    | 1   | argocd-application | prod    | 2026-10-02   |
        """,
        settings={
            "clusters": [{"name": "prod", "environment": "prod"}, {"name": "dev", "environment": "dev"}]
        },
        conclusion="not applicable",
    ),
    Example(
        title="an application whose health was never reported is not told to be well",
        given="""
        applications
        | app        | operator |
        | argocd/web | argocd   |

        evidence_objects
        | source_name | key | format                          | cluster | collected_at |
        | operator    | 1   | argocd-application,argocd-event | prod    | 2026-10-02   |
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
    """Every span in which an application of production was unwell; those over the limit fail."""
    spans = _unwell(tables)
    spans = spans.assign(allowed=allowed_of(spans, "recovery_minutes", tables, context))
    population = placed(observed(spans, pd.to_timedelta(spans["allowed"], unit="min"), context), tables)
    population = population.assign(environment=environments(population, context))
    population = population[population["environment"].isin(context.settings.production)]
    population = population.assign(
        subject=population["cluster"]
        + "/"
        + population["application"]
        + ":health@"
        + when(population["start"])
    )
    rows = population[population["late"]].reset_index(drop=True)
    return Result(
        population.reset_index(drop=True),
        failures(
            rows,
            expected="healthy again within " + rows["allowed"].astype("str") + " min",
            found=rows["state"] + " " + lasted(rows),
        ),
        untold(tables, context, "health", production=True),
    )


def _unwell(tables: Tables) -> pd.DataFrame:
    """Spans from the first unwell state to the next good one: the first state's row, `end` missing while it lasts."""
    spans = states(tables, "health").sort_values([*APPLICATION, "start"], kind="stable")
    well = spans["state"].isin(_WELL)
    by = [spans[column] for column in APPLICATION]
    spans = spans.assign(turn=well.astype("int64").groupby(by).cumsum())
    turn = [*APPLICATION, "turn"]
    first = spans[spans["state"].isin(_UNWELL)].drop_duplicates(turn).drop(columns="end")
    following = spans[well].assign(turn=spans["turn"] - 1, end=spans["start"])
    return first.merge(following[[*turn, "end"]], on=turn, how="left")


CONTROL = Control(
    id="CLU-06",
    page=__doc__,
    clause="Monitoring and Observability › Required Metrics › Health status of deployed resources",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC7.2", "CC8.1"),
        "ISO 27001": ("8.16", "8.32"),
        "NIST 800-53": ("CM-3", "SI-4"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 5.2.1",),
    },
    needs=(PRODUCTION_OPERATORS,),
    remediation="Restore the application by a revert, and have its health raise an alert.",
    examples=EXAMPLES,
    test=test,
)
