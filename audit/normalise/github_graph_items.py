"""What hangs on a pull request in GraphQL's names: reviews, dismissals and checks, to the rows that REST exports give.

Where a review or check has no number (`gh` gives none, nor does GraphQL of a status), a number below zero, made of what it
says, takes its place: beside the export of REST the row with the forge's own number stays.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from audit.normalise.github import made_id
from audit.normalise.interface import Row, Unreadable
from audit.normalise.jsonformat import Id
from audit.normalise.times import Time, optional, utc

T = TypeVar("T")
_APP = "app/"
_BOT = "[bot]"
_NO_YEAR = 1  # what the command line writes for no time at all
_STATES = frozenset({"APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"})
_ENDS = {"SUCCESS": "success", "FAILURE": "failure", "ERROR": "error", "PENDING": None}
_EXPECTED = "EXPECTED"


class Actor(msgspec.Struct):
    """Who did something. GraphQL names an app by its kind, the command line by a prefix, REST by a suffix."""

    login: str
    kind: str | None = msgspec.field(default=None, name="__typename")


class Commit(msgspec.Struct):
    """A commit."""

    oid: str


class _Review(msgspec.Struct, rename="camel"):
    author: Actor | None
    state: str
    submitted_at: Time | None
    commit: Commit | None = None
    id: str | None = None
    database_id: Id | None = None
    full_database_id: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,18}$")] | Id | None = None


class _Numbered(msgspec.Struct):
    databaseId: Id


class _Dismissed(msgspec.Struct, rename="camel"):
    created_at: Time
    actor: Actor | None
    previous_review_state: str
    review: _Numbered


class _Slug(msgspec.Struct):
    slug: str | None = None


class _Suite(msgspec.Struct):
    app: _Slug | None = None


class _Run(msgspec.Struct, rename="camel"):
    name: str
    status: str
    conclusion: str | None
    started_at: Time | None
    completed_at: Time | None
    database_id: Id | None = None
    check_suite: _Suite | None = None


class _Status(msgspec.Struct, rename="camel"):
    context: str
    state: str
    created_at: Time | None = None
    started_at: Time | None = None


def converted(value: Any, shape: type[T], name: str) -> T:
    """A value as a Struct.

    Raises:
        Unreadable: it lacks what the Struct requires, or holds what it forbids.
    """
    try:
        return msgspec.convert(value, shape)
    except (msgspec.ValidationError, OverflowError, ValueError) as error:
        raise Unreadable(f"{name}: {error}") from None


def login(actor: Actor | None) -> str | None:
    """The login as REST writes it; None for an account that is gone."""
    if actor is None:
        return None
    if actor.login.startswith(_APP):
        return actor.login.removeprefix(_APP) + _BOT
    is_bot = actor.kind == "Bot" and not actor.login.endswith(_BOT)
    return actor.login + _BOT if is_bot else actor.login


def moment(value: datetime | None) -> datetime | None:
    """A time in UTC; None for none, and for the year 1, which the command line writes for none."""
    return None if value is None or value.year == _NO_YEAR else optional(value)


def review(item: Any, repo: str, pull: int) -> tuple[str, Row]:
    """A review of a pull request."""
    found = converted(item, _Review, "review")
    state = found.state.upper()
    if state not in _STATES:
        raise Unreadable(f"unknown state {found.state[:40]!r}")
    at = moment(found.submitted_at)
    if at is None and state != "PENDING":
        raise Unreadable("submittedAt is missing, and it is not pending")
    commit = found.commit.oid if found.commit is not None and found.commit.oid else None
    number = found.database_id if found.database_id is not None else found.full_database_id
    said = found.id or f"{login(found.author)} {at} {commit}"
    row = {
        "repo": repo,
        "number": pull,
        "review_id": int(number) if number is not None else made_id(repo, str(pull), said),
        "reviewer": login(found.author),
        "state": state,
        "submitted_at": at,
        "commit_sha": commit,
    }
    return "reviews", row


def event(item: Any, repo: str, pull: int) -> tuple[str, Row] | None:
    """Of the timeline, dismissals of reviews and the reviews themselves; what else happened is told elsewhere."""
    kind = item.get("__typename") if isinstance(item, dict) else None
    if kind == "PullRequestReview":
        return review(item, repo, pull)
    if kind != "ReviewDismissedEvent" and not (isinstance(item, dict) and "previousReviewState" in item):
        return None
    found = converted(item, _Dismissed, "review_dismissed")
    row = {
        "repo": repo,
        "number": pull,
        "review_id": found.review.databaseId,
        "dismissed_at": utc(found.created_at),
        "dismissed_by": login(found.actor),
        "state_before": found.previous_review_state.lower(),
    }
    return "review_dismissals", row


def check(item: Any, repo: str, sha: str) -> tuple[str, Row] | None:
    """A check run, or a status, of a commit; None for a status that a rule asks for and nobody has set."""
    if isinstance(item, dict) and "context" in item:
        return _status(converted(item, _Status, "status"), repo, sha)
    found = converted(item, _Run, "check run")
    started, completed = moment(found.started_at), moment(found.completed_at)
    app = found.check_suite.app if found.check_suite is not None else None
    number = found.database_id
    row = {
        "repo": repo,
        "kind": "check run",
        "check_id": made_id(repo, sha, found.name, str(started)) if number is None else number,
        "head_sha": sha,
        "name": found.name,
        "status": found.status.lower(),
        "conclusion": found.conclusion.lower() if found.conclusion else None,
        "started_at": started,
        "completed_at": completed,
        "app": app.slug if app is not None else None,
    }
    return "checks", row


def _status(found: _Status, repo: str, sha: str) -> tuple[str, Row] | None:
    if found.state == _EXPECTED:
        return None
    if found.state not in _ENDS:
        raise Unreadable(f"unknown state {found.state[:40]!r}")
    at = moment(found.created_at or found.started_at)
    if at is None:
        raise Unreadable("createdAt is missing")
    end = _ENDS[found.state]
    row = {
        "repo": repo,
        "kind": "status",
        "check_id": made_id(repo, sha, found.context, str(at)),
        "head_sha": sha,
        "name": found.context,
        "status": "pending" if end is None else "completed",
        "conclusion": end,
        "started_at": at,
        "completed_at": None if end is None else at,
        "app": None,
    }
    return "checks", row
