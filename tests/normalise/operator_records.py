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

GIT_REPOSITORY: dict[str, Any] = {
    "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
    "metadata": {"name": "netbpf-gitops", "namespace": "flux-system", "generation": 3},
    "spec": {
        "url": "https://robot:pretend-token@github.com/netbpf/netbpf-gitops", "ref": {"branch": "main"}, "interval": "1m0s",
        "secretRef": {"name": "deploy-key"}, "verify": {"mode": "HEAD", "secretRef": {"name": "signers"}},
    },
    "status": {
        "artifact": {"revision": f"main@sha1:{'4f2a' * 10}", "digest": "sha256:aa", "lastUpdateTime": "2026-07-01T09:00:00Z"},
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Succeeded", "lastTransitionTime": "2026-07-01T09:00:01Z"},
            {"type": "SourceVerified", "status": "True", "reason": "Succeeded", "lastTransitionTime": "2026-07-01T09:00:00Z"},
        ],
    },
}  # fmt: skip
AUTOMATION: dict[str, Any] = {
    "apiVersion": "image.toolkit.fluxcd.io/v1beta2", "kind": "ImageUpdateAutomation",
    "metadata": {"name": "images", "namespace": "flux-system"},
    "spec": {"interval": "5m", "git": {"push": {"branch": "image-updates"}}, "suspend": True},
    "status": {"lastPushCommit": "4f2a" * 10, "lastPushTime": "2026-07-01T08:00:00Z",
               "lastAutomationRunTime": "2026-07-01T09:00:00Z"},
}  # fmt: skip
FLUX_LOG: dict[str, Any] = {
    "level": "info", "ts": "2026-07-01T10:05:00.123Z", "msg": "Reconciliation finished in 1.5s, next run in 10m0s",
    "controller": "kustomization", "controllerGroup": "kustomize.toolkit.fluxcd.io", "controllerKind": "Kustomization",
    "Kustomization": {"name": "networking", "namespace": "flux-system"}, "namespace": "flux-system", "name": "networking",
    "reconcileID": "id-1", "revision": f"main@sha1:{'4f2a' * 10}",
}  # fmt: skip
SEALED_SECRET: dict[str, Any] = {
    "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
    "metadata": {"name": "db", "namespace": "shop", "creationTimestamp": "2026-01-05T09:00:00Z"},
    "spec": {"encryptedData": {"user": "pretend-sealed", "password": "pretend-sealed"}},
    "status": {"conditions": [{"type": "Synced", "status": "True", "lastTransitionTime": "2026-02-01T09:00:00Z",
                               "lastUpdateTime": "2026-07-01T09:00:00Z"}]},
}  # fmt: skip
EXTERNAL_SECRET: dict[str, Any] = {
    "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "db", "namespace": "shop"},
    "spec": {
        "refreshInterval": "1h", "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
        "target": {"template": {"data": {"dsn": "pretend-template"}}},
        "data": [{"secretKey": "user", "remoteRef": {"key": "kv/shop/db", "property": "user"}},
                 {"secretKey": "password", "remoteRef": {"key": "kv/shop/db", "property": "password"}}],
        "dataFrom": [{"extract": {"key": "kv/shop/all"}}],
    },
    "status": {
        "refreshTime": "2026-07-01T09:30:00Z", "syncedResourceVersion": "1-0a0b",
        "conditions": [{"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "pretend-message",
                        "lastTransitionTime": "2026-06-01T09:00:00Z"}],
    },
}  # fmt: skip
SECRET_STORE: dict[str, Any] = {
    "apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore", "metadata": {"name": "vault"},
    "spec": {"provider": {"vault": {"server": "https://vault.example", "caBundle": "pretend-bundle"}}},
    "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "ValidationFailed"}]},
}  # fmt: skip
SOPS_SECRET: dict[str, Any] = {
    "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"},
    "data": {"password": "ENC[AES256_GCM,data:pretend]"}, "stringData": {"user": "ENC[AES256_GCM,data:pretend]"},
    "sops": {
        "age": [{"recipient": "age1example", "enc": "pretend"}], "pgp": None, "mac": "ENC[AES256_GCM,data:pretend]",
        "key_groups": [{"kms": [{"arn": "a"}, {"arn": "b"}]}], "lastmodified": "2026-06-30T09:00:00Z", "version": "3.9.0",
    },
}  # fmt: skip

NOTIFICATION: dict[str, Any] = {
    "level": "info", "time": "2026-07-01T05:00:00-04:00", "resource": "argocd/web",
    "msg": "Sending notification about condition 'on-sync-failed.[0].yJx2Kq-8' to '{slack deploys}' using the configuration in "
    "namespace argocd",
}  # fmt: skip

OPERATORS: dict[str, list[dict[str, Any]]] = {
    "argocd-log": [SYNC_RECEIVED, SYNC_FINISHED, ARGO_ACT],
    "argocd-notifications": [NOTIFICATION],
    "argocd-project": [PROJECT],
    "flux-source": [GIT_REPOSITORY, AUTOMATION],
    "flux-log": [FLUX_LOG],
    "managed-secret": [SEALED_SECRET, EXTERNAL_SECRET, SECRET_STORE, SOPS_SECRET],
    "argocd-application-set": [APPLICATION_SET],
}
