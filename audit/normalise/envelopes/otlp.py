"""Log records of OpenTelemetry, as its exporters write them in JSON."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from audit.normalise.envelopes.shape import (
    Contents,
    NotPacked,
    Opener,
    Top,
    as_array,
    as_object,
    decoded,
    joined,
    keys,
)

_SNAKE = re.compile(r"_([a-z])")
_MAX_DEPTH = 64
_ERRORS = (
    ValueError,
    RecursionError,
    TypeError,
    AttributeError,
    KeyError,
    NotPacked,
)  # msgspec's are ValueErrors


_SCOPES = ("scopeLogs", "scope_logs", "instrumentationLibraryLogs", "instrumentation_library_logs")
_RECORDS = ("logRecords", "log_records", "logs")
_BESIDE = frozenset(
    {"resource", "scope", "instrumentationLibrary", "instrumentation_library", "schemaUrl", "schema_url"}
)
"""Names of lists, as versions of OTLP and languages spell them, and of what stands beside them."""


def _logs(top: Top) -> Contents | None:
    name = "resourceLogs" if "resourceLogs" in top else "resource_logs"
    resources = as_array(top[name])
    if resources is None:
        return None
    return joined(_below(resource, _SCOPES, _RECORDS) for resource in resources)


def _below(value: msgspec.Raw, *lists: tuple[str, ...]) -> Contents:
    """The bodies below lists in lists; a list that is absent is empty, as protobuf leaves empty ones out."""
    top = as_object(value)
    if top is None:
        return Contents(failed=["not OTLP: not an object"])
    if not lists:
        return _body(top)
    name = next((name for name in lists[0] if name in top), None)
    strange = sorted(top.keys() - _BESIDE) if name is None else []
    if strange:
        return Contents(failed=[f"not OTLP: no {lists[0][0]}, but {strange[0][:40]!r}"])
    items = as_array(top[name]) if name is not None else []
    if items is None:
        return Contents(failed=[f"not OTLP: {name} is no list"])
    return joined(_below(item, *lists[1:]) for item in items)


def _body(top: Top) -> Contents:
    body = as_object(top["body"]) if "body" in top else {}
    if not body:
        return _attributes(top)
    try:
        packed = body.get("bytesValue", body.get("bytes_value"))
        if packed is not None:
            return Contents([decoded(msgspec.json.decode(packed, type=str))])
        value = _plain(msgspec.json.decode(top["body"]), _MAX_DEPTH)
    except _ERRORS:
        return Contents(failed=["not OTLP: the body is no value"])
    if isinstance(value, str):
        return Contents([value.encode(errors="replace")])
    return Contents([msgspec.json.encode(value)])


def _attributes(top: Top) -> Contents:
    """What was parsed of a line whose text was then dropped: attributes, of which those that a collector adds have dotted names."""
    try:
        told = _plain(
            {"kvlistValue": {"values": msgspec.json.decode(top.get("attributes", b"[]")) or ()}}, _MAX_DEPTH
        )
    except _ERRORS:
        return Contents(failed=["not OTLP: the attributes are no list of values"])
    parsed = {name: value for name, value in told.items() if "." not in name}
    return Contents([msgspec.json.encode(parsed)]) if parsed else Contents(noise=1)


def _plain(value: dict[str, Any], depth: int) -> Any:
    """What an AnyValue stands for; None where it is empty, as null is.

    Raises:
        ValueError: it is nested too deep, or of a kind that is not known.
    """
    if depth <= 0:
        raise ValueError("nested too deep")
    if value == {}:
        return None
    ((kind, held),) = value.items()
    kind = _SNAKE.sub(lambda match: match[1].upper(), kind)
    if kind == "kvlistValue":
        return {each["key"]: _plain(each["value"], depth - 1) for each in held.get("values", ())}
    if kind == "arrayValue":
        return [_plain(each, depth - 1) for each in held.get("values", ())]
    if kind == "intValue":
        return int(held)  # 64-bit numbers are text in protobuf's JSON
    if kind in {"stringValue", "boolValue", "doubleValue", "bytesValue"}:
        return held
    raise ValueError(kind)


OPENERS = (Opener("otlp", keys("resourceLogs"), _logs), Opener("otlp", keys("resource_logs"), _logs))
