"""One valid record of each format, as small as it can be, and what is needed to parse bytes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from operator_records import OPERATORS
from outside_records import OUTSIDE
from policy_records import DENIED, EXPORTED_DENIAL, POLICIES
from rights_records import RIGHTS
from scan_records import SCANS

from audit.normalise.interface import Context, Parsed
from audit.normalise.reader import parse

API = "https://api.github.com/repos/netbpf/netbpf-gitops"
SHA = "4f2a" * 10
CONTEXT = Context("prod-audit", "2026/07/01.log", cluster="prod", repository="netbpf/netbpf-gitops")

AUDIT_EVENT: dict[str, Any] = {
    "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a-1", "stage": "ResponseComplete",
    "requestURI": "/apis/apps/v1/namespaces/shop/deployments/web", "verb": "patch",
    "user": {"username": "ada@netbpf.com", "groups": ["devs", "system:authenticated"]},
    "sourceIPs": ["203.0.113.7"], "userAgent": "kubectl/v1.34.0",
    "objectRef": {"resource": "deployments", "namespace": "shop", "name": "web", "apiGroup": "apps", "apiVersion": "v1"},
    "responseStatus": {"metadata": {}, "code": 200},
    "requestReceivedTimestamp": "2026-07-01T09:00:00.123456Z", "stageTimestamp": "2026-07-01T09:00:00.223456Z",
}  # fmt: skip

GKE_ENTRY: dict[str, Any] = {
    "insertId": "i-1", "logName": "projects/shop/logs/cloudaudit.googleapis.com%2Factivity", "severity": "NOTICE",
    "operation": {"first": True, "id": "o-1", "last": True, "producer": "k8s.io"},
    "protoPayload": {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "k8s.io", "status": {},
        "methodName": "io.k8s.apps.v1.deployments.patch", "resourceName": "apps/v1/namespaces/shop/deployments/web",
        "authenticationInfo": {"principalEmail": "ada@netbpf.com"},
        "authorizationInfo": [{"granted": True, "permission": "io.k8s.apps.v1.deployments.patch"}],
        "requestMetadata": {"callerIp": "203.0.113.7", "callerSuppliedUserAgent": "kubectl/v1.34.0"},
    },
    "receiveTimestamp": "2026-07-01T09:00:01Z", "timestamp": "2026-07-01T09:00:00.123456Z",
    "resource": {"labels": {"cluster_name": "prod", "location": "europe-west1"}, "type": "k8s_cluster"},
}  # fmt: skip

PULL: dict[str, Any] = {
    "url": f"{API}/pulls/7", "id": 1, "number": 7, "title": "Raise replicas", "state": "closed", "user": {"login": "ada"},
    "created_at": "2026-07-01T08:00:00Z", "updated_at": "2026-07-01T10:00:00Z", "merged_at": "2026-07-01T10:00:00Z",
    "merge_commit_sha": SHA, "labels": [{"name": "urgent"}, {"name": "app"}], "draft": False,
    "head": {"ref": "more", "sha": "1" * 40}, "base": {"ref": "main", "sha": "2" * 40},
}  # fmt: skip

REVIEW: dict[str, Any] = {
    "id": 70, "user": {"login": "ben"}, "state": "APPROVED", "pull_request_url": f"{API}/pulls/7",
    "submitted_at": "2026-07-01T09:30:00Z", "commit_id": "1" * 40,
}  # fmt: skip

DISMISSAL: dict[str, Any] = {
    "id": 9, "url": f"{API}/issues/events/9", "actor": {"login": "ada"}, "event": "review_dismissed", "commit_id": None,
    "created_at": "2026-07-01T09:40:00Z", "dismissed_review": {"state": "approved", "review_id": 70},
    "issue": {"number": 7},
}  # fmt: skip

CHECK: dict[str, Any] = {
    "id": 5, "head_sha": "1" * 40, "name": "validate", "status": "completed", "conclusion": "success",
    "url": f"{API}/check-runs/5", "started_at": "2026-07-01T09:00:00Z", "completed_at": "2026-07-01T09:05:00Z",
    "app": {"slug": "github-actions"}, "check_suite": {"id": 3},
}  # fmt: skip

STATUS: dict[str, Any] = {
    "url": f"{API}/statuses/{'1' * 40}", "id": 5, "state": "success", "description": "ok", "target_url": None,
    "context": "ci/validate", "created_at": "2026-07-01T09:05:00Z", "updated_at": "2026-07-01T09:05:00Z",
    "creator": {"login": "ci[bot]"},
}  # fmt: skip

DEPLOYMENT: dict[str, Any] = {
    "url": f"{API}/deployments/8", "id": 8, "task": "deploy", "environment": "prod", "sha": SHA, "ref": "main",
    "creator": {"login": "ada"}, "created_at": "2026-07-01T11:00:00Z", "updated_at": "2026-07-01T11:05:00Z",
    "statuses_url": f"{API}/deployments/8/statuses", "repository_url": API, "payload": {"password": "not-kept"},
}  # fmt: skip

DEPLOYMENT_STATUS: dict[str, Any] = {
    "url": f"{API}/deployments/8/statuses/9", "id": 9, "state": "success", "environment": "prod",
    "creator": {"login": "ci[bot]"}, "created_at": "2026-07-01T11:05:00Z", "updated_at": "2026-07-01T11:05:00Z",
    "deployment_url": f"{API}/deployments/8", "repository_url": API,
}  # fmt: skip

WORKFLOW_RUN: dict[str, Any] = {
    "url": f"{API}/actions/runs/12", "id": 12, "name": "build", "path": ".github/workflows/build.yaml",
    "head_branch": "main", "head_sha": SHA, "event": "push", "status": "completed", "conclusion": "success",
    "workflow_id": 3, "run_number": 40, "run_attempt": 2, "created_at": "2026-07-01T10:00:00Z",
    "run_started_at": "2026-07-01T10:20:00Z", "updated_at": "2026-07-01T10:25:00Z", "actor": {"login": "ada"},
    "triggering_actor": {"login": "grace"},
}  # fmt: skip

PROTECTION: dict[str, Any] = {
    "url": f"{API}/branches/release%2F1/protection",
    "required_status_checks": {"strict": True, "contexts": ["validate", "build"]},
    "enforce_admins": {"enabled": False},
    "required_pull_request_reviews": {
        "required_approving_review_count": 2, "dismiss_stale_reviews": True, "require_code_owner_reviews": True,
        "require_last_push_approval": True,
        "bypass_pull_request_allowances": {"users": [{"login": "ada"}], "teams": [{"slug": "platform"}], "apps": []},
    },
    "required_linear_history": {"enabled": True}, "allow_force_pushes": {"enabled": False},
    "allow_deletions": {"enabled": False}, "required_signatures": {"enabled": True},
}  # fmt: skip

RULESET: dict[str, Any] = {
    "id": 31, "name": "main", "target": "branch", "source_type": "Repository", "source": "netbpf/netbpf-gitops",
    "enforcement": "active", "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": ["refs/heads/x"]}},
    "bypass_actors": [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "pull_request"}],
    "rules": [
        {"type": "deletion"}, {"type": "non_fast_forward"},
        {"type": "pull_request", "parameters": {"required_approving_review_count": 1}},
        {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "validate"}]}},
    ],
}  # fmt: skip

ACTIVITY: dict[str, Any] = {
    "id": 11, "before": "2" * 40, "after": SHA, "ref": "refs/heads/main", "timestamp": "2026-07-01T10:00:00Z",
    "activity_type": "pr_merge", "actor": {"login": "ada"},
}  # fmt: skip

AUDIT_LOG: dict[str, Any] = {
    "@timestamp": 1782900000000, "_document_id": "d-1", "action": "protected_branch.policy_override", "actor": "ada",
    "actor_is_bot": False, "repo": "netbpf/netbpf-gitops", "user": "ada", "org": "netbpf", "hashed_token": "c2VjcmV0",
    "created_at": 1782900000000, "data": {"token": "x", "branch": "main"},
}  # fmt: skip

_SOURCE = {
    "repoURL": "https://github.com/netbpf/netbpf-gitops.git",
    "path": "apps/web/overlays/prod",
    "targetRevision": "main",
}
APPLICATION: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web", "namespace": "argocd"},
    "spec": {
        "source": _SOURCE, "destination": {"namespace": "web"},
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]},
    },
    "status": {
        "reconciledAt": "2026-07-01T12:00:00Z", "sync": {"status": "Synced", "revision": SHA},
        "health": {"status": "Healthy"},
        "history": [
            {"id": 3, "revision": SHA, "deployStartedAt": "2026-07-01T10:01:00Z", "deployedAt": "2026-07-01T10:02:00Z",
             "source": _SOURCE, "initiatedBy": {"automated": True}},
        ],
        "operationState": {
            "phase": "Succeeded", "startedAt": "2026-07-01T11:00:00Z", "finishedAt": "2026-07-01T11:00:30Z", "message": "ok",
            "operation": {
                "initiatedBy": {"username": "ada"},
                "sync": {"prune": True, "revision": SHA, "syncOptions": ["CreateNamespace=true", "Replace=true"],
                         "syncStrategy": {"hook": {"force": True}}, "manifests": ["{}"]},
            },
            "syncResult": {"revision": SHA, "source": _SOURCE},
        },
    },
}  # fmt: skip

ARGO_EVENT: dict[str, Any] = {
    "apiVersion": "v1", "kind": "Event", "metadata": {"name": "web.1", "annotations": {"user": "ada"}},
    "involvedObject": {"kind": "Application", "namespace": "argocd", "name": "web", "apiVersion": "argoproj.io/v1alpha1"},
    "reason": "OperationCompleted", "message": f"Sync operation to {SHA} succeeded", "type": "Normal",
    "firstTimestamp": "2026-07-01T10:02:00Z", "lastTimestamp": "2026-07-01T10:02:00Z", "count": 1, "eventTime": None,
}  # fmt: skip

KUSTOMIZATION: dict[str, Any] = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
    "metadata": {"name": "networking", "namespace": "flux-system"},
    "spec": {"path": "./infrastructure/networking", "sourceRef": {"kind": "GitRepository", "name": "netbpf-gitops"}},
    "status": {
        "conditions": [{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded",
                        "lastTransitionTime": "2026-07-01T10:05:00Z"}],
        "lastAppliedRevision": f"main@sha1:{SHA}", "lastHandledReconcileAt": "2026-07-01T10:04:50.123456789Z",
        "history": [
            {"digest": "sha256:1", "firstReconciled": "2026-07-01T10:05:00Z", "lastReconciled": "2026-07-01T12:05:00Z",
             "lastReconciledDuration": "1.5s", "lastReconciledStatus": "ReconciliationSucceeded",
             "totalReconciliations": 13, "metadata": {"revision": f"main@sha1:{SHA}"}},
            {"digest": "sha256:0", "firstReconciled": "2026-06-30T10:05:00Z", "lastReconciled": "2026-06-30T10:05:00Z",
             "lastReconciledDuration": "1.5s", "lastReconciledStatus": "HealthCheckFailed",
             "totalReconciliations": 1, "metadata": {"revision": f"main/{'3' * 40}"}},
        ],
    },
}  # fmt: skip

HELM_RELEASE: dict[str, Any] = {
    "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "prom", "namespace": "monitoring"},
    "spec": {"chart": {"spec": {"chart": "prom", "version": "58.x", "sourceRef": {"name": "community"}}}, "suspend": True},
    "status": {
        "conditions": [{"type": "Ready", "status": "False", "reason": "UpgradeFailed",
                        "lastTransitionTime": "2026-07-01T10:05:00Z"}],
        "history": [
            {"chartVersion": "58.3.0", "lastDeployed": "2026-07-01T10:05:00Z", "status": "failed", "version": 2},
            {"chartVersion": "58.2.0", "lastDeployed": "2026-06-01T10:05:00Z", "status": "deployed", "version": 1},
        ],
    },
}  # fmt: skip

FLUX_EVENT: dict[str, Any] = {
    "apiVersion": "v1", "kind": "Event",
    "metadata": {"name": "n.1", "annotations": {"kustomize.toolkit.fluxcd.io/revision": f"main@sha1:{SHA}"}},
    "involvedObject": {"kind": "Kustomization", "namespace": "flux-system", "name": "networking",
                       "apiVersion": "kustomize.toolkit.fluxcd.io/v1"},
    "reason": "ReconciliationSucceeded", "message": "Reconciliation finished in 1.5s, next run in 10m0s",
    "lastTimestamp": "2026-07-01T10:05:00Z", "eventTime": None,
}  # fmt: skip

VIOLATION: dict[str, Any] = {
    "level": "info", "ts": 1782900000.25, "logger": "controller", "msg": "no limits", "process": "audit",
    "audit_id": "2026-07-01T10:00:00Z", "event_type": "violation_audited", "constraint_kind": "K8sContainerLimits",
    "constraint_name": "limits", "constraint_action": "deny", "resource_kind": "Pod", "resource_namespace": "shop",
    "resource_name": "web-1",
}  # fmt: skip

WEBHOOK: dict[str, Any] = {
    "action": "closed", "number": 7, "pull_request": PULL | {"merged_by": {"login": "grace"}, "commits": 2},
    "repository": {"id": 1, "full_name": "netbpf/netbpf-gitops", "pushed_at": 1782900000, "private": True},
    "organization": {"id": 2, "login": "netbpf"}, "sender": {"id": 3, "login": "grace", "type": "User"},
}  # fmt: skip

_END = {"hasNextPage": False, "hasPreviousPage": False, "endCursor": "x"}
GRAPH_PULL: dict[str, Any] = {
    "number": 7, "title": "Raise replicas", "state": "MERGED", "author": {"login": "ada", "__typename": "User"},
    "createdAt": "2026-07-01T08:00:00Z", "updatedAt": "2026-07-01T10:00:00Z", "mergedAt": "2026-07-01T10:00:00Z",
    "mergedBy": {"login": "grace"}, "mergeCommit": {"oid": SHA}, "headRefOid": "1" * 40, "headRefName": "more",
    "baseRefName": "main", "isDraft": False, "url": "https://github.com/netbpf/netbpf-gitops/pull/7",
    "labels": {"nodes": [{"name": "urgent"}, {"name": "app"}], "totalCount": 2},
    "reviews": {"pageInfo": _END, "nodes": [
        {"databaseId": 70, "author": {"login": "ben"}, "state": "APPROVED", "submittedAt": "2026-07-01T09:30:00Z",
         "commit": {"oid": "1" * 40}}]},
    "timelineItems": {"pageInfo": _END, "nodes": [
        {"__typename": "ReviewDismissedEvent", "createdAt": "2026-07-01T09:40:00Z", "actor": {"login": "ada"},
         "previousReviewState": "APPROVED", "review": {"databaseId": 70}},
        {"__typename": "MergedEvent", "createdAt": "2026-07-01T10:00:00Z"}]},
    "commits": {"totalCount": 3, "nodes": [{"commit": {"oid": "1" * 40, "statusCheckRollup": {"contexts": {
        "pageInfo": _END, "nodes": [
            {"__typename": "CheckRun", "databaseId": 5, "name": "validate", "status": "COMPLETED", "conclusion": "SUCCESS",
             "startedAt": "2026-07-01T09:00:00Z", "completedAt": "2026-07-01T09:05:00Z",
             "checkSuite": {"app": {"slug": "github-actions"}}},
            {"__typename": "StatusContext", "context": "ci/validate", "state": "SUCCESS",
             "createdAt": "2026-07-01T09:05:00Z"}]}}}}]},
}  # fmt: skip
GRAPHQL: dict[str, Any] = {
    "data": {"repository": {"nameWithOwner": "netbpf/netbpf-gitops",
                            "pullRequests": {"pageInfo": _END, "totalCount": 1, "nodes": [GRAPH_PULL]}}},
}  # fmt: skip
CLI_PULL: dict[str, Any] = GRAPH_PULL | {
    "author": {"login": "ada", "is_bot": False, "name": "Ada"}, "labels": GRAPH_PULL["labels"]["nodes"],
    "timelineItems": None, "commits": [{"oid": "1" * 40}, {"oid": "3" * 40}, {"oid": "4" * 40}],
    "reviews": [{"id": "PRR_x", "author": {"login": "ben"}, "state": "APPROVED", "submittedAt": "2026-07-01T09:30:00Z",
                 "commit": {"oid": "1" * 40}}],
    "statusCheckRollup": [
        {"__typename": "CheckRun", "name": "validate", "status": "COMPLETED", "conclusion": "SUCCESS",
         "startedAt": "2026-07-01T09:00:00Z", "completedAt": "2026-07-01T09:05:00Z", "workflowName": "ci"},
        {"__typename": "StatusContext", "context": "ci/validate", "state": "SUCCESS", "startedAt": "2026-07-01T09:05:00Z"}],
}  # fmt: skip
CLI_RUN: dict[str, Any] = {
    "databaseId": 12, "workflowDatabaseId": 3, "attempt": 2, "event": "push", "headSha": SHA, "headBranch": "main",
    "status": "completed", "conclusion": "success", "createdAt": "2026-07-01T10:00:00Z", "name": "build",
    "startedAt": "2026-07-01T10:20:00Z", "updatedAt": "2026-07-01T10:25:00Z", "workflowName": "build", "number": 40,
    "url": "https://github.com/netbpf/netbpf-gitops/actions/runs/12", "displayTitle": "Raise replicas",
}  # fmt: skip

VALID: dict[str, list[dict[str, Any]]] = (
    {
        "kubernetes-audit": [AUDIT_EVENT],
        "gke-audit": [GKE_ENTRY],
        "github-audit-log": [AUDIT_LOG],
        "github-webhook": [
            WEBHOOK,
            {
                "headers": {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "g-1"},
                "body": json.dumps(WEBHOOK),
            },
            {"event": "pull_request", "payload": WEBHOOK},
        ],
        "github-graphql": [GRAPHQL],
        "github-cli-pulls": [CLI_PULL],
        "github-cli-runs": [CLI_RUN],
        "github-pulls": [PULL],
        "github-reviews": [REVIEW],
        "github-review-events": [DISMISSAL],
        "github-checks": [CHECK],
        "github-statuses": [STATUS],
        "github-deployments": [DEPLOYMENT],
        "github-deployment-statuses": [DEPLOYMENT_STATUS],
        "github-workflow-runs": [WORKFLOW_RUN],
        "github-protection": [PROTECTION],
        "github-rulesets": [RULESET],
        "github-activity": [ACTIVITY],
        "argocd-application": [APPLICATION],
        "argocd-event": [ARGO_EVENT],
        "flux-object": [KUSTOMIZATION, HELM_RELEASE],
        "flux-event": [FLUX_EVENT],
        "gatekeeper-audit": [VIOLATION, DENIED, EXPORTED_DENIAL],
    }
    | OPERATORS
    | OUTSIDE
    | SCANS
    | POLICIES
    | RIGHTS
)


def lines(*records: Any) -> bytes:
    """Records as JSON lines."""
    return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records).encode()


def parse_bytes(data: bytes, context: Context = CONTEXT, *, format: str = "auto") -> Parsed:
    """What becomes of an object with these bytes. Every record is accounted for, whatever they are."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "object"
        path.write_bytes(data)
        parsed = parse(path, context, format=format)
    assert parsed.records == parsed.kept + parsed.noise + len(parsed.quarantined)
    assert parsed.records == 0 or parsed.kept == 0 or parsed.formats
    assert sum(count for count, _, _ in parsed.coverage.values()) <= parsed.kept + parsed.noise
    return parsed


def read(record: Any, *, format: str = "auto", context: Context = CONTEXT) -> Parsed:
    """What becomes of one record, alone in its object; it must not be quarantined."""
    parsed = parse_bytes(lines(record), context, format=format)
    assert parsed.quarantined == []
    return parsed


def left_out(record: Any, *, format: str = "auto", context: Context = CONTEXT) -> str:
    """The reason for which one part of a record, alone in its object, is quarantined; the rest of it is read."""
    parsed = parse_bytes(lines(record), context, format=format)
    assert (parsed.records, parsed.kept, len(parsed.quarantined)) == (2, 1, 1)
    return parsed.quarantined[0][2]


def refused(record: Any, *, format: str = "auto", context: Context = CONTEXT) -> str:
    """The reason for which a record, alone in its object, is quarantined."""
    parsed = parse_bytes(lines(record), context, format=format)
    assert (parsed.records, parsed.rows) == (1, {})
    return parsed.quarantined[0][2]
