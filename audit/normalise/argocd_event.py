"""Kubernetes Events that Argo CD writes, to `sync_records` and `state_changes`.

Events about anything but an Application, and reasons other than an operation's start and end and a change of status,
are noise.
"""

from __future__ import annotations

import re
from datetime import datetime

from audit.normalise import revisions
from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import JsonFormat, cluster_of, keys
from audit.normalise.kubernetes_event import Event

_AUTOMATED = re.compile(r"Initiated automated sync to '(?P<revision>[^']*)'")
_BY_USER = re.compile(
    r"(?P<user>.+?) initiated (?:partial )?"
    r"(?:sync to (?P<revision>.*)|(?P<local>sync locally)|(?P<rollback>rollback to .*))",
    re.DOTALL,
)
_COMPLETED = re.compile(
    r"(?:Partial sync|Sync) operation(?: to (?P<revision>\S*(?:, \S+)*))? ?(?P<end>succeeded|failed)(?:: (?P<message>.*))?",
    re.DOTALL,
)
_STATUS = re.compile(
    r"Updated (?P<aspect>sync|health) status: (?P<before>\S*) -> (?P<after>\S+)(?: \(.*\))?", re.DOTALL
)
"""Newer versions add the health's message, in brackets."""
_AMBIGUOUS = re.compile(r"[^()]* \((?P<revision>[^()]+)\)(?:,.*)?", re.DOTALL)
"""A name, and what it stood for; of several sources, the first."""
_TOLD = re.compile(r"Updated (?:sync|health) status:")
_NOBODY = "Unknown user"


def _rows(event: Event, context: Context) -> Outcome:
    at, target = event.at, event.target
    if target.kind != "Application" or event.reason not in _READERS:
        return Outcome([], at)
    app = f"{target.namespace}/{target.name}"
    return Outcome(_READERS[event.reason](event, at, cluster_of(context), app), at)


def _started(event: Event, at: datetime, cluster: str, app: str) -> Rows:
    automated = _AUTOMATED.fullmatch(event.text)
    if automated is not None:
        row = _sync(cluster, app, at, revision=automated["revision"])
        return [("sync_records", {**row, "started_at": at, "automated": True})]
    found = _BY_USER.fullmatch(event.text)
    if found is None:
        raise Unreadable(f"unknown message of OperationStarted: {event.text[:80]!r}")
    user = event.annotations.get("user") or found["user"]
    shown = found["revision"]
    inner = _AMBIGUOUS.fullmatch(shown) if shown else None
    options = [name for name in ("local", "rollback") if found[name]]
    row = _sync(cluster, app, at, revision=inner["revision"] if inner else shown)
    more: Row = {
        "started_at": at,
        "automated": False,
        "initiated_by": None if user == _NOBODY else user,
        "options": ",".join("manifests" if name == "local" else name for name in options),
        "message": event.text,
    }
    return [("sync_records", row | more)]


def _completed(event: Event, at: datetime, cluster: str, app: str) -> Rows:
    found = _COMPLETED.fullmatch(event.text)
    if found is None:
        raise Unreadable(f"unknown message of OperationCompleted: {event.text[:80]!r}")
    row = _sync(cluster, app, at, revision=found["revision"])
    return [("sync_records", {**row, "phase": found["end"], "message": found["message"]})]


def _updated(event: Event, at: datetime, cluster: str, app: str) -> Rows:
    found = _STATUS.fullmatch(event.text)
    if found is None and _TOLD.match(event.text):
        raise Unreadable(f"unknown message of {event.reason}: {event.text[:80]!r}")
    if found is None:
        return []  # someone edited the Application, or removed one of its resources
    row = {
        "cluster": cluster,
        "app": app,
        "at": at,
        "aspect": found["aspect"],
        "before": found["before"] or None,
        "after": found["after"],
    }
    return [("state_changes", row)]


def _sync(cluster: str, app: str, at: datetime, *, revision: str | None) -> Row:
    """A record of an operation that runs; what an event does not say is missing."""
    named = revisions.argocd(revision)
    return {
        "cluster": cluster,
        "app": app,
        "operator": "argocd",
        "record": "event",
        "history_id": None,
        "revision": named,
        "revision_kind": revisions.kind(named),
        "started_at": None,
        "finished_at": at,
        "phase": "running",
        "initiated_by": None,
        "automated": None,
        "options": "",
        "path": None,
        "repo_url": None,
        "message": None,
    }


_READERS = {"OperationStarted": _started, "OperationCompleted": _completed, "ResourceUpdated": _updated}


def _looks(record: bytes) -> bool:
    """Every Event but Flux's: those about other things are this format's noise."""
    if b'"involvedObject"' not in record and b'"regarding"' not in record:
        return False
    found = keys(record)
    target = found.involvedObject or found.regarding
    if target is None or found.reason is None:
        return False
    return ".toolkit.fluxcd.io/" not in (target.apiVersion or "")


FORMAT = JsonFormat("argocd-event", 2, ("sync_records", "state_changes"), Event, _rows, _looks)
