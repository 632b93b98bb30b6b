"""Argo CD Applications, as `kubectl get applications -o json` prints them: `applications`, `app_settings`, `sync_records`,
and `alerts` for the notifications that are noted on them.

Each entry of status.history is a sync that succeeded; status.operationState is the last operation, however it
ended. A dry run deploys nothing, and gives no record.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from audit.normalise import revisions
from audit.normalise.argocd_notifications import noted
from audit.normalise.argocd_spec import Metadata, Source, Spec, is_kind, settings
from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, cluster_of
from audit.normalise.times import Time, optional, utc
from audit.normalise.urls import without_credentials

_PHASES = {
    "Succeeded": "succeeded",
    "Failed": "failed",
    "Error": "failed",
    "Running": "running",
    "Terminating": "running",
}


class _Initiator(msgspec.Struct):
    username: str | None = None
    automated: bool = False


class _History(msgspec.Struct):
    id: Id
    deployedAt: Time
    deployStartedAt: Time | None = None
    revision: str | None = None
    revisions: list[str] | None = None
    source: Source | None = None
    sources: list[Source] | None = None
    initiatedBy: _Initiator | None = None


class _Force(msgspec.Struct):
    force: bool = False


class _Strategy(msgspec.Struct):
    apply: _Force | None = None
    hook: _Force | None = None


class _Sync(msgspec.Struct):
    revision: str | None = None
    revisions: list[str] | None = None
    prune: bool = False
    dryRun: bool = False
    syncOptions: list[str] | None = None
    syncStrategy: _Strategy | None = None
    manifests: list[msgspec.Raw] | None = None


class _Operation(msgspec.Struct):
    initiatedBy: _Initiator | None = None
    sync: _Sync | None = None


class _SyncResult(msgspec.Struct):
    revision: str | None = None
    revisions: list[str] | None = None
    source: Source | None = None
    sources: list[Source] | None = None


class _OperationState(msgspec.Struct):
    operation: _Operation
    phase: Literal["Succeeded", "Failed", "Error", "Running", "Terminating"]
    startedAt: Time
    finishedAt: Time | None = None
    message: str | None = None
    syncResult: _SyncResult | None = None


class _Word(msgspec.Struct):
    status: str | None = None


class _Status(msgspec.Struct):
    reconciledAt: Time | None = None
    sync: _Word | None = None
    health: _Word | None = None
    history: list[_History] | None = None
    operationState: _OperationState | None = None


class Application(msgspec.Struct):
    """An Application; what is not needed is not decoded."""

    metadata: Metadata
    spec: Spec
    status: _Status | None = None


def _rows(found: Application, context: Context) -> Outcome:
    cluster, status = cluster_of(context), found.status or _Status()
    app, at = f"{found.metadata.namespace}/{found.metadata.name}", optional(status.reconciledAt)
    set_to = ("app_settings", settings(found.metadata, found.spec, cluster=cluster, app=app, at=at))
    sent, unread = noted(found.metadata.annotations, context, found.metadata.namespace, found.metadata.name)
    rows: Rows = [set_to, *sent]
    if at is not None:
        rows.insert(0, ("applications", _application(found, status, cluster=cluster, app=app)))
    elif status.history or status.operationState:  # else never reconciled: it says nothing yet of a state
        unread.append("its state has no time: status.reconciledAt is missing, though it was synced")
    rows += [("sync_records", _from_history(entry, cluster, app)) for entry in status.history or ()]
    state = status.operationState
    if state is not None and state.operation.sync is not None and not state.operation.sync.dryRun:
        rows.append(("sync_records", _from_operation(state, state.operation.sync, found.spec, cluster, app)))
    return Outcome(rows, at, tuple(unread))


def _chosen(source: Source | None, sources: list[Source] | None) -> tuple[int, Source]:
    """The source that says what is deployed: of several, the first with a path; and its place among them."""
    if not sources:
        return 0, source or Source()
    return next(((i, s) for i, s in enumerate(sources) if s.path and not s.chart), (0, sources[0]))


def _revision(place: int, revision: str | None, revisions_: list[str] | None) -> str | None:
    if revisions_ and place < len(revisions_):
        return revisions_[place] or None
    return revisions.argocd(revision)


def _application(found: Application, status: _Status, *, cluster: str, app: str) -> Row:
    spec = found.spec
    _, source = _chosen(spec.one(), spec.sources)
    automated = spec.automated()
    last = status.history[-1] if status.history else None
    synced = None
    if last is not None:
        synced = _revision(_chosen(last.source, last.sources)[0], last.revision, last.revisions)
    return {
        "cluster": cluster,
        "app": app,
        "observed_at": optional(status.reconciledAt),
        "operator": "argocd",
        "object_kind": "Application",
        "repo_url": without_credentials(source.repoURL),
        "path": source.path,
        "target_revision": source.targetRevision,
        "namespace": spec.destination.namespace if spec.destination is not None else None,
        "automated": automated is not None,
        "self_heal": automated is not None and automated.selfHeal is True,
        "sync_status": (status.sync.status or None) if status.sync is not None else None,
        "health_status": (status.health.status or None) if status.health is not None else None,
        "revision": synced,
    }


def _initiated(by: _Initiator | None) -> tuple[str | None, bool | None]:
    """Who asked for it, and whether the operator itself did; (None, None) where the record does not say."""
    if by is None:
        return None, None
    if by.automated:
        return None, True
    return (by.username, False) if by.username else (None, None)


def _from_history(entry: _History, cluster: str, app: str) -> Row:
    place, source = _chosen(entry.source, entry.sources)
    revision = _revision(place, entry.revision, entry.revisions)
    user, automated = _initiated(entry.initiatedBy)
    return {
        "cluster": cluster,
        "app": app,
        "operator": "argocd",
        "record": "history",
        "history_id": entry.id,
        "revision": revision,
        "revision_kind": "chart" if source.chart else revisions.kind(revision),
        "started_at": optional(entry.deployStartedAt),
        "finished_at": utc(entry.deployedAt),
        "phase": "succeeded",
        "initiated_by": user,
        "automated": automated,
        "options": "",
        "path": source.path,
        "repo_url": without_credentials(source.repoURL),
        "message": None,
    }


def _from_operation(state: _OperationState, sync: _Sync, spec: Spec, cluster: str, app: str) -> Row:
    result = state.syncResult or _SyncResult()
    place, source = _chosen(result.source or spec.one(), result.sources or spec.sources)
    revision = _revision(place, result.revision, result.revisions)
    if revision is None:
        revision = _revision(place, sync.revision, sync.revisions)
    user, automated = _initiated(state.operation.initiatedBy)
    phase, started = _PHASES[state.phase], utc(state.startedAt)
    finished = optional(state.finishedAt)
    if finished is None and phase != "running":
        raise Unreadable("status.operationState has ended, and finishedAt is missing")
    return {
        "cluster": cluster,
        "app": app,
        "operator": "argocd",
        "record": "operation",
        "history_id": None,
        "revision": revision,
        "revision_kind": "chart" if source.chart else revisions.kind(revision),
        "started_at": started,
        "finished_at": finished or started,
        "phase": phase,
        "initiated_by": user,
        "automated": automated,
        "options": ",".join(_options(sync, spec, by_operator=automated is True)),
        "path": source.path,
        "repo_url": without_credentials(source.repoURL),
        "message": state.message,
    }


def _options(sync: _Sync, spec: Spec, *, by_operator: bool) -> list[str]:
    """What was asked for beyond an ordinary sync.

    Pruning, and options that the Application declares, are ordinary when the operator itself applies them.
    """
    asked = set(sync.syncOptions or ())
    if by_operator and spec.syncPolicy is not None:
        asked -= set(spec.syncPolicy.syncOptions or ())
    strategy = sync.syncStrategy or _Strategy()
    forced = any(part is not None and part.force for part in (strategy.apply, strategy.hook))
    found = {
        "force": forced or "Force=true" in asked,
        "manifests": bool(sync.manifests),
        "prune": sync.prune and not by_operator,
        "replace": "Replace=true" in asked,
    }
    return [name for name, there in found.items() if there]


_SPECIFIED = (
    frozenset({"destination"}),
    frozenset({"project"}),
    frozenset({"source", "sources", "sourceHydrator"}),
)


def _looks(record: bytes) -> bool:
    return is_kind(record, "Application", *_SPECIFIED)


FORMAT = JsonFormat(
    "argocd-application",
    4,
    ("applications", "app_settings", "sync_records", "alerts"),
    Application,
    _rows,
    _looks,
)
