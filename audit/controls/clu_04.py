"""Drift is corrected within the set time.

## Why
While the cluster differs from Git, what was reviewed is not what runs. Drift that nobody corrects is either a change
made by hand that stays, or self-healing that does not work.

## Evidence
Spans in which the operator reported an application as out of sync; landings that touch the application in its
environment; successful deployments with the mainline place of their revision. A span is drift unless main, when the
span began, held a landing newer than all that had been deployed until then: that one waits for its sync
(`thresholds.clock_skew_seconds` is allowed for). Going back to an older revision by hand is drift.

## Limits
`thresholds.drift_minutes` (or that of its environment) is how long drift may last; exactly as long is in time. A span counts in every quarter in
which it was over that limit. Flux reports no drift, which it undoes at its interval; it reports as out of sync what it
could not reconcile. While an operator does not know whether an application is in sync, drift can't be told.

## Remediation
Bring the application back to what Git declares, or land what it should be. Find out who changed it, and why
self-healing did not put it back.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT, OPERATORS
from audit.controls.operators import unseen_history
from audit.controls.parts import when
from audit.controls.spans import APPLICATION, allowed_of, lasted, observed, placed, states, untold
from audit.model import Severity

_TARGET = ["repo", "app", "environment"]
_WEB = """
        deployments
        | application | app | started_at       | finished_at      | repo                 | revision | position | status    |
        | argocd/web  | web | 2026-07-01 00:00 | 2026-07-01 00:05 | netbpf/netbpf-gitops | a4…      | 4        | succeeded |

        landings
        | head_sha | position | landed_at        |
        | a4…      | 4        | 2026-06-30 23:50 |
        | a5…      | 5        | 2026-08-10 12:00 |

        landing_environments
        | head_sha | app | environment |
        | a4…      | web | prod        |
        | a5…      | web | prod        |

        evidence_objects
        | source_name | key | format                          | cluster | collected_at |
        | operator    | 1   | argocd-application,argocd-event | prod    | 2026-10-02   |
