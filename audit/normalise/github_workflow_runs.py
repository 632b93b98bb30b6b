"""Runs of GitHub workflows, as REST lists them, to `workflow_runs`."""

from __future__ import annotations

import msgspec

from audit.normalise.github import Account, login, repository
from audit.normalise.interface import Context, Outcome
from audit.normalise.jsonformat import Id, JsonFormat, Number, has
from audit.normalise.times import Time, optional, utc


class Run(msgspec.Struct):
    """One run, in its latest attempt; old servers leave out attempts and who set them off."""

    id: Id
    url: str
    workflow_id: Id
    event: str
    head_sha: str
    status: str | None
    conclusion: str | None
    created_at: Time
    updated_at: Time
    name: str | None = None
    path: str | None = None
    head_branch: str | None = None
    run_attempt: Number = 1
    run_started_at: Time | None = None
    actor: Account | None = None
    triggering_actor: Account | None = None


def _rows(run: Run, context: Context) -> Outcome:
    updated = utc(run.updated_at)
    row = {
        "repo": repository(run.url, context),
        "run_id": run.id,
        "attempt": run.run_attempt,
        "workflow_id": run.workflow_id,
        "name": run.name or None,
        "path": run.path,
        "event": run.event,
        "head_sha": run.head_sha,
        "head_branch": run.head_branch,
        "status": run.status,
        "conclusion": run.conclusion,
        "actor": login(run.actor),
        "triggering_actor": login(run.triggering_actor),
        "created_at": utc(run.created_at),
        "started_at": optional(run.run_started_at),
        "updated_at": updated,
    }
    return Outcome([("workflow_runs", row)], updated)


FORMAT = JsonFormat(
    "github-workflow-runs",
    1,
    ("workflow_runs",),
    Run,
    _rows,
    has(("id", "workflow_id", "event", "head_sha", "status", "conclusion", "updated_at"), lacks=("action",)),
)
