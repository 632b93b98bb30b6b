"""Flux Kustomizations and HelmReleases, as `kubectl get … -o json` prints them: `applications`, `app_settings`, `sync_records`.

status.history holds one entry for each distinct content and outcome, not for each reconciliation: an entry is a
deployment at its first reconciliation. Its revision is the one reconciled last, which may be newer than the first
when a commit did not change this object's content; the message then says how often and until when.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec

from audit.normalise import revisions
from audit.normalise.flux_spec import Metadata, Spec, settings
from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, cluster_of, keys
from audit.normalise.times import Time, optional, parse, utc

_KINDS = {"Kustomization": "kustomize.toolkit.fluxcd.io/", "HelmRelease": "helm.toolkit.fluxcd.io/"}
_SUCCEEDED = frozenset({"ReconciliationSucceeded", "deployed", "superseded", "uninstalled", "uninstalling"})
_RUNNING = frozenset({"pending-install", "pending-upgrade", "pending-rollback", "Progressing"})
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?(?:[\d.]+(?:ms|µs|us|ns))?")
_SOON = timedelta(minutes=1)
"""How long after a request the controller begins at the latest, for the request to be what began it."""


class _Condition(msgspec.Struct):
    type: str
    status: str
    lastTransitionTime: Time | None = None
    reason: str | None = None


class _Snapshot(msgspec.Struct):
    """An entry of status.history: the first group of fields is a Kustomization's, the second a HelmRelease's."""

    firstReconciled: Time | None = None
    lastReconciled: Time | None = None
    lastReconciledDuration: str | None = None
    lastReconciledStatus: str | None = None
    totalReconciliations: Id | None = None
    metadata: dict[str, str] | None = None

    chartVersion: str | None = None
    lastDeployed: Time | None = None
    status: str | None = None


class _Status(msgspec.Struct):
    conditions: list[_Condition] | None = None
    lastAppliedRevision: str | None = None
    lastHandledReconcileAt: str | None = None
    history: list[_Snapshot] | None = None


class FluxObject(msgspec.Struct):
    """A Kustomization or HelmRelease; what is not needed is not decoded."""

    apiVersion: str
    kind: str
    metadata: Metadata
    spec: Spec
    status: _Status | None = None


def _rows(found: FluxObject, context: Context) -> Outcome:
    if not found.apiVersion.startswith(_KINDS.get(found.kind, " ")):
        raise Unreadable(f"neither a Kustomization nor a HelmRelease of Flux: {found.kind[:40]!r}")
    cluster, status = cluster_of(context), found.status or _Status()
    app = f"{found.metadata.namespace}/{found.metadata.name}"
    history = [_record(snapshot, found, cluster, app) for snapshot in status.history or ()]
    at = _observed(status)
    set_to = settings(found.kind, found.metadata, found.spec, cluster=cluster, app=app, at=at)
    if at is None:
        return Outcome([("app_settings", set_to)], None)  # never reconciled: it says nothing yet of a state
    requested = _requested(status)
    for snapshot, row in zip(status.history or (), history, strict=True):
        if requested is not None and _answers(snapshot, row["finished_at"], requested):
            row["options"] = "requested"
            break
    application = _application(found, status, cluster=cluster, app=app) | {"observed_at": at}
    synced = [("sync_records", row) for row in history]
    return Outcome([("applications", application), ("app_settings", set_to), *synced], at)


def _observed(status: _Status) -> datetime | None:
    """The last time of which the object says that it was reconciled, or changed its condition."""
    times = [condition.lastTransitionTime for condition in status.conditions or ()]
    times += [time for s in status.history or () for time in (s.lastReconciled, s.lastDeployed)]
    return max((utc(time) for time in times if time is not None), default=None)


def _requested(status: _Status) -> datetime | None:
    """When someone last asked for a reconciliation that was then done; None when what was asked with is no time."""
    if not status.lastHandledReconcileAt:
        return None
    try:
        return parse(status.lastHandledReconcileAt)
    except Unreadable:
        return None  # any text will do as a request; without a time it can't be tied to a reconciliation


def _answers(snapshot: _Snapshot, finished: datetime, requested: datetime) -> bool:
    """Whether the reconciliation that `snapshot` records first is the one that the request began."""
    latest = requested + _duration(snapshot.lastReconciledDuration) + _SOON
    return requested.replace(microsecond=0) <= finished <= latest


def _duration(text: str | None) -> timedelta:
    """A duration as Go writes it, down to the second; none when it is not given."""
    found = _DURATION.fullmatch(text or "")
    if found is None:
        raise Unreadable(f"not a duration: {text!r}")
    try:
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return min(timedelta(hours=hours, minutes=minutes, seconds=seconds), timedelta(days=1))
    except (ValueError, OverflowError):
        raise Unreadable(f"not a duration: {text!r}") from None


def _source(spec: Spec) -> tuple[str | None, str | None]:
    """Name of the Flux source, and the version of the chart that is followed."""
    reference = spec.reference()
    return (reference.name if reference is not None else None), spec.version()


def _application(found: FluxObject, status: _Status, *, cluster: str, app: str) -> Row:
    source, version = _source(found.spec)
    active = not found.spec.suspend
    revision, _ = revisions.flux(_applied(status))
    return {
        "cluster": cluster,
        "app": app,
        "operator": "flux",
        "object_kind": found.kind,
        "repo_url": source,
        "path": found.spec.path,
        "target_revision": version,
        "namespace": found.spec.targetNamespace or found.metadata.namespace,
        "automated": active,
        "self_heal": active,
        "sync_status": _ready(status),
        "health_status": _health(status),
        "revision": revision,
    }


def _applied(status: _Status) -> str | None:
    """What was applied last: newer HelmReleases say so in their history only."""
    if status.lastAppliedRevision:
        return status.lastAppliedRevision
    return next((s.chartVersion for s in status.history or () if s.status == "deployed"), None)


def _condition(status: _Status, name: str) -> _Condition | None:
    return next((c for c in status.conditions or () if c.type == name), None)


def _ready(status: _Status) -> str | None:
    """From Ready; a release of Helm may be ready and have drifted."""
    ready, drifted = _condition(status, "Ready"), _condition(status, "Drifted")
    if drifted is not None and drifted.status == "True":
        return "OutOfSync"
    if ready is None:
        return None
    return {"True": "Synced", "False": "OutOfSync"}.get(ready.status, "Unknown")


def _health(status: _Status) -> str | None:
    """From the health check where there is one, else from Ready as far as that tells."""
    healthy, ready = _condition(status, "Healthy"), _condition(status, "Ready")
    if healthy is not None and healthy.status in ("True", "False"):
        return "Healthy" if healthy.status == "True" else "Degraded"
    if ready is None:
        return None
    if ready.status == "Unknown":
        return "Progressing"
    if ready.status == "True":
        return "Healthy"
    return "Degraded" if ready.reason == "HealthCheckFailed" else None


def _record(snapshot: _Snapshot, found: FluxObject, cluster: str, app: str) -> Row:
    chart = found.kind == "HelmRelease"
    finished = snapshot.lastDeployed if chart else snapshot.firstReconciled
    outcome = snapshot.status if chart else snapshot.lastReconciledStatus
    if finished is None or outcome is None:
        raise Unreadable("an entry of status.history has no time or no status")
    if chart:
        revision, kind = snapshot.chartVersion, "chart"
    else:
        revision, kind = _git(snapshot.metadata or {})
    phase = "succeeded" if outcome in _SUCCEEDED else "running" if outcome in _RUNNING else "failed"
    return {
        "cluster": cluster,
        "app": app,
        "operator": "flux",
        "record": "history",
        "history_id": None,
        "revision": revision,
        "revision_kind": kind,
        "started_at": None,
        "finished_at": utc(finished),
        "phase": phase,
        "initiated_by": None,
        "automated": True,
        "options": "",
        "path": found.spec.path,
        "repo_url": _source(found.spec)[0],
        "message": _times(snapshot, outcome),
    }


def _git(metadata: dict[str, str]) -> tuple[str | None, str]:
    """The commit: the origin's, where the source is an artifact that was made from one."""
    return revisions.flux(metadata.get("originRevision") or metadata.get("revision"))


def _times(snapshot: _Snapshot, outcome: str) -> str:
    last, total = optional(snapshot.lastReconciled), snapshot.totalReconciliations
    if last is None or total is None or total < 2:
        return outcome
    return f"{outcome}; {total} times until {last:%Y-%m-%dT%H:%M:%SZ}"


def _looks(record: bytes) -> bool:
    if b".toolkit.fluxcd.io/" not in record:
        return False
    found = keys(record)
    group = _KINDS.get(found.kind or "")
    return group is not None and (found.apiVersion or "").startswith(group)


FORMAT = JsonFormat(
    "flux-object", 3, ("applications", "app_settings", "sync_records"), FluxObject, _rows, _looks
)
