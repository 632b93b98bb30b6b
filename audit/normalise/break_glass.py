"""Records of break-glass, rows of CSV or items of YAML or JSON, to `break_glass_records`: one record for each emergency.

As a ticket system exports them: who asked, for which cluster, from when to when, who looked afterwards, and what brought the
changes back to Git. Columns may have several names (see `NAMES`).
"""

from __future__ import annotations

from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import JsonFormat
from audit.normalise.people_records import Entry, day, has, required, texts

NAMES = {
    "ticket": ("ticket", "ticket_id", "incident", "key"),
    "person": ("person", "requester", "opened_by"),
    "cluster": ("cluster", "cluster_name"),
    "opened": ("opened", "opened_at"),
    "closed": ("closed", "closed_at"),
    "reviewed": ("reviewed", "reviewed_at"),
    "reviewer": ("reviewer", "reviewed_by"),
    "returned": ("returned_by", "pull_requests", "pull_request", "change"),
}


def _rows(entry: Entry, _context: Context) -> Outcome:
    found = texts(entry, NAMES)
    opened, closed = day(found, "opened"), day(found, "closed")
    if opened is None:
        raise Unreadable("opened is missing: what never began is no emergency")
    if closed is not None and closed <= opened:
        raise Unreadable("it is closed before it is opened")
    row = {
        "ticket": required(found, "ticket"),
        "person": required(found, "person"),
        "cluster": required(found, "cluster"),
        "opened_at": opened,
        "closed_at": closed,
        "reviewed_at": day(found, "reviewed"),
        "reviewer": found["reviewer"],
        "returned": found["returned"],
    }
    return Outcome([("break_glass_records", row)], opened)


FORMAT = JsonFormat(
    "break-glass",
    1,
    ("break_glass_records",),
    Entry,
    _rows,
    has(NAMES, "ticket", "person", "cluster", "opened"),
)
