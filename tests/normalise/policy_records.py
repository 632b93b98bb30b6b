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

CONSTRAINT: dict[str, Any] = {
    "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "K8sContainerLimits",
    "metadata": {"name": "limits", "generation": 3, "creationTimestamp": "2026-01-05T09:00:00Z"},
    "spec": {
        "enforcementAction": "deny", "parameters": {"cpu": "200m", "memory": "1Gi"},
        "match": {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}], "excludedNamespaces": ["kube-system"]},
    },
    "status": {
        "auditTimestamp": "2026-07-01T10:00:00Z", "totalViolations": 37,
        "byPod": [{"id": "audit", "enforced": True}, {"id": "webhook", "enforced": True}],
        "violations": [{"kind": "Pod", "name": "web-1", "namespace": "shop", "message": "no limits", "enforcementAction": "deny"}],
    },
}  # fmt: skip
TEMPLATE: dict[str, Any] = {
    "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate", "metadata": {"name": "k8scontainerlimits"},
    "spec": {"crd": {"spec": {"names": {"kind": "K8sContainerLimits"}}},
             "targets": [{"target": "admission.k8s.gatekeeper.sh", "rego": "package limits", "libs": ["package lib.a"]}]},
    "status": {"created": True, "byPod": [{"id": "audit"}]},
}  # fmt: skip
GATEKEEPER_CONFIG: dict[str, Any] = {
    "apiVersion": "config.gatekeeper.sh/v1alpha1", "kind": "Config",
    "metadata": {"name": "config", "namespace": "gatekeeper-system"},
    "spec": {"match": [{"excludedNamespaces": ["kube-*", "shop"], "processes": ["*"]}]},
}  # fmt: skip
DENIED: dict[str, Any] = {
    "level": "info", "ts": 1782900000.5, "logger": "webhook", "msg": "denied admission", "process": "admission",
    "event_type": "violation", "constraint_name": "limits", "constraint_group": "constraints.gatekeeper.sh",
    "constraint_api_version": "v1beta1", "constraint_kind": "K8sContainerLimits", "constraint_action": "deny",
    "resource_group": "apps", "resource_api_version": "v1", "resource_kind": "Deployment", "resource_namespace": "shop",
    "resource_name": "web", "request_username": "ada",
}  # fmt: skip
EXPORTED_DENIAL: dict[str, Any] = {
    "eventType": "violation_admission", "group": "constraints.gatekeeper.sh", "version": "v1beta1",
    "kind": "K8sContainerLimits", "name": "limits", "message": "denied admission", "enforcementAction": "deny",
    "resourceGroup": "apps", "resourceAPIVersion": "v1", "resourceKind": "Deployment", "resourceNamespace": "shop",
    "resourceName": "web", "timestamp": "2026-07-01T10:00:00.5Z", "operation": "UPDATE", "requestUsername": "ada",
    "requestUserGroups": ["system:authenticated"], "dryRun": False,
}  # fmt: skip

CLUSTER_POLICY: dict[str, Any] = {
    "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": {"name": "require-labels", "generation": 2},
    "spec": {
        "validationFailureAction": "Audit", "background": True, "failurePolicy": "Ignore",
        "validationFailureActionOverrides": [{"action": "enforce", "namespaces": ["shop"]}],
        "rules": [
            {"name": "check-team", "match": {"any": [{"resources": {"kinds": ["Pod"]}}]},
             "exclude": {"any": [{"subjects": [{"kind": "User", "name": "grace"}]}]},
             "validate": {"failureAction": "Enforce", "message": "a team is needed", "pattern": {"metadata": {"labels": {"team": "?*"}}}}},
            {"name": "check-images", "match": {"any": [{"resources": {"kinds": ["Pod"]}}]},
             "verifyImages": [{"imageReferences": ["*"]}]},
            {"name": "add-quota", "match": {"any": [{"resources": {"kinds": ["Namespace"]}}]}, "generate": {"kind": "ResourceQuota"}},
            {"name": "add-label", "match": {"any": [{"resources": {"kinds": ["Pod"]}}]}, "mutate": {"patchStrategicMerge": {"metadata": {"labels": {"team": "shop"}}}}},
        ],
    },
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}  # fmt: skip
EXCEPTION: dict[str, Any] = {
    "apiVersion": "kyverno.io/v2", "kind": "PolicyException", "metadata": {"name": "legacy", "namespace": "shop"},
    "spec": {
        "exceptions": [{"policyName": "require-labels", "ruleNames": ["check-team"]},
                       {"policyName": "disallow-latest", "ruleNames": ["*"]}],
        "match": {"any": [{"resources": {"kinds": ["Pod"], "namespaces": ["shop"]}}]}, "background": False,
    },
}  # fmt: skip
CEL_POLICY: dict[str, Any] = {
    "apiVersion": "policies.kyverno.io/v1alpha1", "kind": "ValidatingPolicy", "metadata": {"name": "no-latest"},
    "spec": {
        "validationActions": ["Audit", "Deny"], "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [{"resources": ["pods"]}], "excludeResourceRules": [{"resourceNames": ["old"]}]},
        "evaluation": {"background": {"enabled": False}}, "validations": [{"expression": "true"}],
    },
    "status": {"conditionStatus": {"ready": True}},
}  # fmt: skip
CEL_EXCEPTION: dict[str, Any] = {
    "apiVersion": "policies.kyverno.io/v1alpha1", "kind": "PolicyException", "metadata": {"name": "legacy", "namespace": "shop"},
    "spec": {"policyRefs": [{"name": "no-latest", "kind": "ValidatingPolicy"}],
             "matchConditions": [{"name": "old", "expression": "object.metadata.name == 'old'"}]},
}  # fmt: skip
ADMISSION_POLICY: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "replicas"},
    "spec": {
        "failurePolicy": "Ignore", "matchConstraints": {"resourceRules": [{"resources": ["deployments"]}]},
        "validations": [{"expression": "object.spec.replicas <= 5"}],
    },
}  # fmt: skip
ADMISSION_BINDING: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "replicas-prod"},
    "spec": {
        "policyName": "replicas", "validationActions": ["Deny", "Audit"],
        "matchResources": {"namespaceSelector": {"matchLabels": {"environment": "prod"}},
                           "excludeResourceRules": [{"resourceNames": ["old"]}]},
    },
}  # fmt: skip
WEBHOOKS: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "hooks"},
    "webhooks": [
        {"name": "validation.gatekeeper.sh", "failurePolicy": "Ignore", "rules": [{"resources": ["*"], "operations": ["CREATE"]}],
         "clientConfig": {"caBundle": "cHJldGVuZA==", "service": {"namespace": "gatekeeper-system", "name": "webhook"}},
         "namespaceSelector": {"matchExpressions": [{"key": "admission.gatekeeper.sh/ignore", "operator": "DoesNotExist"}]},
         "objectSelector": {}, "sideEffects": "None"},
        {"name": "validate.example.org", "clientConfig": {"service": {"namespace": "kyverno", "name": "kyverno-svc"}}},
        {"name": "hook.example.org", "clientConfig": {"url": "https://hook.example.org"}},
    ],
}  # fmt: skip

POLICIES: dict[str, list[dict[str, Any]]] = {
    "policy-report": [REPORT],
    "kyverno-policy": [CLUSTER_POLICY, EXCEPTION, CEL_POLICY, CEL_EXCEPTION],
    "admission-policy": [ADMISSION_POLICY, ADMISSION_BINDING, WEBHOOKS],
    "gatekeeper-object": [CONSTRAINT, TEMPLATE, GATEKEEPER_CONFIG],
    "kubernetes-object": [DEPLOYMENT],
}
