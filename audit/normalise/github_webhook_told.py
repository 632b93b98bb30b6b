"""What the payload of a webhook tells of an event: whom and what it is about, and what changed from what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audit.normalise.github import refs

_OBJECTS = {
    "branch_protection_rule": "rule", "bypass_request_push_ruleset": "exemption_request",
    "bypass_request_secret_scanning": "exemption_request", "code_scanning_alert": "alert", "custom_property": "definition",
    "dependabot_alert": "alert", "deploy_key": "key", "deployment_review": "workflow_run",
    "exemption_request_push_ruleset": "exemption_request", "exemption_request_secret_scanning": "exemption_request",
    "installation_repositories": "installation", "meta": "hook", "organization": "membership",
    "pull_request_review": "review", "repository_vulnerability_alert": "alert", "secret_scanning_alert": "alert",
    "secret_scanning_alert_location": "alert", "team_add": "team", "membership": "team", "public": "repository",
    "workflow_dispatch": "workflow",
}  # fmt: skip
"""Key of an event's object, where it is not the event's own name."""

_SUBJECTS = (
    "name", "title", "slug", "app_slug", "app_name", "tag_name", "secret_type", "display_title", "id", "number",
)  # fmt: skip
_PEOPLE = ("member", "blocked_user", "user", "requester", "requestor", "invitation")
_BRANCHES = ("base_ref", "head_branch", "ref")
_FLIPS: dict[str, tuple[str, bool]] = {
    "repository.privatized": ("private", True), "repository.publicized": ("private", False), "public": ("private", False),
    "repository.archived": ("archived", True), "repository.unarchived": ("archived", False),
    "branch_protection_configuration.enabled": ("enabled", True),
    "branch_protection_configuration.disabled": ("enabled", False),
}  # fmt: skip
"""Events whose name alone says what changed: the field, and its new value."""

_ENVELOPE = ("action", "sender", "repository", "organization", "enterprise", "changes")
_OF_ROWS = {
    "pull_request": ("pull_request", "number"), "pull_request_review": ("pull_request", "review"),
    "check_run": ("check_run",), "code_scanning_alert": ("alert",), "dependabot_alert": ("alert",),
}  # fmt: skip
"""What the rows of other tables tell, or what is only the place of it."""

_DEEP = 3
_USERS_OWN = ("payload", "client_payload", "inputs")
"""What callers send along, secrets perhaps among it: of an object only the names of its fields are taken in."""


def own_object(event: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that an event is about; empty where it has none."""
    value = payload.get(_OBJECTS.get(event, event))
    return value if isinstance(value, dict) else {}


def subject(event: str, payload: Mapping[str, Any], about: Mapping[str, Any]) -> str | None:
    """What it is about: the pull request's number, else the object's name."""
    pull = payload.get("pull_request")
    if event in ("pull_request", "pull_request_review") and isinstance(pull, dict):
        return _text(pull.get("number"))
    if event in ("repository", "public", "member"):
        return None
    return next((text for name in _SUBJECTS if (text := _text(about.get(name))) is not None), None)


def branch(event: str, payload: Mapping[str, Any], about: Mapping[str, Any]) -> str | None:
    """Branch, ref or pattern of branches."""
    if event == "branch_protection_rule":
        return _text(about.get("name"))
    if event == "repository_ruleset":
        return _refs(about)
    pull = payload.get("pull_request")
    if isinstance(pull, dict) and isinstance(pull.get("base"), dict):
        return _text(pull["base"].get("ref"))
    found = (_text(place.get(name)) for place in (about, payload) for name in _BRANCHES)
    return next((text for text in found if text is not None), None)


def _refs(ruleset: Mapping[str, Any]) -> str | None:
    """The refs that a ruleset binds, as REST's exports of it are written; tags under their whole names."""
    named = _at(ruleset, ("conditions", "ref_name"))
    sides = [named.get(side) if isinstance(named, dict) else None for side in ("include", "exclude")]
    include, exclude = (
        [ref for ref in side if isinstance(ref, str)] if isinstance(side, list) else [] for side in sides
    )
    return refs(include, exclude, ruleset.get("target")) or None


def person(payload: Mapping[str, Any]) -> str | None:
    """The login whom it concerns, beside who acted."""
    membership = payload.get("membership")
    places = [payload.get(name) for name in _PEOPLE]
    places.append(membership.get("user") if isinstance(membership, dict) else None)
    logins = (_text(place.get("login")) for place in places if isinstance(place, dict))
    return next((login for login in logins if login is not None), None)


def changed(
    name: str, payload: Mapping[str, Any], about: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was changed, by field: its old value (`changes.x.from`) and its new one (`changes.x.to`, or the object's)."""
    if name in _FLIPS:
        field, value = _FLIPS[name]
        return {field: not value}, {field: value}
    changes = payload.get("changes")
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for path, told in _froms(changes if isinstance(changes, dict) else {}, ()):
        field = ".".join(path)
        before[field] = slim(told["from"])
        if "to" in told:
            after[field] = slim(told["to"])
        else:
            for place in (about, payload):
                value = _at(place, path)
                if value is not None:
                    after[field] = slim(value)
                    break
    return before, after


def _froms(
    value: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every change in `changes`, by where it stands."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            if "from" in inner:
                yield (*path, name), inner
            elif len(path) < _DEEP:
                yield from _froms(inner, (*path, name))


def _at(place: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        place = place.get(name) if isinstance(place, dict) else None
    return place


def detail(event: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Every field that has no column or row of its own; accounts and repositories by their names."""
    left = (*_ENVELOPE, *_OF_ROWS.get(event, ()))
    found: dict[str, Any] = slim({name: value for name, value in payload.items() if name not in left})
    changes = payload.get("changes")
    others = slim({k: v for k, v in changes.items() if not _is_told(v)}) if isinstance(changes, dict) else {}
    return found | ({"changes": others} if others else {})


def _is_told(change: Any) -> bool:
    return isinstance(change, dict) and (not change or any(True for _ in _froms({"": change}, ())))


def slim(value: Any) -> Any:
    """`value` without addresses, accounts and repositories by their names alone."""
    if isinstance(value, list):
        return [slim(item) for item in value]
    if not isinstance(value, dict):
        return value
    for name in ("login", "full_name"):
        if isinstance(value.get(name), str) and ("node_id" in value or "id" in value):
            return value[name]
    return {
        name: _names(inner) if name in _USERS_OWN else slim(inner)
        for name, inner in value.items()
        if not name.endswith("_url") and name not in ("url", "node_id", "_links")
    }


def _names(value: Any) -> list[str]:
    return sorted(value) if isinstance(value, dict) else []


def _text(value: Any) -> str | None:
    """A text or number as text; None for all else."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return str(value)
