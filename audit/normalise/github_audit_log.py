"""GitHub's audit log, as its stream and its exports write it, to `forge_events`.

Times come as milliseconds or seconds since 1970 (integer, float or digits in a string) or as RFC 3339. Tokens are
left out altogether, hashed or not.
"""

from __future__ import annotations

import json
from typing import Any

from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import JsonFormat, has
from audit.normalise.times import parse

_TOKENS = frozenset({"token", "hashed_token", "oauth_token", "access_token"})
_OWN = ("_document_id", "action", "actor", "actor_is_bot", "repo", "user")


def _rows(event: dict[str, Any], context: Context) -> Outcome:
    time = event.get("@timestamp")
    if time is None:
        time = event.get("created_at")
    if not isinstance(time, str | int | float):
        raise Unreadable("neither @timestamp nor created_at is a time")
    at = parse(time)
    bot = event.get("actor_is_bot")
    if bot is not None and not isinstance(bot, bool):
        raise Unreadable("actor_is_bot is not true or false")
    row = {
        "document_id": _required(event, "_document_id"),
        "at": at,
        "action": _required(event, "action"),
        "actor": _text(event, "actor"),
        "actor_is_bot": bot,
        "repo": _text(event, "repo") or context.repository,
        "user": _text(event, "user"),
        "detail": json.dumps(_without_tokens(_others(event)), sort_keys=True, ensure_ascii=False),
    }
    return Outcome([("forge_events", row)], at)


def _others(event: dict[str, Any]) -> dict[str, Any]:
    """Every field that has no column of its own, or that does not fit it."""
    return {
        name: value for name, value in event.items() if name not in _OWN or isinstance(value, list | dict)
    }


def _required(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{name} is missing")
    return value


def _text(event: dict[str, Any], name: str) -> str | None:
    """A field that some actions leave out, or fill with a list: that stays among the details."""
    value = event.get(name)
    if value is None or isinstance(value, list | dict) or value == "":
        return None
    if not isinstance(value, str):
        raise Unreadable(f"{name} is not text")
    return value


def _without_tokens(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_tokens(v) for k, v in value.items() if k.lower() not in _TOKENS}
    if isinstance(value, list):
        return [_without_tokens(item) for item in value]
    return value


_looks = has(("action", "_document_id"))

FORMAT = JsonFormat("github-audit-log", 1, ("forge_events",), dict[str, Any], _rows, _looks)
