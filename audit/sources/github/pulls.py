"""Pull requests of a repository, with what belongs to each: reviews, events, and the checks of its commits.

pulls/list/page-0001.json               every pull request, in the order in which they were opened
pulls/000007/pull.json                  one, with what lists leave out: who merged it, how many commits
pulls/000007/reviews/page-0001.json
pulls/000007/events/page-0001.json      among them review_dismissed
commits/<sha>/check-runs/page-0001.json of its head, and of the commit that it was merged as
commits/<sha>/statuses/page-0001.json   of the same
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from audit.sources.github import endpoints as e
from audit.sources.github.endpoints import Endpoint
from audit.sources.github.failures import Refused, broken
from audit.sources.github.paging import Reader
from audit.sources.interface import Before, Brought, Unread

_GOES_ON = timedelta(hours=24)
"""How long after a collection that did not end the next one takes what it brought for new."""

_OF_COMMIT = ((e.CHECK_RUNS, "check-runs"), (e.STATUSES, "statuses"))
_OF_PULL = ((e.REVIEWS, "reviews"), (e.EVENTS, "events"))


class _Head(msgspec.Struct):
    sha: str


class _Pull(msgspec.Struct):
    """What decides what is asked of a pull request."""

    number: int
    updated_at: datetime
    head: _Head
    merged_at: datetime | None = None
    merge_commit_sha: str | None = None


@dataclass
class Pulls:
    """The walk over one repository's pull requests.

    Attributes:
        repo: its name now.
        since: pull requests that did not change since are only listed.
        now: the server's time when the walk began.
        statuses: whether statuses of commits are asked for too.
    """

    reader: Reader
    repo: str
    since: datetime
    now: datetime
    statuses: bool = True
    _commits: set[str] = field(default_factory=set)

    def walk(self) -> Iterator[Brought | Unread]:
        """Every object, each pull request's after the page of the list that names it."""
        try:
            for page in self.reader.pages(e.PULLS, "pulls/list", repo=self.repo):
                yield page.brought
                for item in page.items:
                    yield from self._listed(item, page.brought.key)
        except Refused as error:
            yield Unread("pulls/list/", error.reason, error.remedy)

    def _listed(self, item: bytes, key: str) -> Iterator[Brought | Unread]:
        try:
            pull = msgspec.json.decode(item, type=_Pull)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            error = broken(e.PULLS, "an item is no pull request as GitHub documents it")
            yield Unread(key, error.reason, error.remedy)
            return
        if pull.updated_at >= self.since:
            yield from self._pull(pull)

    def _pull(self, pull: _Pull) -> Iterator[Brought | Unread]:
        """One pull request; of a part that can't be read, the reason."""
        folder = f"pulls/{pull.number:06}"
        whole = self.reader.known(f"{folder}/pull.json")
        same = whole is not None and _updated(whole) == pull.updated_at
        if same and whole is not None:  # whatever changes a pull request, its time changes
            yield Brought(f"{folder}/pull.json", None, whole.etag, self.now)
        else:
            yield from self.reader.one(e.PULL, f"{folder}/pull.json", repo=self.repo, number=pull.number)
        for endpoint, name in _OF_PULL:
            yield from self._list(endpoint, f"{folder}/{name}", goes_on=same, number=pull.number)
        commits = [pull.head.sha]
        if pull.merged_at is not None and pull.merge_commit_sha is not None:
            commits.append(pull.merge_commit_sha)
        for sha in commits:
            yield from self._commit(sha)

    def _commit(self, sha: str) -> Iterator[Brought | Unread]:
        if sha in self._commits:
            return
        self._commits.add(sha)
        if not (sha.isascii() and sha.isalnum()):
            yield Unread("commits/", "a pull request names what is no commit", "ask who runs the server")
            return
        for endpoint, name in _OF_COMMIT if self.statuses else _OF_COMMIT[:1]:
            yield from self._list(endpoint, f"commits/{sha}/{name}", goes_on=True, sha=sha)

    def _list(
        self, endpoint: Endpoint, folder: str, *, goes_on: bool, **names: Any
    ) -> Iterator[Brought | Unread]:
        """The pages of a list, not asked for again where a collection that did not end has just brought them all."""
        if goes_on:
            pages = self._brought(folder)
            yield from pages
            if pages:
                return
        yield from self.reader.every(endpoint, folder, repo=self.repo, **names)

    def _brought(self, folder: str) -> list[Brought]:
        """The one page of a list that the collection before, which did not end, has brought lately; else nothing.

        A longer list is read again: its end may be what is lacking.
        """
        key = f"{folder}/page-0001.json"
        before = self.reader.known(key)
        if before is None or not before.unfinished or not self._lately(before):
            return []
        if before.read().count(b'"id"') >= e.PER_PAGE:
            return []
        return [Brought(key, None, before.etag, before.at)]

    def _lately(self, before: Before) -> bool:
        return before.at is not None and self.now - before.at <= _GOES_ON


class _Updated(msgspec.Struct):
    updated_at: datetime


def _updated(before: Before) -> datetime | None:
    """When a pull request was changed last, as the store has it."""
    try:
        return msgspec.json.decode(before.read(), type=_Updated).updated_at
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
