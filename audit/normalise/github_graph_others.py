"""What GraphQL's answers hold beside pull requests, to the rows that REST exports give.

Rules that protect branches, rulesets, collaborators, members, teams, deployments, and the checks of commits. What a query did
not ask for is not known: an object that lacks a field which decides something is refused by that field's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import msgspec

from audit.normalise import github_deployments
from audit.normalise import github_graph_rules as rules
from audit.normalise.github import made_id
from audit.normalise.github_graph_items import Actor, Commit, check, converted, login
from audit.normalise.github_graph_place import Place, asked, text
from audit.normalise.github_lists import listed
from audit.normalise.interface import Context, Row, Rows, Unreadable
from audit.normalise.jsonformat import Id
from audit.normalise.times import Time, utc

TABLES = (
    "protections", "repo_grants", "teams", "memberships", "forge_deployments", "forge_deployment_statuses",
)  # fmt: skip
_LEVELS = {"READ": "pull", "TRIAGE": "triage", "WRITE": "push", "MAINTAIN": "maintain", "ADMIN": "admin"}
_PRIVACY = {"VISIBLE": "closed", "SECRET": "secret"}
_NOWHERE = Context("", "")


class _Deployment(msgspec.Struct, rename="camel", kw_only=True):
    database_id: Id
    environment: str | None
    task: str | None
    created_at: Time
    updated_at: Time
    creator: Actor | None
    commit_oid: str | None = None
    commit: Commit | None = None
    ref: Any = None


class _Status(msgspec.Struct, rename="camel"):
    state: str
    created_at: Time
    creator: Actor | None


def _deployment(value: Any, place: Place, failed: list[str]) -> Rows:
    """A deployment and its statuses; of a branch that is gone the commit stands for its name."""
    found = asked(value, _Deployment, "deployment")
    sha = found.commit_oid or (found.commit.oid if found.commit is not None else None)
    if place.repo is None or sha is None:
        raise Unreadable(
            "deployment: nothing says of which repository or commit: ask for nameWithOwner, commitOid"
        )
    name = found.ref.get("name") if isinstance(found.ref, dict) else None
    rest = {
        "id": found.database_id,
        "url": f"/repos/{place.repo}/deployments/{found.database_id}",
        "sha": sha,
        "ref": name if isinstance(name, str) else sha,
        "task": found.task or "deploy",
        "environment": found.environment or "",
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "creator": None if found.creator is None else {"login": login(found.creator)},
    }
    form = github_deployments.FORMAT
    rows = form.rows(converted(rest, form.shape, "deployment"), _NOWHERE).rows
    statuses = value.get("statuses")
    items = [] if statuses is None else listed(statuses).items
    return [*rows, *_each(items, failed, partial(_status, found, place.repo))]


def _each(items: list[Any], failed: list[str], read: Callable[[Any], tuple[str, Row] | None]) -> Rows:
    """What each of some items gives; what can't be read is told item by item."""
    rows: Rows = []
    for item in items:
        try:
            found = read(item)
        except Unreadable as error:
            failed.append(str(error))
        else:
            rows += [found] if found is not None else []
    return rows


def _status(deployment: _Deployment, repo: str, item: Any) -> tuple[str, Row]:
    found = converted(item, _Status, "status")
    at, state = utc(found.created_at), found.state.lower()
    return "forge_deployment_statuses", {
        "repo": repo,
        "deployment_id": deployment.database_id,
        "status_id": made_id(repo, str(deployment.database_id), state, at.isoformat()),
        "at": at,
        "state": state,
        "environment": deployment.environment or None,
        "creator": login(found.creator),
    }


class _Team(msgspec.Struct):
    slug: str
    name: str
    privacy: Literal["VISIBLE", "SECRET"] | None = None
    parentTeam: Any = None


def _team(value: Any, place: Place, _: list[str]) -> Rows:
    found = converted(value, _Team, "team")
    parent = found.parentTeam.get("slug") if isinstance(found.parentTeam, dict) else None
    row = {
        "org": place.org,
        "team": found.slug,
        "name": found.name,
        "privacy": _PRIVACY[found.privacy] if found.privacy is not None else None,
        "parent": parent if isinstance(parent, str) else None,
    }
    return [("teams", row)]


