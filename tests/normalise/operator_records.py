"""Valid records of how the operators are set, as small as they can be."""

from __future__ import annotations

import json
from typing import Any

REPO = "https://github.com/netbpf/netbpf-gitops.git"

PROJECT: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
    "metadata": {"name": "shop", "namespace": "argocd", "generation": 4, "creationTimestamp": "2026-01-05T09:00:00Z"},
    "spec": {
        "sourceRepos": [REPO, "https://robot:pretend-token@github.com/netbpf/charts"], "sourceNamespaces": ["shop"],
        "destinations": [{"server": "https://kubernetes.default.svc", "namespace": "shop-*"}, {"name": "prod", "namespace": "shop"}],
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}], "namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}],
        "orphanedResources": {"warn": True}, "signatureKeys": [{"keyID": "4AEE18F83AFDEB23"}],
        "permitOnlyProjectScopedClusters": True,
        "roles": [{
            "name": "deployer", "groups": ["oidc:devs", "oidc:admins"],
            "policies": ["p, proj:shop:deployer, applications, sync, shop/*, allow"],
            "jwtTokens": [{"iat": 1782900000, "exp": 1782990000, "id": "t-1"}, {"iat": 1782900000}],
        }],
        "syncWindows": [
            {"kind": "deny", "schedule": "0 22 * * 5", "duration": "60h", "applications": ["*"], "manualSync": True,
             "timeZone": "Europe/Berlin"},
            {"kind": "allow", "schedule": "0 8 * * *", "duration": "8h", "namespaces": ["shop"], "clusters": ["prod"],
             "andOperator": True},
        ],
    },
}  # fmt: skip

APPLICATION_SET: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": {"name": "web", "namespace": "argocd"},
    "spec": {
        "generators": [
            {"matrix": {"generators": [{"git": {"repoURL": REPO, "directories": []}}, {"clusters": {}, "selector": {}}]}},
            {"list": {"elements": [{"cluster": "prod"}]}},
        ],
        "template": {
            "metadata": {"name": "web-{{cluster}}"},
            "spec": {"project": "shop", "source": {"repoURL": REPO, "path": "apps/web", "targetRevision": "main"},
                     "destination": {"server": "{{url}}", "namespace": "web"},
                     "syncPolicy": {"automated": {"prune": True, "selfHeal": True}}},
        },
        "syncPolicy": {"applicationsSync": "create-update", "preserveResourcesOnDeletion": True},
        "strategy": {"type": "RollingSync", "rollingSync": {"steps": []}},
    },
    "status": {"conditions": [
        {"type": "ErrorOccurred", "status": "False", "reason": "ApplicationSetUpToDate", "message": "all is well",
         "lastTransitionTime": "2026-07-01T09:00:00Z"},
        {"type": "ResourcesUpToDate", "status": "True", "reason": "ApplicationSetUpToDate", "message": "all is well",
         "lastTransitionTime": "2026-07-01T10:00:00Z"},
    ]},
}  # fmt: skip

CLAIMS = {
    "sub": "u-1",
    "email": "ada@netbpf.com",
    "iss": "https://sso.example",
    "groups": ["ops", "devs"],
    "jti": "j-1",
}
SYNC_RECEIVED: dict[str, Any] = {
    "grpc.method": "Sync", "grpc.request.claims": json.dumps(CLAIMS), "grpc.service": "application.ApplicationService",
    "grpc.request.content": {"name": "web", "appNamespace": "argocd", "project": "shop", "revision": "main", "prune": True,
                             "dryRun": False, "manifests": ["pretend-secret"], "id": "7"},
    "grpc.start_time": "2026-07-01T09:00:00Z", "level": "info", "span.kind": "server", "system": "grpc",
    "msg": "received unary call /application.ApplicationService/Sync", "time": "2026-07-01T09:00:00Z",
}  # fmt: skip
SYNC_FINISHED: dict[str, Any] = {
    "grpc.code": "PermissionDenied", "grpc.method": "Sync", "grpc.service": "application.ApplicationService",
    "grpc.start_time": "2026-07-01T09:00:00Z", "grpc.time_ms": "12.5", "level": "info", "peer.address": "203.0.113.7:4711",
    "msg": "finished unary call with code PermissionDenied", "time": "2026-07-01T09:00:01Z",
}  # fmt: skip
ARGO_ACT: dict[str, Any] = {
    "application": "web", "app-namespace": "argocd", "dest-namespace": "web", "level": "info", "reason": "OperationStarted",
    "msg": "ada initiated sync to main", "time": "2026-07-01T09:00:01Z", "type": "Normal", "user": "ada",
}  # fmt: skip

OPERATORS: dict[str, list[dict[str, Any]]] = {
    "argocd-log": [SYNC_RECEIVED, SYNC_FINISHED, ARGO_ACT],
    "argocd-project": [PROJECT],
    "argocd-application-set": [APPLICATION_SET],
}
