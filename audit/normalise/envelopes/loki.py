"""Lines of Loki: as logcli prints them, as its push API takes them, as its queries answer.

A line of Grafana's history of alert states has its time and its name (`from`) from Loki alone: it is given both, as Grafana's own API gives them.
"""

from __future__ import annotations

import msgspec

from audit.normalise.envelopes.shape import (
    Contents,
    Opener,
    Top,
    as_array,
    as_object,
    as_text,
    content,
    each_text,
    joined,
    keys,
    member,
)


def _streams(streams: list[msgspec.Raw]) -> Contents | None:
    """Lines of streams, `{"stream": {…}, "values": [[time, line]]}`."""
    parts: list[Contents] = []
    for stream in streams:
        top = as_object(stream)
        if (
            top is not None
            and {"labels", "entries"} <= top.keys()
            and (entries := as_array(top["entries"])) is not None
        ):
            parts.extend(_entry(entry) for entry in entries)
            continue
        values = as_array(top["values"]) if top is not None and {"stream", "values"} <= top.keys() else None
        if values is None:
            return None
        labels = as_object(top["stream"]) if top is not None else None
        parts.extend(_line(value, labels) for value in values)
    return joined(parts)


def _line(value: msgspec.Raw, labels: Top | None) -> Contents:
    pair = as_array(value)
    if pair is None or len(pair) < 2 or as_text(pair[1]) is None:
        return Contents(failed=["not a line of Loki: neither time nor text"])
    return Contents([_told(pair[1], pair[0], labels)])


def _told(line: msgspec.Raw, time: msgspec.Raw, labels: Top | None) -> bytes:
    """What a line says; of a change of an alert's state, as a frame of Grafana's API with its time."""
    text = content(line)
    if labels is None or as_text(labels.get("from", b"")) != "state-history" or as_object(text) is None:
        return text
    schema = {"fields": [{"name": "time"}, {"name": "line"}]}
    return msgspec.json.encode({"schema": schema, "data": {"values": [[time], [line]]}})


def _printed(top: Top) -> Contents | None:
    """A line as logcli prints it."""
    if bytes(top["line"]) == b"null":
        return None
    return Contents([_told(top["line"], top["timestamp"], as_object(top["labels"]))])


def _entry(value: msgspec.Raw) -> Contents:
    """A line as the first version of the push API took it."""
    top = as_object(value)
    if top is None or as_text(top.get("line", b"")) is None:
        return Contents(failed=["not a line of Loki: it has no text"])
    return Contents([content(top["line"])])


def _push(top: Top) -> Contents | None:
    streams = as_array(top["streams"])
    return None if streams is None else _streams(streams)


def _answer(top: Top) -> Contents | None:
    data = as_object(top["data"]) if "data" in top else top
    if data is None or as_text(data.get("resultType", b"")) != "streams":
        return None
    result = as_array(data.get("result", b""))
    return None if result is None else _streams(result)


def _grafana(top: Top) -> Contents | None:
    """Answers as Grafana's own API gives them: of frames with a field `Line` its values, other frames as they are."""
    answers = [as_object(answer) for answer in (as_object(top["results"]) or {}).values()]
    found: list[Contents] = []
    for answer in answers:
        frames = as_array(answer["frames"]) if answer is not None and "frames" in answer else None
        if answer is None or frames is None:
            return None
        if "error" in answer:
            found.append(Contents(failed=["an answer of Grafana that says of an error: not all is in it"]))
        found.extend(_frame(frame) for frame in frames)
    return joined(found) if answers else None


def _frame(frame: msgspec.Raw) -> Contents:
    top = as_object(frame) or {}
    schema, data = as_object(top.get("schema", b"")) or {}, as_object(top.get("data", b"")) or {}
    names = [
        as_text((as_object(field) or {}).get("name", b""))
        for field in as_array(schema.get("fields", b"")) or ()
    ]
    columns = as_array(data.get("values", b"")) or []
    if "Line" not in names or len(columns) != len(names):
        return Contents([bytes(frame)])
    lines = as_array(columns[names.index("Line")])
    return (
        Contents(failed=["not a frame of Grafana: its lines are no list"])
        if lines is None
        else each_text(lines)
    )


OPENERS = (
    Opener("loki", keys("labels", "line", "timestamp"), _printed),
    Opener("loki", keys("line", "timestamp", "date"), member("line")),  # Grafana's download
    Opener("loki", keys("line", "tsns"), member("line")),  # the same, as CSV
    Opener("loki", keys("results"), _grafana),
    Opener("loki", keys("streams"), _push),
    Opener("loki", keys("status", "data"), _answer),
    Opener("loki", keys("resultType", "result"), _answer),
)