def _checks(value: Any, place: Place, failed: list[str]) -> Rows:
    """Checks of a commit that stands outside of a pull request."""
    sha = value["oid"]
    if place.repo is None:
        raise Unreadable("checks: nothing says of which repository: ask for nameWithOwner")
    rollup, status = value.get("statusCheckRollup"), value.get("status")
    found: list[Any] = []
    suites = value.get("checkSuites")
    for suite in [] if suites is None else listed(suites).items:
        runs = suite.get("checkRuns") if isinstance(suite, dict) else None
        for run in [] if runs is None else listed(runs).items:
            found.append({"checkSuite": {"app": suite.get("app")}, **run} if isinstance(run, dict) else run)
    for part in (rollup, status):
        contexts = part.get("contexts") if isinstance(part, dict) else None
        if contexts is not None:
            found += listed(contexts).items
    return _each(found, failed, partial(check, repo=place.repo, sha=sha))


_EDGES = {field: f"edges {{ permission node {{ {field} }} }}" for field in ("login", "nameWithOwner")}
Reader = Callable[[Any, Place, list[str]], Rows]
"""Gives the rows of an object; tells of the parts that can't be read though the rest can."""
_OBJECTS: dict[str, tuple[str, Reader]] = {
    "branchProtectionRules": ("pattern", rules.protection),
    "branchProtectionRule": ("pattern", rules.protection),
    "rulesets": ("name", rules.ruleset),
    "ruleset": ("name", rules.ruleset),
    "deployments": ("environment", _deployment),
    "deployment": ("environment", _deployment),
    "teams": ("name", _team),
    "team": ("name", _team),
    "childTeams": ("name", _team),
}
"""By the name that a list or object has: the field by which one of its objects is told, and what reads it."""
LISTS = frozenset({"collaborators", "membersWithRole", "members", *_OBJECTS})
"""Lists that are read, or in which nothing is there to be read."""
INNER = frozenset({"contexts", "checkRuns", "checkSuites", "statuses"})
"""Lists that are read with the object that holds them."""
_OF_COMMIT = frozenset({"statusCheckRollup", "status", "checkSuites"})


def reader(value: Mapping[str, Any], name: str) -> Reader | None:
    """What reads an object that has `name` in what holds it; None where it is none of these."""
    field, read = _OBJECTS.get(name, ("", None))
    if read is not None and field in value:
        return read
    oid = value.get("oid")
    return _checks if isinstance(oid, str) and oid and _OF_COMMIT & value.keys() else None


def edge(item: Any, name: str, place: Place) -> Rows:
    """What an item of a list with `edges` tells, who it names and in which role.

    Raises:
        Unreadable: the list's edges were not asked for, or lack the role.
    """
    node = item.get("node") if isinstance(item, dict) else None
    if name == "collaborators":
        return [_grant(place.repo, "person", text(node, "login"), item, f"{name}: ask for {_EDGES['login']}")]
    if name == "repositories":
        remedy = f"{name}: ask for {_EDGES['nameWithOwner']}"
        return [_grant(text(node, "nameWithOwner"), "team", place.team, item, remedy)]
    role, who = text(item, "role"), text(node, "login")
    if role is None or who is None:
        raise Unreadable(f"{name}: ask for edges {{ role node {{ login }} }}")
    of_team = name == "members"
    row = {
        "scope": "team" if of_team else "organisation",
        "team": place.team or "" if of_team else "",
        "login": who,
        "kind": "User",
        "role": role.lower(),
        "site_admin": None,
    }
    return [("memberships", row)]


def has_edges(name: str, place: Place) -> bool:
    """Whether a list's items are told by their edges."""
    of_team = name in ("members", "repositories") and place.team is not None
    return of_team or name in ("collaborators", "membersWithRole")


def _grant(repo: str | None, kind: str, holder: str | None, item: Any, remedy: str) -> tuple[str, Row]:
    level = _LEVELS.get(text(item, "permission") or "")
    if repo is None or holder is None or level is None:
        raise Unreadable(remedy)
    role = str(item["permission"]).lower()
    return "repo_grants", {
        "repo": repo, "holder_kind": kind, "holder": holder, "role": role, "level": level
    }  # fmt: skip
