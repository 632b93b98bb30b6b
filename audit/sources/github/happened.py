"""What happened in a repository besides its pull requests: changes of refs, deployments, runs of workflows.

activity/page-0001.json                         every change of a ref, the latest first
deployments/page-0001.json                      the latest first
deployments/<id>/statuses/page-0001.json
runs/2026-07-01..2026-07-31/page-0001.json      by the days on which they were made
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain

import msgspec

from audit.sources.github import endpoints as e
from audit.sources.github.failures import Refused, broken
from audit.sources.github.paging import Page, Reader
from audit.sources.interface import Brought, Unread

_MOST_RUNS = 1000
"""More than these a search for runs does not give."""


class _Dated(msgspec.Struct):
    """When an item was made; lists name it differently."""

    id: int
    created_at: datetime | None = None
    timestamp: datetime | None = None


@dataclass(frozen=True)
class Happened:
    """The walk over what happened.

    Attributes:
        repo: its name now.
        since: what is older is left out.
        now: the server's time when the walk began.
    """

    reader: Reader
    repo: str
    since: datetime
    now: datetime

    def activity(self) -> Iterator[Brought | Unread]:
        """Every change of a ref."""
        yield from self.reader.every(e.ACTIVITY, "activity", repo=self.repo, enough=self._reaches_back)

    def deployments(self) -> Iterator[Brought | Unread]:
        """Deployments, each page with the statuses of those that it names."""
        try:
            for page in self.reader.pages(
                e.DEPLOYMENTS, "deployments", repo=self.repo, enough=self._reaches_back
            ):
                yield page.brought
                for one in _dated(page, e.DEPLOYMENTS):
                    if one.created_at is not None and one.created_at >= self.since:
                        yield from self.reader.every(
                            e.DEPLOYMENT_STATUSES,
                            f"deployments/{one.id}/statuses",
                            repo=self.repo,
                            deployment=one.id,
                        )
        except Refused as error:
            yield Unread("deployments/", error.reason, error.remedy)

    def runs(self) -> Iterator[Brought | Unread]:
        """Runs of workflows, month by month, and by fewer days where a month has more than are given."""
        first = self.since.astimezone(UTC).date().replace(day=1)
        while first <= self.now.date():
            following = (first + timedelta(days=31)).replace(day=1)
            yield from self._made_from(first, following - timedelta(days=1))
            first = following

    def _made_from(self, first: date, last: date) -> Iterator[Brought | Unread]:
        folder = f"runs/{first}..{last}"
        pages = self.reader.pages(e.RUNS, folder, repo=self.repo, first=first, last=last)
        try:
            begun = next(pages)
            if (begun.total or 0) > _MOST_RUNS and first < last:
                middle = first + (last - first) // 2
                yield from self._made_from(first, middle)
                yield from self._made_from(middle + timedelta(days=1), last)
                return
            for page in chain([begun], pages):
                yield page.brought
        except Refused as error:
            yield Unread(f"{folder}/", error.reason, error.remedy)

    def _reaches_back(self, page: Page) -> bool:
        """Whether a page holds something from before `since`: so does every page behind it."""
        made = (one.created_at or one.timestamp for one in _dated(page, e.ACTIVITY))
        return any(when < self.since for when in made if when is not None)

    def parts(self) -> dict[str, Callable[[], Iterator[Brought | Unread]]]:
        """The walks by the names that the settings give them."""
        return {"activity": self.activity, "deployments": self.deployments, "runs": self.runs}


def _dated(page: Page, endpoint: e.Endpoint) -> list[_Dated]:
    """When the items of a page were made.

    Raises:
        Refused: an item does not say which it is.
    """
    try:
        return [msgspec.json.decode(item, type=_Dated) for item in page.items]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise broken(endpoint, "an item is not as GitHub documents it") from None
