"""Snapshots of the operators' objects, as `kubectl get … -A -o json` prints them."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from audit.simulator import statuses, strangers
from audit.simulator.operations import HISTORY_LIMIT, Operation, Workload
from audit.simulator.texts import REPO_URL
from audit.simulator.world import World, stamp

BRANCH, SIDE_BRANCH = "main", "hotfix"
Json = dict[str, Any]


def uid(workload: Workload) -> str:
    """The object's uid: the same in every record of it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{workload.cluster}/{workload.kind}/{workload.id}"))


def flux_revision(operation: Operation) -> str:
    """A revision as Flux writes it; what never was on main came from another branch."""
    branch = SIDE_BRANCH if operation.position is None and not operation.erased else BRANCH
    return f"{branch}@sha1:{operation.revision}"


def write(
    world: World, cluster: str, workloads: list[Workload], rng: random.Random
) -> dict[str, list[tuple[str, datetime]]]:
    """Snapshots of Argo CD's and of Flux's objects, on days on which something changed and at least weekly.

    Returns:
        of each operator the newest time that each snapshot tells, and when it was taken; in the order of what they tell.
    """
    told: dict[str, list[tuple[str, datetime]]] = {"argocd": [], "flux": []}
    argo = [w for w in workloads if w.operator == "argocd"]
    flux = [w for w in workloads if w.operator == "flux"]
    for name, its, show in (("applications", argo, _application), ("flux", flux, _flux_object)):
        for at in snapshot_times(world, its):
            items = [show(w, at, rng) for w in its if w.operations]
            if name == "applications":
                items += strangers.show(world, cluster, at)
            _write_snapshot(world, cluster, name, at, items=items, rng=rng)
            if newest := max((time for item in items for time in _times(item["status"])), default=""):
                told["argocd" if its is argo else "flux"].append((newest, at))
    return {operator: sorted(pairs) for operator, pairs in told.items()}


def _times(status: Json) -> Iterator[str]:
    """When an operator says that it looked at an object, or that something about it changed."""
    if "reconciledAt" in status:
        yield status["reconciledAt"]
    for part, names in (
        ("conditions", ("lastTransitionTime",)),
        ("history", ("lastReconciled", "lastDeployed")),
    ):
        for entry in status.get(part, ()) if "reconciledAt" not in status else ():
            yield from (entry[name] for name in names if entry.get(name))


def snapshot_times(world: World, workloads: list[Workload]) -> list[datetime]:
    """When snapshots are taken: at 23:45 on the days that matter, and before an object forgets an operation."""
    quarter_to = timedelta(hours=23, minutes=45)
    days = (world.end - world.start).days
    regular = [world.start + timedelta(days=day) + quarter_to for day in range(days)]
    chosen = set(regular[::7]) | {regular[-1]}
    for workload in workloads:
        for moment in _moments(workload):
            chosen.add(regular[min(bisect_left(regular, moment), days - 1)])
    times = sorted(chosen)
    for workload in workloads:
        pending, previous = 0, world.start
        for operation in workload.operations:
            if bisect_right(times, operation.finished) > bisect_right(times, previous):
                pending = 0
            pending, previous = pending + 1, operation.finished
            if pending == HISTORY_LIMIT[workload.operator]:
                chosen.add(operation.finished + timedelta(seconds=30))
                pending = 0
    return sorted(chosen)


def _moments(workload: Workload) -> list[datetime]:
    """When something about `workload` changed."""
    spans = [
        *workload.drifted,
        *workload.degraded,
        *workload.held,
        *((o.started, o.finished) for o in workload.operations),
    ]
    return [moment for span in spans for moment in span]


def _write_snapshot(
    world: World, cluster: str, name: str, at: datetime, *, items: list[Json], rng: random.Random
) -> None:
    listed = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
    pretty = rng.random() < 0.05
    text = json.dumps(listed, indent=4) if pretty else json.dumps(listed, separators=(",", ":"))
    data = gzip.compress((text + "\n").encode(), 6, mtime=0)
    stem = "applications" if name == "applications" else "kustomizations"
    regular = at.strftime("%H:%M:%S") == "23:45:00"
    suffix = "" if regular else at.strftime("-%H%M%S")
    key = f"{name}/{at:%Y/%m/%d}/{stem}{suffix}.json.gz"
    world.evidence.write(f"{cluster}-operators", key, data)
    world.truth.counts["operator snapshots"] += 1
    if rng.random() < 0.02:  # the exporter's upload timed out, and it sent the same snapshot again
        world.evidence.write(f"{cluster}-operators", key.replace(".json.gz", "-1.json.gz"), data)
        world.truth.counts["operator snapshots"] += 1


