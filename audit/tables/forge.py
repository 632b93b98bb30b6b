"""What the forge says: pull requests, reviews, checks, pushes and its own audit log."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column

CATEGORIES = (
    "push", "pull_request", "review", "protection", "ruleset", "merge_queue", "repository", "access", "key", "app", "token",
    "runner", "secret_scanning", "actions", "deployment", "check", "hook", "organisation", "other",
)  # fmt: skip
"""Kinds of what is done on the forge."""

_EVIDENCE = "sha256 of the evidence object"
_LINE = "Record in that object, counted from 1"


class PullRequests(Table):
    """Pull requests as exported from the forge; the latest export of each."""

    repo: str = column("Repository")
    number: Int = column("Pull request number", ge=1)
    title_text: str = column("Title")
    state: str = column("open or closed", isin=["open", "closed"])
    author: str = column("Login that opened it", optional=True)
    created_at: UTC = column("Opened")
    updated_at: UTC = column("Last changed, by which the latest export is chosen")
    merged_at: UTC = column("Merged; missing when it was not", optional=True)
    merged_by: str = column("Login that merged it", optional=True)
    merge_sha: str = column("Commit that the merge put on the base branch", optional=True)
    head_sha: str = column("Last commit of its branch; at merge, for a merged one")
    head_ref: str = column("Its branch")
    base_ref: str = column("Branch it was merged into")
    commits: Int = column("Commits it holds", unit="commits", optional=True, ge=0)
    labels: str = column("Labels, separated by commas")
    draft: Bool = column("Still a draft")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Pull requests"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: pulls",
            "stage": "normalised",
            "time": "created_at",
        }
        unique: ClassVar[list[str]] = ["repo", "number"]


class Reviews(Table):
    """Reviews of pull requests; the latest export of each."""

    repo: str = column("Repository")
    number: Int = column("Pull request number", ge=1)
    review_id: Int = column("The forge's id of the review")
    reviewer: str = column("Login of the reviewer", optional=True)
    state: str = column(
        "State when exported", isin=["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]
    )
    submitted_at: UTC = column("Submitted; missing while pending", optional=True)
    commit_sha: str = column("Commit that was reviewed", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Reviews of pull requests"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: pulls/N/reviews",
            "stage": "normalised",
            "time": "submitted_at",
        }
        unique: ClassVar[list[str]] = ["repo", "number", "review_id"]


class ReviewDismissals(Table):
    """Reviews that were dismissed: by whom, when, and what they had said."""

    repo: str = column("Repository")
    number: Int = column("Pull request number", ge=1)
    review_id: Int = column("The forge's id of the review")
    dismissed_at: UTC = column("When")
    dismissed_by: str = column("Login that dismissed it", optional=True)
    state_before: str = column("What the review had said: approved, changes_requested or commented")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Dismissed reviews"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: issues/N/events, event review_dismissed",
            "stage": "normalised",
            "time": "dismissed_at",
        }
        unique: ClassVar[list[str]] = ["repo", "number", "review_id"]


class Checks(Table):
    """Check runs and statuses of commits."""

    repo: str = column("Repository")
    kind: str = column("check run, or status", isin=["check run", "status"])
    check_id: Int = column("The forge's id of the run, or of the status")
    head_sha: str = column("Commit that was checked")
    name: str = column("Name of the check; of a status, its context")
    status: str = column("queued, in_progress or completed (others as the forge says)")
    conclusion: str = column("success, failure, skipped, …; missing while it runs", optional=True)
    started_at: UTC = column("Started", optional=True)
    completed_at: UTC = column("Completed", optional=True)
    app: str = column("App that ran it", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Check runs and statuses"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: commits/SHA/check-runs, commits/SHA/statuses",
            "stage": "normalised",
            "time": "started_at",
        }
        unique: ClassVar[list[str]] = ["repo", "kind", "check_id"]


class GitOperations(Table):
    """Every change of a ref that the forge recorded."""

    repo: str = column("Repository")
    operation_id: Int = column(
        "The forge's id of the activity; of what a webhook told, a number below zero made of what it says"
    )
    at: UTC = column("When")
    ref: str = column("Full ref name")
    before: str = column("Commit before; zeros when the ref was made")
    after: str = column("Commit after; zeros when the ref was deleted")
    operation: str = column(
        "push, force_push, branch_creation, branch_deletion, pr_merge or merge_queue_merge; update: a webhook told it, and "
        "not whether by a push or a merge; tag_creation, tag_deletion"
    )
    actor: str = column("Authenticated login", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Pushes and other ref changes, as the forge recorded them"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: repos/OWNER/NAME/activity; webhooks: push",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["repo", "operation_id"]


class ForgeEvents(Table):
    """What was done on the forge, as its own audit log and its webhooks tell it."""

    document_id: str = column(
        "The log's own id of the event, or the delivery's of a webhook; sha256 of what it says where it has none"
    )
    told_by: str = column("log or webhook: the same event may be told by both", isin=["log", "webhook"])
    at: UTC = column("When; missing where a webhook tells no time: its evidence object does", optional=True)
    action: str = column("Action, such as protected_branch.policy_override")
    category: str = column("Of what kind the action is; other: of no known kind", isin=list(CATEGORIES))
    actor: str = column("Login that acted", optional=True)
    actor_is_bot: Bool = column("The log calls the actor a bot", optional=True)
    access: str = column("Kind of token or key with which a program did it, as the log tells", optional=True)
    org: str = column("Organisation it concerns", optional=True)
    repo: str = column("Repository it concerns", optional=True)
    user: str = column("Login it concerns", optional=True)
    subject: str = column("What it concerns: ruleset, team, key, app, runner, environment, …", optional=True)
    branch: str = column("Branch, ref or pattern of branches it concerns", optional=True)
    before: str = column("What was changed, before: JSON with sorted keys", optional=True)
    after: str = column("The same fields after, as far as told", optional=True)
    detail: str = column("Every other field, as JSON with sorted keys; secrets are left out")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "What was done on the forge"
        metadata: ClassVar[Meta] = {
            "source": "GitHub audit log stream and webhooks",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["document_id"]
