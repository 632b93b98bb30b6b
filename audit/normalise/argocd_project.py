"""Argo CD's AppProjects, as `kubectl get appprojects -o json` prints them: `app_projects`, `project_roles`, `sync_windows`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from audit.normalise.argocd_spec import is_kind
from audit.normalise.interface import Context, Outcome, Row, Rows
from audit.normalise.jsonformat import ABSENT, Id, JsonFormat, cluster_of, is_there
from audit.normalise.times import Time, optional
from audit.normalise.urls import names, without_credentials


class _Metadata(msgspec.Struct):
    name: str
    namespace: str = ""
    generation: Id | None = None
    creationTimestamp: Time | None = None


class _Destination(msgspec.Struct):
    server: str | None = None
    name: str | None = None
    namespace: str | None = None


class _GroupKind(msgspec.Struct):
    group: str
    kind: str


class _Token(msgspec.Struct):
    exp: int | None = None


class _Role(msgspec.Struct):
    name: str
    groups: list[str] | None = None
    policies: list[str] | None = None
    jwtTokens: list[_Token] | None = None


class _Window(msgspec.Struct):
    kind: Literal["allow", "deny"]
    schedule: str
    duration: str
    applications: list[str] | None = None
    namespaces: list[str] | None = None
    clusters: list[str] | None = None
    manualSync: bool | None = None
    syncOverrun: bool | None = None
    andOperator: bool | None = None
    timeZone: str | None = None


class _Key(msgspec.Struct):
    keyID: str


class _Spec(msgspec.Struct):
    sourceRepos: list[str] | None = None
    sourceNamespaces: list[str] | None = None
    destinations: list[_Destination] | None = None
    clusterResourceWhitelist: list[_GroupKind] | None = None
    clusterResourceBlacklist: list[_GroupKind] | None = None
    namespaceResourceWhitelist: list[_GroupKind] | None = None
    namespaceResourceBlacklist: list[_GroupKind] | None = None
    orphanedResources: msgspec.Raw = ABSENT
    roles: list[_Role] | None = None
    syncWindows: list[_Window] | None = None
    signatureKeys: list[_Key] | None = None
    permitOnlyProjectScopedClusters: bool | None = None


class _Tokens(msgspec.Struct):
    items: list[_Token] | None = None


class _Status(msgspec.Struct):
    jwtTokensByRole: dict[str, _Tokens] | None = None


class Project(msgspec.Struct):
    """An AppProject; of its tokens, which are never written there, only their end is decoded."""

    metadata: _Metadata
    spec: _Spec
    status: _Status | None = None


def _rows(found: Project, context: Context) -> Outcome:
    metadata, spec = found.metadata, found.spec
    where: Row = {"cluster": cluster_of(context), "project": f"{metadata.namespace}/{metadata.name}"}
    rows: Rows = [("app_projects", where | _project(metadata, spec))]
    issued = (found.status.jwtTokensByRole if found.status is not None else None) or {}
    rows += [("project_roles", where | _role(role, issued.get(role.name))) for role in spec.roles or ()]
    windows = enumerate(spec.syncWindows or ())
    rows += [("sync_windows", where | {"place": place} | _window(window)) for place, window in windows]
    return Outcome(rows, None)


def _project(metadata: _Metadata, spec: _Spec) -> Row:
    destinations = [
        {"server": without_credentials(d.server), "name": d.name, "namespace": d.namespace}
        for d in spec.destinations or ()
    ]
    told = [{name: value for name, value in each.items() if value} for each in destinations]
    return {
        "source_repos": names([*(spec.sourceRepos or ())]),
        "source_namespaces": names([*(spec.sourceNamespaces or ())]),
        "destinations": _json(told),
        "cluster_kinds": _kinds(spec.clusterResourceWhitelist),
        "cluster_kinds_denied": _kinds(spec.clusterResourceBlacklist),
        "namespace_kinds": _kinds(spec.namespaceResourceWhitelist),
        "namespace_kinds_denied": _kinds(spec.namespaceResourceBlacklist),
        "signature_keys": names([key.keyID for key in spec.signatureKeys or ()]),
        "orphans_watched": is_there(spec.orphanedResources),
        "own_clusters_only": spec.permitOnlyProjectScopedClusters is True,
        "created_at": optional(metadata.creationTimestamp),
        "generation": metadata.generation,
    }


def _role(role: _Role, issued: _Tokens | None) -> Row:
    """A role; the status knows its tokens better than the spec, which may be written by hand."""
    tokens = (issued.items if issued is not None else None) or role.jwtTokens or []
    return {
        "role": role.name,
        "groups": _json(sorted(role.groups or ())),
        "policies": _json(sorted(role.policies or ())),
        "tokens": len(tokens),
        "tokens_without_end": sum(not token.exp for token in tokens),
    }


def _window(window: _Window) -> Row:
    return {
        "kind": window.kind,
        "schedule": window.schedule,
        "duration": window.duration,
        "time_zone": window.timeZone or "UTC",
        "applications": names([*(window.applications or ())]),
        "namespaces": names([*(window.namespaces or ())]),
        "clusters": names([*(window.clusters or ())]),
        "all_must_match": window.andOperator is True,
        "manual_sync": window.manualSync is True,
        "overrun": window.syncOverrun is True,
    }


def _kinds(listed: list[_GroupKind] | None) -> str:
    return " ".join(sorted({f"{each.group}/{each.kind}" for each in listed or ()}))


def _json(value: Sequence[Mapping[str, str] | str]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _looks(record: bytes) -> bool:
    return is_kind(record, "AppProject", frozenset({"sourceRepos"}), frozenset({"destinations"}))


FORMAT = JsonFormat(
    "argocd-project", 2, ("app_projects", "project_roles", "sync_windows"), Project, _rows, _looks
)
