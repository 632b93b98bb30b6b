"""Logs of Flux's controllers (JSON lines) to `operator_events`, and to `sync_records` where one proves a reconciliation.

Lines that name no object are noise: they tell of the controller itself. Before Flux 0.33 (2022) the object's group and kind had other names.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from audit.normalise import revisions
from audit.normalise.interface import Context, Outcome, Row, Rows
from audit.normalise.jsonformat import JsonFormat, cluster_of, names
from audit.normalise.times import Time, utc
from audit.normalise.urls import masked

_GROUP = ".toolkit.fluxcd.io"
_KINDS = {"kustomize.toolkit.fluxcd.io": "Kustomization", "helm.toolkit.fluxcd.io": "HelmRelease"}
"""The kind of an object where a line tells its group alone, and there is but one."""
_ENDED = re.compile(r"Reconciliation (finished|failed) (?:in|after) \S+")


_TELL = {"controllerGroup", "reconciler group", "eventInvolvedObject"}


class _Object(msgspec.Struct):
    name: str | None = None
    namespace: str | None = None
    kind: str | None = None


class Line(msgspec.Struct):
    """A line; what is not needed is not decoded."""

    ts: Time
    level: str
    msg: str
    controller: str | None = None
    controllerGroup: str | None = None
    controllerKind: str | None = None
    oldGroup: str | None = msgspec.field(name="reconciler group", default=None)
    oldKind: str | None = msgspec.field(name="reconciler kind", default=None)
    logger: str | None = None
    name: str | None = None
    namespace: str | None = None
    reconcileID: str | None = None
    revision: str | None = None
    error: str | None = None
    eventInvolvedObject: _Object | None = None


def _rows(line: Line, context: Context) -> Outcome:
    at, about = utc(line.ts), line.eventInvolvedObject
    group = line.controllerGroup or line.oldGroup or ""
    kind = about.kind if about is not None else line.controllerKind or line.oldKind or _KINDS.get(group, "")
    name = about.name if about is not None else line.name
    namespace = about.namespace if about is not None else line.namespace
    if not name:
        return Outcome([], at)
    cluster, app = cluster_of(context), f"{namespace or ''}/{name}"
    row: Row = {
        "cluster": cluster,
        "at": at,
        "level": line.level,
        "controller": line.controller or line.logger or "",
        "kind": kind or "",
        "object": app,
        "reconcile": line.reconcileID or None,
        "message": masked(line.msg),
        "revision": line.revision or None,
        "error": masked(line.error) if line.error else None,
    }
    rows: Rows = [("operator_events", row)]
    ended = _ENDED.match(line.msg)
    if kind == "Kustomization" and line.revision and ended is not None and about is None:
        rows.append(("sync_records", _sync(line, cluster, app, failed=ended[1] == "failed")))
    return Outcome(rows, at)


def _sync(line: Line, cluster: str, app: str, *, failed: bool) -> Row:
    revision, kind = revisions.flux(line.revision)
    return {
        "cluster": cluster,
        "app": app,
        "operator": "flux",
        "record": "event",
        "history_id": None,
        "revision": revision,
        "revision_kind": kind,
        "started_at": None,
        "finished_at": utc(line.ts),
        "phase": "failed" if failed or line.error else "succeeded",
        "initiated_by": None,
        "automated": True,
        "options": "",
        "path": None,
        "repo_url": None,
        "message": masked(line.error or line.msg),
    }


def _looks(record: bytes) -> bool:
    if _GROUP.encode() not in record:
        return False
    found = names(record)
    return {"level", "ts", "msg"} <= found and bool(_TELL & found)


FORMAT: JsonFormat[Any] = JsonFormat("flux-log", 2, ("operator_events", "sync_records"), Line, _rows, _looks)
