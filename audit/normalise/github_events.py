"""What the events of GitHub's audit log and its webhooks share: a row of `forge_events`, free of secrets."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit.normalise.forge_actions import category
from audit.normalise.interface import Row, Unreadable

_DEEPEST = 60
_SECRETS = frozenset(
    {
        "token", "hashed_token", "oauth_token", "access_token", "refresh_token", "id_token", "secret", "client_secret",
        "webhook_secret", "password", "passphrase", "private_key", "pem", "authorization", "credential", "otp", "recovery_code",
    }
)  # fmt: skip
_TOKEN = re.compile(r"\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_[A-Za-z0-9_]{20,}")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")


def clean(value: Any, depth: int = 0) -> Any:
    """`value` without the fields that hold secrets, tokens of GitHub and the credentials in addresses.

    Raises:
        Unreadable: it is nested deeper than anything GitHub writes.
    """
    if depth > _DEEPEST:
        raise Unreadable("nested too deep")
    if isinstance(value, dict):
        return {k: clean(v, depth + 1) for k, v in value.items() if k.lower() not in _SECRETS}
    if isinstance(value, list):
        return [clean(item, depth + 1) for item in value]
    return _USERINFO.sub("", _TOKEN.sub("[token]", value)) if isinstance(value, str) else value


def as_json(value: Any) -> str:
    """`value` as JSON with sorted keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def digest(value: Any) -> str:
    """sha256 of what an event says: the id of one that has none, the same in every copy of it."""
    return "sha256:" + hashlib.sha256(as_json(value).encode(errors="surrogatepass")).hexdigest()


def event_row(
    *,
    document_id: str,
    told_by: str,
    at: datetime | None,
    action: str,
    actor: str | None,
    detail: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    actor_is_bot: bool | None = None,
    access: str | None = None,
    org: str | None = None,
    repo: str | None = None,
    user: str | None = None,
    subject: str | None = None,
    branch: str | None = None,
) -> Row:
    """A row of `forge_events`; `before` and `after` hold what was changed, `detail` what has no column of its own."""
    return {
        "document_id": document_id,
        "told_by": told_by,
        "at": at,
        "action": action,
        "category": category(action),
        "actor": actor,
        "actor_is_bot": actor_is_bot,
        "access": access,
        "org": org,
        "repo": repo,
        "user": user,
        "subject": subject,
        "branch": branch,
        "before": as_json(before) if before else None,
        "after": as_json(after) if after else None,
        "detail": as_json(detail),
    }
