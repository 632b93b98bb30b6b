"""The operators' Kubernetes events, as an exporter ships them hour by hour: some late, some twice, some never."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from audit.simulator import statuses
from audit.simulator.operations import Operation, Workload
from audit.simulator.operator_objects import flux_revision, uid
from audit.simulator.world import World, stamp

Event = tuple[datetime, dict[str, Any]]

_INTERVAL = timedelta(minutes=10)  # at which a Kustomization is reconciled

_API_VERSION = {
    "Application": "argoproj.io/v1alpha1",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
    "HelmRelease": "helm.toolkit.fluxcd.io/v2",
}


def write(world: World, cluster: str, workloads: list[Workload], rng: random.Random) -> None:
    """Event objects `events/YYYY/MM/DD/HH.json.gz` by the hour in which they were delivered."""
    deliveries: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    for workload in workloads:
        argo = workload.kind == "Application"
        for at, record in _application_events(workload, rng) if argo else _flux_events(workload, rng):
            hour = at.replace(minute=0, second=0)
            chance = rng.random()
            if chance < 0.02:  # the exporter was behind
                hour += timedelta(hours=rng.randint(1, 48))
                world.truth.counts["operator events late"] += 1
            deliveries[hour].append(record)
            if chance > 0.98:  # delivered at least once
                deliveries[hour + timedelta(hours=rng.randint(0, 3))].append(record)
                world.truth.counts["operator events twice"] += 1
    for hour, records in sorted(deliveries.items()):
        records.sort(key=lambda r: (r["lastTimestamp"], r["metadata"]["name"]))
        if rng.random() < 0.2:
            rng.shuffle(records)
        world.evidence.lines(f"{cluster}-operators", f"events/{hour:%Y/%m/%d/%H}.json.gz", records)
        world.truth.counts["operator events"] += len(records)


def _event(
    workload: Workload,
    at: datetime,
    *,
    component: str,
    reason: str,
    message: str,
    annotations: dict[str, str],
    rng: random.Random,
    warning: bool = False,
) -> Event:
    """One Kubernetes Event (v1); its name carries the nanosecond at which it was made."""
    nanosecond = int(at.timestamp()) * 10**9 + rng.randrange(10**9)
    return at, {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{workload.name}.{nanosecond:x}",
            "namespace": workload.namespace,
            "uid": f"{rng.getrandbits(32):08x}-0000-4000-8000-{rng.getrandbits(48):012x}",
            "resourceVersion": str(nanosecond // 10**9 - 1_600_000_000),
            "creationTimestamp": stamp(at),
            "annotations": annotations,
        },
        "involvedObject": {
            "kind": workload.kind,
            "namespace": workload.namespace,
            "name": workload.name,
            "uid": uid(workload),
            "apiVersion": _API_VERSION[workload.kind],
            "resourceVersion": str(nanosecond // 10**9 - 1_600_000_001),
        },
        "reason": reason,
        "message": message,
        "source": {"component": component},
        "firstTimestamp": stamp(at),
        "lastTimestamp": stamp(at),
        "count": 1,
        "type": "Warning" if warning else "Normal",
        "eventTime": None,
        "reportingComponent": component,
        "reportingInstance": "",
    }


def _application_events(workload: Workload, rng: random.Random) -> list[Event]:
    """What Argo CD says of an Application: operations, and changes of its sync and health status."""
    events: list[Event] = []
    for operation in workload.operations:
        # An event is best effort; what is lost here is in the object's history.
        if operation.history_id is not None and rng.random() < 0.03:
            continue
        events += [_started(workload, operation, rng), _completed(workload, operation, rng)]
    for at, aspect, before, after in statuses.changes(workload):
        message = f"Updated {aspect} status: {before} -> {after}"
        events.append(_argo_event(workload, at, "ResourceUpdated", message, rng))
    return events


def _argo_event(
    workload: Workload,
    at: datetime,
    reason: str,
    message: str,
    rng: random.Random,
    *,
    user: str | None = None,
    warning: bool = False,
) -> Event:
    annotations = {"dest-namespace": workload.app, "dest-server": "https://kubernetes.default.svc"}
    if user is not None:
        annotations["user"] = user
    component = "argocd-application-controller" if user is None else "argocd-server"
    return _event(
        workload,
        at,
        component=component,
        reason=reason,
        message=message,
        annotations=annotations,
        rng=rng,
        warning=warning,
    )


def _started(workload: Workload, operation: Operation, rng: random.Random) -> Event:
    user = operation.username
    if user is None:
        message = f"Initiated automated sync to '{operation.revision}'"
    elif operation.rollback_to is not None:
        message = f"{user} initiated rollback to {operation.rollback_to}"
    elif operation.position is None:
        message = f"{user} initiated sync to {operation.revision}"
    else:
        message = f"{user} initiated sync to main ({operation.revision})"
    return _argo_event(workload, operation.started, "OperationStarted", message, rng, user=user)


def _completed(workload: Workload, operation: Operation, rng: random.Random) -> Event:
    what = "Partial sync operation" if operation.partial else "Sync operation"
    failed = operation.status == "failed"
    result = f"failed: {operation.message}" if failed else "succeeded"
    message = f"{what} to {operation.revision} {result}"
    return _argo_event(workload, operation.finished, "OperationCompleted", message, rng, warning=failed)


def _flux_events(workload: Workload, rng: random.Random) -> list[Event]:
    """What Flux says of a Kustomization or HelmRelease: each new revision, and a sample of routine reconciliations."""
    events: list[Event] = _routine(workload, rng) if workload.kind != "HelmRelease" else []
    for number, operation in enumerate(workload.operations, 1):
        if workload.kind == "HelmRelease":
            annotations = {
                "helm.toolkit.fluxcd.io/app-version": f"v0.{operation.revision.split('.')[1]}.0",
                "helm.toolkit.fluxcd.io/revision": operation.revision,
            }
            message = _helm_message(workload, operation, number)
        else:
            annotations = {"kustomize.toolkit.fluxcd.io/revision": flux_revision(operation)}
            message = _reconciliation_message(operation, rng)
            if operation.status == "succeeded":
                events.append(_applied(workload, operation, dict(annotations), rng))
                annotations["kustomize.toolkit.fluxcd.io/commit_status"] = "update"
        events.append(
            _event(
                workload,
                operation.started,
                component="helm-controller" if workload.kind == "HelmRelease" else "kustomize-controller",
                reason=operation.reason,
                message=message,
                annotations=annotations,
                rng=rng,
                warning=operation.status == "failed",
            )
        )
    return events


def _routine(workload: Workload, rng: random.Random) -> list[Event]:
    """Some of the reconciliations of a revision that is there already, which the controller repeats at its interval.

    They deploy nothing. A controller tells of each; a sample keeps the logs small.
    """
    events = []
    for operation, following in pairwise(workload.operations):
        quiet = following.started - operation.started - 2 * _INTERVAL
        if operation.status != "succeeded" or quiet < _INTERVAL or rng.random() < 0.5:
            continue
        at = (
            operation.started + _INTERVAL * rng.randint(1, min(quiet // _INTERVAL, 12)) + timedelta(seconds=2)
        )
        events.append(
            _event(
                workload,
                at,
                component="kustomize-controller",
                reason="ReconciliationSucceeded",
                message=_reconciliation_message(operation, rng),
                annotations={"kustomize.toolkit.fluxcd.io/revision": flux_revision(operation)},
                rng=rng,
                warning=False,
            )
        )
    return events


def _applied(
    workload: Workload, operation: Operation, annotations: dict[str, str], rng: random.Random
) -> Event:
    """What was applied, in the second in which the reconciliation ends; not an operation of its own."""
    name = "flux-system" if workload.app == "*" else workload.app
    return _event(
        workload,
        operation.started,
        component="kustomize-controller",
        reason="Progressing",
        message=f"Deployment/{name}/agent configured",
        annotations=annotations,
        rng=rng,
    )


def _reconciliation_message(operation: Operation, rng: random.Random) -> str:
    if operation.status == "failed":
        return operation.message
    return f"Reconciliation finished in {rng.randint(1, 40)}.{rng.randint(1, 999):03d}s, next run in 10m0s"


def _helm_message(workload: Workload, operation: Operation, number: int) -> str:
    chart = f"kube-prometheus-stack@{operation.revision}"
    release = f"release {workload.id}.v{number} with chart {chart}"
    if operation.status == "failed":
        return f"Helm upgrade failed for {release}: {operation.message}"
    word = "install" if operation.reason == "InstallSucceeded" else "upgrade"
    return f"Helm {word} succeeded for {release}"
