"""GitHub's repository activity, every change of a ref, to `git_operations`."""

from __future__ import annotations

import msgspec

from audit.normalise.github import Account, login, repository
from audit.normalise.interface import Context, Outcome
from audit.normalise.jsonformat import Id, JsonFormat, has
from audit.normalise.times import Time, utc


class Activity(msgspec.Struct):
    """One change of a ref. It does not name its repository: the source must."""

    id: Id
    before: str
    after: str
    ref: str
    timestamp: Time
    activity_type: str
    actor: Account | None = None


def _rows(activity: Activity, context: Context) -> Outcome:
    at = utc(activity.timestamp)
    row = {
        "repo": repository(None, context),
        "operation_id": activity.id,
        "at": at,
        "ref": activity.ref,
        "before": activity.before,
        "after": activity.after,
        "operation": activity.activity_type,
        "actor": login(activity.actor),
    }
    return Outcome([("git_operations", row)], at)


FORMAT = JsonFormat(
    "github-activity",
    1,
    ("git_operations",),
    Activity,
    _rows,
    has(("before", "after", "ref", "activity_type", "timestamp")),
)
