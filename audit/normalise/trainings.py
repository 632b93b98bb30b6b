"""Training records, rows of CSV or items of YAML or JSON, to `trainings`.

Columns may have several names, as systems for learning export them (`person`, `email`, `user` …; see `NAMES`). Where they name the
person in several ways, the first of these that is filled counts: an address says more than a name.
"""

from __future__ import annotations

from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import JsonFormat
from audit.normalise.people_records import Entry, day, has, required, texts, word

NAMES = {
    "person": ("person", "email", "e-mail", "email_address", "user_email", "learner_email", "employee_email", "work_email",
               "user_principal_name", "login", "username", "user", "employee", "learner"),
    "training": ("training", "course", "course_name", "training_name", "course_title", "training_title", "item_title",
                 "content_name", "learning_content"),
    "completed": ("completed", "completed_at", "completed_on", "completion_date", "completed_date", "date_completed"),
    "expires": ("expires", "expires_at", "expires_on", "expiry_date", "expiration_date", "valid_until"),
    "assigned": ("assigned", "assigned_at", "assigned_on", "assignment_date", "enrollment_date"),
    "due": ("due", "due_at", "due_on", "due_date"),
    "status": ("status", "result", "completion_status", "enrollment_status", "transcript_status"),
    "record": ("record", "record_id", "certificate", "link"),
}  # fmt: skip
_STATUS = {
    **dict.fromkeys(("completed", "complete", "passed", "done"), "completed"),
    **dict.fromkeys(("failed",), "failed"),
    **dict.fromkeys(
        (
            "open",
            "assigned",
            "enrolled",
            "not started",
            "not attempted",
            "in progress",
            "incomplete",
            "overdue",
        ),
        "open",
    ),
    "expired": "expired",
}


def _rows(entry: Entry, _context: Context) -> Outcome:
    found = texts(entry, NAMES, first=("person",))
    completed = day(found, "completed")
    expires = day(found, "expires")
    status = word(found, "status", _STATUS, "open" if completed is None else "completed")
    if status == "expired" and expires is None:
        raise Unreadable("expires is missing, though the training is said to have expired")
    status = "completed" if status == "expired" else status
    if (status == "completed" and completed is None) or (status == "open" and completed is not None):
        given = "missing" if completed is None else "given"
        raise Unreadable(f"completed is {given}, though the training is said to be {status}")
    row = {
        "person": required(found, "person"),
        "training": required(found, "training"),
        "status": status,
        "completed_at": completed,
        "expires_at": expires,
        "assigned_at": day(found, "assigned"),
        "due_at": day(found, "due"),
        "record": found["record"],
    }
    return Outcome([("trainings", row)], completed)


FORMAT = JsonFormat(
    "trainings", 2, ("trainings",), Entry, _rows, has(NAMES, "person", "training", "completed")
)
