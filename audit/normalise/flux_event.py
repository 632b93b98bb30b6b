"""Events of Flux's controllers, as Kubernetes holds them or as its notification controller sends them on.

They give `sync_records` and `state_changes`. Events about sources, progress, waiting, tests and removals are noise. Drift that the
controller of Helm finds or mends changes the state alone; what it rolled back to is not what is asked for. Before its versions of 2024
that controller gave no reason but `info` and `error`: there the message tells.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from audit.normalise import revisions
from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import JsonFormat, cluster_of, keys
from audit.normalise.kubernetes_event import Event
from audit.normalise.times import Time, utc

_GROUPS = {"Kustomization": "kustomize.toolkit.fluxcd.io", "HelmRelease": "helm.toolkit.fluxcd.io"}
_SUCCEEDED = frozenset(
    {"ReconciliationSucceeded", "InstallSucceeded", "UpgradeSucceeded", "RollbackSucceeded"}
)
_FAILED = frozenset(
    {
        "ArtifactFailed", "BuildFailed", "HealthCheckFailed", "InstallFailed", "PruneFailed",
        "ReconciliationFailed", "RollbackFailed", "UpgradeFailed", "ValidationFailed",
    }
)  # fmt: skip
_DRIFT = {"DriftDetected": "OutOfSync", "DriftCorrectionFailed": "OutOfSync", "DriftCorrected": "Synced"}
_SAID = re.compile(r"Helm (?P<action>install|upgrade|rollback) (?P<end>succeeded|failed)")


class FluxEvent(Event):
    """A Kubernetes Event, or what the notification controller sends: its metadata are texts, its only time is `timestamp`.

    A shipper that parsed an Event into its own may have a `timestamp` beside the Event's times.
    """

    timestamp: Time | None = None

    @property
    def sent(self) -> datetime | None:
        """When the notification controller sent it; None where it did not."""
        times = (self.lastTimestamp, self.firstTimestamp, self.eventTime, self.deprecatedLastTimestamp)
        return None if self.timestamp is None or any(times) else utc(self.timestamp)


_texts = msgspec.json.Decoder(dict[str, str] | None)


def _rows(event: FluxEvent, context: Context) -> Outcome:
    annotations = _annotations(event)
    at, target = event.sent or event.at, event.target
    group = _GROUPS.get(target.kind)
    if group is None or not target.apiVersion.startswith(group + "/"):
        return Outcome([], at)
    cluster, app = cluster_of(context), f"{target.namespace}/{target.name}"
    reason = _reason(event, target.kind)
    if reason in _DRIFT:
        return Outcome(_states(cluster, app, at, {"sync": _DRIFT[reason]}), at)
    ended = "succeeded" if reason in _SUCCEEDED else "failed" if reason in _FAILED else None
    if ended is None:
        return Outcome([], at)
    named = _revision(annotations, group)
    revision, kind = (named, "chart") if target.kind == "HelmRelease" else revisions.flux(named)
    row: Row = {
        "cluster": cluster,
        "app": app,
        "operator": "flux",
        "record": "event",
        "history_id": None,
        "revision": revision,
        "revision_kind": kind,
        "started_at": None,
        "finished_at": at,
        "phase": ended,
        "initiated_by": None,
        "automated": True,
        "options": "",
        "path": None,
        "repo_url": None,
        "message": event.text or None,
    }
    synced = ended == "succeeded" and reason != "RollbackSucceeded"
    states = {"sync": "Synced" if synced else "OutOfSync"}
    if synced or reason == "HealthCheckFailed":
        states["health"] = "Healthy" if synced else "Degraded"
    return Outcome([("sync_records", row), *_states(cluster, app, at, states)], at)


def _reason(event: FluxEvent, kind: str) -> str:
    """Its reason; where that is but how bad it is, the one that its message tells."""
    said = _SAID.match(event.text) if kind == "HelmRelease" and event.reason in ("info", "error") else None
    return event.reason if said is None else said["action"].capitalize() + said["end"].capitalize()


def _states(cluster: str, app: str, at: datetime, states: dict[str, str]) -> Rows:
    return [
        (
            "state_changes",
            {"cluster": cluster, "app": app, "at": at, "aspect": aspect, "before": None, "after": state},
        )
        for aspect, state in states.items()
    ]


def _annotations(event: FluxEvent) -> dict[str, str]:
    """Annotations of a Kubernetes Event, or the metadata of the notification controller's."""
    if event.sent is None:
        return event.annotations
    if not bytes(event.metadata):
        return {}
    try:
        return _texts.decode(event.metadata) or {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"metadata: {error}") from None


def _revision(annotations: dict[str, str], group: str) -> str | None:
    """The revision; the commit an artifact was made from, where that is told. Older Flux leaves the group out."""
    wanted = (f"{group}/originRevision", "originRevision", f"{group}/revision", "revision")
    return next((annotations[name] for name in wanted if annotations.get(name)), None)


def _looks(record: bytes) -> bool:
    if b".toolkit.fluxcd.io/" not in record:
        return False
    found = keys(record)
    target = found.involvedObject or found.regarding
    return (
        target is not None and found.reason is not None and ".toolkit.fluxcd.io/" in (target.apiVersion or "")
    )


FORMAT = JsonFormat("flux-event", 2, ("sync_records", "state_changes"), FluxEvent, _rows, _looks)
