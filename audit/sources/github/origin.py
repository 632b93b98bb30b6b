"""GitHub as a source: `github:owner/name`, what it knows of a repository, or `github:owner`, of an organisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from audit.errors import EvidenceMissing
from audit.settings import Settings
from audit.sources.github import endpoints as e
from audit.sources.github.access import requester
from audit.sources.github.client import Client
from audit.sources.github.endpoints import Endpoint
from audit.sources.github.failures import Refused
from audit.sources.github.happened import Happened
from audit.sources.github.organisation import Organisation
from audit.sources.github.paging import Reader
from audit.sources.github.pulls import Pulls
from audit.sources.github.rules import Rules
from audit.sources.interface import Before, Brought, Remark, Unread, missing

_Shape = TypeVar("_Shape")
Part = Callable[[], Iterator[Brought | Unread | Remark]]


class _Repository(msgspec.Struct):
    full_name: str
    default_branch: str


class _Organisation(msgspec.Struct):
    login: str


class GitHub:
    """What GitHub knows of one repository or organisation."""

    def __init__(self, name: str, location: str, settings: Settings, since: datetime) -> None:
        """Args: name and location (github:owner/name) as in the settings; since, when what is asked for begins."""
        self.name = name
        self.location = location
        self._asked = location.removeprefix("github:")
        self._settings = settings
        self._since = since

    def walk(self, before: Callable[[str], Before | None]) -> Iterator[Brought | Unread | Remark]:
        """Every object, part after part.

        Raises:
            EvidenceMissing: the repository or organisation can't be read, or nothing of it any more.
        """
        try:
            access = requester(self._settings)
        except EvidenceMissing as error:
            raise missing(self.name, self.location, error.problem, remedy=error.remedy) from None
        client = Client(access, self._settings.github, name=self.name, location=self.location)
        whole = self._of_repository if "/" in self._asked else self._of_organisation
        called, parts = whole(client, Reader(client, before))
        if called.lower() != self._asked.lower():
            yield Remark(
                f"source '{self.name}' ({self.location}): it is now called {called}: change its name in audit.toml"
            )
        for name, part in parts.items():
            if name not in self._settings.github.leave_out:
                yield from part()

    def _of_repository(self, client: Client, reader: Reader) -> tuple[str, dict[str, Part]]:
        """What a repository is called now, and its parts by name."""
        found, now = self._first(client, e.REPOSITORY, _Repository, repo=self._asked)
        repo = found.full_name
        statuses = "statuses" not in self._settings.github.leave_out
        parts: dict[str, Part] = {"pulls": Pulls(reader, repo, self._since, now, statuses=statuses).walk}
        parts |= Happened(reader, repo, self._since, now).parts()
        return repo, parts | Rules(reader, repo, found.default_branch).parts()

    def _of_organisation(self, client: Client, reader: Reader) -> tuple[str, dict[str, Part]]:
        """What an organisation is called now, and its parts by name."""
        found, _ = self._first(client, e.ORGANISATION, _Organisation, org=self._asked)
        return found.login, Organisation(reader, found.login, self._since).parts()

    def _first(
        self, client: Client, endpoint: Endpoint, shape: type[_Shape], **names: Any
    ) -> tuple[_Shape, datetime]:
        """What all else depends on, and the server's time."""
        try:
            reply = client.get(endpoint, endpoint.asked(**names))
            found = msgspec.json.decode(reply.body or b"", type=shape)
        except Refused as error:
            raise missing(self.name, self.location, error.reason, remedy=error.remedy) from None
        except msgspec.DecodeError:
            found = None
        if found is None or reply.at is None:
            raise missing(
                self.name,
                self.location,
                "what answers there is not GitHub's API",
                remedy="check github.api_url",
            )
        return found, reply.at
