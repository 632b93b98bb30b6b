"""GitHub deployments, as REST lists them, to `forge_deployments`."""

from __future__ import annotations

import msgspec

from audit.normalise.github import Account, login, repository
from audit.normalise.interface import Context, Outcome
from audit.normalise.jsonformat import Id, JsonFormat, has
from audit.normalise.times import Time, utc


class Deployment(msgspec.Struct):
    """One deployment. Its payload, which is the user's own, is not taken in."""

    id: Id
    url: str
    sha: str
    ref: str
    task: str
    environment: str
    created_at: Time
    updated_at: Time
    creator: Account | None


def _rows(deployment: Deployment, context: Context) -> Outcome:
    at = utc(deployment.created_at)
    row = {
        "repo": repository(deployment.url, context),
        "deployment_id": deployment.id,
        "at": at,
        "updated_at": utc(deployment.updated_at),
        "sha": deployment.sha,
        "ref": deployment.ref,
        "environment": deployment.environment,
        "task": deployment.task,
        "creator": login(deployment.creator),
    }
    return Outcome([("forge_deployments", row)], at)


FORMAT = JsonFormat(
    "github-deployments",
    1,
    ("forge_deployments",),
    Deployment,
    _rows,
    has(("id", "sha", "ref", "task", "environment", "created_at", "statuses_url")),
)
