"""Sources and image automation of Flux, as `kubectl get … -o json` prints them, to `app_sources`."""

from __future__ import annotations

import json

import msgspec

from audit.normalise.conditions import Condition, health, latest, named
from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, cluster_of, keys
from audit.normalise.times import Time, optional
from audit.normalise.urls import without_credentials

_SOURCE, _IMAGE = "source.toolkit.fluxcd.io/", "image.toolkit.fluxcd.io/"
_GROUPS = {
    "GitRepository": _SOURCE,
    "OCIRepository": _SOURCE,
    "HelmRepository": _SOURCE,
    "HelmChart": _SOURCE,
    "Bucket": _SOURCE,
    "ExternalArtifact": _SOURCE,
    "ImageRepository": _IMAGE,
    "ImagePolicy": _IMAGE,
    "ImageUpdateAutomation": _IMAGE,
}


class _Metadata(msgspec.Struct):
    name: str
    namespace: str = ""
    generation: Id | None = None


class _Named(msgspec.Struct):
    name: str | None = None


class _Identity(msgspec.Struct):
    issuer: str | None = None
    subject: str | None = None


class _Verify(msgspec.Struct):
    mode: str | None = None
    provider: str | None = None
    secretRef: _Named | None = None
    matchOIDCIdentity: list[_Identity] | None = None


class _Push(msgspec.Struct):
    branch: str | None = None
    refspec: str | None = None


class _Git(msgspec.Struct):
    push: _Push | None = None


class _Spec(msgspec.Struct):
    """The fields of all the kinds."""

    url: str | None = None
    image: str | None = None
    endpoint: str | None = None
    bucketName: str | None = None
    chart: str | None = None
    version: str | None = None
    type: str | None = None
    ref: dict[str, str] | None = None
    interval: str | None = None
    suspend: bool | None = None
    insecure: bool | None = None
    secretRef: _Named | None = None
    verify: _Verify | None = None
    git: _Git | None = None


class _Artifact(msgspec.Struct):
    revision: str | None = None
    digest: str | None = None
    lastUpdateTime: Time | None = None


class _Status(msgspec.Struct):
    conditions: list[Condition] | None = None
    artifact: _Artifact | None = None
    lastPushCommit: str | None = None
    lastPushTime: Time | None = None
    lastAutomationRunTime: Time | None = None
    latestImage: str | None = None


class Source(msgspec.Struct):
    """A source, or a part of the automation of images; credentials are only named in it, and not decoded."""

    apiVersion: str
    kind: str
    metadata: _Metadata
    spec: _Spec
    status: _Status | None = None


def _rows(found: Source, context: Context) -> Outcome:
    if not found.apiVersion.startswith(_GROUPS.get(found.kind, " ")):
        raise Unreadable(f"no source of Flux: {found.kind[:40]!r}")
    status, spec = found.status or _Status(), found.spec
    artifact, verify = status.artifact or _Artifact(), spec.verify
    ready, verified = named(status.conditions, "Ready"), named(status.conditions, "SourceVerified")
    at = latest(status.conditions, artifact.lastUpdateTime, status.lastPushTime, status.lastAutomationRunTime)
    row: Row = {
        "cluster": cluster_of(context),
        "kind": found.kind,
        "name": f"{found.metadata.namespace}/{found.metadata.name}",
        "observed_at": at,
        "url": without_credentials(spec.url or spec.image or spec.endpoint) or spec.chart,
        "reference": _reference(spec),
        "interval": spec.interval or None,
        "suspended": spec.suspend is True,
        "insecure": spec.insecure is True or (spec.url or "").startswith("http://"),
        "credentials": spec.secretRef.name if spec.secretRef is not None else None,
        "verification": None if verify is None else verify.mode or verify.provider or "set",
        "verified_by": _verified_by(verify),
        "verified": None if verified is None else verified.status == "True",
        "revision": artifact.revision or status.latestImage or None,
        "digest": artifact.digest or None,
        "revision_at": optional(artifact.lastUpdateTime),
        "push_branch": (spec.git.push.branch or spec.git.push.refspec)
        if spec.git and spec.git.push
        else None,
        "pushed": status.lastPushCommit or None,
        "pushed_at": optional(status.lastPushTime),
        "ready": ready.status if ready is not None else None,
        "reason": (ready.reason or None) if ready is not None else None,
        "health_status": _health(spec, status),
        "generation": found.metadata.generation,
    }
    return Outcome([("app_sources", row)], at)


def _reference(spec: _Spec) -> str:
    """What is followed, as `branch=main`; of several the names are sorted."""
    told = dict(spec.ref or {})
    if spec.version:
        told["version"] = spec.version
    if spec.bucketName:
        told["bucket"] = spec.bucketName
    return ",".join(f"{name}={value}" for name, value in sorted(told.items()))


def _verified_by(verify: _Verify | None) -> str:
    """The secret that holds the keys, and the identities that may sign, as JSON."""
    if verify is None:
        return ""
    identities = [
        {name: value for name, value in (("issuer", each.issuer), ("subject", each.subject)) if value}
        for each in verify.matchOIDCIdentity or ()
    ]
    told = {"secret": verify.secretRef.name if verify.secretRef else None, "identities": identities or None}
    told = {name: value for name, value in told.items() if value}
    return json.dumps(told, sort_keys=True, ensure_ascii=False) if told else ""


def _health(spec: _Spec, status: _Status) -> str:
    """As Argo CD judges it; a Helm repository of type oci is never fetched, and so always well."""
    if spec.suspend:
        return "Suspended"
    if spec.type == "oci" and not status.conditions:
        return "Healthy"
    return health(status.conditions, ("Ready",))


def _looks(record: bytes) -> bool:
    if b".toolkit.fluxcd.io/" not in record:
        return False
    found = keys(record)
    group = _GROUPS.get(found.kind or "")
    return group is not None and (found.apiVersion or "").startswith(group)


FORMAT = JsonFormat("flux-source", 2, ("app_sources",), Source, _rows, _looks)
