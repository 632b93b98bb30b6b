"""Every deployment was started by the operator, not by a person.

## Why
When people start or steer a sync, they choose what runs and when, past what Git declares. `force` and `replace`
discard what the cluster holds; a sync from local manifests deploys what no repository has.

## Evidence
Argo CD's history and operations, which name who asked for a sync and with which options; Flux objects and events,
where a changed `reconcile.fluxcd.io/requestedAt` shows that someone asked.

## Limits
A user that the settings (`machines.argocd`) or the roster call a machine is automation. Where no record says who
started a deployment, it fails: automation is not assumed. Argo CD forgets all but the last 10 entries of an
application's history: entries that no snapshot ever showed are said to be missing.

## Remediation
Turn automated sync on and take the right to sync by hand away, except for break-glass. Put into Git what the manual
sync was meant to achieve.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import OPERATORS
from audit.controls.operators import deployments
from audit.joins.identity import Resolver
from audit.model import PrincipalKind, Severity

BY_HAND = ("force", "replace", "manifests", "rollback", "requested")
"""Options that only a person's wish explains, also where the operator carried it out."""

EXAMPLES = (
    Example(
        title="automated syncs pass, also with pruning, and so does a pipeline's user that the settings name",
        given="""
        deployments
        | application | automated | initiated_by | options |
        | argocd/a    | true      |              | prune   |
        | argocd/b    | false     | ci-deployer  |         |
        """,
        settings={"machines": {"argocd": ["ci-.*"]}},
        conclusion="effective",
    ),
    Example(
        title="a person's sync, a forced one, one that was asked for, and one of which nobody knows",
        given="""
        deployments
        | application | started_at       | automated | initiated_by | options          |
        | argocd/a    | 2026-08-01 10:00 | false     | grace        | force,prune      |
        | argocd/b    | 2026-08-01 10:00 | true      |              | replace          |
        | flux/c      | 2026-08-01 10:00 | true      |              | requested        |
        | argocd/d    | 2026-08-01 10:00 |           |              |                  |
        | argocd/e    | 2026-08-01 10:00 | false     | grace        |                  |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                            | found                                              |
        | prod/argocd/a@2026-08-01T10:00:00Z | started by grace, with force, prune                |
        | prod/argocd/b@2026-08-01T10:00:00Z | started by the operator, with replace              |
        | prod/flux/c@2026-08-01T10:00:00Z   | started by the operator, with requested            |
        | prod/argocd/d@2026-08-01T10:00:00Z | no record says who started it                      |
        | prod/argocd/e@2026-08-01T10:00:00Z | started by grace                                   |
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
    """Every deployment; those not started by automation, or steered by hand, fail."""
    population = deployments(tables)
    options = population["options"].str.split(",").explode().str.strip()
    steered = options.isin(BY_HAND).groupby(level=0).any().reindex(population.index, fill_value=False)
    rows = population[~_automatic(population, tables, context) | steered].reset_index(drop=True)
    return Result(
        population,
        failures(rows, expected="a sync that the operator started by itself", found=_found(rows)),
    )


def _automatic(rows: pd.DataFrame, tables: Tables, context: Context) -> pd.Series:
    """Which deployments automation started: the operator, or a user that is a machine."""
    resolver = Resolver.of(tables, context.settings)
    asked = resolver.resolve(rows["initiated_by"], "argocd", rows["at"])["kind"]
    machine = rows["initiated_by"].notna() & asked.eq(PrincipalKind.MACHINE)
    return rows["automated"].fillna(False).astype(bool) | machine


def _found(rows: pd.DataFrame) -> pd.Series:
    """Who started it, and with which options."""
    person = "started by " + rows["initiated_by"].fillna("a person whom no record names")
    automated = rows["automated"].fillna(False).astype(bool)
    who = person.mask(automated, "started by the operator")
    who = who.mask(rows["automated"].isna() & rows["initiated_by"].isna(), "no record says who started it")
    options = ", with " + rows["options"].str.replace(r",\s*", ", ", regex=True)
    return who + options.where(rows["options"].ne(""), "")


CONTROL = Control(
    id="DEP-02",
    page=__doc__,
    clause="Principles › Automated Operations",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC8.1",),
        "ISO 27001": ("8.32", "8.19", "8.31"),
        "NIST 800-53": ("CM-3", "SA-10"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 5.1.2", "S 5.2.1"),
    },
    needs=(OPERATORS,),
    remediation="Turn automated sync on, take the right to sync by hand away, and put into Git what it was meant for.",
    examples=EXAMPLES,
    test=test,
)
