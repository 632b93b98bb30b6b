"""The policy was reviewed in the quarter.

## Why
The policy says of itself that it is reviewed quarterly. A rule that nobody looks at is kept by habit until it no longer fits.

## Evidence
Git: changes of the policy's file (`documents.policy`) that landed in the quarter; and reviews that people recorded, of the file's
path or of `policy`.

## Limits
A change counts as a review, whatever it changed. While the quarter runs, what has not been reviewed may still be.

## Remediation
Review the policy with those who work by it, and land the change or record the review.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import GIT
from audit.controls.parts import when
from audit.joins.documents import looks
from audit.joins.presence import arrivals
from audit.model import Severity

_NAME = "policy"
_CHANGED = """
        commits
        | sha | position |
        | a1… | 0        |
        file_changes
        | sha | path                  | status |
        | a1… | docs/gitops-policy.md | A      |
        landings
        | head_sha | position | landed_at           |
"""

EXAMPLES = (
    Example(
        title="a change that lands in the quarter's first second is a review",
        given=_CHANGED + "| a1…      | 0        | 2026-07-01 00:00:00 |",
        conclusion="effective",
    ),
    Example(
        title="a change one second before the quarter, and a review after it, are none of it",
        given=_CHANGED
        + """
        | a1…      | 0        | 2026-06-30 23:59:59 |
        document_reviews
        | document | reviewed_at | reviewer |
        | policy   | 2026-10-01  | grace    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject         | found                                             |
        | document:policy | last looked at 2026-06-30T23:59:59Z               |
        """,
    ),
    Example(
        title="a recorded review of the quarter's last day is one",
        given=_CHANGED
        + """
        | a1…      | 0        | 2025-06-30 23:59:59 |
        document_reviews
        | document              | reviewed_at | reviewer |
        | docs/gitops-policy.md | 2026-09-30  | grace    |
        """,
        conclusion="effective",
    ),
    Example(
        title="a policy that is in no repository was not reviewed",
        given="",
        conclusion="exceptions",
        exceptions="""
        | subject         | found                                                     |
        | document:policy | no repository holds it, and no review of it is recorded   |
        """,
    ),
    Example(
        title="without the repositories nothing tells of reviews",
        given="",
        without=("git",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """The policy; it fails where nobody looked at it in the quarter."""
    arrived = arrivals(tables["file_changes"], tables["commits"], tables["landings"])
    patterns = {_NAME: context.settings.documents.policy}
    seen = looks(arrived, tables["document_reviews"], patterns, before=context.stop)
    last = seen[seen["there"].fillna(True).astype(bool)].tail(1).reset_index(drop=True)
    rows = pd.DataFrame({"subject": [f"document:{_NAME}"]}, dtype="str")
    rows = rows.assign(
        at=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]"),
        looked=last["at"].reindex(rows.index),
        evidence=last["pointer"].reindex(rows.index).fillna(""),
    )
    reviewed = rows["looked"].ge(context.start).fillna(False).astype(bool)
    blind = context.running or not tables["repositories"]["tip"].notna().any()
    bad = rows[~reviewed & (not blind)]
    found = ("last looked at " + when(bad["looked"])).where(
        bad["looked"].notna(), "no repository holds it, and no review of it is recorded"
    )
    failed = failures(bad, expected="a change or a recorded review in the quarter", found=found)
    return Result(rows[["subject", "at"]], failed)


CONTROL = Control(
    id="DOC-02",
    page=__doc__,
    clause="Review and Update",
    severity=Severity.LOW,
    frameworks={"SOC 2": ("CC5.3",), "ISO 27001": ("5.1", "5.37"), "NIST 800-53": ("CM-1", "PL-1")},
    needs=(GIT,),
    remediation="Review the policy with those who work by it, and land the change or record the review.",
    examples=EXAMPLES,
    test=test,
)
