"""How receivers and GitHub itself keep deliveries of webhooks: the payload alone, or with its event's name around it.

The name stands in headers, as receivers behind a gateway keep them; in a field of its own (`event`, `x-github-event`, or
the `name` of GitHub's own libraries); or, where GitHub's API lists what it delivered, in `event` beside the request.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec

from audit.normalise.github_webhook_events import by_shape
from audit.normalise.interface import Unreadable
from audit.normalise.times import parse

_HEADER = re.compile(rb'"x-github-event"', re.IGNORECASE)
_BODIES = ("payload", "body")
_HEADERS = ("headers", "multiValueHeaders")
_NAMES = ("x-github-event", "event", "name")
_GUIDS = ("x-github-delivery", "delivery", "guid", "id")
_TIMES = ("received_at", "delivered_at", "timestamp")
_GITHUBS = ("guid", "delivered_at", "event")
_EVENT = re.compile(r"[a-z][a-z0-9_]{1,79}")
_FORM = "payload="
_FIELDS = 5
_names = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class Delivery:
    """One delivery.

    Attributes:
        event: GitHub's name of the event.
        payload: what it says.
        guid: the delivery's id, where it is kept.
        at: when GitHub delivered it first, where GitHub itself says so; else when the receiver says that it came.
    """

    event: str
    payload: dict[str, Any]
    guid: str | None = None
    at: datetime | None = None


def opened(record: dict[str, Any]) -> Delivery:
    """The delivery that a record holds.

    Raises:
        Unreadable: it holds none, or its event can't be told.
    """
    if all(name in record for name in _GITHUBS):
        return _of_github(record)
    body = next((record[name] for name in _BODIES if name in record), None)
    told = _told(record)
    event = next((told[name] for name in _NAMES if told.get(name)), None)
    if event is not None and body is not None:
        guid = next((told[name] for name in _GUIDS if told.get(name)), None)
        at = next(
            (parse(record[name]) for name in _TIMES if isinstance(record.get(name), str | int | float)), None
        )
        return Delivery(_known(event), _body(body, encoded=record.get("isBase64Encoded") is True), guid, at)
    event = by_shape(record)
    if event is None:
        raise Unreadable("its shape is that of no event of GitHub's webhooks")
    return Delivery(event, record)


def _of_github(record: dict[str, Any]) -> Delivery:
    request = record.get("request")
    if not isinstance(request, dict) or not request.get("payload"):
        raise Unreadable("it holds no payload: lists of deliveries leave it out; export each delivery")
    guid, event, at = (record[name] for name in ("guid", "event", "delivered_at"))
    if not all(isinstance(value, str) and value for value in (guid, event, at)):
        raise Unreadable("guid, event or delivered_at is no text")
    again = record.get("redelivery") is True
    return Delivery(
        _known(event), _body(request["payload"], encoded=False), guid, None if again else parse(at)
    )


def _told(record: dict[str, Any]) -> dict[str, str]:
    """What stands around the payload, by name in lower case: headers before fields of the record itself."""
    own = {name.lower(): value for name, value in record.items() if isinstance(value, str)}
    for name in _HEADERS:
        own |= _headers(record.get(name))
    return own


def _headers(given: Any) -> dict[str, str]:
    """Headers by their names in lower case: an object of texts or of lists, or a list of name and value."""
    if isinstance(given, list):
        given = {
            one["name"]: one.get("value")
            for one in given
            if isinstance(one, dict) and isinstance(one.get("name"), str)
        }
    if not isinstance(given, dict):
        return {}
    firsts = {
        name.lower(): value[0] if isinstance(value, list) and value else value
        for name, value in given.items()
    }
    return {name: value for name, value in firsts.items() if isinstance(value, str)}


def _known(event: str) -> str:
    if _EVENT.fullmatch(event) is None:
        raise Unreadable("what should name its event is no name of one")
    return event


def _body(body: Any, *, encoded: bool) -> dict[str, Any]:
    """The payload: an object, or a text that is JSON, base64 of it, or a form with JSON in it."""
    if isinstance(body, str):
        body = _decoded(_from_base64(body) if encoded else body)
    if not isinstance(body, dict):
        raise Unreadable("its body is no payload of a webhook")
    return body


def _decoded(text: str) -> Any:
    text = text.strip()
    if text.startswith(_FORM):
        text = _from_form(text)
    elif not text.startswith("{"):
        text = _from_base64(text)
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise Unreadable("nested too deep") from None
    except (msgspec.DecodeError, UnicodeError):
        raise Unreadable("its body is no JSON") from None


def _from_form(text: str) -> str:
    try:
        return parse_qs(text, max_num_fields=_FIELDS, errors="strict")["payload"][0]
    except (KeyError, ValueError):
        raise Unreadable("its body is a form without a payload") from None


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Unreadable("its body is neither JSON nor base64 of it") from None


def looks(record: bytes) -> bool:
    """Whether a record is a delivery. What is not at the top is not looked at, but for headers and a wrapped payload."""
    headed = _HEADER.search(record) is not None
    if not headed and not any(
        word in record for word in (b'"sender"', b'"security_advisory"', b'"delivered_at"')
    ):
        return False
    try:
        top = _names.decode(record)
        if all(name in top for name in _GITHUBS):
            return "status_code" in top or "request" in top
        body = next((top[name] for name in _BODIES if name in top), None)
        if body is not None and headed and _is_headed(top):
            return True
        if body is not None and any(_is_event(top.get(name)) for name in _NAMES):
            return "sender" in _names.decode(body)
        return by_shape({name: _shallow(name, raw) for name, raw in top.items()}) is not None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _is_headed(top: dict[str, msgspec.Raw]) -> bool:
    """Whether the event's header stands at the top, or among the headers."""
    within = (top[name] for name in _HEADERS if name in top)
    return any(name.lower() == _NAMES[0] for name in top) or any(_HEADER.search(raw) for raw in within)


def _is_event(raw: msgspec.Raw | None) -> bool:
    value = None if raw is None else msgspec.json.decode(raw)
    return isinstance(value, str) and _EVENT.fullmatch(value) is not None


def _shallow(name: str, raw: msgspec.Raw) -> Any:
    """What `by_shape` looks at of a value; the rest is not decoded."""
    return msgspec.json.decode(raw) if name in ("sender", "alert", "action") else True
