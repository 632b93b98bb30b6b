"""Every pull request was approved before it was merged.

## Why
Review is the one moment at which a second person can stop a change. An approval that comes after the merge documents
that nobody could.

## Evidence
Reviews and dismissals as the forge exported them, and the time at which it merged each pull request. An approval
counts when a person gave it before the merge and did not ask for changes later. A bot's approval does not count.

## Limits
What was approved is the question of CHG-04, and by whom that of CHG-03. An approval that was dismissed before the
merge is left to CHG-04. A review that was dismissed counts as an approval only where evidence says that it was one.

## Remediation
Have someone review the change now, and record it. Require an approval on the default branch, for administrators too.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import GIT, PULLS, REVIEWS
from audit.controls.parts import changes, counted, lasting, untold_reviews, with_reviews
from audit.model import Severity

EXAMPLES = (
    Example(
        title="one approval before the merge passes",
        given="""
        changes
        | pr_number | approvals_before | landed_at        |
        | 7         | 1                | 2026-08-03 10:00 |
        """,
        conclusion="effective",
    ),
    Example(
        title="an approval after the merge is none",
        given="""
        changes
        | pr_number | approvals_before | approvals_after | landed_at        | first_approval_at |
        | 7         | 0                | 1               | 2026-08-03 10:00 | 2026-08-03 13:10  |
        | 8         | 0                | 1               | 2026-08-03 10:00 | 2026-08-03 10:00  |
        | 9         | 0                | 0               | 2026-08-03 10:00 |                   |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                | found                                                               |
        | netbpf/netbpf-gitops#7 | merged without any approval; 1 approval came 3 h after the merge   |
        | netbpf/netbpf-gitops#8 | merged without any approval; 1 approval came 0 min after the merge |
        | netbpf/netbpf-gitops#9 | merged without any approval                                        |
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
    """Every landing with a pull request; those without an approval before the merge fail."""
    population = changes(tables)
    rows = with_reviews(population[population["approvals_before"].eq(0)], tables).reset_index(drop=True)
    return Result(
        population,
        failures(rows, expected="an approval by a person before the merge", found=_found(rows)),
        untold_reviews(population, tables, context),
    )


def _found(rows: pd.DataFrame) -> pd.Series:
    """That nobody approved, and how late whoever did was."""
    late = rows["first_approval_at"] - rows["landed_at"]
    known = late.ge(pd.Timedelta(0))
    came = "; " + counted(rows["approvals_after"], "approval") + " came"
    first = pd.Series(" after the merge", index=rows.index).where(
        ~known, " " + lasting(late.where(known)) + " after the merge"
    )
    several = (", the first" + first).where(rows["approvals_after"].gt(1) & known, first)
    return "merged without any approval" + (came + several).where(rows["approvals_after"].gt(0), "")


CONTROL = Control(
    id="CHG-02",
    page=__doc__,
    clause="Security Controls › Access Control › Required code reviews",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC8.1",),
        "ISO 27001": ("8.32", "8.25"),
        "NIST 800-53": ("CM-3", "CM-5(4)", "AC-3(2)"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 1.1.3", "S 1.1.4", "SLSA L4"),
    },
    needs=(GIT, PULLS, REVIEWS),
    remediation="Review the change now and record it, and require an approval on the default branch for everyone.",
    examples=EXAMPLES,
    test=test,
)
