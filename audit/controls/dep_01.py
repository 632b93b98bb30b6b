"""Every deployment's revision is on main.

## Why
Git is the single source of truth only while clusters run what main holds. A revision from another branch was reviewed
by nobody who guards main, and one that nobody can find can't be reviewed at all.

## Evidence
Revisions as Argo CD and Flux recorded them, their source repositories, and the mainline of those repositories with
the times at which the forge says its commits landed. Charts from a registry have no place on a mainline and are not
in the population, as long as their application never deployed from Git. What an artifact of a registry (OCI) holds of
main can't be told: an application that deploys one is not passed.

## Limits
A revision must not be deployed before it landed, beyond what clocks may differ (`thresholds.clock_skew_seconds`);
where only the committer date says when it landed, that date is the committer's claim. Argo CD keeps 10 history
entries for each application: entries that no snapshot ever showed are said to be missing.

## Remediation
Point the application at main of a repository in scope, and let the operator bring it back. Find out who could deploy
another revision, and how.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT, OPERATORS
from audit.controls.operators import deployments
from audit.controls.parts import commit, lasting, plus, when
from audit.model import Severity

_DIGEST = r"(?:^|@)sha256:[0-9a-f]{64}$"

EXAMPLES = (
    Example(
        title="a revision of main, deployed after it landed, passes; a chart is not tested",
        given="""
        deployments
        | application | started_at       | repo                 | revision | position | revision_kind |
        | argocd/web  | 2026-07-01 00:00 | netbpf/netbpf-gitops | a1…      | 4        | git           |
        | argocd/cert | 2026-07-01 00:00 |                      | 1.14.2   |          | chart         |
        | argocd/skew | 2026-07-01 00:00 | netbpf/netbpf-gitops | a2…      | 5        | git           |

        landings
        | head_sha | first_position | position | landed_at           |
        | a1…      | 4              | 4        | 2026-06-30 23:50    |
        | a2…      | 5              | 5        | 2026-07-01 00:00:05 |
        """,
        settings={"thresholds": {"clock_skew_seconds": 5}},
        conclusion="effective",
    ),
    Example(
        title="another branch, an unknown revision, another repository, and one that had not landed yet",
        given="""
        deployments
        | application | started_at       | repo                 | revision | position | on_branch |
        | argocd/a    | 2026-08-01 10:00 | netbpf/netbpf-gitops | a1…      |          | true      |
        | argocd/b    | 2026-08-01 10:00 | netbpf/netbpf-gitops | b1…      |          | false     |
        | argocd/c    | 2026-08-01 10:00 |                      | c1…      |          | false     |
        | argocd/d    | 2026-08-01 10:00 | netbpf/netbpf-gitops | d1…      | 4        | false     |

        landings
        | head_sha | first_position | position | landed_at        |
        | d2…      | 4              | 5        | 2026-08-01 12:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                            | found |
        | prod/argocd/a@2026-08-01T10:00:00Z | revision a1… is on another branch, not on main |
        | prod/argocd/b@2026-08-01T10:00:00Z | revision b1… is in no repository that was read |
        | prod/argocd/c@2026-08-01T10:00:00Z | revision c1… comes from a repository that is not in scope |
        | prod/argocd/d@2026-08-01T10:00:00Z | revision d1… was deployed 2 h before it landed (2026-08-01T12:00:00Z) |
        """,
    ),
    Example(
        title="an artifact of a registry, and a chart in place of what was in Git, are of no known commit",
        given="""
        deployments
        | application | started_at       | repo                 | revision | position | revision_kind |
        | argocd/web  | 2026-06-01 00:00 | netbpf/netbpf-gitops | a1…      | 4        | git           |
        | argocd/web  | 2026-07-02 00:00 |                      | 1.14.2   |          | chart         |
        | flux/shop   | 2026-07-02 00:00 |                      | latest@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef |  | chart |
        """,
        conclusion="not tested",
    ),
    Example(
        title="so is a chart alone, where the application deployed from Git before",
        given="""
        deployments
        | application | started_at       | repo                 | revision | position | revision_kind |
        | argocd/web  | 2026-06-01 00:00 | netbpf/netbpf-gitops | a1…      | 4        | git           |
        | argocd/web  | 2026-07-02 00:00 |                      | 1.14.2   |          | chart         |
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
    """Every deployment of a Git revision; those not on main, or not yet, fail."""
    every = deployments(tables)
    population = every[every["revision_kind"].eq("git")].reset_index(drop=True)
    population = _with_landing(population, tables["landings"])
    skew = pd.Timedelta(seconds=context.settings.thresholds.clock_skew_seconds)
    early = population["started_at"] < population["landed_at"] - skew
    failed = population["position"].isna() | population["repo"].isna() | early
    rows = population[failed].reset_index(drop=True)
    return Result(
        population,
        failures(
            rows,
            expected="a revision that had landed on main of a repository in scope",
            found=_found(rows),
            evidence=plus(rows["evidence"], commit(rows, "revision").where(rows["position"].notna())),
        ),
        _packaged(every, context),
    )


