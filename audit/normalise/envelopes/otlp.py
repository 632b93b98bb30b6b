"""Log records of OpenTelemetry, as its exporters write them in JSON."""

from __future__ import annotations

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

_MAX_DEPTH = 64
_ERRORS = (
    ValueError,
    RecursionError,
    TypeError,
    AttributeError,
    KeyError,
    NotPacked,
)  # msgspec's are ValueErrors


def _logs(top: Top) -> Contents | None:
    resources = as_array(top["resourceLogs"])
    if resources is None:
        return None
    return joined(_below(resource, "scopeLogs", "logRecords") for resource in resources)


def _below(value: msgspec.Raw, *names: str) -> Contents:
    """The bodies below lists in lists; a list that is absent is empty, as protobuf leaves empty ones out."""
    top = as_object(value)
    if top is None:
        return Contents(failed=["not OTLP: not an object"])
    if not names:
        return _body(top)
    items = as_array(top[names[0]]) if names[0] in top else []
    if items is None:
        return Contents(failed=[f"not OTLP: {names[0]} is no list"])
    return joined(_below(item, *names[1:]) for item in items)


def _body(top: Top) -> Contents:
    body = as_object(top["body"]) if "body" in top else {}
    if not body:
        return Contents(noise=1)
    try:
        if "bytesValue" in body:
            return Contents([decoded(msgspec.json.decode(body["bytesValue"], type=str))])
        value = _plain(msgspec.json.decode(top["body"]), _MAX_DEPTH)
    except _ERRORS:
        return Contents(failed=["not OTLP: the body is no value"])
    if isinstance(value, str):
        return Contents([value.encode(errors="replace")])
    return Contents([msgspec.json.encode(value)])


def _plain(value: dict[str, Any], depth: int) -> Any:
    """What an AnyValue stands for.

    Raises:
        ValueError: it is nested too deep, or of a kind that is not known.
    """
    ((kind, held),) = value.items()
    if depth <= 0:
        raise ValueError("nested too deep")
    if kind == "kvlistValue":
        return {each["key"]: _plain(each["value"], depth - 1) for each in held.get("values", ())}
    if kind == "arrayValue":
        return [_plain(each, depth - 1) for each in held.get("values", ())]
    if kind == "intValue":
        return int(held)  # 64-bit numbers are text in protobuf's JSON
    if kind in {"stringValue", "boolValue", "doubleValue", "bytesValue"}:
        return held
    raise ValueError(kind)


OPENERS = (Opener("otlp", keys("resourceLogs"), _logs),)
