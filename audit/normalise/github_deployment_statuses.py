"""Statuses of GitHub deployments, as REST lists them, to `forge_deployment_statuses`."""

from __future__ import annotations

import re

import msgspec

from audit.normalise.github import Account, login, repository
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, has
from audit.normalise.times import Time, utc

_DEPLOYMENT = re.compile(r"/deployments/([0-9]{1,18})$")


class Status(msgspec.Struct):
    """One status; only the deployment's URL says of which deployment."""

    id: Id
    state: str
    deployment_url: str
    created_at: Time
    creator: Account | None
    environment: str | None = None


def _rows(status: Status, context: Context) -> Outcome:
    deployment = _DEPLOYMENT.search(status.deployment_url)
    if deployment is None:
        raise Unreadable("deployment_url names no deployment")
    at = utc(status.created_at)
    row = {
        "repo": repository(status.deployment_url, context),
        "deployment_id": int(deployment[1]),
        "status_id": status.id,
        "at": at,
        "state": status.state,
        "environment": status.environment or None,
        "creator": login(status.creator),
    }
    return Outcome([("forge_deployment_statuses", row)], at)


FORMAT = JsonFormat(
    "github-deployment-statuses",
    1,
    ("forge_deployment_statuses",),
    Status,
    _rows,
    has(("id", "state", "deployment_url", "created_at")),
)
