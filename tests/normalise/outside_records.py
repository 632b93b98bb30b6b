"""Valid records of the systems around the clusters, as small as they can be."""

from __future__ import annotations

from typing import Any


def hmac(of: str) -> str:
    """What a Vault audit device writes in place of a value."""
    return f"hmac-sha256:{of.encode().hex():0>64}"


VAULT_REQUEST: dict[str, Any] = {
    "time": "2026-07-01T09:00:00.123456789Z", "type": "request",
    "auth": {
        "client_token": hmac("t1"), "accessor": hmac("a1"), "display_name": "kubernetes-shop-web",
        "policies": ["default", "shop-read"], "token_policies": ["default"], "identity_policies": ["shop-read"],
        "policy_results": {"allowed": True, "granting_policies": [{"name": "shop-read", "type": "acl"}]},
        "metadata": {"service_account_name": "web"}, "entity_id": "e-1", "token_type": "service",
    },
    "request": {
        "id": "r-1", "client_id": "e-1", "operation": "read", "mount_point": "kv/", "mount_type": "kv",
        "client_token": hmac("t1"), "client_token_accessor": hmac("a1"), "namespace": {"id": "root"},
        "path": "kv/data/shop/db", "remote_address": "203.0.113.9", "remote_port": 36972,
    },
}  # fmt: skip
VAULT_RESPONSE: dict[str, Any] = VAULT_REQUEST | {
    "time": "2026-07-01T09:00:00.125Z", "type": "response",
    "response": {"mount_point": "kv/", "mount_type": "kv", "data": {"data": {"password": hmac("pretend-password")}}},
}  # fmt: skip

ACCOUNT, ROLE = "111122223333", "arn:aws:iam::111122223333:role/auditor"
CLOUDTRAIL_EVENT: dict[str, Any] = {
    "eventVersion": "1.11", "eventID": "c-1", "eventTime": "2026-07-01T09:00:00Z", "eventSource": "s3.amazonaws.com",
    "eventName": "DeleteObject", "eventType": "AwsApiCall", "eventCategory": "Data", "awsRegion": "eu-west-1",
    "recipientAccountId": ACCOUNT, "sourceIPAddress": "203.0.113.9", "userAgent": "[aws-cli/2]", "readOnly": False,
    "managementEvent": False, "requestID": "q-1",
    "userIdentity": {
        "type": "AssumedRole", "principalId": "AROAEXAMPLE:ada", "accountId": ACCOUNT,
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/ada",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": ROLE, "accountId": ACCOUNT, "userName": "auditor"},
            "attributes": {"mfaAuthenticated": "true", "creationDate": "2026-07-01T08:00:00Z"},
        },
    },
    "requestParameters": {"bucketName": "audit-evidence", "key": "2026/07/01.log", "Host": ["audit-evidence.example"]},
    "responseElements": None,
    "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::audit-evidence/2026/07/01.log"},
                  {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::audit-evidence", "accountId": ACCOUNT}],
}  # fmt: skip
CONSOLE_LOGIN: dict[str, Any] = {
    "eventVersion": "1.08", "eventID": "c-2", "eventTime": "2026-07-01T09:00:00Z", "eventName": "ConsoleLogin",
    "eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn", "awsRegion": "us-east-1",
    "recipientAccountId": ACCOUNT, "sourceIPAddress": "203.0.113.9", "userAgent": "Mozilla/5.0",
    "userIdentity": {"type": "IAMUser", "userName": "ada", "accountId": ACCOUNT,
                     "arn": f"arn:aws:iam::{ACCOUNT}:user/ada"},
    "requestParameters": None, "responseElements": {"ConsoleLogin": "Success"},
    "additionalEventData": {"MFAUsed": "No", "MobileVersion": "No"},
}  # fmt: skip

