"""The required documents exist and were reviewed in the set time.

## Why
Architecture, runbooks, troubleshooting and rollback procedures are read at night, by people in a hurry. What nobody has looked at
for long describes a system that is no longer there.

## Evidence
Git: the documents that the mainlines held at the quarter's end, and when each was last changed by what landed; and reviews that
people recorded where nothing had to be changed. Which documents, and how long a look holds, are settings (`documents`).

## Limits
A change counts as a look, whatever it changed. A look that nobody recorded is none. Several files of one document count as
one: the last look at any of them counts.

## Remediation
Write what is missing; go through what is stale with those who use it, and change it or record the review.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import GIT
from audit.controls.parts import lasting, when
from audit.joins.documents import looks
from audit.joins.presence import arrivals
from audit.model import Severity

_ONE = {"documents": {"required": {"rollback": r"docs/rollback\.md"}, "review_days": 100}}
_PLACES = """
        commits
        | sha | position |
        | a1… | 0        |
        | a2… | 1        |
"""

EXAMPLES = (
    Example(
        title="a document changed exactly as long ago as the limit passes",
        given=_PLACES
        + """
        landings
        | head_sha | position | landed_at        |
        | a1…      | 0        | 2026-06-23 00:00 |
        file_changes
        | sha | path             | status |
        | a1… | docs/rollback.md | A      |
        """,
        settings=_ONE,
        conclusion="effective",
    ),
    Example(
        title="one second longer ago is stale",
        given=_PLACES
        + """
        landings
        | head_sha | position | landed_at           |
        | a1…      | 0        | 2026-06-22 23:59:59 |
        file_changes
        | sha | path             | status |
        | a1… | docs/rollback.md | A      |
        """,
        settings=_ONE,
        conclusion="exceptions",
        exceptions="""
        | subject           | at                   | found                                                |
        | document:rollback | 2026-09-30T23:59:59Z | last looked at 2026-06-22T23:59:59Z: 100 days before |
        """,
    ),
    Example(
        title="a recorded review is a look, by the document's name or path; one after the quarter is not of it",
        given=_PLACES
        + """
        landings
        | head_sha | position | landed_at        |
        | a1…      | 0        | 2025-01-01 00:00 |
        file_changes
        | sha | path             | status |
        | a1… | docs/rollback.md | A      |
        | a1… | docs/runbook.md  | A      |
        | a1… | docs/alarms.md   | A      |
        document_reviews
        | document        | reviewed_at | reviewer |
        | Rollback        | 2026-07-01  | grace    |
        | docs/runbook.md | 2026-07-01  | grace    |
        | alarms          | 2026-10-01  | grace    |
        """,
        settings={
            "documents": {
                "required": {
                    "rollback": r"docs/rollback\.md",
                    "runbooks": r"docs/runbook\.md",
                    "alarms": r"docs/alarms\.md",
                },
                "review_days": 100,
            }
        },
        conclusion="exceptions",
        exceptions="""
        | subject         |
        | document:alarms |
        """,
    ),
    Example(
        title="a document that was taken away is missing, whoever looked at it; so is one that never was",
        given=_PLACES
        + """
        landings
        | head_sha | position | landed_at           |
        | a1…      | 0        | 2026-09-01 00:00    |
        | a2…      | 1        | 2026-09-30 23:59:59 |
        file_changes
        | sha | path             | status |
        | a1… | docs/rollback.md | A      |
        | a2… | docs/rollback.md | D      |
        document_reviews
        | document | reviewed_at | reviewer |
        | rollback | 2020-07-01  | grace    |
        """,
        settings={
            "documents": {"required": {"rollback": r"docs/rollback\.md", "runbooks": r"docs/runbook\.md"}}
        },
        conclusion="exceptions",
        exceptions="""
        | subject           | at | found                                         |
        | document:rollback |    | no file of this document at the quarter's end |
        | document:runbooks |    | no file of this document at the quarter's end |
        """,
    ),
    Example(
        title="without the repositories nothing tells what is documented",
        given="",
        without=("git",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Each document of the settings, as it stood at the quarter's end."""
    rules = context.settings.documents
    arrived = arrivals(tables["file_changes"], tables["commits"], tables["landings"])
    seen = looks(arrived, tables["document_reviews"], rules.required, before=context.stop)
    names = pd.DataFrame({"document": sorted(rules.required)}, dtype="str")
    there = seen.loc[seen["there"].fillna(False).astype(bool), "document"]
    last = seen[seen["there"].fillna(True).astype(bool)].drop_duplicates("document", keep="last")
    rows = names.merge(last, on="document", how="left")
    missing = ~rows["document"].isin(there)
    age = context.stop - rows["at"]
    limit = pd.Timedelta(days=rules.review_days)
    stale = age.gt(limit).fillna(False).astype(bool)
    due = rows["at"] + limit
    none = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")
    rows = rows.assign(
        subject="document:" + rows["document"],
        looked=rows["at"],
        at=due.mask(due < context.start, context.start).where(stale & ~missing),
    )
    read = bool(tables["repositories"]["tip"].notna().any())
    wrong = (missing | stale) & read
    bad = rows[wrong].reset_index(drop=True)
    found = "last looked at " + when(bad["looked"]) + ": " + lasting(context.stop - bad["looked"]) + " before"
    found = found.mask(missing[wrong].to_numpy(), "no file of this document at the quarter's end")
    failed = failures(
        bad,
        expected=f"a file of this document, looked at within {rules.review_days} days",
        found=found,
        evidence=bad["pointer"].fillna(""),
    )
    return Result(rows.assign(at=none)[["subject", "at"]], failed)


CONTROL = Control(
    id="DOC-01",
    page=__doc__,
    clause="Training and Documentation › Documentation",
    severity=Severity.LOW,
    frameworks={"SOC 2": ("CC5.3",), "ISO 27001": ("5.1", "5.37"), "NIST 800-53": ("CM-1", "PL-1")},
    needs=(GIT,),
    remediation="Write what is missing, and go through what is stale with those who use it.",
    examples=EXAMPLES,
    test=test,
)
