"""What an Application of Argo CD is set to, of itself or in the template of an ApplicationSet."""

from __future__ import annotations

import json
from datetime import datetime

import msgspec

from audit.normalise.interface import Row
from audit.normalise.jsonformat import Id, keys
from audit.normalise.urls import names

GROUP = "argoproj.io/"
_SKIP = "argocd.argoproj.io/skip-reconcile"


class _Bare(msgspec.Struct):
    kind: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    metadata: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    spec: dict[str, msgspec.Raw] | None = None


_bare = msgspec.json.Decoder(_Bare)


def is_kind(record: bytes, kind: str, *specified: frozenset[str]) -> bool:
    """Whether it is an object of a kind of Argo CD: by its kind or, as Argo CD's own API and its command line give it, without any, by
    what it specifies.

    Args:
        specified: of each of these names, `spec` has at least one.
    """
    if b'"' + kind.encode() + b'"' in record:
        found = keys(record)
        if found.kind == kind:
            return (found.apiVersion or "").startswith(GROUP)
    if not all(any(b'"' + name.encode() + b'"' in record for name in names_) for names_ in specified):
        return False
    try:
        bare = _bare.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    whole = bare.kind is msgspec.UNSET and bare.metadata is not msgspec.UNSET and bare.spec is not None
    return whole and all(names_ & (bare.spec or {}).keys() for names_ in specified)


class Metadata(msgspec.Struct):
    """Of an Application's metadata, what counts."""

    name: str
    namespace: str = ""
    generation: Id | None = None
    annotations: dict[str, str] | None = None


class Source(msgspec.Struct):
    """A source."""

    repoURL: str | None = None
    path: str | None = None
    chart: str | None = None
    targetRevision: str | None = None
    ref: str | None = None


class _Branch(msgspec.Struct):
    repoURL: str | None = None
    path: str | None = None
    targetBranch: str | None = None


class Hydrator(msgspec.Struct):
    """What it renders (the dry source), and the branch to which it writes what comes of it, and from which it syncs."""

    drySource: Source
    syncSource: _Branch


class Automated(msgspec.Struct):
    """How it syncs by itself."""

    selfHeal: bool | None = None
    prune: bool | None = None
    allowEmpty: bool | None = None
    enabled: bool | None = None


class SyncPolicy(msgspec.Struct):
    """How it syncs."""

    automated: Automated | None = None
    syncOptions: list[str] | None = None


class Destination(msgspec.Struct):
    """Where it deploys to: a cluster, by its address or its name, and a namespace."""

    server: str | None = None
    name: str | None = None
    namespace: str | None = None


class Ignored(msgspec.Struct, omit_defaults=True):
    """A difference that it ignores: where, and which fields. Fields are named, never their values."""

    group: str | None = None
    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    jsonPointers: list[str] | None = None
    jqPathExpressions: list[str] | None = None
    managedFieldsManagers: list[str] | None = None


class Spec(msgspec.Struct):
    """An Application's spec; what is not needed, such as the values of a chart, is not decoded."""

    project: str | None = None
    source: Source | None = None
    sources: list[Source] | None = None
    sourceHydrator: Hydrator | None = None
    destination: Destination | None = None
    syncPolicy: SyncPolicy | None = None
    ignoreDifferences: list[Ignored] | None = None

    def automated(self) -> Automated | None:
        """How it syncs by itself; None when it does not."""
        policy = self.syncPolicy.automated if self.syncPolicy is not None else None
        return policy if policy is not None and policy.enabled is not False else None

    def one(self) -> Source | None:
        """Its source, where it has one and not several: of what a hydrator rendered, the branch from which it syncs."""
        if self.sourceHydrator is None:
            return self.source
        dry, synced = self.sourceHydrator.drySource, self.sourceHydrator.syncSource
        return Source(
            repoURL=synced.repoURL or dry.repoURL, path=synced.path, targetRevision=synced.targetBranch
        )

    def repos(self) -> str:
        """Its repositories, sorted, separated by spaces."""
        own = self.sources or [self.one() or Source()]
        dry = self.sourceHydrator.drySource if self.sourceHydrator is not None else Source()
        return names([source.repoURL for source in (*own, dry)])


def settings(metadata: Metadata, spec: Spec, *, cluster: str, app: str, at: datetime | None) -> Row:
    """The row of `app_settings` for an Application."""
    automated, destination = spec.automated(), spec.destination or Destination()
    return {
        "cluster": cluster,
        "app": app,
        "observed_at": at,
        "operator": "argocd",
        "object_kind": "Application",
        "project": spec.project or None,
        "automated": automated is not None,
        "prune": automated is not None and automated.prune is True,
        "self_heal": automated is not None and automated.selfHeal is True,
        "allow_empty": automated is not None and automated.allowEmpty is True,
        "suspended": (metadata.annotations or {}).get(_SKIP) == "true",
        "interval": None,
        "drift_detection": None,
        "force": None,
        "repos": spec.repos(),
        "destination": names([destination.server or destination.name]),
        "namespace": destination.namespace or "",
        "ignored": _ignored(spec.ignoreDifferences),
        "sync_options": ",".join(sorted((spec.syncPolicy and spec.syncPolicy.syncOptions) or ())),
        "generation": metadata.generation,
    }


def _ignored(differences: list[Ignored] | None) -> str:
    told = msgspec.to_builtins(differences or [])
    return json.dumps(told, sort_keys=True, ensure_ascii=False) if told else ""