"""

EXAMPLES = (
    Example(
        title="drift that lasts exactly as long as it may passes, and so does what waits for a landed revision",
        given=_WEB
        + """
        app_states
        | application | aspect | state     | start               | end                 |
        | argocd/web  | sync   | OutOfSync | 2026-08-01 10:00:00 | 2026-08-01 11:00:00 |
        | argocd/web  | sync   | Synced    | 2026-08-01 11:00:00 | 2026-08-10 12:00:00 |
        | argocd/web  | sync   | OutOfSync | 2026-08-10 12:00:00 | 2026-08-11 12:00:00 |
        """,
        conclusion="effective",
    ),
    Example(
        title="a second longer fails; drift that began before the landing fails, and one that still lasts",
        given=_WEB
        + """
        app_states
        | application | aspect | state     | start               | end                 |
        | argocd/web  | sync   | OutOfSync | 2026-08-01 10:00:00 | 2026-08-01 11:00:01 |
        | argocd/web  | sync   | OutOfSync | 2026-08-10 11:54:59 | 2026-08-10 14:00:00 |
        | argocd/web  | sync   | OutOfSync | 2026-08-10 15:00:00 | 2026-08-10 18:00:00 |
        | argocd/cert | sync   | OutOfSync | 2026-09-30 22:59:59 |                     |
        | argocd/edge | sync   | OutOfSync | 2026-09-30 23:00:00 |                     |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                  | found |
        | prod/argocd/web:sync@2026-08-01T10:00:00Z  | out of sync for 1 h, from 2026-08-01T10:00:00Z until 2026-08-01T11:00:01Z: no landed revision was waiting |
        | prod/argocd/web:sync@2026-08-10T11:54:59Z  | out of sync for 2 h, from 2026-08-10T11:54:59Z until 2026-08-10T14:00:00Z: no landed revision was waiting |
        | prod/argocd/cert:sync@2026-09-30T22:59:59Z | out of sync for 1 h, from 2026-09-30T22:59:59Z and still so at 2026-10-01T00:00:00Z: no landed revision was waiting |
        """,
    ),
    Example(
        title="a landed revision still waits after a sync of it that failed",
        given=_WEB.replace(
            "| succeeded |\n",
            "| succeeded |\n        | argocd/web  | web | 2026-08-10 12:10 | 2026-08-10 12:15 | netbpf/netbpf-gitops | a5…      | 5        | failed    |\n",
        )
        + """
        app_states
        | application | aspect | state     | start               | end                 |
        | argocd/web  | sync   | Synced    | 2026-07-01 00:05:00 | 2026-08-01 10:00:00 |
        | argocd/web  | sync   | OutOfSync | 2026-08-01 10:00:00 | 2026-08-01 10:30:00 |
        | argocd/web  | sync   | OutOfSync | 2026-08-10 12:15:00 | 2026-08-11 12:00:00 |
        """,
        conclusion="effective",
    ),
    Example(
        title="what was deployed and rolled back does not wait: going back by hand is drift",
        given="""
        deployments
        | application | app | started_at       | finished_at      | repo                 | revision | position | status    | options  |
        | argocd/web  | web | 2026-07-01 00:00 | 2026-07-01 00:05 | netbpf/netbpf-gitops | a4…      | 4        | succeeded |          |
        | argocd/web  | web | 2026-08-10 12:00 | 2026-08-10 12:05 | netbpf/netbpf-gitops | a5…      | 5        | succeeded |          |
        | argocd/web  | web | 2026-08-11 12:00 | 2026-08-11 12:05 | netbpf/netbpf-gitops | a4…      | 4        | succeeded | rollback |

        landings
        | head_sha | position | landed_at        |
        | a4…      | 4        | 2026-06-30 23:50 |
        | a5…      | 5        | 2026-08-10 11:58 |

        landing_environments
        | head_sha | app | environment |
        | a4…      | web | prod        |
        | a5…      | web | prod        |

        app_states
        | application | aspect | state     | start            | end              |
        | argocd/web  | sync   | OutOfSync | 2026-08-11 12:05 | 2026-08-12 12:05 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                   |
        | prod/argocd/web:sync@2026-08-11T12:05:00Z |
        """,
    ),
    Example(
        title="a span of the quarter before fails in this one too while it is over its limit; others are others'",
        given=_WEB
        + """
        app_states
        | application | aspect | state     | start               | end                 |
        | argocd/cert | sync   | OutOfSync | 2026-06-30 20:00:00 | 2026-07-01 00:00:01 |
        | argocd/edge | sync   | OutOfSync | 2026-06-30 20:00:00 | 2026-07-01 00:00:00 |
        | argocd/late | sync   | OutOfSync | 2026-06-30 23:30:00 | 2026-07-01 00:30:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                    |
        | prod/argocd/cert:sync@2026-06-30T20:00:00Z |
        """,
    ),
    Example(
        title="what ended as the quarter began is no item of it, nor is what begins as it ends",
        given=_WEB
        + """
        app_states
        | application | aspect | state     | start               | end                 |
        | argocd/edge | sync   | OutOfSync | 2026-06-30 20:00:00 | 2026-07-01 00:00:00 |
        | argocd/late | sync   | OutOfSync | 2026-10-01 00:00:00 | 2026-10-01 03:00:00 |
        | argocd/web  | sync   | Synced    | 2026-07-01 00:05:00 |                     |
        """,
        conclusion="not applicable",
    ),
    Example(
        title="what the operator did not know, and what was deployed before nobody knows, is not told",
        given="""
        deployments
        | application | started_at       | finished_at      | repo                 | position | status    |
        | argocd/web  | 2026-09-01 00:00 | 2026-09-01 00:05 | netbpf/netbpf-gitops | 4        | succeeded |

        app_states
        | application | aspect | state     | start               | end                 |
        | argocd/web  | sync   | OutOfSync | 2026-08-01 10:00:00 | 2026-08-01 12:00:00 |
        | argocd/cert | sync   | Unknown   | 2026-08-01 10:00:00 | 2026-08-01 12:00:00 |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without reports of status a snapshot tells nothing of how long it lasted",
        given=_WEB.replace("argocd-application,argocd-event", "argocd-application")
        + """
        app_states
        | application | aspect | state     | start               | end                 |
        | argocd/web  | sync   | OutOfSync | 2026-08-01 10:00:00 | 2026-08-01 10:10:00 |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without the operator's records of a cluster nothing was tested there",
        given="",
        without=("argocd or flux",),
        conclusion="not tested",
    ),
    Example(
        title="an environment may have a limit of its own",
        given=_WEB
        + """
        app_states
        | application | aspect | state     | start               | end                 |
        | argocd/web  | sync   | Synced    | 2026-07-01 00:05:00 | 2026-08-01 10:00:00 |
        | argocd/web  | sync   | OutOfSync | 2026-08-01 10:00:00 | 2026-08-01 12:00:00 |
        | argocd/web  | sync   | Synced    | 2026-08-01 12:00:00 |                     |
        """,
        settings={"environments": {"prod": {"drift_minutes": 120}}},
        conclusion="effective",
    ),
    Example(
        title="where nothing ever drifted there is nothing to test",
        given=_WEB
        + """
        app_states
        | application | aspect | state  | start               | end |
        | argocd/web  | sync   | Synced | 2026-07-01 00:05:00 |     |
        """,
        conclusion="not applicable",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every span out of sync that no landed revision explains; those over the limit fail."""
    every = states(tables, "sync")
    every = every.assign(allowed=allowed_of(every, "drift_minutes", tables, context))
    every = observed(every, pd.to_timedelta(every["allowed"], unit="min"), context)
    unknown = every[every["state"].eq("Unknown") & every["late"]]
    spans = _explained(every[every["state"].eq("OutOfSync")].reset_index(drop=True), tables, context)
    untellable = spans[spans["baseless"] & spans["late"]]
    population = spans[~spans["waiting"] & ~spans["baseless"]].reset_index(drop=True)
    population = population.assign(
        subject=population["cluster"] + "/" + population["application"] + ":sync@" + when(population["start"])
    )
    rows = population[population["late"]].reset_index(drop=True)
    return Result(
        population,
        failures(
            rows,
            expected="drift corrected within " + rows["allowed"].astype("str") + " min",
            found="out of sync " + lasted(rows) + ": no landed revision was waiting",
        ),
        (
            *_untellable(unknown, "the operator did not know whether it was in sync"),
            *_untellable(untellable, "out of sync, and what was deployed before is not on record"),
            *untold(tables, context, "sync"),
            *unseen_history(tables, context),
        ),
    )


