"""GitHub as a source: `github:owner/name`, what it knows of a repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from audit.errors import EvidenceMissing
from audit.settings import Settings
from audit.sources.github import endpoints as e
from audit.sources.github.access import requester
from audit.sources.github.client import Client
from audit.sources.github.failures import Refused
from audit.sources.github.paging import Reader
from audit.sources.github.pulls import Pulls
from audit.sources.interface import Before, Brought, Remark, Unread, missing


class _Repository(msgspec.Struct):
    full_name: str
    default_branch: str


class Repository:
    """What GitHub knows of one repository."""

    def __init__(self, name: str, location: str, settings: Settings, since: datetime) -> None:
        """Args: name and location (github:owner/name) as in the settings; since, when what is asked for begins."""
        self.name = name
        self.location = location
        self._asked = location.removeprefix("github:")
        self._settings = settings
        self._since = since

    def walk(self, before: Callable[[str], Before | None]) -> Iterator[Brought | Unread | Remark]:
        """Every object, pull request after pull request.

        Raises:
            EvidenceMissing: the repository can't be read, or nothing of it any more.
        """
        try:
            access = requester(self._settings)
        except EvidenceMissing as error:
            raise missing(self.name, self.location, error.problem, remedy=error.remedy) from None
        client = Client(access, self._settings.github, name=self.name, location=self.location)
        found, now = self._repository(client)
        if found.full_name.lower() != self._asked.lower():
            yield Remark(
                f"source '{self.name}' ({self.location}): the repository is now called {found.full_name}: "
                "change its name in audit.toml"
            )
        yield from Pulls(Reader(client, before), found.full_name, self._since, now).walk()

    def _repository(self, client: Client) -> tuple[_Repository, datetime | None]:
        """The repository as it is called now, and the server's time."""
        try:
            reply = client.get(e.REPOSITORY, e.REPOSITORY.asked(repo=self._asked))
            return msgspec.json.decode(reply.body or b"", type=_Repository), reply.at
        except Refused as error:
            raise missing(self.name, self.location, error.reason, remedy=error.remedy) from None
        except msgspec.DecodeError:
            raise missing(
                self.name,
                self.location,
                "what answers there is not GitHub's API",
                remedy="check github.api_url",
            ) from None
