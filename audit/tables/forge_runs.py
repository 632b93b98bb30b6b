"""What the forge itself ran: deployments to its environments with their statuses, and runs of workflows."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Int, Meta, Table, column

_EVIDENCE = "sha256 of the evidence object"
_LINE = "Record in the object, counted from 1"


class ForgeDeployments(Table):
    """Deployments that somebody, or a workflow, asked the forge for."""

    repo: str = column("Repository")
    deployment_id: Int = column("The forge's id of the deployment", ge=0)
    at: UTC = column("When it was asked for")
    updated_at: UTC = column("When it was changed last")
    sha: str = column("Commit that it is of")
    ref: str = column("Branch, tag or commit that was named")
    environment: str = column("Environment of the forge's that it is for")
    task: str = column("What is done: deploy, or as the forge says")
    creator: str = column("Login that asked for it", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Deployments, as the forge recorded them"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: repos/OWNER/NAME/deployments",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["repo", "deployment_id"]


class ForgeDeploymentStatuses(Table):
    """What became of deployments, step by step."""

    repo: str = column("Repository")
    deployment_id: Int = column("The forge's id of the deployment", ge=0)
    status_id: Int = column(
        "The forge's id of the status; below zero where it gives none, and made of what the status says"
    )
    at: UTC = column("When it was set")
    state: str = column("success, failure, error, inactive, in_progress, queued, pending or waiting")
    environment: str = column("Environment that it is of", optional=True)
    creator: str = column("Login that set it", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Statuses of deployments, as the forge recorded them"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: repos/OWNER/NAME/deployments/ID/statuses",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["repo", "status_id"]


class WorkflowRuns(Table):
    """Runs of workflows, each attempt by itself."""

    repo: str = column("Repository")
    run_id: Int = column("The forge's id of the run", ge=0)
    attempt: Int = column("1 for the first; what was run again counts on", unit="attempts", ge=1)
    workflow_id: Int = column("The forge's id of the workflow", ge=0)
    name: str = column("Name of the workflow", optional=True)
    path: str = column("File of the workflow", optional=True)
    event: str = column("What set it off, such as push or pull_request")
    head_sha: str = column("Commit that it ran on")
    head_branch: str = column("Branch of that commit", optional=True)
    status: str = column("queued, in_progress or completed (others as the forge says)", optional=True)
    conclusion: str = column("success, failure, cancelled, …; missing while it runs", optional=True)
    actor: str = column("Login that set off the first attempt", optional=True)
    triggering_actor: str = column("Login that set off this one", optional=True)
    created_at: UTC = column("When the run was made")
    started_at: UTC = column("When this attempt started", optional=True)
    updated_at: UTC = column("When it was changed last")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Runs of the forge's workflows"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: repos/OWNER/NAME/actions/runs",
            "stage": "normalised",
            "time": "created_at",
        }
        unique: ClassVar[list[str]] = ["repo", "run_id", "attempt"]
