"""Reviews of documents, rows of CSV or items of YAML or JSON, to `document_reviews`: one record for each look at one.

Columns may have several names (see `NAMES`).
"""

from __future__ import annotations

from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import JsonFormat
from audit.normalise.people_records import Entry, day, has, required, texts

NAMES = {
    "document": ("document", "document_name", "policy", "page"),
    "reviewed": ("reviewed", "reviewed_at", "reviewed_on", "review_date"),
    "reviewer": ("reviewer", "reviewed_by"),
    "outcome": ("outcome", "result", "decision"),
    "record": ("record", "record_id", "ticket", "link"),
}


def _rows(entry: Entry, _context: Context) -> Outcome:
    found = texts(entry, NAMES)
    reviewed = day(found, "reviewed")
    if reviewed is None:
        raise Unreadable("reviewed is missing: what was not reviewed is no review")
    row = {
        "document": required(found, "document"),
        "reviewed_at": reviewed,
        "reviewer": required(found, "reviewer"),
        "outcome": found["outcome"],
        "record": found["record"],
    }
    return Outcome([("document_reviews", row)], reviewed)


FORMAT = JsonFormat(
    "document-reviews", 1, ("document_reviews",), Entry, _rows, has(NAMES, "document", "reviewed", "reviewer")
)
