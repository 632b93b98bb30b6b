"""Who must act on what failed, and by when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from audit.report.owned import Owned
from audit.report.pieces import Response
from audit.report.shapes import ExceptionRow
from audit.settings import Owner, Settings

_BY = {
    "controls": "control", "apps": "app", "paths": "path", "repositories": "repo", "clusters": "cluster",
    "environments": "environment",
}  # fmt: skip
"""Keys of an owner, and the column of an exception that each is about."""
_SEVERAL = ("app", "environment")
SHOWN = 2
"""Owners of a control that are named."""


class Duties:
    """Owner and day of each exception: an answer of management comes before the settings, these before CODEOWNERS.

    Args:
        as_of: from which the settings' days count.
        responses: of management, to controls and to exceptions.
        owned: by the repositories' own files; counts where neither answer nor settings name anybody.
    """

    def __init__(
        self,
        settings: Settings,
        as_of: datetime,
        time_zone: str,
        responses: Iterable[Response],
        owned: Owned | None = None,
    ) -> None:
        self._owned = owned
        self._owners = settings.owners
        self._due = settings.due
        self._day = as_of.astimezone(ZoneInfo(time_zone)).date()
        self._given = {each.target: each for each in responses}

    def of(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """Owner (empty where nobody is named) and day (`2026-11-15`) of an exception."""
        answers = [self._given.get(row["exception_id"]), self._given.get(row["control"])]
        said = [one for one in answers if one is not None]
        owner = said[0].owner if said else next((o.owner for o in self._owners if _fits(o, row)), "")
        if not owner and self._owned:
            owner = self._owned.of(row)
        due = next((one.due for one in said if one.due), "")
        return owner, due or (self._day + timedelta(days=self._due.days(row["severity"]))).isoformat()

    def answers(self, control: str, exceptions: Sequence[ExceptionRow]) -> list[Response]:
        """What is answered to a control, then what to single exceptions of it."""
        targets = [control, *(row.exception_id for row in exceptions)]
        return [self._given[target] for target in targets if target in self._given]


def _fits(owner: Owner, row: Mapping[str, Any]) -> bool:
    """Whether everything that an owner's entry names fits an exception."""
    for key, column in _BY.items():
        patterns: tuple[str, ...] = getattr(owner, key)
        values = row[column].split(",") if column in _SEVERAL else [row[column]]
        if patterns and not any(fnmatchcase(value, pattern) for value in values for pattern in patterns):
            return False
    return True


def of_control(open_ones: Sequence[ExceptionRow]) -> tuple[str, str]:
    """Owners of a control's open exceptions, those of most of them first, and the first day; empty without any."""
    tally = Counter(row.owner for row in open_ones if row.owner)
    names = sorted(tally, key=lambda name: (-tally[name], name))
    text = ", ".join(names[:SHOWN])
    if len(names) > SHOWN:
        text = f"{text} +{len(names) - SHOWN}"
    return text, min((row.due for row in open_ones), default="")
