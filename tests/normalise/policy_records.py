"""Valid records of policy engines, as small as they can be."""

from __future__ import annotations

from typing import Any

RESULT: dict[str, Any] = {
    "policy": "disallow-capabilities", "rule": "adding-capabilities", "category": "Pod Security", "severity": "medium",
    "source": "kyverno", "scored": True, "result": "fail", "message": "capabilities are added",
    "timestamp": {"seconds": 1782896400, "nanos": 500_000_000}, "properties": {"process": "background scan", "proc.cmdline": "pretend"},
    "resources": [
        {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web-1", "uid": "u-1"},
        {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web-2"},
    ],
}  # fmt: skip
SCOPED: dict[str, Any] = {"policy": "require-labels", "result": "pass"}
REPORT: dict[str, Any] = {
    "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
    "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-06-01T00:00:00Z"},
    "scope": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"},
    "summary": {"pass": 1, "fail": 1, "warn": 0, "error": 0, "skip": 0},
    "results": [RESULT, SCOPED],
}  # fmt: skip

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": 2},
}  # fmt: skip

POLICIES: dict[str, list[dict[str, Any]]] = {
    "policy-report": [REPORT],
    "kubernetes-object": [DEPLOYMENT],
}
