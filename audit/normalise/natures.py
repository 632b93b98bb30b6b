"""What a format's records are: a log, a snapshot, or an export that has all that the one before had.

It decides what a pause means. A log that pauses may have lost what happened meanwhile; a snapshot that was not made leaves
open how things stood; what a cumulative export lacks, the next one brings.
"""

from __future__ import annotations

LOG, SNAPSHOT, CUMULATIVE = "log", "snapshot", "cumulative"

_LOGS = (
    "kubernetes-audit", "gke-audit", "github-audit-log", "github-webhook", "argocd-event", "argocd-log", "argocd-notifications", "flux-event",
    "flux-log", "gatekeeper-audit", "vault-audit", "cloudtrail", "alertmanager", "grafana-history",
)  # fmt: skip
_SNAPSHOTS = (
    "github-protection", "github-rulesets", "github-environments", "github-collaborators", "github-teams",
    "github-team-repositories", "github-members", "argocd-application", "argocd-project", "argocd-application-set",
    "flux-object", "flux-source", "managed-secret", "rbac-object", "cluster-identities", "alertmanager-silence",
    "prometheus-text", "trivy-operator", "policy-report", "kubernetes-object",
    "admission-policy", "kyverno-policy", "gatekeeper-object",
)  # fmt: skip
_CUMULATIVE = (
    "github-graphql", "github-cli-pulls", "github-cli-runs",
    "github-pulls", "github-reviews", "github-review-events", "github-checks", "github-statuses", "github-deployments",
    "github-deployment-statuses", "github-workflow-runs", "github-activity", "github-code-scanning-alerts",
    "github-secret-scanning-alerts", "github-dependabot-alerts", "prometheus-query", "trainings", "access-reviews", "document-reviews", "break-glass",
    "trivy-json", "trivy-kubernetes", "grype-json", "sarif",
)  # fmt: skip

NATURES: dict[str, str] = (
    dict.fromkeys(_LOGS, LOG) | dict.fromkeys(_SNAPSHOTS, SNAPSHOT) | dict.fromkeys(_CUMULATIVE, CUMULATIVE)
)
"""By name of the format; a test holds it to the registry."""

API_SERVER_LOGS = ("kubernetes-audit", "gke-audit")
"""Logs of an API server, which talks to itself all the time."""
