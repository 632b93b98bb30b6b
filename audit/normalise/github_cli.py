"""What GitHub's command line prints: `gh pr list --json …`, `gh pr view --json …` and `gh run list --json …`."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from audit.normalise.github_graph import TABLES, pull
from audit.normalise.github_graph_items import moment
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, Number, has
from audit.normalise.times import Time, utc

PULLS_NAME, RUNS_NAME = "github-cli-pulls", "github-cli-runs"
_PLACE = re.compile(r"^https?://[^/?#]+/([^/?#]+/[^/?#]+)/actions/runs/[0-9]+")


class Run(msgspec.Struct, rename="camel", kw_only=True):
    """A run of a workflow, in its latest attempt. Who set it off, and the workflow's file, it can't be asked for."""

    database_id: Id
    workflow_database_id: Id
    attempt: Number
    event: str
    head_sha: str
    status: str
    conclusion: str | None
    created_at: Time
    updated_at: Time
    url: str
    name: str | None = None
    workflow_name: str | None = None
    head_branch: str | None = None
    started_at: Time | None = None


def _pull(value: dict[str, Any], context: Context) -> Outcome:
    found = pull(value, context, format=PULLS_NAME)
    return Outcome(found.rows, found.at, tuple(found.failed))


def _run(run: Run, context: Context) -> Outcome:
    del context
    place = _PLACE.search(run.url)
    if place is None:
        raise Unreadable("url names no run")
    updated = utc(run.updated_at)
    row = {
        "repo": place[1],
        "run_id": run.database_id,
        "attempt": run.attempt,
        "workflow_id": run.workflow_database_id,
        "name": run.workflow_name or run.name or None,
        "path": None,
        "event": run.event,
        "head_sha": run.head_sha,
        "head_branch": run.head_branch or None,
        "status": run.status or None,
        "conclusion": run.conclusion or None,
        "actor": None,
        "triggering_actor": None,
        "created_at": utc(run.created_at),
        "started_at": moment(run.started_at),
        "updated_at": updated,
    }
    return Outcome([("workflow_runs", row)], updated)


PULLS = JsonFormat(
    PULLS_NAME, 1, TABLES, dict[str, Any], _pull, has(("number", "headRefName", "baseRefName", "mergedAt"))
)
RUNS = JsonFormat(
    RUNS_NAME,
    1,
    ("workflow_runs",),
    Run,
    _run,
    has(("databaseId", "headSha", "status", "conclusion", "event")),
)
