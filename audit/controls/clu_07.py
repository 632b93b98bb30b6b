"""Every live application is declared in a repository in scope.

## Why
An application from another repository is changed by people and reviews that this audit does not see, with the rights of
the operator.

## Evidence
Snapshots of Argo CD's Applications and Flux's Kustomizations and HelmReleases, with the source that each deploys from;
the repositories of the settings.

## Limits
A source is in scope when it is a repository of the settings, in whichever form its address is written. A chart from a
registry lies in no repository: it is in scope unless `scope.chart_sources` names those that are, and not this one.
Objects that no application owns are in no snapshot: who created them by hand is told by CLU-01.

## Remediation
Declare the application in a repository in scope, or take it out of the cluster; restrict what projects may deploy from.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import OPERATORS
from audit.controls.parts import pointer
from audit.controls.spans import APPLICATION, placed
from audit.joins.placing import kind, repository
from audit.model import Severity

EXAMPLES = (
    Example(
        title="repositories of the settings pass, however they are written, and so do charts and Flux's sources",
        given="""
        applications
        | app         | operator | object_kind   | observed_at      | repo_url                                 | path | revision |
        | argocd/web  | argocd   | Application   | 2026-08-01 10:00 | https://github.com/NETBPF/netbpf-gitops  | apps | a1…      |
        | argocd/api  | argocd   | Application   | 2026-08-01 10:00 | git@github.com:netbpf/netbpf-gitops.git  | apps | a1…      |
        | argocd/cert | argocd   | Application   | 2026-08-01 10:00 | https://charts.example.org               |      | 1.14.2   |
        | flux/shop   | flux     | Kustomization | 2026-08-01 10:00 | flux-system/netbpf-gitops                | shop | a1…      |
        """,
        conclusion="effective",
    ),
    Example(
        title="another repository, no source at all, and a chart from elsewhere fail; others' quarters are theirs",
        given="""
        applications
        | app         | operator | object_kind | observed_at         | repo_url                          | path | revision |
        | argocd/toy  | argocd   | Application | 2026-07-01 00:00:00 | https://github.com/ada/toys       | toy  | a1…      |
        | argocd/old  | argocd   | Application | 2026-06-30 23:59:59 | https://github.com/ada/toys       | toy  | a1…      |
        | argocd/none | argocd   | Application | 2026-08-01 10:00:00 |                                   | toy  | a1…      |
        | argocd/cert | argocd   | Application | 2026-08-01 10:00:00 | https://charts.example.org        |      | 1.14.2   |
        | argocd/dns  | argocd   | Application | 2026-08-01 10:00:00 | https://charts.netbpf.com         |      | 1.14.2   |
        """,
        settings={"scope": {"chart_sources": ["https://charts.netbpf.com"]}},
        conclusion="exceptions",
        exceptions="""
        | subject          | found |
        | prod/argocd/toy  | deploys from https://github.com/ada/toys, which is not in scope |
        | prod/argocd/none | names no source that it deploys from |
        | prod/argocd/cert | deploys from https://charts.example.org, which is not in scope |
        """,
    ),
    Example(
        title="another repository fails, also where no sources of charts are named",
        given="""
        applications
        | app        | operator | object_kind | observed_at      | repo_url                    | path | revision |
        | argocd/toy | argocd   | Application | 2026-07-01 00:00 | https://github.com/ada/toys |      | a1…      |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject         |
        | prod/argocd/toy |
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
    """Every application with a snapshot in the quarter; those from a source out of scope in one of them fail."""
    rows = tables["applications"].rename(columns={"app": "application"})
    rows = rows.assign(at=rows["observed_at"], revision_kind=_kinds(rows))
    rows = rows[context.holds(rows["at"])].reset_index(drop=True)
    rows = rows.assign(
        revision_kind=kind(rows).to_numpy(), subject=rows["cluster"] + "/" + rows["application"]
    )
    rows = rows.assign(known=repository(rows, context.settings.repositories).notna().to_numpy())
    charts = context.settings.scope.chart_sources
    chart = rows["revision_kind"].eq("chart") & rows["repo_url"].notna()
    allowed = chart & (rows["repo_url"].isin(charts) if charts else True)
    population = rows.sort_values("at", kind="stable").drop_duplicates(APPLICATION)
    outside = rows[~rows["known"] & ~allowed].sort_values("at", kind="stable").drop_duplicates(APPLICATION)
    outside = placed(outside.drop(columns="path").reset_index(drop=True), tables)
    found = "deploys from " + outside["repo_url"] + ", which is not in scope"
    return Result(
        population.reset_index(drop=True),
        failures(
            outside,
            expected="an application that a repository in scope declares",
            found=found.fillna("names no source that it deploys from"),
            evidence=pointer(outside),
        ),
    )


def _kinds(rows: pd.DataFrame) -> pd.Series:
    """`git` or `chart` (str), by the kind of object and the form of its revision."""
    commit = rows["revision"].str.fullmatch(r"[0-9a-f]{40,64}").fillna(False).astype(bool)
    git = commit | rows["object_kind"].eq("Kustomization") | rows["repo_url"].isna()
    return pd.Series("chart", index=rows.index, dtype="str").mask(git, "git")


CONTROL = Control(
    id="CLU-07",
    page=__doc__,
    clause="Principles › Declarative Configuration",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC7.1",),
        "ISO 27001": ("8.9",),
        "NIST 800-53": ("CM-2", "CM-6", "SI-7"),
        "PCI DSS": ("11.5.2",),
        "CIS / SLSA": ("S 5.1.6",),
    },
    needs=(OPERATORS,),
    remediation="Declare the application in a repository in scope, or take it out of the cluster.",
    examples=EXAMPLES,
    test=test,
)