def _packaged(rows: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    """A gap for each application that deployed in the quarter what a registry holds in place of what Git does.

    That is an artifact, known by its digest alone: it is made of manifests, and no commit. Or a chart, where the same
    application deployed from Git at other times.
    """
    packed = rows[rows["revision_kind"].ne("git") & context.holds(rows["at"])]
    artifact = packed["revision"].fillna("").str.contains(_DIGEST)
    object_ = ["cluster", "application"]
    from_git = rows.loc[rows["revision_kind"].eq("git"), object_].drop_duplicates().assign(git=True)
    switched = packed[object_].merge(from_git, on=object_, how="left")["git"].notna().set_axis(packed.index)
    names = packed["cluster"] + "/" + packed["application"]
    return tuple(
        Gap(f"{name}: deployed {what} of a registry: of which commit of main it is can't be told")
        for which, what in ((artifact, "an artifact"), (switched & ~artifact, "a chart"))
        for name in sorted(set(names[which]))
    )


def _with_landing(rows: pd.DataFrame, landings: pd.DataFrame) -> pd.DataFrame:
    """Deployments with `landed_at` of the landing that holds their position (missing where none does)."""
    placed = rows[rows["position"].notna() & rows["repo"].notna()]
    places = placed.assign(position=placed["position"].astype("int64")).sort_values("position")
    held = landings[["repo", "first_position", "position", "landed_at"]]
    held = held.assign(last=held["position"].astype("int64")).drop(columns="position").sort_values("last")
    matched = pd.merge_asof(
        places[["repo", "position", "subject"]],
        held,
        left_on="position",
        right_on="last",
        by="repo",
        direction="forward",
    )
    inside = matched["first_position"].le(matched["position"]).fillna(False).astype(bool)
    return rows.merge(matched.loc[inside, ["subject", "landed_at"]], on="subject", how="left")


def _found(rows: pd.DataFrame) -> pd.Series:
    """Where the revision is instead."""
    revision = "revision " + rows["revision"].fillna("(none recorded)")
    early = " was deployed " + lasting(rows["landed_at"] - rows["started_at"]) + " before it landed ("
    words = early + when(rows["landed_at"]) + ")"
    words = words.mask(rows["position"].isna(), " is in no repository that was read")
    words = words.mask(
        rows["position"].isna() & rows["on_branch"].astype(bool), " is on another branch, not on main"
    )
    words = words.mask(rows["repo"].isna(), " comes from a repository that is not in scope")
    return revision + words


CONTROL = Control(
    id="DEP-01",
    page=__doc__,
    clause="Principles › Single Source of Truth",
    severity=Severity.CRITICAL,
    frameworks={
        "SOC 2": ("CC8.1",),
        "ISO 27001": ("8.32", "8.19", "8.31"),
        "NIST 800-53": ("CM-3", "SA-10"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 5.1.2", "S 5.2.1"),
    },
    needs=(GIT, OPERATORS),
    remediation="Point the application at main of a repository in scope, and find out how another revision got in.",
    examples=EXAMPLES,
    test=test,
)
