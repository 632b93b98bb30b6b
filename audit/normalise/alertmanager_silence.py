"""Silences, as Alertmanager's API and `amtool silence query -o json` list them, to `silences`: who held back which alerts."""

from __future__ import annotations

import json
from typing import Literal

import msgspec

from audit.normalise.interface import Context, Outcome, Row
from audit.normalise.jsonformat import JsonFormat, names
from audit.normalise.times import Time, utc


class _Matcher(msgspec.Struct):
    name: str
    value: str
    isRegex: bool
    isEqual: bool = True


class _Status(msgspec.Struct):
    state: Literal["active", "pending", "expired"]


class Silence(msgspec.Struct):
    """A silence."""

    id: str
    status: _Status
    matchers: list[_Matcher]
    startsAt: Time
    endsAt: Time
    updatedAt: Time
    createdBy: str
    comment: str = ""


_OPERATORS = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}


def _rows(silence: Silence, context: Context) -> Outcome:
    at = utc(silence.updatedAt)
    matchers = sorted((m.name, _OPERATORS[m.isEqual, m.isRegex], m.value) for m in silence.matchers)
    row: Row = {
        "cluster": context.cluster,
        "silence": silence.id,
        "state": silence.status.state,
        "created_by": silence.createdBy,
        "comment": silence.comment or None,
        "starts_at": utc(silence.startsAt),
        "ends_at": utc(silence.endsAt),
        "updated_at": at,
        "matchers": json.dumps(["".join(each) for each in matchers], ensure_ascii=False),
    }
    return Outcome([("silences", row)], at)


def _looks(record: bytes) -> bool:
    if b'"matchers"' not in record or b'"createdBy"' not in record:
        return False
    return {"id", "matchers", "createdBy", "startsAt", "endsAt", "status"} <= names(record)


FORMAT = JsonFormat("alertmanager-silence", 1, ("silences",), Silence, _rows, _looks)
