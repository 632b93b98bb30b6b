"""What event buses and log platforms wrap records in: CloudEvents, EventBridge, Splunk, Datadog, Azure's Event Hubs.

Members named `event`, `detail`, `body` or `attributes` are found in records too. What stands beside them tells: nobody who only fills
in a text, such as that of a review, can have the record around it taken for one of these.
"""

from __future__ import annotations

import re

import msgspec

from audit.normalise.envelopes import lines
from audit.normalise.envelopes.shape import (
    Contents,
    Opener,
    Top,
    agree,
    as_array,
    as_object,
    as_text,
    content,
    each,
    keys,
    unpacked,
)

_ADDED = keys("hostname", "service", "timestamp", "ddsource", "ddtags")
"""What Datadog's agents add to the attributes of a line."""
_MOVED = keys("message", "msg", "level", "time", "ts", "t")
"""What its pipelines take for a log's message, status and time, and change or move for it."""
_HEC = keys("time", "host", "source", "sourcetype", "index", "fields", "event")
_TELL_HEC = _HEC - {"time", "source", "event"}
_TELL_HUB = keys("offset", "sequencenumber", "enqueuedtime", "enqueuedtimeutc")
_HUB = _TELL_HUB | {
    "body", "id", "partitionid", "partitionkey", "properties", "systemproperties", "applicationproperties", "annotations",
    "contenttype", "messageid", "correlationid",
}  # fmt: skip
_GITHUBS_EVENT = re.compile(r"[a-z][a-z0-9_]{1,79}")


def _bus(top: Top) -> Contents | None:
    """An event of EventBridge. What GitHub delivered to it has the name of its event beside it, which it is given along with."""
    source, kind = as_text(top["source"]), as_text(top["detail-type"])
    if source is None or kind is None:
        return None
    if source == "aws.s3" and kind.startswith("Object "):
        return Contents(failed=["a notification of S3: it names an object and holds nothing of it"])
    detail = as_object(top["detail"])
    if detail is None:
        return None if as_text(top["detail"]) is None else Contents([content(top["detail"])])
    if "github" in source.lower() and "sender" in detail and _GITHUBS_EVENT.fullmatch(kind):
        told = {"event": top["detail-type"], "payload": top["detail"]}
        told |= {name: top[of] for name, of in (("id", "id"), ("received_at", "time")) if of in top}
        return Contents([msgspec.json.encode(told)])
    return Contents([bytes(top["detail"])])


def _cloud_event(top: Top) -> Contents | None:
    """A CloudEvent, as Dapr makes one of each message: a record, text, or bytes."""
    if as_text(top["specversion"]) is None or as_text(top["type"]) is None:
        return None
    if "data_base64" in top:
        return unpacked(top["data_base64"])
    return Contents([content(top["data"])]) if "data" in top else Contents(noise=1)


def _connected(top: Top) -> Contents | None:
    """A message as Kafka Connect writes it along with its schema."""
    return Contents([bytes(top["payload"])]) if len(top) == 2 and bytes(top["payload"])[:1] == b"{" else None


def _hec(top: Top) -> Contents | None:
    """What Splunk's collector of events takes: an event, as text or as a record, and where it is from."""
    if not top.keys() <= _HEC:
        return None
    begins_with = bytes(top["event"])[:1]
    told = begins_with == b"{" or (begins_with in b'"[' and top.keys() & _TELL_HEC)
    return Contents([content(top["event"])]) if told else None


def _raw(top: Top) -> Contents | None:
    """A result of a search that Splunk exports: the line is its `_raw`."""
    inner = as_object(top["result"])
    text = None if inner is None else as_text(inner.get("_raw", b""))
    return None if inner is None or text is None else Contents([content(inner["_raw"])])


def _archived(top: Top) -> Contents | None:
    """A log in Datadog's archive: the line in `message`; where more was parsed of it than a text, the record that it was, whose
    message is no record of its own. A line that is no JSON is taken for one only where it says what was parsed, and no more.
    """
    message = top.get("message")
    line = b"" if message is None else content(message).strip()
    parsed = as_object(top["attributes"]) if "attributes" in top else None
    if parsed is None or (line and parsed.keys() <= _ADDED):
        return Contents([line]) if line else None
    said = None if line[:1] in (b"{", b"[", b'"') else lines.members(line)
    if said is not None and agree(parsed, said, _ADDED | _MOVED):
        return Contents([line])
    if message is None or "message" in parsed:
        return Contents([bytes(top["attributes"])]) if parsed else None
    return Contents([msgspec.json.encode({**parsed, "message": message})], closed=True)


def _searched(top: Top) -> Contents | None:
    """A log as Datadog's search answers."""
    inner = as_object(top["attributes"])
    return None if inner is None or as_text(top["type"]) != "log" else _archived(inner)


def _page(top: Top) -> Contents | None:
    """A page of Datadog's search."""
    items = as_array(top["data"])
    first = as_object(items[0]) if items else None
    if items is None or first is None or not {"id", "type", "attributes"} <= first.keys():
        return None
    return each(items) if as_text(first["type"]) == "log" else None


def _hub(top: Top) -> Contents | None:
    """An event of Event Hubs, with Azure's records below its body: parsed, as text, or as bytes."""
    name = "body" if "body" in top else "Body"
    spelled = {key.lower().replace("_", "").replace("-", "") for key in top}
    inner = as_object(top[name])
    if not spelled <= _HUB or not (spelled & _TELL_HUB or (inner is not None and "records" in inner)):
        return None
    if inner is not None:
        avro = as_text(inner["bytes"]) if inner.keys() == {"bytes"} else None  # a letter for each byte
        return Contents([bytes(top[name]) if avro is None else avro.encode("latin-1", errors="replace")])
    text = as_text(top[name])
    if text is None:
        return None
    packed = None if text.lstrip()[:1] in ("{", "[") else unpacked(top[name])
    return Contents([content(top[name])]) if packed is None or packed.failed == ["not base64"] else packed


OPENERS = (
    Opener("cloudevents", keys("specversion", "id", "source", "type"), _cloud_event),
    Opener("kafka", keys("schema", "payload"), _connected),
    Opener("eventbridge", keys("detail-type", "detail", "source"), _bus),
    Opener("splunk", keys("event"), _hec),
    Opener("splunk", keys("result", "preview"), _raw),
    Opener("datadog", keys("_id", "date", "attributes"), _archived),
    Opener("datadog", keys("_id", "date", "message"), _archived),
    Opener("datadog", keys("id", "type", "attributes"), _searched),
    Opener("datadog", keys("data"), _page),
    Opener("event-hub", keys("body"), _hub),
    Opener("event-hub", keys("Body"), _hub),
)
