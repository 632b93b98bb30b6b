"""GitHub commit statuses, as REST lists them, to `checks`: each status that was set is a check of its own."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from audit.normalise.github import repository
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, has
from audit.normalise.times import Time, utc

_COMMIT = re.compile(r"/statuses/([0-9a-f]{40}|[0-9a-f]{64})$")
_PENDING = "pending"


class Status(msgspec.Struct):
    """One status. Only its URL names the commit; it never changes: another one takes its place."""

    id: Id
    url: str
    state: Literal["success", "failure", "error", "pending"]
    context: str
    created_at: Time


def _rows(status: Status, context: Context) -> Outcome:
    commit = _COMMIT.search(status.url)
    if commit is None:
        raise Unreadable("its url names no commit")
    at = utc(status.created_at)
    over = status.state != _PENDING
    row = {
        "repo": repository(status.url, context),
        "kind": "status",
        "check_id": status.id,
        "head_sha": commit[1],
        "name": status.context,
        "status": "completed" if over else _PENDING,
        "conclusion": status.state if over else None,
        "started_at": at,
        "completed_at": at if over else None,
        "app": None,
    }
    return Outcome([("checks", row)], at)


FORMAT = JsonFormat(
    "github-statuses",
    1,
    ("checks",),
    Status,
    _rows,
    has(
        ("id", "url", "state", "context", "created_at"),
        lacks=("sha", "branches", "commit", "environment", "statuses"),
    ),
)
