"""Deliveries of GitHub's webhooks, stored by a receiver, to the tables that REST exports give, and to `forge_events`.

What a payload holds whole (pull request, review, check run, deployment, run, alert) becomes the same row as an export
of it. What somebody did becomes an event, with who, and what changed from what. A payload rarely tells when: the event
has the time of its own object where that is the moment of the act, else that of GitHub's first delivery, or of its receipt,
where that was written down, else none. A push has the time that `repository.pushed_at` tells; it does not tell a merge from a push by
hand, and is an `update`. A dismissal does not tell what the review had said: it is an event and the review's last state.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from audit.normalise import (
    github_alerts,
    github_checks,
    github_deployment_statuses,
    github_deployments,
    github_pulls,
    github_reviews,
    github_statuses,
    github_webhook_push,
    github_workflow_runs,
)
from audit.normalise.github_deliveries import Delivery, looks, opened
from audit.normalise.github_events import clean, digest, event_row
from audit.normalise.github_webhook_events import NOISE
from audit.normalise.github_webhook_told import branch, changed, detail, own_object, person, subject
from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import JsonFormat
from audit.normalise.times import parse

T = TypeVar("T")
_WHOLE: dict[str, tuple[str, JsonFormat[Any]]] = {
    "pull_request": ("pull_request", github_pulls.FORMAT),
    "pull_request_review": ("review", github_reviews.FORMAT),
    "check_run": ("check_run", github_checks.FORMAT),
    "deployment": ("deployment", github_deployments.FORMAT),
    "deployment_status": ("deployment_status", github_deployment_statuses.FORMAT),
    "workflow_run": ("workflow_run", github_workflow_runs.FORMAT),
    "code_scanning_alert": ("alert", github_alerts.CODE),
    "dependabot_alert": ("alert", github_alerts.DEPENDENCIES),
    "secret_scanning_alert": ("alert", github_alerts.SECRETS),
}
"""Events whose object is what REST gives of it: its key, and the format that reads it."""

_ROWS_ALONE = frozenset({"check_run", "deployment", "deployment_status", "workflow_run", "status", "push"})
"""Events that are told by the rows of their object; what else a person did with it is in `_ASKED`."""

_ASKED = frozenset({"check_run.rerequested", "check_run.requested_action"})
_TIMES = {
    "created": "created_at", "opened": "created_at", "submitted": "submitted_at", "published": "published_at",
    "edited": "updated_at", "closed": "updated_at", "reopened": "updated_at", "synchronize": "updated_at",
    "completed": "updated_at", "resolved": "resolved_at", "dismissed": "dismissed_at", "fixed": "fixed_at",
    "closed_by_user": "dismissed_at", "auto_dismissed": "auto_dismissed_at",
}  # fmt: skip
"""By action, the field of its object that is the moment of the act."""


def _rows(record: dict[str, Any], context: Context) -> Outcome:
    delivery = opened(record)
    if delivery.event in NOISE:
        return Outcome([], delivery.at)
    payload = clean(delivery.payload)
    action = payload.get("action")
    if action is not None and not isinstance(action, str):
        raise Unreadable("action is no text")
    rows, at = _of_object(delivery.event, payload, context)
    name = delivery.event if not action else f"{delivery.event}.{action}"
    if not rows or delivery.event not in _ROWS_ALONE or name in _ASKED:
        event = _event(name, delivery, payload, context)
        rows = [*rows, ("forge_events", event)]
        at = event["at"] or at
    return Outcome(rows, at or delivery.at)


def _of_object(event: str, payload: dict[str, Any], context: Context) -> tuple[Rows, datetime | None]:
    """Rows of the tables that exports fill, and the moment that they speak of."""
    if event == "push":
        return github_webhook_push.rows(payload)
    where = Context(context.source, context.key, context.cluster, _name(payload, "repository", "full_name"))
    if event == "status":
        return _status(payload)
    if event not in _WHOLE:
        return [], None
    key, format_ = _WHOLE[event]
    told = payload.get(key)
    if not isinstance(told, dict):
        raise Unreadable(f"{key} is missing")
    if event == "secret_scanning_alert" and not {"created_at", "state"} <= told.keys():
        return [], None  # older servers leave both out: the event alone tells of it
    outcome = format_.rows(_convert(told, format_.shape, key), where)
    return outcome.rows, outcome.at


def _status(payload: dict[str, Any]) -> tuple[Rows, datetime | None]:
    """A status: its payload names commit and repository by themselves, in place of an address."""
    repo = _name(payload, "repository", "full_name")
    sha = payload.get("sha")
    told = {**payload, "url": f"/repos/{repo}/statuses/{sha}"}
    outcome = github_statuses.FORMAT.rows(_convert(told, github_statuses.Status, "status"), Context("", ""))
    return outcome.rows, outcome.at


def _convert(value: Any, shape: type[T], name: str) -> T:
    try:
        return msgspec.convert(value, shape)
    except (msgspec.ValidationError, OverflowError, ValueError) as error:
        raise Unreadable(f"{name}: {error}") from None


def _event(name: str, delivery: Delivery, payload: dict[str, Any], context: Context) -> Row:
    """Who did what, and what changed from what."""
    about = own_object(delivery.event, payload)
    before, after = changed(name, payload, about)
    return event_row(
        document_id=delivery.guid or digest([delivery.event, payload]),
        told_by="webhook",
        at=_when(payload, about) or delivery.at,
        action=name,
        actor=_name(payload, "sender", "login"),
        actor_is_bot=_is_bot(payload),
        org=_name(payload, "organization", "login"),
        repo=_name(payload, "repository", "full_name") or context.repository,
        user=person(payload),
        subject=subject(delivery.event, payload, about),
        branch=branch(delivery.event, payload, about),
        before=before,
        after=after,
        detail=detail(delivery.event, payload),
    )


def _when(payload: Mapping[str, Any], about: Mapping[str, Any]) -> datetime | None:
    """The moment of the act, where its object tells it."""
    value = about.get(_TIMES.get(str(payload.get("action")), ""))
    if payload.get("action") == "edited" and value == about.get("created_at"):
        return None  # a rule that was edited keeps the time at which it was made
    return parse(value) if isinstance(value, str) else None


def _is_bot(payload: Mapping[str, Any]) -> bool | None:
    kind = _name(payload, "sender", "type")
    return None if kind is None else kind == "Bot"


def _name(payload: Mapping[str, Any], key: str, field: str) -> str | None:
    """A text in one of the objects of the envelope; None where that is not there."""
    value = payload.get(key)
    if value is None:
        return None
    found = value.get(field) if isinstance(value, dict) else None
    if found is not None and not isinstance(found, str):
        raise Unreadable(f"{key}.{field} is no text")
    return found


FORMAT = JsonFormat(
    "github-webhook",
    1,
    (
        "pull_requests", "reviews", "checks", "git_operations", "forge_deployments", "forge_deployment_statuses",
        "workflow_runs", "security_alerts", "forge_events",
    ),
    dict[str, Any],
    _rows,
    looks,
)  # fmt: skip
