"""Which event of GitHub's a webhook's payload is, told by its shape alone; and which events are noise by rule.

Source: GitHub's documentation of webhook events and payloads. A payload does not name its event (a header does); its
keys tell it, those of the envelope (who, where) left aside.
"""

from __future__ import annotations

from typing import Any

ENVELOPE = frozenset({"action", "sender", "repository", "organization", "installation", "enterprise"})
"""Keys that payloads of most events have."""

NOISE = frozenset(
    {
        "commit_comment", "discussion", "discussion_comment", "fork", "gollum", "issue_comment", "issue_dependencies", "issues",
        "label", "marketplace_purchase", "milestone", "page_build", "ping", "project", "project_card", "project_column",
        "projects_v2", "projects_v2_item", "projects_v2_status_update", "pull_request_review_comment",
        "pull_request_review_thread", "repository_advisory", "secret_scanning_scan", "security_advisory", "sponsorship", "star",
        "sub_issues", "watch", "workflow_job",
    }
)  # fmt: skip
"""Events that say nothing of change, review or access: talk, plans, stars, and steps of what a workflow's run tells."""

_OWN: tuple[tuple[frozenset[str], str], ...] = tuple(
    (frozenset(keys.split()), event)
    for keys, event in (
        ("ref before after pusher", "push"),
        ("zen hook_id", "ping"),
        ("hook hook_id", "meta"),
        ("review pull_request", "pull_request_review"),
        ("thread pull_request", "pull_request_review_thread"),
        ("comment pull_request", "pull_request_review_comment"),
        ("number pull_request", "pull_request"),
        ("comment discussion", "discussion_comment"),
        ("comment issue", "issue_comment"),
        ("discussion", "discussion"),
        ("issue", "issues"),
        ("comment", "commit_comment"),
        ("deployment_status deployment", "deployment_status"),
        ("workflow_job", "workflow_job"),
        ("workflow_run workflow_job_run", "deployment_review"),
        ("deployment_callback_url environment", "deployment_protection_rule"),
        ("workflow_run since", "deployment_review"),
        ("deployment", "deployment"),
        ("workflow_run workflow", "workflow_run"),
        ("check_run", "check_run"),
        ("check_suite", "check_suite"),
        ("sha state context", "status"),
        ("ref ref_type master_branch", "create"),
        ("ref ref_type pusher_type", "delete"),
        ("inputs ref workflow", "workflow_dispatch"),
        ("client_payload branch", "repository_dispatch"),
        ("repository_ruleset", "repository_ruleset"),
        ("rule", "branch_protection_rule"),
        ("merge_group", "merge_group"),
        ("personal_access_token_request", "personal_access_token_request"),
        ("exemption_request", "exemption_request"),
        ("alert location", "secret_scanning_alert_location"),
        ("member team", "membership"),
        ("member", "member"),
        ("blocked_user", "org_block"),
        ("repositories_added repositories_removed", "installation_repositories"),
        ("account target_type", "installation_target"),
        ("key", "deploy_key"),
        ("forkee", "fork"),
        ("pages", "gollum"),
        ("label", "label"),
        ("milestone", "milestone"),
        ("package", "package"),
        ("registry_package", "registry_package"),
        ("release", "release"),
        ("build id", "page_build"),
        ("project", "project"),
        ("project_card", "project_card"),
        ("project_column", "project_column"),
        ("projects_v2_item", "projects_v2_item"),
        ("projects_v2", "projects_v2"),
        ("marketplace_purchase effective_date", "marketplace_purchase"),
        ("sponsorship", "sponsorship"),
        ("starred_at", "star"),
        ("new_property_values", "custom_property_values"),
        ("definition", "custom_property"),
        ("repository_advisory", "repository_advisory"),
        ("membership", "organization"),
        ("invitation", "organization"),
    )
)  # fmt: skip
_REPOSITORY = frozenset(
    [
        "created",
        "deleted",
        "archived",
        "unarchived",
        "edited",
        "renamed",
        "transferred",
        "publicized",
        "privatized",
    ]
)
_UNNAMED = {
    frozenset({"status"}): "repository_import", frozenset(): "public", frozenset({"changes"}): "security_and_analysis",
}  # fmt: skip
"""Events of a repository without an action, by the keys of their own."""
_SWITCHES = {
    "started": "watch", "enabled": "branch_protection_configuration", "disabled": "branch_protection_configuration"
}  # fmt: skip
_INSTALLATION = frozenset(["created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"])


def by_shape(payload: dict[str, Any]) -> str | None:
    """The event that a payload is, None when its shape is that of none, or of several."""
    own = frozenset(payload) - ENVELOPE
    if own == {"security_advisory"}:
        return "security_advisory"
    sender = payload.get("sender")
    if not isinstance(sender, dict) or not isinstance(sender.get("login"), str):
        return None
    if not {
        "repository",
        "organization",
        "installation",
        "hook",
        "marketplace_purchase",
        "sponsorship",
    } & set(payload):
        return "github_app_authorization" if payload.get("action") == "revoked" and not own else None
    if "alert" in own and "location" not in own:
        return _alert(payload["alert"])
    if "team" in own and "member" not in own:
        return "team" if "action" in payload else "team_add"
    return next((event for keys, event in _OWN if keys <= own), None) or _bare(payload, own)


def _alert(alert: Any) -> str | None:
    """Which kind of alert."""
    if not isinstance(alert, dict):
        return None
    for keys, event in (
        (("rule", "tool"), "code_scanning_alert"),
        (("secret_type",), "secret_scanning_alert"),
        (("security_advisory", "dependency"), "dependabot_alert"),
        (("affected_package_name",), "repository_vulnerability_alert"),
    ):
        if all(key in alert for key in keys):
            return event
    return None


def _bare(payload: dict[str, Any], own: frozenset[str]) -> str | None:
    """Events that have no object of their own beside that of the envelope."""
    action = payload.get("action")
    if "repository" in payload:
        return _of_repository(action, own)
    if "organization" in payload and own <= {"changes"} and action in ("renamed", "deleted"):
        return "organization"
    if "installation" in payload and own <= {"repositories", "requester"} and action in _INSTALLATION:
        return "installation"
    return None


def _of_repository(action: Any, own: frozenset[str]) -> str | None:
    if action is None:
        return _UNNAMED.get(own)
    if not own <= {"changes"}:
        return None
    return "repository" if action in _REPOSITORY else _SWITCHES.get(str(action))