_LABELS = {
    "alertname": "ArgoAppNotSynced",
    "cluster": "prod-eu1",
    "env": "prod",
    "severity": "critical",
    "name": "web",
}
ALERT: dict[str, Any] = {
    "status": "firing", "labels": _LABELS, "annotations": {"summary": "web is not synced", "description": "for 15 minutes"},
    "startsAt": "2026-07-01T09:00:00.5Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "https://prometheus.example/g",
    "fingerprint": "00f0",
}  # fmt: skip
WEBHOOK: dict[str, Any] = {
    "version": "4", "groupKey": "{}:{}", "receiver": "gitops", "status": "firing", "alerts": [ALERT], "groupLabels": {},
    "commonLabels": _LABELS, "commonAnnotations": {}, "externalURL": "https://alerts.example", "truncatedAlerts": 0,
}  # fmt: skip
API_ALERT: dict[str, Any] = {
    "annotations": {"description": "for 15 minutes"}, "endsAt": "2026-07-01T09:09:00Z", "fingerprint": "00f0",
    "receivers": [{"name": "pager"}, {"name": "gitops"}], "startsAt": "2026-07-01T09:00:00.5Z",
    "status": {"inhibitedBy": [], "silencedBy": ["s-1"], "state": "suppressed"}, "updatedAt": "2026-07-01T09:05:00Z",
    "labels": _LABELS,
}  # fmt: skip
HISTORY: dict[str, Any] = {
    "schema": {"name": "states", "fields": [{"name": "time"}, {"name": "line"}, {"name": "labels"}]},
    "data": {"values": [
        [1782900000000, 1782900600000],
        [{"schemaVersion": 1, "previous": "Pending", "current": "Alerting", "ruleTitle": "Drift", "ruleUID": "u-1",
          "fingerprint": "0aa0", "values": {"A": 42.5}, "labels": {"alertname": "Drift", "severity": "warning"}},
         {"schemaVersion": 1, "previous": "Alerting", "current": "Normal (MissingSeries)", "ruleTitle": "Drift",
          "fingerprint": "0aa0", "labels": {"alertname": "Drift", "severity": "warning"}}],
        [{}, {}],
    ]},
}  # fmt: skip
ANNOTATION: dict[str, Any] = {
    "id": 7, "alertId": 3, "alertName": "Drift", "prevState": "Normal", "newState": "Alerting", "time": 1782900000000,
    "timeEnd": 1782900600000, "text": "Drift {app=web} - Alerting", "tags": [],
}  # fmt: skip
_SERIES = {"__name__": "argocd_app_info", "sync_status": "OutOfSync", "name": "web"}
MATRIX: dict[str, Any] = {
    "status": "success",
    "data": {"resultType": "matrix", "result": [{"metric": _SERIES, "values": [[1782900000.25, "1"], [1782900060, "NaN"]]}]},
}  # fmt: skip
VECTOR: dict[str, Any] = {
    "status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1782900000, "-Inf"]}]},
}  # fmt: skip

