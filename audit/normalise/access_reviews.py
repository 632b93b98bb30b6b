"""Access reviews, rows of CSV or items of YAML or JSON, to `access_reviews`: one record for each right listed.

Columns may have several names (see `NAMES`). The worksheet that `audit access-review` writes is one; a line of it on which
nobody decided anything yet has no reviewer.
"""

from __future__ import annotations

from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import JsonFormat
from audit.normalise.people_records import Entry, day, has, required, texts, word

NAMES = {
    "review": ("review", "review_id", "campaign", "campaign_name", "certification"),
    "listed": ("listed", "listed_at", "listed_on", "listing_date"),
    "reviewer": ("reviewer", "reviewed_by", "certifier"),
    "subject": (
        "subject",
        "person",
        "user",
        "account",
        "email",
        "identity",
        "user_principal_name",
        "username",
    ),
    "system": ("system", "application", "cluster", "repository", "resource"),
    "right_id": ("right_id",),
    "right": ("right", "access", "role", "permission", "entitlement"),
    "decision": ("decision", "outcome", "review_decision"),
    "decided": ("decided", "decided_at", "decided_on", "decision_date", "reviewed_at", "reviewed_date"),
    "removed": ("removed", "removed_at", "removed_on", "removal_date"),
    "proof": ("proof", "proof_of_removal", "removal_proof", "ticket"),
}
_DECISIONS = {
    **dict.fromkeys(("keep", "kept", "approve", "approved", "certify", "certified", "retain"), "keep"),
    **dict.fromkeys(("change", "changed", "reduce"), "change"),
    **dict.fromkeys(("revoke", "revoked", "remove", "removed", "deny", "denied"), "revoke"),
    **dict.fromkeys(("open", "pending", "not reviewed", "undecided"), "open"),
}


def _rows(entry: Entry, _context: Context) -> Outcome:
    found = texts(entry, NAMES)
    listed = day(found, "listed")
    if listed is None:
        raise Unreadable("listed is missing")
    decision = word(found, "decision", _DECISIONS, "open")
    removed = day(found, "removed")
    if removed is not None and decision in ("keep", "open"):
        raise Unreadable(f"removed is given, though the decision is {decision}")
    row = {
        "review": found["review"] or "",
        "listed_at": listed,
        "reviewer": (found["reviewer"] or "") if decision == "open" else required(found, "reviewer"),
        "subject": required(found, "subject"),
        "system": found["system"] or "",
        "right": required(found, "right"),
        "right_id": found["right_id"],
        "decision": decision,
        "decided_at": day(found, "decided"),
        "removed_at": removed,
        "proof": found["proof"],
    }
    return Outcome([("access_reviews", row)], listed)


FORMAT = JsonFormat(
    "access-reviews",
    3,
    ("access_reviews",),
    Entry,
    _rows,
    has(NAMES, "reviewer", "subject", "right", "decision"),
)
