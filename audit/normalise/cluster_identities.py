"""Which identities of a cloud a cluster lets in, to `cluster_identities`; of Google Cloud and Azure see `cluster_roles`.

Read are the ConfigMap `aws-auth`, what `aws eks describe-access-entry` and `aws eks list-associated-access-policies` print, what
`eksctl get iamidentitymapping` and `eksctl get accessentry` print as JSON or YAML, and objects of kind IAMIdentityMapping. An entry without policies, and a ConfigMap that maps nobody, is told by
its own rows or is noise.
"""

from __future__ import annotations

from typing import Any

import msgspec

from audit.normalise import cluster_roles, plainyaml
from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import JsonFormat, cluster_of, keys, names
from audit.normalise.times import parse

_MAPPING, _GROUP = "IAMIdentityMapping", b"iamauthenticator.k8s.aws/"
_KEYS = frozenset({"accessEntry", "associatedAccessPolicies", "rolearn", "userarn", "principalARN"})
"""Of which each object but those of Kubernetes has one."""


class _Metadata(msgspec.Struct):
    name: str
    namespace: str = ""


class _Mapped(msgspec.Struct):
    """An entry of mapRoles or mapUsers."""

    rolearn: str | None = None
    userarn: str | None = None
    username: str | None = None
    groups: list[str] | None = None


class _Maps(msgspec.Struct):
    """What aws-auth holds: YAML within text."""

    mapRoles: str | None = None
    mapUsers: str | None = None
    mapAccounts: str | None = None


class _Entry(msgspec.Struct):
    clusterName: str
    principalArn: str
    username: str | None = None
    kubernetesGroups: list[str] | None = None
    type: str | None = None
    modifiedAt: str | int | float | None = None
    createdAt: str | int | float | None = None


class _Allowed(msgspec.Struct):
    policyARN: str
    accessScope: _Scope


class _Spec(msgspec.Struct):
    """What an IAMIdentityMapping maps."""

    arn: str
    username: str | None = None
    groups: list[str] | None = None


class _Scope(msgspec.Struct):
    type: str
    namespaces: list[str] | None = None


class _Policy(msgspec.Struct):
    policyArn: str
    accessScope: _Scope
    modifiedAt: str | int | float | None = None
    associatedAt: str | int | float | None = None


class Source(msgspec.Struct):
    """A ConfigMap, a mapping, an entry or the policies of an entry; which one, its keys tell."""

    kind: str | None = None
    metadata: _Metadata | None = None
    data: _Maps | None = None
    spec: _Spec | msgspec.UnsetType = msgspec.UNSET

    rolearn: str | None = None
    userarn: str | None = None
    username: str | None = None
    groups: list[str] | None = None

    principalARN: str | None = None
    kubernetesGroups: list[str] | None = None
    accessPolicies: list[_Allowed] | None = None

    accessEntry: _Entry | None = None

    associatedAccessPolicies: list[_Policy] | None = None
    clusterName: str | None = None
    principalArn: str | None = None


def _rows(source: Source, context: Context) -> Outcome:
    if source.accessEntry is not None:
        rows = [_entry(source.accessEntry, context)]
    elif source.associatedAccessPolicies is not None:
        rows = _policies(source, source.associatedAccessPolicies, context)
    elif source.kind == "ConfigMap" and source.metadata is not None and source.metadata.name == "aws-auth":
        rows = _aws_auth(source.data or _Maps(), cluster_of(context))
    elif source.kind == _MAPPING and isinstance(source.spec, _Spec):
        rows = [_mapped(source.spec.arn, source.spec.username, source.spec.groups, cluster_of(context))]
    elif source.rolearn or source.userarn:
        arn = source.rolearn or source.userarn or ""
        rows = [_mapped(arn, source.username, source.groups, cluster_of(context))]
    elif source.principalARN is not None:
        rows = _summary(source.principalARN, source, cluster_of(context))
    else:
        raise Unreadable("neither aws-auth, nor a mapping, nor an access entry, nor policies of one")
    return Outcome([("cluster_identities", row) for row in rows], None)


def _entry(entry: _Entry, context: Context) -> Row:
    return _row(
        context.cluster or entry.clusterName,
        "access entry",
        entry.principalArn,
        username=entry.username,
        groups=entry.kubernetesGroups,
        entry_type=entry.type,
        changed=entry.modifiedAt if entry.modifiedAt is not None else entry.createdAt,
    )


def _mapped(arn: str, username: str | None, groups: list[str] | None, cluster: str) -> Row:
    """A role or user that is mapped by itself."""
    kind = next((kind for kind in ("role", "user") if f":{kind}/" in arn), None)
    if kind is None:
        raise Unreadable("the ARN is of no role and no user")
    return _row(cluster, kind, arn, username=username, groups=groups)


