"""A landed change that touches an environment is deployed there in the set time.

## Why
What landed was approved to run. While it does not, the environment is not what Git says, and a repair that everybody
takes for done may be missing.

## Evidence
Landings with the applications and environments that they reach; successful deployments of each application with their
mainline place. A change is deployed when an application that it reaches was deployed at its place of main or a later
one.

## Limits
`thresholds.deploy_hours` (or that of its environment) is how long it may take; exactly as long is in time. A change counts in every quarter in
which it was over that limit. What had landed before an application's first deployment on record is left out. A change
that leaves the rendered manifests as they were gives Argo CD nothing to sync: it counts as undeployed until the next
sync. A change that reaches an environment in which no operator deploys the application is named as untold.

## Remediation
Find out what holds the operator back (a failed sync, a sync window, automated sync off), and deploy or revert.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.arrivals import TARGET, arrived, successes
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT, OPERATORS
from audit.controls.operators import unseen_history
from audit.controls.parts import LANDING, commit
from audit.controls.spans import APPLICATION, allowed, lasted, observed
from audit.model import Severity

_RUNNING = """
        deployments
        | application | app | started_at       | finished_at         | repo                 | position | status    |
        | argocd/web  | web | 2026-07-01 00:00 | 2026-07-01 00:05:00 | netbpf/netbpf-gitops | 4        | succeeded |
        | argocd/web  | web | 2026-08-01 09:55 | 2026-08-01 10:00:00 | netbpf/netbpf-gitops | 6        | succeeded |
        | argocd/web  | web | 2026-08-01 10:55 | 2026-08-01 11:00:00 | netbpf/netbpf-gitops | 7        | failed    |

        landing_environments
        | head_sha | app | environment |
        | a3…      | web | prod        |
        | a4…      | web | prod        |
        | a5…      | web | prod        |
        | a7…      | web | prod        |
"""

EXAMPLES = (
    Example(
        title="a change deployed exactly at the limit passes, with a later place; what landed before is left out",
        given=_RUNNING
        + """
        landings
        | head_sha | position | landed_at           |
        | a3…      | 3        | 2026-06-01 00:00:00 |
        | a4…      | 4        | 2026-06-02 00:00:00 |
        | a5…      | 5        | 2026-07-31 10:00:00 |
        """,
        conclusion="effective",
    ),
    Example(
        title="a second too late fails, and so does what only a failed sync carried",
        given=_RUNNING
        + """
        landings
        | head_sha | position | landed_at           |
        | a5…      | 5        | 2026-07-31 09:59:59 |
        | a7…      | 7        | 2026-08-01 10:50:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                       | found |
        | netbpf/netbpf-gitops@a5…>prod/argocd/web | not deployed for 24 h, from 2026-07-31T09:59:59Z until 2026-08-01T10:00:00Z |
        | netbpf/netbpf-gitops@a7…>prod/argocd/web | not deployed for 60 days, from 2026-08-01T10:50:00Z and still so at 2026-10-01T00:00:00Z |
        """,
    ),
    Example(
        title="what landed less than the limit before the quarter ended fails in the next one, if at all",
        given=_RUNNING
        + """
        landings
        | head_sha | position | landed_at           |
        | a7…      | 7        | 2026-09-30 00:00:00 |
        """,
        conclusion="effective",
    ),
    Example(
        title="an environment in which nothing deploys the application is not told",
        given=_RUNNING.replace("| a7…      | web | prod        |", "| a7…      | web | staging     |")
        + """
        landings
        | head_sha | position | landed_at           |
        | a7…      | 7        | 2026-08-01 10:50:00 |
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
    """Every change for each application that it reaches, until it is deployed; those over the limit fail."""
    places = tables["landing_environments"][[*TARGET, "head_sha"]].drop_duplicates()
    places = places.merge(tables["landings"][[*LANDING, "position", "landed_at"]], on=LANDING)
    done = successes(tables)
    running = done.sort_values([*APPLICATION, "started_at"], kind="stable").drop_duplicates(
        [*APPLICATION, *TARGET]
    )
    running = running[[*APPLICATION, *TARGET, "position"]].rename(columns={"position": "first"})
    reached = places.merge(running, on=TARGET)
    reached = reached[reached["position"] > reached["first"]].reset_index(drop=True)
    reached = reached.assign(allowed=allowed(reached, "deploy_hours", context))
    reached = arrived(reached, done, [*APPLICATION, *TARGET])
    waiting = observed(
        reached.rename(columns={"landed_at": "start", "arrived_at": "end"}),
        pd.to_timedelta(reached["allowed"], unit="h"),
        context,
    )
    object_ = waiting["cluster"] + "/" + waiting["application"]
    population = waiting.assign(subject=commit(waiting) + ">" + object_)
    rows = population[population["late"]].reset_index(drop=True)
    return Result(
        population,
        failures(
            rows,
            expected="deployed within " + rows["allowed"].astype("str") + " h of landing",
            found="not deployed " + lasted(rows),
            evidence=commit(rows),
        ),
        (*_nowhere(places, tables, context), *unseen_history(tables, context)),
    )


def _nowhere(places: pd.DataFrame, tables: Tables, context: Context) -> tuple[Gap, ...]:
    """A gap for each target of the quarter's landings that no operator on record deploys."""
    known = tables["deployments"][["app", "environment"]].drop_duplicates().assign(known=True)
    landed = places[context.holds(places["landed_at"])].merge(known, on=["app", "environment"], how="left")
    untold = landed[landed["known"].isna()].drop_duplicates(TARGET).sort_values(TARGET)
    return tuple(
        Gap(f"{repo}: changes reach {app} in {environment}, where no deployment of it is on record")
        for repo, app, environment in untold[TARGET].itertuples(index=False)
    )


CONTROL = Control(
    id="DEP-06",
    page=__doc__,
    clause="Workflow › Promotion › Automated sync tools detect changes",
    severity=Severity.LOW,
    frameworks={
        "SOC 2": ("CC8.1",),
        "ISO 27001": ("8.32", "8.19", "8.31"),
        "NIST 800-53": ("CM-3", "SA-10"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 5.1.2", "S 5.2.1"),
    },
    needs=(GIT, OPERATORS),
    remediation="Find out what holds the operator back, and deploy the change or revert it.",
    examples=EXAMPLES,
    test=test,
)
