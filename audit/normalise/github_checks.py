"""GitHub check runs, as REST gives them, to `checks`."""

from __future__ import annotations

import msgspec

from audit.normalise.github import repository
from audit.normalise.interface import Context, Outcome
from audit.normalise.jsonformat import Id, JsonFormat, has
from audit.normalise.times import Time, optional


class _App(msgspec.Struct):
    slug: str | None = None
    name: str | None = None


class CheckRun(msgspec.Struct):
    """One check run; conclusion and end are null while it runs."""

    id: Id
    head_sha: str
    name: str
    status: str
    conclusion: str | None
    started_at: Time | None
    completed_at: Time | None
    url: str | None = None
    app: _App | None = None


def _rows(run: CheckRun, context: Context) -> Outcome:
    started, completed = optional(run.started_at), optional(run.completed_at)
    row = {
        "repo": repository(run.url, context),
        "kind": "check run",
        "check_id": run.id,
        "head_sha": run.head_sha,
        "name": run.name,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": started,
        "completed_at": completed,
        "app": None if run.app is None else run.app.slug or run.app.name,
    }
    return Outcome([("checks", row)], completed or started)


FORMAT = JsonFormat(
    "github-checks",
    2,
    ("checks",),
    CheckRun,
    _rows,
    has(("head_sha", "name", "status", "conclusion", "completed_at"), lacks=("run_id", "workflow_id")),
)
