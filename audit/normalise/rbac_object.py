"""RBAC objects of Kubernetes, as `kubectl get … -o json` or `-o yaml` prints them, to `rbac_rules` and `rbac_bindings`.

A role without rules and a binding without subjects grant nothing, and are noise.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import JsonFormat, cluster_of, keys
from audit.normalise.times import Time, optional

GROUP = "rbac.authorization.k8s.io/"
_KINDS = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


class _Metadata(msgspec.Struct):
    name: str
    namespace: str = ""
    creationTimestamp: Time | None = None


class _Rule(msgspec.Struct):
    verbs: list[str]
    apiGroups: list[str] | None = None
    resources: list[str] | None = None
    resourceNames: list[str] | None = None
    nonResourceURLs: list[str] | None = None


class _RoleRef(msgspec.Struct):
    kind: Literal["Role", "ClusterRole"]
    name: str


class _Subject(msgspec.Struct):
    kind: Literal["User", "Group", "ServiceAccount"]
    name: str
    namespace: str = ""


class Object(msgspec.Struct):
    """A role or a binding; which one, its kind tells."""

    kind: Literal["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]
    metadata: _Metadata
    rules: list[_Rule] | None = None
    aggregationRule: msgspec.Raw = msgspec.Raw()
    roleRef: _RoleRef | None = None
    subjects: list[_Subject] | None = None


def _rows(found: Object, context: Context) -> Outcome:
    cluster, created = cluster_of(context), optional(found.metadata.creationTimestamp)
    namespaced = found.kind in ("Role", "RoleBinding")
    if namespaced != bool(found.metadata.namespace):
        raise Unreadable(f"a {found.kind} {'without' if namespaced else 'with'} a namespace")
    where = {"cluster": cluster, "kind": found.kind, "namespace": found.metadata.namespace}
    if found.kind in ("Role", "ClusterRole"):
        return Outcome([("rbac_rules", row) for row in _rules(found, where, created)], None)
    return Outcome([("rbac_bindings", row) for row in _bindings(found, where, created)], None)


def _rules(found: Object, where: dict[str, str], created: datetime | None) -> list[Row]:
    return [
        {
            **where,
            "role": found.metadata.name,
            "rule": place,
            "api_groups": _joined(rule.apiGroups),
            "resources": _joined(rule.resources),
            "resource_names": _joined(rule.resourceNames),
            "non_resource_urls": _joined(rule.nonResourceURLs),
            "verbs": _joined(rule.verbs),
            "aggregated": bytes(found.aggregationRule) not in (b"", b"null"),
            "created_at": created,
        }
        for place, rule in enumerate(found.rules or ())
    ]


def _bindings(found: Object, where: dict[str, str], created: datetime | None) -> list[Row]:
    if found.roleRef is None:
        raise Unreadable("roleRef is missing")
    return [
        {
            **where,
            "binding": found.metadata.name,
            "role_kind": found.roleRef.kind,
            "role": found.roleRef.name,
            "subject_kind": subject.kind,
            "subject_namespace": subject.namespace,
            "subject": subject.name,
            "created_at": created,
        }
        for subject in found.subjects or ()
    ]


def _joined(values: list[str] | None) -> str:
    return ",".join(sorted(set(values or ())))


def _looks(record: bytes) -> bool:
    if GROUP.encode() not in record:
        return False
    found = keys(record)
    return (found.apiVersion or "").startswith(GROUP) and found.kind in _KINDS


FORMAT = JsonFormat("rbac-object", 1, ("rbac_rules", "rbac_bindings"), Object, _rows, _looks)
