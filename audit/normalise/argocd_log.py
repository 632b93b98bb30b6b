"""Argo CD's API server log, JSON lines or logfmt, to `operator_requests`: who synced, rolled back, overrode, deleted.

A call is told twice: when it is received, with the caller's claims and the request, and when it is finished, with the
outcome. Calls that only read are noise, and so are lines that tell no call and no act of a person. Of a request only
what names something is taken in: parameters by their names, never their values, and no patch, manifest or token.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from audit.normalise.argocd_request import caller, told
from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import ABSENT, JsonFormat, cluster_of, is_there, names
from audit.normalise.logfmt import begins, to_json
from audit.normalise.times import Time, utc

_NUMBER = re.compile(rb'"?(\d{1,15}(?:\.\d{1,20})?(?:e[+-]\d{1,2})?)"?')
_READS = (
    "Get", "List", "Watch", "Managed", "Resource", "Revision", "Pod", "Logs", "CanI", "Version", "Plugins", "Validate",
    "Links", "Manifests", "Server", "ApplicationSetTree", "Generate", "OCI",
)  # fmt: skip
"""How the names of calls that change nothing begin."""
_ACTED = re.compile(
    r"(?P<user>\S.*?) (?:initiated (?:partial )?(?:sync|rollback) |(?:created|updated|deleted) (?:application|project|token|ApplicationSet|resource)|"
    r"patched resource |terminated running operation|ran action )",
    re.DOTALL,
)
"""How the message of a person's act begins; it alone names the person where it is about a project, and in older versions everywhere."""


class Line(msgspec.Struct):
    """A line; what is not needed is not decoded."""

    time: Time
    level: str
    msg: str = ""
    service: str | None = msgspec.field(default=None, name="grpc.service")
    method: str | None = msgspec.field(default=None, name="grpc.method")
    code: str | None = msgspec.field(default=None, name="grpc.code")
    claims: msgspec.Raw = msgspec.field(default=ABSENT, name="grpc.request.claims")
    content: msgspec.Raw = msgspec.field(default=ABSENT, name="grpc.request.content")
    took: msgspec.Raw = msgspec.field(default=ABSENT, name="grpc.time_ms")
    peer: str | None = msgspec.field(default=None, name="peer.address")
    application: str | None = None
    app_namespace: str | None = msgspec.field(default=None, name="app-namespace")
    project: str | None = None
    reason: str | None = None
    user: str | None = None


def _rows(line: Line, context: Context) -> Outcome:
    at = utc(line.time)
    if line.service and line.method:
        if line.method.startswith(_READS):
            return Outcome([], at)
        received = is_there(line.claims) or is_there(line.content) or line.msg.startswith("received")
        who, what = caller(line.claims), told(line.content)
        row = _row(context, line, "received" if received else "finished") | {
            "service": line.service.rpartition(".")[2],
            "method": line.method,
            "code": line.code or None,
            "address": line.peer or None,
            "took": _milliseconds(line.took),
            **who,
            **what,
        }
        return Outcome([("operator_requests", row)], at)
    acted = _ACTED.match(line.msg)
    user = line.user or (acted["user"] if acted is not None and line.reason != "OperationCompleted" else None)
    if not (line.reason and user and (line.application or line.project)):
        return Outcome([], at)
    app = "/".join(part for part in (line.app_namespace, line.application) if part)
    row = _row(context, line, "event") | {
        "service": "",
        "method": line.reason,
        "user": user,
        "app": app if line.application else None,
        "project": line.project or None,
        "detail": line.msg or None,
    }
    return Outcome([("operator_requests", row)], at)


def _row(context: Context, line: Line, stage: str) -> Row:
    """What every row tells; what the line does not is missing."""
    return {
        "cluster": cluster_of(context),
        "at": utc(line.time),
        "stage": stage,
        "user": None,
        "subject": None,
        "issuer": None,
        "groups": None,
        "app": None,
        "project": None,
        "detail": None,
        "code": None,
        "address": None,
        "took": None,
    }


def _milliseconds(raw: msgspec.Raw) -> float | None:
    """A number, or text that is one; None where it isn't told."""
    if not is_there(raw):
        return None
    found = _NUMBER.fullmatch(bytes(raw))
    if found is None:
        raise Unreadable(f"grpc.time_ms is no time: {bytes(raw)[:40]!r}")
    return float(found[1])


_MARKS = (
    frozenset({"grpc.service", "grpc.method"}),
    frozenset({"application", "reason", "type", "msg"}),
    frozenset({"project", "reason", "type", "msg"}),
)


def _looks(record: bytes) -> bool:
    """A call or an event. Other lines could be any program's: the source must then name the format."""
    if b"grpc.service" not in record and b"application" not in record and b"project" not in record:
        return False
    try:
        found = names(to_json(record) if begins(record) else record)
    except Unreadable:
        return False
    return {"time", "level"} <= found and any(marks <= found for marks in _MARKS)


class _Log(JsonFormat[Any]):
    """As any format of JSON, and of logfmt too."""

    def read(self, record: bytes, context: Context) -> Outcome:
        return super().read(to_json(record) if begins(record) else record, context)


FORMAT = _Log("argocd-log", 2, ("operator_requests",), Line, _rows, _looks)
