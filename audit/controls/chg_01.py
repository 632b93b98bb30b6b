"""Every change landed on main through a pull request.

## Why
A direct push skips review, checks and discussion at once. It is the shortest way from one account to production, and
the change that a population of pull requests leaves out.

## Evidence
The mainline (first-parent chain) of the default branch, whole; pull requests as the forge exported them; where it is
there, the forge's record of pushes, which says who pushed and which commits came together.

## Limits
A subject such as `Merge pull request #9` is its author's claim and proves nothing against the forge's export. Without
the forge's record of pushes, who pushed is the committer's own claim, and each mainline commit counts by itself.

## Remediation
Have someone review what was pushed, after the fact, and record it. Require pull requests on the default branch, for
administrators too, so that it can't happen again.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import GIT, PULLS
from audit.controls.parts import LANDING, commit, counted, plus, pointer, with_places
from audit.joins.identity import Resolver
from audit.model import LandingKind, Severity

EXAMPLES = (
    Example(
        title="a merged pull request passes",
        given="""
        landings
        | head_sha | kind  | pr_number | landed_at        |
        | a1…      | merge | 7         | 2026-07-01 00:00 |
        """,
        conclusion="effective",
    ),
    Example(
        title="a direct push in the quarter fails, one before its start and one at its end belong to others",
        given="""
        landings
        | head_sha | position | kind   | landed_at           |
        | a1…      | 1        | direct | 2026-06-30 23:59:59 |
        | a2…      | 2        | direct | 2026-07-01 00:00    |
        | a3…      | 3        | direct | 2026-10-01 00:00    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                     | found                                              |
        | netbpf/netbpf-gitops@a2…    | 1 commit pushed to the default branch: no pull request holds it |
        """,
    ),
    Example(
        title="without the forge's export nothing can be told, whatever the subject says",
        given="""
        landings
        | head_sha | kind   | subject                    |
        | a1…      | direct | fix typo                   |
        """,
        without=("github-pulls",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every landing; those of kind `direct` fail."""
    landings = tables["landings"]
    population = landings.assign(subject=commit(landings), at=landings["landed_at"])
    rows = population[landings["kind"].eq(LandingKind.DIRECT)].reset_index(drop=True)
    rows = _with_pusher(with_places(rows, tables), tables, context)
    counts = counted(rows["mainline_commits"], "commit")
    held = pd.Series("it", index=rows.index).where(rows["mainline_commits"].eq(1), "them")
    return Result(
        population,
        failures(
            rows,
            expected="a pull request behind every change of the default branch",
            found=counts + " pushed to the default branch: no pull request holds " + held,
            evidence=plus(commit(rows), rows["pointer"]),
        ),
    )


def _with_pusher(rows: pd.DataFrame, tables: Tables, context: Context) -> pd.DataFrame:
    """Who pushed: by the forge, else by the head commit's committer; and the pointer to the forge's record."""
    resolver = Resolver(tables["people"], tables["identities"], context.settings.machines)
    heads = tables["commits"][["repo", "sha", "committer_email"]].rename(columns={"sha": "head_sha"})
    operations = tables["git_operations"]
    pushes = pd.DataFrame(
        {"repo": operations["repo"], "head_sha": operations["after"], "pointer": pointer(operations)}
    ).drop_duplicates(LANDING)
    rows = rows.merge(heads, on=LANDING, how="left").merge(pushes, on=LANDING, how="left")
    by_forge = resolver.resolve(rows["pusher"], "github")["person"]
    by_git = resolver.resolve(rows["committer_email"], "git")["person"]
    raw = rows["pusher"].fillna(rows["committer_email"])
    return rows.assign(
        person=by_forge.where(rows["pusher"].notna(), by_git).where(raw.notna()), person_raw=raw
    )


CONTROL = Control(
    id="CHG-01",
    page=__doc__,
    clause="Workflow › Development › Feature branches and pull requests",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC8.1", "CC6.8"),
        "ISO 27001": ("8.4", "8.32"),
        "NIST 800-53": ("CM-5", "CM-3(7)"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 1.1.15", "SLSA L3"),
    },
    needs=(GIT, PULLS),
    remediation="Review what was pushed after the fact, and require pull requests on the default branch for everyone.",
    examples=EXAMPLES,
    test=test,
)
