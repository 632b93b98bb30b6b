"""Kubernetes requests in Google's Cloud Audit Logs, as GKE writes them, to `cluster_access`.

An entry says `methodName: io.k8s.apps.v1.deployments.patch` and `resourceName: apps/v1/namespaces/shop/deployments/web`;
what is kept and what is noise is as for the API server's own log (`kubernetes_audit`). Long requests, such as sessions
into workloads, have a first and a last entry, which share the id of their operation. Groups are not recorded, and a dry
run is known only of deletions, whose options say so: of bodies nothing else is decoded.

The status is that of gRPC; as a row's `code` is HTTP's, it is mapped as google.rpc does: 0 (or empty) to 200,
INVALID_ARGUMENT, FAILED_PRECONDITION and OUT_OF_RANGE to 400, UNAUTHENTICATED to 401, PERMISSION_DENIED to 403,
NOT_FOUND to 404, ALREADY_EXISTS and ABORTED to 409, RESOURCE_EXHAUSTED to 429, CANCELLED to 499, UNKNOWN, INTERNAL and
DATA_LOSS to 500, UNIMPLEMENTED to 501, UNAVAILABLE to 503, DEADLINE_EXCEEDED to 504. Numbers from 100 on are HTTP's own.
"""

from __future__ import annotations

import msgspec

from audit.normalise import kubernetes_audit
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import ABSENT, JsonFormat, names
from audit.normalise.kubernetes_audit import Event, ObjectRef, Status, User
from audit.normalise.times import Time

_HTTP = (
    200,
    499,
    500,
    400,
    504,
    404,
    409,
    403,
    429,
    400,
    409,
    400,
    501,
    500,
    503,
    500,
    401,
)  # by code of gRPC
_SERVICE = "k8s.io"


class _Authentication(msgspec.Struct, gc=False):
    principalEmail: str | None = None
    principalSubject: str | None = None
    authoritySelector: str | None = None


class _Metadata(msgspec.Struct, gc=False):
    callerIp: str | None = None
    callerSuppliedUserAgent: str | None = None


class _Operation(msgspec.Struct, gc=False):
    id: str = ""
    first: bool = False
    last: bool = False


class _Payload(msgspec.Struct, gc=False):
    serviceName: str
    methodName: str = ""
    resourceName: str = ""
    authenticationInfo: _Authentication | None = None
    requestMetadata: _Metadata | None = None
    status: Status | None = None
    request: msgspec.Raw = ABSENT


class Entry(msgspec.Struct, gc=False):
    """One entry of the log; what is not needed is not decoded."""

    insertId: str
    timestamp: Time
    protoPayload: _Payload
    operation: _Operation | None = None


def _rows(entry: Entry, context: Context) -> Outcome:
    payload = entry.protoPayload
    if payload.serviceName != _SERVICE:
        raise Unreadable(
            f"an entry of another service than {_SERVICE}: let the sink filter protoPayload.serviceName"
        )
    verb, target = _asked(payload.methodName, payload.resourceName)
    who = payload.authenticationInfo or _Authentication()
    asked = payload.requestMetadata or _Metadata()
    operation = entry.operation
    unfinished = operation is not None and operation.first and not operation.last
    event = Event(
        auditID=(operation.id if operation is not None else "") or entry.insertId,
        stage="ResponseStarted" if unfinished else "ResponseComplete",
        verb=verb,
        user=User(who.principalEmail or who.principalSubject),
        requestReceivedTimestamp=entry.timestamp,
        requestObject=payload.request,
        objectRef=target,
        responseStatus=Status(_code(payload.status)),
        impersonatedUser=User(who.authoritySelector) if who.authoritySelector else None,
        userAgent=asked.callerSuppliedUserAgent,
        sourceIPs=[asked.callerIp] if asked.callerIp else None,
    )
    return kubernetes_audit.rows(event, context)


def _asked(method: str, resource: str) -> tuple[str, ObjectRef]:
    """The verb and the object of a request.

    Raises:
        Unreadable: the method names no resource and verb of the version that the name does, or the name another resource.
    """
    group, version, *path = [*resource.split("/"), "", ""]
    parts = method.split(".")
    if parts[:-1] == ["io", "k8s"]:  # of a path that is no resource's, such as healthz
        return parts[-1], ObjectRef()
    after = next((count for count in (3, 4) if len(parts) > count and parts[-count] == version), None)
    if after is None:
        raise Unreadable(f"methodName does not name version, resource and verb: {method[:80]!r}")
    plural, *sub, verb = parts[1 - after :]
    namespace = ""
    if path[0] == "namespaces" and plural != "namespaces":
        namespace, path = path[1], [*path[2:], "", ""]
    if path[0] != plural:
        raise Unreadable(f"resourceName is not of the method's resource: {resource[:80]!r}")
    name = path[1]
    if plural == "namespaces":
        namespace = name
    return verb, ObjectRef(
        resource=plural,
        subresource=sub[0] if sub else "",
        namespace=namespace,
        name=name,
        apiGroup="" if group == "core" else group,
    )


def _code(status: Status | None) -> int | None:
    """HTTP's status; None where none was recorded. A status that names no code is 0: nothing is left out but zero."""
    if status is None:
        return None
    code = status.code or 0
    return _HTTP[code] if 0 <= code < len(_HTTP) else code


def _looks(record: bytes) -> bool:
    return b'"protoPayload"' in record and "protoPayload" in names(record)


FORMAT = JsonFormat("gke-audit", 5, ("cluster_access",), Entry, _rows, _looks)
