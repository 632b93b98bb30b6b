"""An organisation: `github:owner`. Who belongs to it, its teams, its rules, and its audit log where its plan has one.

members/admin/page-0001.json, members/member/page-0001.json
teams/page-0001.json
teams/<slug>/members/maintainer/page-0001.json, teams/<slug>/members/member/page-0001.json
teams/<slug>/repos/page-0001.json
rulesets/<id>.json
audit-log/page-0001.json
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from audit.sources.github import endpoints as e
from audit.sources.github.failures import Refused, broken, lacks_right
from audit.sources.github.paging import Page, Reader
from audit.sources.github.rules import rulesets
from audit.sources.interface import Brought, Remark, Unread

_NOT_THERE = (403, 404)


class _Team(msgspec.Struct):
    slug: str


@dataclass(frozen=True)
class Organisation:
    """The walk over an organisation.

    Attributes:
        org: its name now.
        since: the audit log is read from this day on.
    """

    reader: Reader
    org: str
    since: datetime

    def members(self) -> Iterator[Brought | Unread | Remark]:
        """Who belongs to it, owners apart from the others."""
        for role in ("admin", "member"):
            yield from self.reader.every(e.MEMBERS, f"members/{role}", org=self.org, role=role)

    def teams(self) -> Iterator[Brought | Unread | Remark]:
        """Teams, each with its people and its repositories."""
        try:
            for page in self.reader.pages(e.TEAMS, "teams", org=self.org):
                yield page.brought
                for slug in _slugs(page):
                    yield from self._team(slug)
        except Refused as error:
            yield Unread("teams/", error.reason, error.remedy)

    def _team(self, slug: str) -> Iterator[Brought | Unread]:
        folder = f"teams/{quote(slug, safe='')}"
        for role in ("maintainer", "member"):
            yield from self.reader.every(
                e.TEAM_MEMBERS, f"{folder}/members/{role}", org=self.org, team=slug, role=role
            )
        yield from self.reader.every(e.TEAM_REPOSITORIES, f"{folder}/repos", org=self.org, team=slug)

    def rules(self) -> Iterator[Brought | Unread | Remark]:
        """Rulesets of all its repositories."""
        yield from rulesets(self.reader, e.ORGANISATION_RULESETS, e.ORGANISATION_RULESET, org=self.org)

    def log(self) -> Iterator[Brought | Unread | Remark]:
        """The audit log. Plans without one answer that there is none: that is said, and is no failure; that who asks may not
        read it is one.
        """
        first = self.since.astimezone(UTC).date()
        try:
            for page in self.reader.pages(e.AUDIT_LOG, "audit-log", org=self.org, first=first):
                yield page.brought
        except Refused as error:
            if error.status in _NOT_THERE and not lacks_right(error):
                yield Remark(f"{self.org}: no audit log: {error.reason}; {error.remedy}")
            else:
                yield Unread("audit-log/", error.reason, error.remedy)

    def parts(self) -> dict[str, Callable[[], Iterator[Brought | Unread | Remark]]]:
        """The walks by the names that the settings give them."""
        return {"members": self.members, "teams": self.teams, "rules": self.rules, "audit-log": self.log}


def _slugs(page: Page) -> list[str]:
    try:
        return [msgspec.json.decode(item, type=_Team).slug for item in page.items]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise broken(e.TEAMS, "an item is no team as GitHub documents it") from None
