"""The approval of every change covers what was merged.

## Why
An approval is for the commits that were read. Commits pushed after it, and lines that the merge commit itself brings
in, were read by nobody.

## Evidence
The commit that each review was given on, the pull request's last commit, dismissals as the forge exported them, and
the content of merge commits against what git makes of their parents.

## Limits
Tested on changes that someone approved, and on every pull request whose merge commit has content of its own. Commits
that only bring the base branch up to date make an approval stale like any others. A merge that solves a conflict has
content of its own: it is a finding that a reader may explain.

## Remediation
Have the missed commits or lines reviewed, and record it. Dismiss approvals when new commits are pushed, and update
branches before the review rather than in the merge.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import GIT, PULLS, REVIEWS
from audit.controls.parts import LANDING, changes, joined, untold_reviews, with_reviews
from audit.model import Severity

EXAMPLES = (
    Example(
        title="an approval of the merged commit passes",
        given="""
        changes
        | pr_number | approvals_before | approvals_standing | approvals_covering |
        | 7         | 1                | 1                  | 1                  |
        """,
        conclusion="effective",
    ),
    Example(
        title="a stale approval, a dismissed one, and a merge with lines of its own fail",
        given="""
        changes
        | pr_number | head_sha | evil  | approvals_before | approvals_standing | approvals_covering |
        | 7         | a1…      | false | 1                | 1                  | 0                  |
        | 8         | a2…      | false | 1                | 0                  | 0                  |
        | 9         | a3…      | true  | 0                | 0                  | 0                  |

        merge_content
        | sha | path              |
        | a3… | apps/web/kust.yml |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                | found                                                                             |
        | netbpf/netbpf-gitops#7 | commits were pushed after the last approval: nobody approved the merged commit     |
        | netbpf/netbpf-gitops#8 | the approval was dismissed before the merge                                       |
        | netbpf/netbpf-gitops#9 | the merge commit brings in content that is in none of its parents: apps/web/kust.yml |
        """,
    ),
    Example(
        title="without the forge's reviews nothing can be told",
        given="""
        changes
        | pr_number | approvals_before |
        | 7         | 0                |
        """,
        without=("github-reviews",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every change that was approved or whose merge has content of its own; those not covered fail."""
    rows = changes(tables)
    population = rows[rows["approvals_before"].ge(1) | rows["evil"].astype(bool)]
    failed = population[population["approvals_covering"].eq(0) | population["evil"].astype(bool)]
    failed = with_reviews(_with_content(failed, tables), tables).reset_index(drop=True)
    return Result(
        population,
        failures(
            failed,
            expected="a standing approval of the very commit that was merged, and no other content in the merge",
            found=_found(failed),
            path=failed["paths"].astype("str").str.replace(r", .*$", "", regex=True),
        ),
        untold_reviews(population, tables, context),
    )


def _with_content(rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Changes with the `paths` that their merge commit brought in by itself."""
    content = tables["merge_content"].rename(columns={"sha": "head_sha", "path": "paths"})
    return rows.merge(joined(content, LANDING, "paths", ", ").reset_index(), on=LANDING, how="left")


def _found(rows: pd.DataFrame) -> pd.Series:
    """Each way in which the approval falls short, with `; ` between."""
    approved = rows["approvals_before"].ge(1) & rows["approvals_covering"].eq(0)
    standing = rows["approvals_standing"].ge(1)
    stale = pd.Series(
        "commits were pushed after the last approval: nobody approved the merged commit", index=rows.index
    )
    short = stale.where(standing, "the approval was dismissed before the merge").where(approved, "")
    brought = "the merge commit brings in content that is in none of its parents" + (
        ": " + rows["paths"]
    ).fillna("")
    brought = brought.where(rows["evil"].astype(bool), "")
    between = pd.Series("; ", index=rows.index).where(short.ne("") & brought.ne(""), "")
    return short + between + brought


CONTROL = Control(
    id="CHG-04",
    page=__doc__,
    clause="Security Controls › Access Control › Required code reviews",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC8.1",),
        "ISO 27001": ("8.32",),
        "NIST 800-53": ("CM-3", "CM-5(4)"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 1.1.4", "SLSA L4"),
    },
    needs=(GIT, PULLS, REVIEWS),
    remediation="Have the commits or lines that nobody read reviewed, and dismiss approvals when commits are pushed.",
    examples=EXAMPLES,
    test=test,
)
