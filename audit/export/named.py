"""Where tables name people: the columns whose whole value is somebody, or the address from which somebody came."""

from __future__ import annotations

ONE: dict[str, frozenset[str]] = {
    table: frozenset(columns.split())
    for table, columns in {
        "commits": "author_name author_email author_mailmap committer_name committer_email committer_mailmap",
        "signatures": "key signer",
        "secret_waivers": "approved_by",
        "waivers": "requester approver",
        "waiver_entries": "requester approver",
        "pull_requests": "author merged_by",
        "reviews": "reviewer",
        "review_dismissals": "dismissed_by",
        "git_operations": "actor",
        "forge_events": "actor user",
        "forge_deployments": "creator",
        "forge_deployment_statuses": "creator",
        "workflow_runs": "actor triggering_actor",
        "repo_grants": "holder",
        "memberships": "login",
        "operator_requests": "user subject address",
        "sync_records": "initiated_by",
        "cluster_access": "user cloud_arn impersonated source_ip",
        "policy_admissions": "user",
        "secret_access": "entity display_name accessor remote_address",
        "cloud_events": "principal arn user_name on_behalf_of source_ip",
        "silences": "created_by",
        "rbac_bindings": "subject",
        "cluster_identities": "principal username",
        "trainings": "person",
        "access_reviews": "reviewer subject",
        "access_rights": "holder person granted_by",
        "access_decisions": "subject person reviewer reviewer_person granted_by",
        "document_reviews": "reviewer",
        "break_glass_records": "person reviewer",
        "emergencies": "person reviewer",
        "security_alerts": "closed_by bypassed_by",
        "people": "person name",
        "roles": "person",
        "identities": "identifier person entry",
        "unresolved_identities": "name mailmap",
        "landings": "pusher",
        "changes": "opener opener_login",
        "deployments": "initiated_by person",
        "cluster_writes": "person user impersonated",
        "reconciled_changes": "person",
        "exceptions": "person person_raw",
    }.items()
}
"""Columns of one name each, by table."""

SEVERAL: dict[str, frozenset[str]] = {
    table: frozenset(columns.split())
    for table, columns in {
        "commits": "co_authors",
        "landings": "authors",
        "landing_pulls": "authors",
        "image_changes": "authors",
        "changes": "authors approvers bound",
        "waivers": "approvers",
        "code_owners": "owners",
        "forge_environments": "reviewers",
    }.items()
}
"""Columns of names separated by spaces or commas."""

MARKED: dict[str, frozenset[str]] = {"protections": frozenset({"bypass"})}
"""Columns of several things, separated by commas, among which `user NAME` is somebody, by table."""

DIGESTS: dict[str, frozenset[str]] = {
    table: frozenset(columns.split())
    for table, columns in {
        "access_rights": "right_id",
        "access_decisions": "right_id",
        "access_reviews": "right_id",
        "forge_events": "document_id",
        "reviews": "review_id",
        "review_dismissals": "review_id",
        "alerts": "fingerprint",
        "policy_constraints": "digest content_digest",
    }.items()
}
"""Columns of digests without a key over what may name somebody, and of numbers below zero made of such digests: whoever knows
all the rest could try names against them."""

OURS: dict[str, frozenset[str]] = {
    table: frozenset(columns.split())
    for table, columns in {
        "conclusions": "control title_text clause severity design operation",
        "metrics": "metric title_text unit definition quarter dimension",
        "exceptions": "control",
        "evidence_objects": "format sha256",
        "evidence_streams": "format",
        "evidence_days": "format",
        "evidence_gaps": "format",
        "evidence_losses": "kind",
        "coverage": "format",
        "reconciliation": "table",
        "reconciled_changes": "side outcome standing control",
        "reconciled_counts": "side outcome standing meaning control",
    }.items()
}
"""Columns in which this product's own words stand, which name nobody."""
