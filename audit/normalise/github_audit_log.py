"""GitHub's audit log, as its stream and its exports write it, to `forge_events`.

Every action is kept, also those that are not known yet, but what only reads: clones, fetches, calls of the API are
noise. Times come as milliseconds or seconds since 1970 (integer, float or digits in a string) or as RFC 3339. Secrets
are left out altogether, hashed or not. Older streams, Git events and what is downloaded from the settings' page have no
`_document_id`: a digest of what the event says takes its place. A download as CSV names what stands below `data` as `data.team`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from audit.normalise.forge_actions import only_reads
from audit.normalise.github_events import clean, digest, event_row
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import JsonFormat, names
from audit.normalise.times import parse

_OWN = ("_document_id", "action", "actor", "actor_is_bot", "org", "repo", "user", "programmatic_access_type")
_TIMES = ("@timestamp", "created_at")
_ACTION = re.compile(r"[a-z][a-z0-9_]{0,60}(?:\.[a-z0-9_]{1,80}){1,3}")
_WORDS = {"true": True, "false": False, "": None}
_BELOW = "data."
_PLACES = frozenset({"org", "repo", "business", "actor_location", "actor_ip"})
"""Members of which GitHub gives each event one: they tell it from other systems' events with an action and an actor."""
_SUBJECTS = (
    "ruleset_name", "team", "environment_name", "environment", "self_hosted_runner_name", "runner_name", "runner_group_name",
    "integration", "oauth_application_name", "application_name", "user_programmatic_access_name", "pull_request_url",
    "workflow_name", "invitee", "title", "name", "key", "fingerprint", "secret_type", "number", "hook_id",
)  # fmt: skip
_BRANCHES = ("branch", "ref", "head_branch")
_OLD = re.compile(r"(ruleset_)?(?:old|previous)_(.+)|(.+)_(?:was|were)")


def _rows(event: dict[str, Any], context: Context) -> Outcome:
    time = next((event[name] for name in _TIMES if event.get(name) is not None), None)
    if not isinstance(time, str | int | float):
        raise Unreadable("neither @timestamp nor created_at is a time")
    at = parse(time)
    bot = _flag(event, "actor_is_bot")
    action = _required(event, "action")
    if only_reads(action):
        return Outcome([], at)
    event = clean(event)
    fields = _fields(event)
    before, after = _changes(fields)
    row = event_row(
        document_id=digest(event) if event.get("_document_id") is None else _required(event, "_document_id"),
        told_by="log",
        at=at,
        action=action,
        actor=_text(event, "actor"),
        actor_is_bot=bot,
        access=_text(event, "programmatic_access_type"),
        org=_text(event, "org"),
        repo=_text(event, "repo") or _text(event, "repository") or context.repository,
        user=_text(event, "user"),
        subject=_first(fields, _SUBJECTS),
        branch=_branch(action, fields),
        before=before,
        after=after,
        detail=_others(event),
    )
    return Outcome([("forge_events", row)], at)


def _fields(event: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event, those that older streams and downloads put below `data` among them."""
    data = event.get("data")
    own = {name.removeprefix(_BELOW): value for name, value in event.items() if value is not None}
    return {**data, **own} if isinstance(data, dict) else own


def _changes(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was changed, by field: its old value (`old_x`, `previous_x`, `x_was`) and its new one (`x`, `new_x`)."""
    before: dict[str, Any] = {}
    for name, value in fields.items():
        old = _OLD.fullmatch(name)
        if old is not None:
            before[old[3] or (old[1] or "") + old[2]] = value
    after = {}
    for name in before:
        for told in (name, f"new_{name}"):
            if told in fields:
                after[name] = fields[told]
    return before, after


def _branch(action: str, fields: Mapping[str, Any]) -> str | None:
    """The branch or pattern that it concerns; the log calls that of a protection `name`."""
    named = _first(fields, _BRANCHES)
    return _first(fields, ("name",)) if named is None and action.startswith("protected_branch.") else named


def _first(fields: Mapping[str, Any], wanted: tuple[str, ...]) -> str | None:
    """The first of the fields that holds a text or a number."""
    for name in wanted:
        value = fields.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return None


def _others(event: dict[str, Any]) -> dict[str, Any]:
    """Every field that has no column of its own, or that does not fit it."""
    return {
        name: value for name, value in event.items() if name not in _OWN or isinstance(value, list | dict)
    }


def _flag(event: dict[str, Any], name: str) -> bool | None:
    """A field that is true or false; a download as CSV has it as text."""
    value = event.get(name)
    if isinstance(value, str):
        value = _WORDS.get(value.lower(), value)
    if value is not None and not isinstance(value, bool):
        raise Unreadable(f"{name} is not true or false")
    return value


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


def _looks(record: bytes) -> bool:
    """An action, and GitHub's id of the event; without one, what tells Git's events, or an action as GitHub names them with who and when."""
    if b'"action"' not in record:
        return False
    if b'"_document_id"' in record:
        return {"action", "_document_id"} <= names(record)
    if b'"transport_protocol' in record:
        return {"action", "@timestamp", "transport_protocol"} <= names(record)
    return b'"actor"' in record and _without_id(record)


def _without_id(record: bytes) -> bool:
    found = names(record)
    if not found >= {"action", "actor"} or found.isdisjoint(_TIMES) or found.isdisjoint(_PLACES):
        return False
    try:
        return _ACTION.fullmatch(_named.decode(record).action) is not None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


class _Named(msgspec.Struct):
    action: str
    actor: str | None


_named = msgspec.json.Decoder(_Named)


FORMAT = JsonFormat("github-audit-log", 3, ("forge_events",), dict[str, Any], _rows, _looks)
