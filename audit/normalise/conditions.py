"""Conditions of Kubernetes objects, and the health that they tell, in the words of Argo CD."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from audit.normalise.times import Time, utc


class Condition(msgspec.Struct):
    """A condition; its message, which may hold anything, is not decoded."""

    type: str
    status: str
    reason: str | None = None
    lastTransitionTime: Time | None = None
    lastUpdateTime: Time | None = None


def named(conditions: list[Condition] | None, *types: str) -> Condition | None:
    """The first condition of one of these types, in the order of the types."""
    return next((c for wanted in types for c in conditions or () if c.type == wanted), None)


def latest(conditions: list[Condition] | None, *times: datetime | None) -> datetime | None:
    """The last time that the conditions, or one of `times`, tell; None when they tell none."""
    told = [time for c in conditions or () for time in (c.lastTransitionTime, c.lastUpdateTime)]
    return max((utc(time) for time in (*told, *times) if time is not None), default=None)


def health(conditions: list[Condition] | None, ready: Iterable[str], *, failed: Iterable[str] = ()) -> str:
    """Healthy, Degraded or Progressing.

    Args:
        ready: types of which one says that all is well, or (False) that it is not.
        failed: types that say, when they are True and none of `ready` is, that something went wrong.
    """
    found = named(conditions, *ready)
    if found is not None and found.status == "True":
        return "Healthy"
    wrong = any(c.type in set(failed) and c.status == "True" for c in conditions or ())
    return "Degraded" if wrong or (found is not None and found.status == "False") else "Progressing"
