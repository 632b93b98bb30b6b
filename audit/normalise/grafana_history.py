"""Grafana's history of alert states to `alerts`: the data frame of its API, and annotations that alerts wrote.

A frame is one record with many changes of state, be the history kept in Loki (a line each) or as annotations (a text each). Annotations that
no alert wrote are noise. Most versions name the alert of an annotation in its text alone: `the title {label=value} - what was measured`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from audit.normalise.alertmanager import row_of
from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import JsonFormat, names
from audit.normalise.times import parse

_STATUS = {
    "alerting": "firing",
    "recovering": "firing",
    "normal": "resolved",
    "ok": "resolved",
    "pending": "pending",
    "nodata": "no data",
    "no_data": "no data",
    "error": "error",
    "paused": "paused",
}


_TITLED = re.compile(r"(?P<title>.+?) \{[^{}]*\} - ", re.DOTALL)


class _Field(msgspec.Struct):
    name: str


class _Schema(msgspec.Struct):
    fields: list[_Field]


class _Data(msgspec.Struct):
    values: list[list[Any]]


class _Change(msgspec.Struct):
    """One change of state."""

    current: str
    ruleTitle: str
    labels: dict[str, str] | None = None
    fingerprint: str | None = None


class History(msgspec.Struct, rename={"frame": "schema"}):
    """A frame, or an annotation; which one, `schema` tells."""

    frame: _Schema | None = None
    data: msgspec.Raw = msgspec.Raw()

    id: int | None = None
    alertId: int | None = None
    alertName: str | None = None
    newState: str | None = None
    time: int | float | None = None
    text: str | None = None


_data = msgspec.json.Decoder(_Data)
_change = msgspec.json.Decoder(_Change)


def _rows(history: History, context: Context) -> Outcome:
    if history.frame is not None:
        return _frame(history.frame, history.data, context)
    if history.time is None or history.id is None:
        raise Unreadable("neither a frame nor an annotation with id and time")
    at = parse(history.time)
    if not history.newState:
        return Outcome([], at)
    fingerprint = f"annotation {history.id}"
    row = _annotation(
        context, history.alertName, history.text or "", history.newState, at, fingerprint=fingerprint
    )
    return Outcome([("alerts", row)], at)


def _annotation(
    context: Context, name: str | None, text: str, state: str, at: datetime, *, fingerprint: str
) -> Row:
    titled, status = _TITLED.match(text), _status(state)
    return row_of(
        context,
        "grafana",
        {},
        {"message": text},
        alert=name or (titled["title"] if titled is not None else None),
        status=status,
        at=at,
        ends_at=at if status == "resolved" else None,
        fingerprint=fingerprint,
    )


def _frame(schema: _Schema, raw: msgspec.Raw, context: Context) -> Outcome:
    try:
        columns = _data.decode(raw).values
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"data: {error}") from None
    except RecursionError:
        raise Unreadable("nested too deep") from None
    found = {field.name: values for field, values in zip(schema.fields, columns, strict=False)}
    if not columns:
        found = {field.name: [] for field in schema.fields}
    told = ("time", "line") if "line" in found else ("time", "text", "next")
    if not set(told) <= found.keys() or len({len(found[name]) for name in told}) > 1:
        raise Unreadable("a frame without as many times as lines")
    rows = []
    for time, *said in zip(*(found[name] for name in told), strict=True):
        if not isinstance(time, str | int | float):
            raise Unreadable(f"not a time: {time!r}")
        at = parse(time)
        if len(said) > 1:
            text, state = (each if isinstance(each, str) else "" for each in said)
            rows.append(_annotation(context, None, text, state, at, fingerprint=""))
            continue
        change = _changed(said[0])
        status = _status(change.current)
        row = row_of(
            context,
            "grafana",
            change.labels or {},
            None,
            alert=change.ruleTitle,
            status=status,
            at=at,
            ends_at=at if status == "resolved" else None,
            fingerprint=change.fingerprint or "",
        )
        rows.append(row)
    return Outcome([("alerts", row) for row in rows], max((row["at"] for row in rows), default=None))


def _changed(line: Any) -> _Change:
    """A change of state: an object, or its JSON in a string."""
    try:
        return _change.decode(line) if isinstance(line, str) else msgspec.convert(line, _Change)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError) as error:
        raise Unreadable(f"line: {error}") from None
    except RecursionError:
        raise Unreadable("nested too deep") from None


def _status(state: str) -> str:
    """Our word for a state; a reason may follow it in brackets: `Normal (MissingSeries)`."""
    known = _STATUS.get(state.partition(" (")[0].lower())
    if known is None:
        raise Unreadable(f"unknown state {state[:40]!r}")
    return known


def _looks(record: bytes) -> bool:
    if b'"schema"' in record and (b'"line"' in record or (b'"next"' in record and b'"text"' in record)):
        return {"schema", "data"} <= names(record)
    return b'"newState"' in record and {"id", "newState", "time"} <= names(record)


FORMAT = JsonFormat("grafana-history", 2, ("alerts",), History, _rows, _looks)