def _explained(spans: pd.DataFrame, tables: Tables, context: Context) -> pd.DataFrame:
    """Spans with `waiting` (a landing waited for its sync when they began) and `baseless` (nobody can tell)."""
    spans = placed(spans, tables).sort_values("start", kind="stable")
    skew = pd.Timedelta(seconds=context.settings.thresholds.clock_skew_seconds)
    deployed = _deployed(tables)
    spans = pd.merge_asof(spans, deployed, left_on="start", right_on="done_at", by=APPLICATION)
    landed = _landed(tables)
    spans = pd.merge_asof(
        spans.assign(seen_at=spans["start"] + skew).sort_values("seen_at", kind="stable"),
        landed,
        left_on="seen_at",
        right_on="landed_at",
        by=_TARGET,
    )
    from_git = tables["deployments"]["revision_kind"].eq("git")
    git = tables["deployments"].loc[from_git, APPLICATION].drop_duplicates().assign(git=True)
    spans = spans.merge(git, on=APPLICATION, how="left")
    waiting = spans["newest"].gt(spans["deployed"]).fillna(False).astype(bool)
    baseless = spans["git"].notna() & spans["deployed"].isna()
    return spans.assign(waiting=waiting, baseless=baseless)


def _deployed(tables: Tables) -> pd.DataFrame:
    """For each application the newest mainline place deployed (`deployed`, Float64) by each time (`done_at`)."""
    done = tables["deployments"]
    done = done[done["status"].eq("succeeded") & done["position"].notna()]
    done = done.assign(done_at=done["finished_at"].fillna(done["started_at"]))
    done = done.sort_values(["done_at", *APPLICATION, "started_at"], kind="stable")
    newest = done.groupby(APPLICATION)["position"].cummax()
    return done.assign(deployed=newest.astype("Float64"))[[*APPLICATION, "done_at", "deployed"]]


def _landed(tables: Tables) -> pd.DataFrame:
    """For each target the newest mainline place that had landed (`newest`, Float64) by each time (`landed_at`)."""
    places = tables["landing_environments"].merge(
        tables["landings"][["repo", "head_sha", "position", "landed_at"]], on=["repo", "head_sha"]
    )
    places = places.sort_values(["landed_at", "position"], kind="stable")
    newest = places.groupby(_TARGET)["position"].cummax()
    return places.assign(newest=newest.astype("Float64"))[[*_TARGET, "landed_at", "newest"]]


def _untellable(rows: pd.DataFrame, why: str) -> tuple[Gap, ...]:
    names = rows["cluster"] + "/" + rows["application"] + ": " + why + " " + lasted(rows)
    return tuple(Gap(text) for text in sorted(names))


CONTROL = Control(
    id="CLU-04",
    page=__doc__,
    clause="Monitoring and Observability › Required Metrics › Drift detection between Git and cluster state",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC7.1",),
        "ISO 27001": ("8.9",),
        "NIST 800-53": ("CM-2", "CM-6", "SI-7"),
        "PCI DSS": ("11.5.2",),
        "CIS / SLSA": ("S 5.1.6",),
    },
    needs=(GIT, OPERATORS),
    remediation="Bring the application back to what Git declares, and find out why self-healing did not.",
    examples=EXAMPLES,
    test=test,
)
