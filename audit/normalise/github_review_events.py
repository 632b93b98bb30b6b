"""GitHub issue events, of which dismissals of reviews go to `review_dismissals`; every other event is noise."""

from __future__ import annotations

import re

import msgspec

from audit.normalise.github import Account, login, repository
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, Number, has
from audit.normalise.times import Time, utc

_KEY = re.compile(r"(?:^|/)pulls/([0-9]{6,18})/events/page-[0-9]+\.json$")


class _Issue(msgspec.Struct):
    number: Number


class _Dismissed(msgspec.Struct):
    state: str
    review_id: Id


class IssueEvent(msgspec.Struct):
    """One event. Those of a whole repository name the issue; those of one issue leave it out."""

    id: Id
    event: str
    created_at: Time
    url: str | None = None
    actor: Account | None = None
    issue: _Issue | None = None
    dismissed_review: _Dismissed | None = None


def _rows(event: IssueEvent, context: Context) -> Outcome:
    at = utc(event.created_at)
    if event.event != "review_dismissed":
        return Outcome([], at)
    if event.dismissed_review is None:
        raise Unreadable("dismissed_review is missing")
    row = {
        "repo": repository(event.url, context),
        "number": _number(event, context),
        "review_id": event.dismissed_review.review_id,
        "dismissed_at": at,
        "dismissed_by": login(event.actor),
        "state_before": event.dismissed_review.state.lower(),
    }
    return Outcome([("review_dismissals", row)], at)


def _number(event: IssueEvent, context: Context) -> int:
    """The pull request: as the event names it, else as the key of the list that holds it, which `collect` wrote."""
    if event.issue is not None:
        return event.issue.number
    key = _KEY.search(context.key)
    if key is None:
        raise Unreadable("it names no pull request: export the events of the repository, not of one issue")
    return int(key[1])


FORMAT = JsonFormat(
    "github-review-events",
    3,
    ("review_dismissals",),
    IssueEvent,
    _rows,
    has(("id", "event", "created_at", "actor"), lacks=("action", "workflow_id")),
)
