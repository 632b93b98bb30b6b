"""Every approved change was approved by someone who did not write it.

## Why
Segregation of duties: who writes a change must not be the only one who lets it in. A co-author's approval is an
author's approval.

## Evidence
Reviews and pull requests as the forge exported them; authors, co-authors and committers of every commit that landed;
the roster, which says under which names one person appears, and when who left. Machines that the settings or the roster name are known.

## Limits
Tested on changes with an approval that stood at the merge; those without are left to CHG-02 and CHG-04. Where an
author is not in the roster, the approver may be that very author under another name: the change fails until the
roster knows them. Who typed for whom, no evidence tells.

## Remediation
Have someone independent review the change, and record it. Complete the roster where it lacks an author or approver.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import GIT, PULLS, REVIEWS, ROSTER
from audit.controls.parts import LANDING, changes, joined, untold_reviews, with_reviews
from audit.model import Severity

EXAMPLES = (
    Example(
        title="an approval by somebody else passes",
        given="""
        changes
        | pr_number | authors | authors_known | approvers | approvals_standing | approvals_independent |
        | 7         | ada     | true          | grace     | 1                  | 1                     |
        """,
        conclusion="effective",
    ),
    Example(
        title="a co-author's approval is not independent, nor can it be told where an author is unknown",
        given="""
        changes
        | pr_number | head_sha | authors                | authors_known | approvers | approvals_standing | approvals_independent |
        | 7         | a1…      | ada grace              | true          | grace     | 1                  | 0                     |
        | 8         | a2…      | ada git:x@example.com  | false         | grace     | 1                  | 0                     |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                | found                                                                                       |
        | netbpf/netbpf-gitops#7 | approved by grace: an author of the change                                                  |
        | netbpf/netbpf-gitops#8 | approved by grace; git:x@example.com among the authors is not in the roster and may be the approver |
        """,
    ),
    Example(
        title="the account of somebody who had left approves nothing",
        given="""
        changes
        | pr_number | head_sha | authors | authors_known | approvers | approvals_standing | approvals_independent | landed_at        |
        | 7         | a1…      | ada     | true          | grace     | 1                  | 0                     | 2026-08-03 10:00 |
        | 8         | a2…      | ada     | true          | eve       | 1                  | 0                     | 2026-08-03 10:00 |
        | 9         | a3…      | ada eve | true          | eve       | 1                  | 0                     | 2026-08-03 10:00 |

        people
        | person | left             |
        | ada    |                  |
        | grace  | 2026-07-01       |
        | eve    | 2026-08-03 10:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                | found                                 |
        | netbpf/netbpf-gitops#7 | approved by grace: left on 2026-07-01 |
        | netbpf/netbpf-gitops#8 | approved by eve: left on 2026-08-03   |
        | netbpf/netbpf-gitops#9 | approved by eve: an author of the change |
        """,
    ),
    Example(
        title="a change that nobody approved is not in the population",
        given="""
        changes
        | pr_number | approvals_standing |
        | 7         | 0                  |
        """,
        conclusion="not applicable",
    ),
    Example(
        title="without a roster nobody can be told from anybody else",
        given="""
        changes
        | pr_number | approvers    | approvals_standing | approvals_independent |
        | 7         | github:grace | 1                  | 0                     |
        """,
        without=("roster",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every change with a standing approval; those without an independent one fail."""
    approved = changes(tables)
    approved = approved[approved["approvals_standing"].ge(1)]
    rows = approved[approved["approvals_independent"].eq(0)].reset_index(drop=True)
    rows = with_reviews(rows, tables).reset_index(drop=True)
    return Result(
        approved,
        failures(
            rows,
            expected="a standing approval by a known person who had not left and is no opener, author, co-author or committer of it",
            found=_found(rows, tables["people"]),
        ),
        untold_reviews(approved, tables, context),
    )


def _found(rows: pd.DataFrame, people: pd.DataFrame) -> pd.Series:
    """Who approved, and why that is not enough."""
    unknown = joined(_people(rows, "authors").query("unknown"), LANDING, "person", ", ")
    authors = rows[LANDING].merge(unknown.reset_index(), on=LANDING, how="left")["person"]
    approvers = _people(rows, "approvers").merge(
        _people(rows, "authors")[[*LANDING, "person"]].assign(author=True),
        on=[*LANDING, "person"],
        how="left",
    )
    approvers = approvers.merge(rows[[*LANDING, "landed_at"]], on=LANDING).merge(
        people[["person", "left"]], on="person", how="left"
    )
    author, gone = approvers["author"].notna(), approvers["left"] <= approvers["landed_at"]
    why_not = pd.Series(": not in the roster", index=approvers.index).mask(
        author, ": an author of the change"
    )
    why_not = why_not.mask(gone & ~author, ": left on " + approvers["left"].dt.strftime("%Y-%m-%d"))
    words = approvers.assign(words=approvers["person"] + why_not)
    not_enough = joined(words[author | gone | approvers["unknown"]], LANDING, "words", ", ")
    why = rows[LANDING].merge(not_enough.reset_index(), on=LANDING, how="left")["words"]
    named = rows["approvers"].str.replace(" ", ", ")
    unclear = named + "; " + authors + " among the authors is not in the roster and may be the approver"
    return "approved by " + why.fillna(unclear).fillna(named)


def _people(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row for each person of a column of names: the landing, `person`, and whether the roster lacks them."""
    each = rows[LANDING].assign(person=rows[column].str.split(" ")).explode("person").reset_index(drop=True)
    each["person"] = each["person"].astype("str")
    each = each[each["person"].fillna("").ne("")]
    return each.assign(unknown=each["person"].str.contains(":", regex=False).fillna(False).astype(bool))


CONTROL = Control(
    id="CHG-03",
    page=__doc__,
    clause="Security Controls › Access Control › Required code reviews",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC6.3", "CC8.1"),
        "ISO 27001": ("5.3", "8.32"),
        "NIST 800-53": ("AC-5", "CM-5(4)"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 1.1.3", "SLSA L4"),
    },
    needs=(GIT, PULLS, REVIEWS, ROSTER),
    remediation="Have someone independent review the change and record it, or complete the roster that lacks them.",
    examples=EXAMPLES,
    test=test,
)