def _application(workload: Workload, at: datetime, rng: random.Random) -> Json:
    """An Argo CD Application as it is at `at`."""
    done = [o for o in workload.operations if o.started <= at]
    finished = [o for o in done if o.finished <= at]
    history = [o for o in finished if o.history_id is not None][-HISTORY_LIMIT["argocd"] :]
    source = _source(workload)
    reconciled = at - timedelta(seconds=rng.randint(5, 170))
    status: Json = {
        "health": {
            "lastTransitionTime": stamp(reconciled),
            "status": statuses.at(workload, "health", reconciled) or "Missing",
        },
        "reconciledAt": stamp(reconciled),
        "sourceType": "Helm" if workload.values else "Kustomize",
        "summary": {"images": [f"registry.netbpf.com/{workload.app}:1.{len(history)}.0"]},
        "sync": {
            "comparedTo": {"destination": _destination(workload), "source": source},
            "revision": history[-1].revision if history else "",
            "status": statuses.at(workload, "sync", reconciled) or "OutOfSync",
        },
    }
    if history:
        status["history"] = [_history_entry(o, source) for o in history]
    if done:
        status["operationState"] = _operation_state(done[-1], at, source)
        status["sourceHydrator"] = {}
    policy: Json = {"syncOptions": ["CreateNamespace=true"]}
    if workload.heals(at):
        policy["automated"] = {"prune": True, "selfHeal": True}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "creationTimestamp": stamp(workload.operations[0].started - timedelta(days=30)),
            "generation": 40 + 12 * len(done),
            "name": workload.name,
            "namespace": workload.namespace,
            "resourceVersion": str(100000 + 977 * len(done)),
            "uid": uid(workload),
        },
        "spec": {
            "destination": _destination(workload),
            "project": "default",
            "source": source,
            "syncPolicy": policy,
        },
        "status": status,
    }


def _source(workload: Workload) -> Json:
    source = {"path": workload.path, "repoURL": REPO_URL, "targetRevision": BRANCH}
    return {"helm": {"valueFiles": list(workload.values)}, **source} if workload.values else source


def _destination(workload: Workload) -> Json:
    return {"namespace": workload.app, "server": "https://kubernetes.default.svc"}


def _initiator(operation: Operation) -> Json:
    return {"automated": True} if operation.automated else {"username": operation.username}


def _history_entry(operation: Operation, source: Json) -> Json:
    return {
        "deployStartedAt": stamp(operation.started),
        "deployedAt": stamp(operation.finished),
        "id": operation.history_id,
        "initiatedBy": _initiator(operation),
        "revision": operation.revision,
        "source": source,
    }


def _operation_state(operation: Operation, at: datetime, source: Json) -> Json:
    """status.operationState: the last operation, with all that its starter asked for."""
    sync: Json = {"revision": operation.revision}
    options = ["CreateNamespace=true"]
    if operation.automated or "prune" in operation.options:
        sync["prune"] = True
    if "replace" in operation.options:
        options.append("Replace=true")
    sync["syncOptions"] = options
    if operation.rollback_to is not None:
        sync["syncStrategy"], sync["source"] = {"apply": {}}, source
    elif not operation.automated:
        sync["syncStrategy"] = {"hook": {"force": True} if "force" in operation.options else {}}
    if operation.partial:
        sync["resources"] = [{"group": "apps", "kind": "Deployment", "name": source["path"].split("/")[1]}]
    asked: Json = {"initiatedBy": _initiator(operation), "retry": {}, "sync": sync}
    if operation.automated:
        asked["retry"] = {"limit": 5}
    state: Json = {
        "message": operation.message,
        "operation": asked,
        "phase": operation.status.capitalize(),
        "startedAt": stamp(operation.started),
        "syncResult": {"revision": operation.revision, "source": source},
    }
    if operation.finished > at:
        state |= {"message": "waiting for healthy state of apps/Deployment", "phase": "Running"}
    else:
        state["finishedAt"] = stamp(operation.finished)
    return state


def _flux_object(workload: Workload, at: datetime, rng: random.Random) -> Json:
    show: Callable[[Workload, datetime, random.Random], Json]
    show = _helm_release if workload.kind == "HelmRelease" else _kustomization
    return show(workload, at, rng)


def _digest(*parts: str) -> str:
    return "sha256:" + hashlib.sha256("/".join(parts).encode()).hexdigest()


def _kustomization(workload: Workload, at: datetime, rng: random.Random) -> Json:
    """A Flux Kustomization as it is at `at`."""
    done = [o for o in workload.operations if o.finished <= at]
    succeeded = [o for o in done if o.status == "succeeded"]
    requested = [o.requested_at for o in done if o.requested_at is not None]
    annotations, status = {}, _reconciled(done, at, rng)
    if requested:
        # As the CLI writes it: RFC 3339 with nanoseconds.
        value = requested[-1].strftime("%Y-%m-%dT%H:%M:%S.") + f"{(len(requested) * 123456789) % 10**9:09d}Z"
        annotations["reconcile.fluxcd.io/requestedAt"] = value
        status["lastHandledReconcileAt"] = value
    if succeeded:
        status["lastAppliedRevision"] = flux_revision(succeeded[-1])
    if done:
        status["lastAttemptedRevision"] = flux_revision(done[-1])
        status["history"] = _flux_history(workload, done, status["lastReconciled"])
    status.pop("lastReconciled", None)
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {
            "annotations": annotations,
            "creationTimestamp": stamp(workload.operations[0].started - timedelta(days=30)),
            "finalizers": ["finalizers.fluxcd.io"],
            "generation": 1,
            "name": workload.name,
            "namespace": workload.namespace,
            "uid": uid(workload),
        },
        "spec": {
            "force": False,
            "interval": "10m0s",
            "path": workload.path,
            "prune": True,
            "retryInterval": "2m0s",
            "sourceRef": {"kind": "GitRepository", "name": "netbpf-gitops"},
            "timeout": "5m0s",
        },
        "status": status,
    }


