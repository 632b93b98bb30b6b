"""Roles of Google Cloud and Azure that let somebody into a cluster, past or beside its own RBAC, to `cluster_identities`.

Read are what `gcloud projects get-iam-policy` prints (a binding for each role, or flattened), and what
`az role assignment list --include-inherited` and `Get-AzRoleAssignment` print. Roles that say nothing of clusters are left out; roles of one's own are kept, for
what they hold is not told.
"""

from __future__ import annotations

from typing import Any

import msgspec

from audit.normalise.interface import Row, Unreadable

KIND = "role assignment"
GOOGLES = frozenset({"bindings", "etag"})
AZURES = frozenset({"principalId", "roleDefinitionName", "scope"})
POWERSHELLS = frozenset({"ObjectId", "RoleDefinitionName", "Scope"})
_OWN = "roles/"
_OF_CLUSTERS = ("roles/container.", "roles/gkehub.", "roles/owner", "roles/editor", "roles/viewer")
_OVER_ALL = ("owner", "contributor", "user access administrator", "role based access control administrator")
_CLUSTER, _NAMESPACES = "/managedclusters/", "/namespaces/"
_LONGEST = 80


class _Condition(msgspec.Struct):
    title: str = ""
    expression: str = ""


class _Binding(msgspec.Struct):
    role: str
    members: list[str] | str
    condition: _Condition | None = None


class Policy(msgspec.Struct):
    """A policy of Google Cloud; flattened, it holds one binding of one member."""

    bindings: list[_Binding] | _Binding


class Assignment(msgspec.Struct):
    """An assignment of Azure."""

    principalId: str
    roleDefinitionName: str
    scope: str
    principalName: str | None = None
    principalType: str | None = None


class PowerShell(msgspec.Struct, rename="pascal"):
    """The same as PowerShell prints it."""

    object_id: str
    role_definition_name: str
    scope: str
    sign_in_name: str | None = None
    display_name: str | None = None
    object_type: str | None = None


def of_google(policy: Policy, cluster: str) -> list[Row]:
    """A row for each member of each role that lets into clusters."""
    bindings = policy.bindings if isinstance(policy.bindings, list) else [policy.bindings]
    rows = []
    for binding in bindings:
        if binding.role.startswith(_OWN) and not binding.role.startswith(_OF_CLUSTERS):
            continue
        condition = binding.condition
        told = "" if condition is None else f" if {(condition.title or condition.expression)[:_LONGEST]}"
        members = binding.members if isinstance(binding.members, list) else [binding.members]
        for member in members:
            kind, colon, name = member.partition(":")
            rows.append(_row(cluster, name if colon else member, kind, binding.role + told))
    return rows


def of_azure(found: Assignment | PowerShell, cluster: str) -> list[Row]:
    """The row of an assignment; none where its role says nothing of clusters."""
    if isinstance(found, PowerShell):
        who, kind = found.sign_in_name or found.display_name or found.object_id, found.object_type
        role = found.role_definition_name
    else:
        who, kind, role = (
            found.principalName or found.principalId,
            found.principalType,
            found.roleDefinitionName,
        )
    if not role:
        raise Unreadable("the role has no name: it may be gone")
    scope = found.scope.lower()
    if "kubernetes" not in role.lower() and role.lower() not in _OVER_ALL and _CLUSTER not in scope:
        return []
    at = scope.rfind(_NAMESPACES) if _CLUSTER in scope else -1
    space = found.scope[at + len(_NAMESPACES) :].strip("/") if at >= 0 else ""
    return [_row(cluster, who, kind, role, scope=space)]


def _row(cluster: str, principal: str, kind: str | None, role: str, *, scope: str = "") -> Row:
    if not principal:
        raise Unreadable("an assignment names nobody")
    facts: dict[str, Any] = {"username": None, "groups": "", "changed_at": None}
    return facts | {
        "cluster": cluster, "kind": KIND, "principal": principal, "policy": role, "scope": scope, "entry_type": kind
    }  # fmt: skip