def _summary(principal: str, source: Source, cluster: str) -> list[Row]:
    """An entry as eksctl prints it, with its policies; of the user as whom it acts it says nothing."""
    rows = [_row(cluster, "access entry", principal, groups=source.kubernetesGroups)]
    for policy in source.accessPolicies or ():
        scope = _scope(policy.accessScope)
        rows.append(_row(cluster, "access policy", principal, policy=policy.policyARN, scope=scope))
    return rows


def _policies(source: Source, policies: list[_Policy], context: Context) -> list[Row]:
    if source.principalArn is None or source.clusterName is None:
        raise Unreadable("clusterName or principalArn is missing")
    rows = []
    for policy in policies:
        row = _row(
            context.cluster or source.clusterName,
            "access policy",
            source.principalArn,
            policy=policy.policyArn,
            scope=_scope(policy.accessScope),
            changed=policy.modifiedAt if policy.modifiedAt is not None else policy.associatedAt,
        )
        rows.append(row)
    return rows


def _scope(scope: _Scope) -> list[str] | None:
    """The namespaces in which a policy holds; None for the whole cluster."""
    if scope.type not in ("cluster", "namespace") or (scope.type == "namespace") != bool(scope.namespaces):
        raise Unreadable(f"unknown scope {scope.type[:40]!r} or namespaces that do not go with it")
    return scope.namespaces


def _aws_auth(maps: _Maps, cluster: str) -> list[Row]:
    rows = []
    for kind, text, named in (("role", maps.mapRoles, "rolearn"), ("user", maps.mapUsers, "userarn")):
        for mapped in _inner(f"map{kind.capitalize()}s", text, _Mapped):
            principal = getattr(mapped, named)
            if not principal:
                raise Unreadable(f"map{kind.capitalize()}s: {named} is missing")
            rows.append(_row(cluster, kind, principal, username=mapped.username, groups=mapped.groups))
    accounts = _inner("mapAccounts", maps.mapAccounts, str | int)
    return rows + [_row(cluster, "account", str(account)) for account in accounts]


def _inner(name: str, text: str | None, kind: Any) -> list[Any]:
    """The list that is written as YAML in a text."""
    if text is None or not text.strip():
        return []
    try:
        return [msgspec.json.decode(item.data, type=kind) for item in plainyaml.items(text.encode())]
    except (plainyaml.NotPlain, msgspec.DecodeError, UnicodeError) as error:
        raise Unreadable(f"{name}: {error}") from None


def _row(
    cluster: str,
    kind: str,
    principal: str,
    *,
    username: str | None = None,
    groups: list[str] | None = None,
    policy: str = "",
    scope: list[str] | None = None,
    entry_type: str | None = None,
    changed: str | float | None = None,
) -> Row:
    return {
        "cluster": cluster,
        "kind": kind,
        "principal": principal,
        "username": username,
        "groups": ",".join(sorted(set(groups or ()))),
        "policy": policy,
        "scope": ",".join(sorted(set(scope or ()))),
        "entry_type": entry_type,
        "changed_at": parse(changed) if changed is not None else None,
    }


def _looks(record: bytes) -> bool:
    if any(
        f'"{word}"'.encode() in record
        for word in (*_KEYS, "bindings", "roleDefinitionName", "RoleDefinitionName")
    ):
        told = names(record)
        return not _KEYS.isdisjoint(told) or any(shape <= told for shape, _, _ in _ROLES)
    if _GROUP in record:
        kinds = keys(record)
        return kinds.kind == _MAPPING and (kinds.apiVersion or "").startswith(_GROUP.decode())
    if b'"aws-auth"' not in record or b'"ConfigMap"' not in record:
        return False
    try:
        found = _config_map.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return found.kind == "ConfigMap" and found.metadata is not None and found.metadata.name == "aws-auth"


class _ConfigMap(msgspec.Struct):
    kind: str | None = None
    metadata: _Metadata | None = None


_config_map = msgspec.json.Decoder(_ConfigMap)

_ROLES: tuple[tuple[frozenset[str], Any, Any], ...] = (
    (cluster_roles.GOOGLES, msgspec.json.Decoder(cluster_roles.Policy), cluster_roles.of_google),
    (cluster_roles.AZURES, msgspec.json.Decoder(cluster_roles.Assignment), cluster_roles.of_azure),
    (cluster_roles.POWERSHELLS, msgspec.json.Decoder(cluster_roles.PowerShell), cluster_roles.of_azure),
)
"""Keys that tell a cloud's roles, how they are decoded, and what gives their rows."""


class _Identities(JsonFormat[Source]):
    """As any format of JSON; roles of a cloud have shapes of their own."""

    def read(self, record: bytes, context: Context) -> Outcome:
        for shape, decoder, rows in _ROLES:
            if shape <= names(record):
                try:
                    found = rows(decoder.decode(record), cluster_of(context))
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise Unreadable(str(error)) from None
                except RecursionError:
                    raise Unreadable("nested too deep") from None
                return Outcome([("cluster_identities", row) for row in found], None)
        return super().read(record, context)


FORMAT = _Identities("cluster-identities", 3, ("cluster_identities",), Source, _rows, _looks)
