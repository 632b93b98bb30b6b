"""Vault's (and OpenBao's) audit devices to `secret_access`: a request and its response are a line each.

The two share `request.id`; `error` stands at the top. Bodies (`request.data`, `response.data`) are never decoded, so
that no value, HMAC'd or in the clear, gets into a row. Of tokens only the accessor is kept, as the device wrote it.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import JsonFormat, names
from audit.normalise.times import Time, utc

_ROOT = "root"
_HMAC = "hmac-sha256:"
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _PolicyResults(msgspec.Struct):
    allowed: bool | None = None


class _Auth(msgspec.Struct):
    """Who asks; in a response to a login, who then may."""

    accessor: str | None = None
    client_token: str | None = None
    display_name: str | None = None
    policies: list[str] | None = None
    token_policies: list[str] | None = None
    identity_policies: list[str] | None = None
    policy_results: _PolicyResults | None = None
    entity_id: str | None = None
    token_type: str | None = None

    def all_policies(self) -> set[str]:
        """Policies of the token, its own and those of its entity."""
        return {*(self.policies or ()), *(self.token_policies or ()), *(self.identity_policies or ())}

    def is_known(self) -> bool:
        """Whether it speaks of a token: what asks for one has none yet."""
        return bool(self.accessor or self.display_name or self.entity_id or self.all_policies())


class _Namespace(msgspec.Struct):
    id: str | None = None
    path: str | None = None


class _Request(msgspec.Struct):
    id: _Text
    operation: _Text
    path: str
    mount_point: str | None = None
    mount_type: str | None = None
    client_token: str | None = None
    client_token_accessor: str | None = None
    namespace: _Namespace | None = None
    remote_address: str | None = None


class _Response(msgspec.Struct):
    auth: _Auth | None = None
    mount_point: str | None = None
    mount_type: str | None = None


class Line(msgspec.Struct):
    """One line; what is not needed, and what may be secret, is not decoded."""

    time: Time
    type: Literal["request", "response"]
    request: _Request
    auth: _Auth | None = None
    response: _Response | None = None
    error: str | None = None


def _rows(line: Line, _context: Context) -> Outcome:
    if line.type == "request" and line.response is not None:
        raise Unreadable("a request that holds a response")
    at, asked, answered = utc(line.time), line.request, line.response or _Response()
    issued = answered.auth or _Auth()
    by = line.auth if line.auth is not None and line.auth.is_known() else issued
    judged = line.auth or by
    tokens = (by.client_token, asked.client_token, issued.client_token)
    policies = by.all_policies()
    row = {
        "request_id": asked.id,
        "type": line.type,
        "at": at,
        "operation": asked.operation,
        "namespace": _namespace(asked.namespace),
        "mount": asked.mount_point or answered.mount_point or "",
        "mount_type": asked.mount_type or answered.mount_type or "",
        "path": asked.path,
        "entity": by.entity_id or "",
        "display_name": by.display_name or "",
        "policies": ",".join(sorted(policies)),
        "accessor": by.accessor or asked.client_token_accessor or None,
        "token_type": by.token_type or "",
        "root": _ROOT in policies,
        "root_issued": _ROOT in issued.all_policies(),
        "allowed": judged.policy_results.allowed if judged.policy_results is not None else None,
        "remote_address": asked.remote_address or "",
        "error": line.error or "",
        "in_clear": any(token and not token.startswith(_HMAC) for token in tokens),
    }
    return Outcome([("secret_access", row)], at)


def _namespace(namespace: _Namespace | None) -> str:
    """Its path, else its id; empty for the root namespace, which has no path."""
    if namespace is None:
        return ""
    return namespace.path or ("" if namespace.id in (None, _ROOT) else str(namespace.id))


_SYSLOG = re.compile(rb'[^{\n]{1,512}(?=\{")')
"""What stands before the JSON of a line that came by syslog."""


def _bare(record: bytes) -> bytes:
    """The JSON of a line, without what syslog or a socket put before it."""
    found = _SYSLOG.match(record)
    return record[found.end() :] if found is not None else record


def _looks(record: bytes) -> bool:
    if b'"request"' not in record or b'"operation"' not in record:
        return False
    return {"time", "type", "request"} <= names(_bare(record))


class _Device(JsonFormat[Line]):
    """As any format of JSON, and the lines of syslog that hold some."""

    def read(self, record: bytes, context: Context) -> Outcome:
        return super().read(_bare(record), context)


FORMAT = _Device("vault-audit", 1, ("secret_access",), Line, _rows, _looks)