def _reconciled(done: list[Operation], at: datetime, rng: random.Random) -> Json:
    """Conditions of the last reconciliation, and when the interval last came round."""
    if not done:
        return {"observedGeneration": -1}
    last = done[-1]
    again = max(last.finished, at - timedelta(seconds=rng.randint(5, 590)))
    ready = last.status == "succeeded"
    message = f"Applied revision: {flux_revision(last)}" if ready else last.message
    condition = {
        "lastTransitionTime": stamp(last.finished),
        "message": message,
        "observedGeneration": 1,
        "reason": last.reason,
        "status": "True" if ready else "False",
        "type": "Ready",
    }
    return {"conditions": [condition], "observedGeneration": 1, "lastReconciled": stamp(again)}


def _flux_history(workload: Workload, done: list[Operation], last_reconciled: str) -> list[Json]:
    """status.history: an entry for each digest and outcome, the latest first; the same pair again renews its entry."""
    entries: list[Json] = []
    for operation in done:
        digest, moment = _digest(workload.id, operation.revision), stamp(operation.finished)
        same = [e for e in entries if (e["digest"], e["lastReconciledStatus"]) == (digest, operation.reason)]
        entry: Json = (
            same[0] if same else {"digest": digest, "firstReconciled": moment, "totalReconciliations": 0}
        )
        if same:
            entries.remove(entry)
        entry |= {
            "lastReconciled": moment,
            "lastReconciledDuration": f"{1 + len(entries)}.{operation.revision[:3].translate(_DIGITS)}s",
            "lastReconciledStatus": operation.reason,
            "metadata": {"revision": flux_revision(operation)},
            "totalReconciliations": entry["totalReconciliations"] + 1,
        }
        entries = [entry, *entries][: HISTORY_LIMIT["flux"]]
    if entries and done[-1].status == "succeeded":
        entries[0]["lastReconciled"] = last_reconciled
        entries[0]["totalReconciliations"] += 1
    return entries


_DIGITS = str.maketrans("abcdef", "012345")


def _helm_release(workload: Workload, at: datetime, _: random.Random) -> Json:
    """A Flux HelmRelease as it is at `at`; firstDeployed is the release's own, lastDeployed that of each version."""
    done = [o for o in workload.operations if o.finished <= at]
    entries: list[Json] = []
    for version, operation in enumerate(done, 1):
        for entry in entries:
            if operation.status == "succeeded" and entry["status"] == "deployed":
                entry["status"] = "superseded"
        entries.append(
            {
                "appVersion": f"v0.{operation.revision.split('.')[1]}.0",
                "chartName": "kube-prometheus-stack",
                "chartVersion": operation.revision,
                "configDigest": _digest("values"),
                "digest": _digest(workload.id, operation.revision, str(version)),
                "firstDeployed": stamp(done[0].finished),
                "lastDeployed": stamp(operation.finished),
                "name": workload.name,
                "namespace": workload.namespace,
                "status": "deployed" if operation.status == "succeeded" else "failed",
                "version": version,
            }
        )
    status: Json = {"observedGeneration": 1, "history": entries[::-1][: HISTORY_LIMIT["flux"]]}
    if done:
        last = done[-1]
        chart = f"kube-prometheus-stack@{last.revision}"
        ready = last.status == "succeeded"
        word = {
            "InstallSucceeded": "install succeeded",
            "UpgradeSucceeded": "upgrade succeeded",
            "UpgradeFailed": "upgrade failed",
        }[last.reason]
        status["lastAttemptedRevision"] = last.revision
        status["conditions"] = [
            {
                "lastTransitionTime": stamp(last.finished),
                "message": f"Helm {word} for release {workload.id}.v{len(done)} with chart {chart}",
                "observedGeneration": 1,
                "reason": last.reason,
                "status": "True" if ready else "False",
                "type": "Ready",
            }
        ]
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {
            "creationTimestamp": stamp(workload.operations[0].started - timedelta(minutes=2)),
            "generation": 1,
            "name": workload.name,
            "namespace": workload.namespace,
            "uid": uid(workload),
        },
        "spec": {
            "chart": {
                "spec": {
                    "chart": "kube-prometheus-stack",
                    "sourceRef": {"kind": "HelmRepository", "name": "prometheus-community"},
                    "version": "58.x",
                }
            },
            "interval": "30m0s",
            **({"driftDetection": {"mode": "enabled"}} if workload.watched else {}),
        },
        "status": status,
    }
