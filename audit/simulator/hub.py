"""What the forge knows: pull requests, reviews, checks and pushes, as they happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from audit.simulator.repository import Commit
from audit.simulator.world import Actor

ZEROS = "0" * 40
MAIN = "refs/heads/main"

Verdict = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED"]


@dataclass
class Review:
    """A review as it was given, and its dismissal if it was dismissed."""

    id: int
    login: str
    verdict: Verdict
    at: datetime
    head: Commit
    dismissed_at: datetime | None = None
    dismissed_by: str | None = None


@dataclass(frozen=True)
class Check:
    """A check run; `completed` is None for one that never ended."""

    id: int
    head: Commit
    name: str
    conclusion: str
    started: datetime
    completed: datetime | None


@dataclass(frozen=True)
class Push:
    """A change of a ref, with the operation in the forge's words."""

    at: datetime
    ref: str
    before: str
    after: str
    operation: str
    login: str


@dataclass(frozen=True)
class Setting:
    """A change of how branches are protected, as the forge's log tells it."""

    at: datetime
    action: str
    login: str
    fields: dict[str, Any]


@dataclass
class Pull:
    """A pull request: `heads` are the commits its branch pointed at, with the time of each push; `hands`: who else wrote it."""

    number: int
    title: str
    branch: str
    opener: Actor
    created_at: datetime
    base: Commit
    heads: list[tuple[datetime, Commit]]
    commits: int
    labels: tuple[str, ...] = ()
    draft: bool = False
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: Actor | None = None
    hands: tuple[Actor, ...] = ()
    merge: Commit | None = None
    reviews: list[Review] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @property
    def head(self) -> Commit:
        """Last commit of its branch."""
        return self.heads[-1][1]

    def head_at(self, moment: datetime) -> Commit:
        """The commit its branch pointed at then; the first one before it was pushed."""
        return next((commit for at, commit in reversed(self.heads) if at <= moment), self.heads[0][1])


@dataclass
class Hub:
    """The forge's memory."""

    pulls: list[Pull] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    _last_id: int = 2_300_000_000

    def next_id(self) -> int:
        """An id that the forge has not given yet."""
        self._last_id += 17
        return self._last_id
