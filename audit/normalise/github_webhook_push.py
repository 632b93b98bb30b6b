"""A push as GitHub's webhook tells it, to `git_operations`."""

from __future__ import annotations

from typing import Any

import msgspec

from audit.normalise.github import Account, made_id
from audit.normalise.interface import Rows, Unreadable
from audit.normalise.times import parse


class _Repository(msgspec.Struct):
    full_name: str
    pushed_at: int | str | None = None


class Push(msgspec.Struct):
    """A push: what a ref was moved from and to."""

    ref: str
    before: str
    after: str
    created: bool
    deleted: bool
    forced: bool
    repository: _Repository
    sender: Account | None = None


def rows(payload: dict[str, Any]) -> tuple[Rows, Any]:
    """The row, and when it was pushed.

    A payload has no id of the operation: a number below zero, made of what it says, takes its place, so that the same
    push delivered twice is one row.

    Raises:
        Unreadable: it tells no time, or no ref.
    """
    try:
        push = msgspec.convert(payload, Push)
    except (msgspec.ValidationError, OverflowError, ValueError) as error:
        raise Unreadable(str(error)) from None
    if push.repository.pushed_at is None:
        raise Unreadable("repository.pushed_at is missing: it tells no time")
    at = parse(push.repository.pushed_at)
    row = {
        "repo": push.repository.full_name,
        "operation_id": made_id(push.repository.full_name, push.ref, push.before, push.after, at.isoformat()),
        "at": at,
        "ref": push.ref,
        "before": push.before,
        "after": push.after,
        "operation": _kind(push),
        "actor": None if push.sender is None else push.sender.login,
    }
    return [("git_operations", row)], at


def _kind(push: Push) -> str:
    """What was done to the ref. A merge can't be told from a push by hand: neither is claimed."""
    what = "tag" if push.ref.startswith("refs/tags/") else "branch"
    if push.created:
        return f"{what}_creation"
    if push.deleted:
        return f"{what}_deletion"
    return "force_push" if push.forced else "update"
