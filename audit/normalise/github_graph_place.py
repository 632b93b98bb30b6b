"""Where an object stands in an answer of GraphQL, and its fields, of which a query may have left out any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from audit.normalise.github_graph_items import converted
from audit.normalise.interface import Unreadable


class Place(NamedTuple):
    """What an object stands below, as far as the answer says so.

    Attributes:
        repo: repository (owner/name).
        org: organisation.
        team: slug of the team.
        label: what tells the lists in one object from those in the next: a team's slug, a commit, a deployment's number.
    """

    repo: str | None = None
    org: str | None = None
    team: str | None = None
    label: str = ""

    def within(self, value: Mapping[str, Any], name: str) -> Place:
        """The place of what is in an object that has `name` in what holds it."""
        repo, org = text(value, "nameWithOwner") or self.repo, self.org
        if name in ("organization", "organizations"):
            repo, org = text(value, "nameWithOwner"), text(value, "login") or org
        if name in ("team", "teams", "childTeams"):
            slug = text(value, "slug")
            return Place(repo, org, slug, slug or self.label)
        known = value.get("databaseId") if name in ("deployment", "deployments") else value.get("oid")
        return Place(repo, org, self.team, str(known) if isinstance(known, str | int) else self.label)


def text(value: Any, name: str) -> str | None:
    """A field that holds a text with something in it; None for all else."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None


def asked(value: Any, shape: type[Any], name: str) -> Any:
    """As `converted`, naming at once all fields that were not asked for.

    Raises:
        Unreadable: some were not, or hold what they can't.
    """
    if isinstance(value, dict):
        fields = msgspec.structs.fields(shape)
        missing = [field.encode_name for field in fields if field.required and field.encode_name not in value]
        if missing:
            raise Unreadable(f"{name}: ask for {', '.join(missing)} as well")
    return converted(value, shape, name)
