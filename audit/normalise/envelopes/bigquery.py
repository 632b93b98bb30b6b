"""Entries of Cloud Audit Logs as BigQuery has them, by a sink or in Log Analytics' views, back to what Cloud Logging writes.

A sink's table calls the payload `protopayload_auditlog`, and a request in it `requestJson`, as text; a view says `proto_payload.audit_log`,
and spells every name with underscores. Times have a space and no zone, or `UTC`; numbers and truth are text where `bq query` printed them.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from audit.normalise.envelopes.shape import Contents, Opener, Top, as_object, as_text, keys

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)(?: UTC)?")
_PAYLOAD = ("serviceName", "methodName", "resourceName")
_TOLD = {
    "authenticationInfo": ("principalEmail", "principalSubject", "authoritySelector"),
    "requestMetadata": ("callerIp", "callerSuppliedUserAgent"),
}


def _row(top: Top) -> Contents | None:
    """A row of a sink's table."""
    payload = as_object(top["protopayload_auditlog"])
    return None if payload is None else _entry(top, payload)


def _view(top: Top) -> Contents | None:
    """A row of a view of Log Analytics."""
    holder = as_object(top["proto_payload"]) or {}
    payload = as_object(holder["audit_log"]) if "audit_log" in holder else None
    return None if payload is None else _entry(top, payload)


def _entry(top: Top, payload: Top) -> Contents:
    """The entry that a row is of: no more than what is read of it, as what is stored elsewhere says the rest."""
    told: dict[str, Any] = {name: _member(payload, name) for name in _PAYLOAD}
    for holder, names in _TOLD.items():
        inner = as_object(_member(payload, holder)) or {}
        told[holder] = {name: _member(inner, name) for name in names}
    status = as_object(_member(payload, "status"))
    told["status"] = None if status is None else {"code": _value(_member(status, "code"))}
    if request := as_text(_member(payload, "requestJson")):
        told["request"] = (
            msgspec.Raw(request.encode(errors="replace")) if as_object(request.encode()) else None
        )
    else:
        told["request"] = _member(payload, "request")
    operation = as_object(_member(top, "operation"))
    if operation is not None and as_text(_member(operation, "id")):
        ends = {name: _value(_member(operation, name)) is True for name in ("first", "last")}
        told_of = {"id": _member(operation, "id"), **ends}
    else:
        told_of = None
    time = as_text(_member(top, "timestamp")) or ""
    utc = _TIME.fullmatch(time)
    entry = {
        "insertId": _member(top, "insertId"),
        "timestamp": f"{utc[1]}T{utc[2]}Z" if utc else time,
        "operation": told_of,
        "protoPayload": {name: value for name, value in told.items() if value is not None},
    }
    return Contents([msgspec.json.encode(entry)])


_NULL = msgspec.Raw(b"null")


def _member(top: Top, name: str) -> msgspec.Raw:
    """A member, however its name is spelled; null where there is none."""
    snake = re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name)
    return top.get(name, top.get(snake, _NULL))


def _value(raw: msgspec.Raw) -> Any:
    """What a number or a truth stands for, be it written as text."""
    text = as_text(raw)
    try:
        return msgspec.json.decode(bytes(raw) if text is None else text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return text


OPENERS = (
    Opener("bigquery", keys("protopayload_auditlog", "timestamp"), _row),
    Opener("bigquery", keys("proto_payload", "timestamp"), _view),
)