_RBAC = "rbac.authorization.k8s.io/v1"
ROLE_OBJECT: dict[str, Any] = {
    "apiVersion": _RBAC, "kind": "Role",
    "metadata": {"name": "deployer", "namespace": "shop", "creationTimestamp": "2026-06-01T09:00:00Z", "uid": "u"},
    "rules": [
        {"apiGroups": ["apps", ""], "resources": ["pods/exec", "deployments"], "verbs": ["patch", "get"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["db"], "verbs": ["get"]},
    ],
}  # fmt: skip
CLUSTER_ROLE: dict[str, Any] = {
    "apiVersion": _RBAC, "kind": "ClusterRole", "metadata": {"name": "admin", "creationTimestamp": None},
    "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to-admin": "true"}}]},
    "rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}],
}  # fmt: skip
ROLE_BINDING: dict[str, Any] = {
    "apiVersion": _RBAC, "kind": "RoleBinding", "metadata": {"name": "deployers", "namespace": "shop"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
    "subjects": [{"kind": "Group", "name": "oidc:devs", "apiGroup": "rbac.authorization.k8s.io"},
                 {"kind": "ServiceAccount", "name": "ci", "namespace": "build"}],
}  # fmt: skip
AWS_AUTH: dict[str, Any] = {
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"},
    "data": {
        "mapRoles": f"- rolearn: {ROLE}\n  username: auditor:{{{{SessionName}}}}\n  groups: [view, auditors]\n",
        "mapUsers": f"- userarn: arn:aws:iam::{ACCOUNT}:user/ada\n  username: ada\n  groups:\n  - system:masters\n",
        "mapAccounts": f"- {ACCOUNT}\n- '012345678901'\n",
    },
}  # fmt: skip
ACCESS_ENTRY: dict[str, Any] = {
    "accessEntry": {
        "clusterName": "eks-1", "principalArn": ROLE, "kubernetesGroups": ["auditors"], "username": "auditor",
        "accessEntryArn": "arn:aws:eks:eu-west-1:111122223333:access-entry/x", "type": "STANDARD", "tags": {},
        "createdAt": 1782800000.5, "modifiedAt": 1782900000.5,
    },
}  # fmt: skip
ACCESS_POLICIES: dict[str, Any] = {
    "associatedAccessPolicies": [
        {"policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy",
         "accessScope": {"type": "namespace", "namespaces": ["web", "shop"]}, "associatedAt": "2026-07-01T12:00:00+02:00"},
    ],
    "clusterName": "eks-1", "principalArn": ROLE,
}  # fmt: skip
TRAINING: dict[str, Any] = {
    "person": "alindqvist", "training": "Git workflow", "completed": "2026-05-04", "expires": "2027-05-04", "status": "Passed",
}  # fmt: skip
ACCESS_REVIEW: dict[str, Any] = {
    "review": "2026-Q3", "listed": "2026-07-01", "reviewer": "grace", "subject": "ada", "system": "prod", "right": "edit",
    "decision": "revoke", "decided": "2026-07-03", "removed": "2026-07-04T10:00:00Z", "proof": "NET-12",
}  # fmt: skip

BREAK_GLASS: dict[str, Any] = {
    "ticket": "INC-7", "person": "ada", "cluster": "prod", "opened": "2026-07-04T10:00:00Z", "closed": "2026-07-04T12:00:00Z",
    "reviewed_by": "grace", "reviewed": "2026-07-05", "pull_request": "netbpf/netbpf-gitops#7",
}  # fmt: skip
DOCUMENT_REVIEW: dict[str, Any] = {
    "document": "rollback", "reviewed": "2026-07-04", "reviewer": "grace", "outcome": "nothing to change", "ticket": "NET-13",
}  # fmt: skip

SILENCE: dict[str, Any] = {
    "id": "s-1", "status": {"state": "active"}, "updatedAt": "2026-07-01T09:00:00Z", "comment": "upgrade", "createdBy": "ada",
    "startsAt": "2026-07-01T09:00:00Z", "endsAt": "2026-07-01T11:00:00Z",
    "matchers": [{"name": "env", "value": "prod|test", "isRegex": True},
                 {"name": "alertname", "value": "Drift", "isRegex": False, "isEqual": False}],
}  # fmt: skip

OUTSIDE: dict[str, list[dict[str, Any]]] = {
    "vault-audit": [VAULT_REQUEST, VAULT_RESPONSE],
    "cloudtrail": [CLOUDTRAIL_EVENT, CONSOLE_LOGIN],
    "alertmanager": [WEBHOOK, API_ALERT],
    "alertmanager-silence": [SILENCE],
    "grafana-history": [HISTORY, ANNOTATION],
    "prometheus-query": [MATRIX, VECTOR],
    "rbac-object": [ROLE_OBJECT, CLUSTER_ROLE, ROLE_BINDING],
    "cluster-identities": [AWS_AUTH, ACCESS_ENTRY, ACCESS_POLICIES],
    "trainings": [TRAINING],
    "access-reviews": [ACCESS_REVIEW],
    "document-reviews": [DOCUMENT_REVIEW],
    "break-glass": [BREAK_GLASS],
}
