"""Gatekeeper's audit and admission: their log, and their export, to `policy_results` and `policy_admissions`.

The log says `event_type`, `constraint_kind`, `msg`; the export `eventType`, `kind`, `message`. Lines and messages that
report no violation are noise, and so are those that begin and end a run.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TypeVar

import msgspec

from audit.normalise.gatekeeper_object import action, result
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import JsonFormat, cluster_of, names
from audit.normalise.times import parse

_AUDITED = "violation_audited"
_ADMISSION = "violation"
_EXPORTED_ADMISSION = "violation_admission"
_RUN = frozenset({"audit is started", "audit is completed"})

_ABOUT_ITSELF = re.compile(
    rb'"event_type":\s*"(?:constraint_(?:added|removed)|template_[a-z_]+|mutation_applied|audit_[a-z_]+|review_response_stats)"'
)
"""What it tells of its own rules and mutations: lines that report no violation."""

T = TypeVar("T")


class Finding(msgspec.Struct):
    """A line of the log, or a message of the export; which one, its keys tell."""

    ts: str | float | None = None
    process: str | None = None
    event_type: str | None = None
    audit_id: str | None = None
    msg: str | None = None
    constraint_kind: str | None = None
    constraint_name: str | None = None
    constraint_action: str | None = None
    constraint_enforcement_actions: list[str] | None = None
    resource_group: str | None = None
    resource_kind: str | None = None
    resource_namespace: str | None = None
    resource_name: str | None = None
    request_username: str | None = None

    eventType: str | None = None
    id: str | None = None
    timestamp: str | None = None
    kind: str | None = None
    name: str | None = None
    message: str | None = None
    enforcementAction: str | None = None
    enforcementActions: list[str] | None = None
    resourceGroup: str | None = None
    resourceKind: str | None = None
    resourceNamespace: str | None = None
    resourceName: str | None = None
    operation: str | None = None
    requestUsername: str | None = None
    dryRun: bool | None = None


def _rows(found: Finding, context: Context) -> Outcome:
    if found.eventType is not None:
        return _exported(found, context)
    if found.event_type is None and found.id is not None and found.message in _RUN:
        return Outcome([], parse(found.id))
    if found.ts is None or found.msg is None:
        raise Unreadable("neither a line of the log, nor a message of the export")
    at = parse(found.ts)
    if found.event_type == _AUDITED:
        return _audited(found, at, context)
    if found.event_type == _ADMISSION and found.process == "admission":
        return _admitted(found, at, context)
    return Outcome([], at)


def _audited(found: Finding, at: datetime, context: Context) -> Outcome:
    row = result(
        context,
        at,
        audit_id=_required(found.audit_id, "audit_id"),
        constraint_kind=_required(found.constraint_kind, "constraint_kind"),
        constraint=_required(found.constraint_name, "constraint_name"),
        action=_action(found),
        resource_kind=_required(found.resource_kind, "resource_kind"),
        resource_namespace=found.resource_namespace or "",
        resource_name=_required(found.resource_name, "resource_name"),
        message=found.msg or "",
    )
    return Outcome([row], at)


def _admitted(found: Finding, at: datetime, context: Context) -> Outcome:
    """A line on a request that broke a constraint; an object that is yet to be named has no name."""
    row = {
        "cluster": cluster_of(context),
        "at": at,
        "user": _required(found.request_username, "request_username"),
        "operation": None,
        "dry_run": None,
        "constraint_kind": _required(found.constraint_kind, "constraint_kind"),
        "constraint": _required(found.constraint_name, "constraint_name"),
        "action": _action(found),
        "resource_group": found.resource_group or "",
        "resource_kind": _required(found.resource_kind, "resource_kind"),
        "resource_namespace": found.resource_namespace or "",
        "resource_name": found.resource_name or "",
        "message": found.msg or "",
    }
    return Outcome([("policy_admissions", row)], at)


def _exported(found: Finding, context: Context) -> Outcome:
    """A message of the export: of the audit it has no time but the run's, which is the run's id."""
    if found.eventType == _EXPORTED_ADMISSION:
        return _exported_admission(found, context)
    run = _required(found.id, "id")
    at = parse(run)
    if found.eventType != _AUDITED:
        return Outcome([], at)
    row = result(
        context,
        at,
        audit_id=run,
        constraint_kind=_required(found.kind, "kind"),
        constraint=_required(found.name, "name"),
        action=_exported_action(found),
        resource_kind=_required(found.resourceKind, "resourceKind"),
        resource_namespace=found.resourceNamespace or "",
        resource_name=_required(found.resourceName, "resourceName"),
        message=_required(found.message, "message"),
    )
    return Outcome([row], at)


def _exported_admission(found: Finding, context: Context) -> Outcome:
    at = parse(_required(found.timestamp, "timestamp"))
    row = {
        "cluster": cluster_of(context),
        "at": at,
        "user": _required(found.requestUsername, "requestUsername"),
        "operation": found.operation,
        "dry_run": found.dryRun,
        "constraint_kind": _required(found.kind, "kind"),
        "constraint": _required(found.name, "name"),
        "action": _exported_action(found),
        "resource_group": found.resourceGroup or "",
        "resource_kind": _required(found.resourceKind, "resourceKind"),
        "resource_namespace": found.resourceNamespace or "",
        "resource_name": found.resourceName or "",
        "message": found.message or "",
    }
    return Outcome([("policy_admissions", row)], at)


def _action(found: Finding) -> str:
    return action(
        _required(found.constraint_action, "constraint_action"), found.constraint_enforcement_actions
    )


def _exported_action(found: Finding) -> str:
    return action(_required(found.enforcementAction, "enforcementAction"), found.enforcementActions)


def _required(value: T | None, name: str) -> T:
    if value is None:
        raise Unreadable(f"{name} is missing")
    return value


def _looks(record: bytes) -> bool:
    if b'"event_type"' in record:
        found = names(record)
        if {"event_type", "audit_id", "ts"} <= found:
            return True
        if _ABOUT_ITSELF.search(record) and {"event_type", "process", "logger", "ts", "msg"} <= found:
            return True
        return b'"admission"' in record and {"event_type", "process", "resource_kind", "ts"} <= found
    if b'"eventType"' in record:
        found = names(record)
        return {"eventType", "id", "enforcementAction"} <= found or (
            b'"' + _EXPORTED_ADMISSION.encode() + b'"' in record
            and {"eventType", "timestamp", "kind"} <= found
        )
    return b'"audit is ' in record and names(record) == {"id", "message"}


FORMAT = JsonFormat("gatekeeper-audit", 3, ("policy_results", "policy_admissions"), Finding, _rows, _looks)
