"""Gatekeeper's audit: its log, its export, and the status of constraints, to `policy_results`.

The log says `event_type`, `constraint_kind`, `msg`; the export `eventType`, `kind`, `message`. Of the log, lines that
report no violation are noise.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import JsonFormat, cluster_of, keys, names
from audit.normalise.times import Time, parse, utc

_GROUP = "constraints.gatekeeper.sh/"
_VIOLATION = "violation_audited"


class _Metadata(msgspec.Struct):
    name: str


class _Violation(msgspec.Struct):
    kind: str
    name: str
    message: str
    enforcementAction: str
    namespace: str = ""


class _Status(msgspec.Struct):
    auditTimestamp: Time | None = None
    violations: list[_Violation] | None = None


class Finding(msgspec.Struct):
    """A line of the log, a message of the export, or a constraint; which one, its keys tell."""

    ts: str | float | None = None
    event_type: str | None = None
    audit_id: str | None = None
    msg: str | None = None
    constraint_kind: str | None = None
    constraint_name: str | None = None
    constraint_action: str | None = None
    resource_kind: str | None = None
    resource_namespace: str | None = None
    resource_name: str | None = None

    eventType: str | None = None
    id: str | None = None
    name: str | None = None
    message: str | None = None
    enforcementAction: str | None = None
    resourceKind: str | None = None
    resourceNamespace: str | None = None
    resourceName: str | None = None

    apiVersion: str | None = None
    kind: str | None = None
    metadata: _Metadata | None = None
    status: _Status | None = None


def _rows(found: Finding, context: Context) -> Outcome:
    if (found.apiVersion or "").startswith(_GROUP):
        return _constraint(found, context)
    if found.eventType is not None:
        return _export(found, context)
    return _log_line(found, context)


def _log_line(found: Finding, context: Context) -> Outcome:
    if found.ts is None or found.msg is None:
        raise Unreadable("neither a line of the log, nor an export, nor a constraint")
    at = parse(found.ts)
    if found.event_type != _VIOLATION:
        return Outcome([], at)
    row = _row(
        context,
        at,
        audit_id=_required(found.audit_id, "audit_id"),
        constraint_kind=_required(found.constraint_kind, "constraint_kind"),
        constraint=_required(found.constraint_name, "constraint_name"),
        action=_required(found.constraint_action, "constraint_action"),
        resource_kind=_required(found.resource_kind, "resource_kind"),
        resource_namespace=found.resource_namespace or "",
        resource_name=_required(found.resource_name, "resource_name"),
        message=found.msg,
    )
    return Outcome([("policy_results", row)], at)


def _export(found: Finding, context: Context) -> Outcome:
    """A message of the export: it has no time but the run's, which is the run's id."""
    run = _required(found.id, "id")
    at = parse(run)
    if found.eventType != _VIOLATION:
        return Outcome([], at)
    row = _row(
        context,
        at,
        audit_id=run,
        constraint_kind=_required(found.kind, "kind"),
        constraint=_required(found.name, "name"),
        action=_required(found.enforcementAction, "enforcementAction"),
        resource_kind=_required(found.resourceKind, "resourceKind"),
        resource_namespace=found.resourceNamespace or "",
        resource_name=_required(found.resourceName, "resourceName"),
        message=_required(found.message, "message"),
    )
    return Outcome([("policy_results", row)], at)


def _constraint(found: Finding, context: Context) -> Outcome:
    """A constraint: its status lists the violations of the last run, as many as its limit allows."""
    name = _required(found.metadata, "metadata").name
    status = found.status or _Status()
    if status.auditTimestamp is None:
        return Outcome([], None)  # never audited: it says nothing yet
    at = utc(status.auditTimestamp)
    rows = [
        _row(
            context,
            at,
            audit_id=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            constraint_kind=_required(found.kind, "kind"),
            constraint=name,
            action=violation.enforcementAction,
            resource_kind=violation.kind,
            resource_namespace=violation.namespace,
            resource_name=violation.name,
            message=violation.message,
        )
        for violation in status.violations or ()
    ]
    return Outcome([("policy_results", row) for row in rows], at)


def _row(context: Context, at: datetime, **facts: str) -> Row:
    return {"cluster": cluster_of(context), "at": at, **facts}


T = TypeVar("T")


def _required(value: T | None, name: str) -> T:
    if value is None:
        raise Unreadable(f"{name} is missing")
    return value


def _looks(record: bytes) -> bool:
    if b'"event_type"' in record or b'"eventType"' in record:
        found = names(record)
        return {"event_type", "audit_id", "ts"} <= found or {"eventType", "id", "enforcementAction"} <= found
    return _GROUP.encode() in record and (keys(record).apiVersion or "").startswith(_GROUP)


FORMAT = JsonFormat("gatekeeper-audit", 1, ("policy_results",), Finding, _rows, _looks)
