"""The rules of a repository and who may do what in it, as they stand when they are collected.

protection/<branch>.json            of the default branch
rulesets/<id>.json                  those of the organisation included
environments/page-0001.json
collaborators/page-0001.json, teams/page-0001.json
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from audit.sources.github import endpoints as e
from audit.sources.github.endpoints import Endpoint
from audit.sources.github.failures import Refused, broken, is_of_the_plan
from audit.sources.github.paging import Page, Reader
from audit.sources.interface import Brought, Remark, Unread

_UNPROTECTED = {
    "branch not protected": "no classic protection of branch '{branch}'; rulesets may protect it",
    "branch not found": "it has no branch '{branch}': nothing was pushed to it yet",
}
"""What GitHub says where there is no protection, and what that means."""


class _Ruleset(msgspec.Struct):
    id: int


@dataclass(frozen=True)
class Rules:
    """The walk over the rules.

    Attributes:
        repo: its name now.
        branch: its default branch.
    """

    reader: Reader
    repo: str
    branch: str

    def rules(self) -> Iterator[Brought | Unread | Remark]:
        """What protects the default branch, and others by rulesets."""
        key = f"protection/{quote(self.branch, safe='')}.json"
        try:
            yield self.reader.single(e.PROTECTION, key, repo=self.repo, branch=self.branch).brought
        except Refused as error:
            meant = _UNPROTECTED.get(error.message.lower()) if error.status == 404 else None
            if is_of_the_plan(error):
                meant = "its plan has no classic protection of branches"
            if meant is not None:
                yield Remark(f"{self.repo}: {meant.format(branch=self.branch)}")
            else:
                yield Unread(key, error.reason, error.remedy)
        yield from rulesets(self.reader, e.RULESETS, e.RULESET, repo=self.repo)

    def environments(self) -> Iterator[Brought | Unread | Remark]:
        """What deployments must pass."""
        yield from self.reader.every(e.ENVIRONMENTS, "environments", repo=self.repo)

    def access(self) -> Iterator[Brought | Unread | Remark]:
        """Who may do what: people, and teams."""
        yield from self.reader.every(e.COLLABORATORS, "collaborators", repo=self.repo)
        yield from self.reader.every(e.REPOSITORY_TEAMS, "teams", repo=self.repo)

    def parts(self) -> dict[str, Callable[[], Iterator[Brought | Unread | Remark]]]:
        """The walks by the names that the settings give them."""
        return {"rules": self.rules, "environments": self.environments, "access": self.access}


def rulesets(
    reader: Reader, listed: Endpoint, one: Endpoint, **names: Any
) -> Iterator[Brought | Unread | Remark]:
    """Each ruleset whole: the list, which leaves its rules out, only says which there are."""
    try:
        for page in reader.pages(listed, "rulesets/list", **names):
            for ident in _ids(page, listed):
                yield from reader.one(one, f"rulesets/{ident}.json", ruleset=ident, **names)
    except Refused as error:
        if is_of_the_plan(error):
            yield Remark(f"{next(iter(names.values()))}: its plan has no rulesets")
        else:
            yield Unread("rulesets/", error.reason, error.remedy)


def _ids(page: Page, endpoint: Endpoint) -> list[int]:
    try:
        return [msgspec.json.decode(item, type=_Ruleset).id for item in page.items]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise broken(endpoint, "an item is no ruleset as GitHub documents it") from None
