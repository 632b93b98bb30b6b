"""Who may do what on GitHub, as REST lists it: collaborators, teams, members.

A list of members says nowhere whose they are: the object's key does, as `audit collect github` writes it
(`members/admin/…`, `teams/<slug>/members/maintainer/…`), or as one file of each (`members/admin.json`).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import JsonFormat, has

_LEVELS = ("pull", "triage", "push", "maintain", "admin")
_ROLES = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
_OF_TEAM = re.compile(r"(?:^|/)teams/([^/]+)/members/(maintainer|member)(?:/[^/]+|\.[a-z.]+)$")
_OF_ORG = re.compile(r"^(?!(?:.*/)?teams/[^/]+/members/)(?:.*/)?members/(admin|member)(?:/[^/]+|\.[a-z.]+)$")
_TEAMS_REPOS = re.compile(r"(?:^|/)teams/([^/]+)/repos(?:/[^/]+|\.[a-z.]+)$")
_ORG = re.compile(r"/orgs/([^/]+)/teams/")


class Collaborator(msgspec.Struct):
    """Somebody with rights in a repository."""

    login: str
    permissions: dict[str, bool]
    type: str | None = None
    role_name: str | None = None


class _Parent(msgspec.Struct):
    slug: str


class Team(msgspec.Struct):
    """A team; `permission` is what it has in the repository that it was listed for."""

    slug: str
    name: str
    permission: str
    permissions: dict[str, bool] | None = None
    privacy: str | None = None
    parent: _Parent | None = None
    html_url: str | None = None


class Member(msgspec.Struct):
    """Somebody who belongs to an organisation or team."""

    login: str
    type: str | None = None
    site_admin: bool | None = None


class Repository(msgspec.Struct):
    """A repository that a team has rights in."""

    full_name: str
    permissions: dict[str, bool]
    role_name: str | None = None


def _level(permissions: dict[str, bool]) -> str:
    """The strongest that is there."""
    return next((level for level in reversed(_LEVELS) if permissions.get(level)), "none")


def _grant(repo: str, kind: str, holder: str, role: str | None, level: str) -> tuple[str, Row]:
    told = role or _ROLES.get(level, "none")
    return "repo_grants", {
        "repo": repo, "holder_kind": kind, "holder": holder, "role": _ROLES.get(told, told), "level": level
    }  # fmt: skip


def _of(context: Context) -> str:
    if context.repository is None:
        raise Unreadable("nothing says which repository these rights are in: name 'repository' at its source")
    return context.repository


def _collaborator(found: Collaborator, context: Context) -> Outcome:
    kind = "machine" if found.type == "Bot" else "person"
    level = _level(found.permissions)
    return Outcome([_grant(_of(context), kind, found.login, found.role_name, level)], None)


def _team(found: Team, context: Context) -> Outcome:
    org = _ORG.search(found.html_url or "")
    row = {
        "org": org[1] if org else None,
        "team": found.slug,
        "name": found.name,
        "privacy": found.privacy,
        "parent": found.parent.slug if found.parent else None,
    }
    rows: Rows = [("teams", row)]
    if context.repository is not None:
        level = _level(found.permissions) if found.permissions is not None else found.permission
        if level not in _LEVELS:
            level = "none"
        rows.append(_grant(context.repository, "team", found.slug, found.permission, level))
    return Outcome(rows, None)


def _member(found: Member, context: Context) -> Outcome:
    team, org = _OF_TEAM.search(context.key), _OF_ORG.search(context.key)
    if team is None and org is None:
        raise Unreadable(
            "nothing says whose member it is, and in which role: name the object members/ROLE/… or teams/TEAM/members/ROLE/…"
        )
    role = team[2] if team is not None else org[1] if org is not None else ""
    row = {
        "scope": "team" if team is not None else "organisation",
        "team": unquote(team[1]) if team is not None else "",
        "login": found.login,
        "kind": found.type,
        "role": role,
        "site_admin": found.site_admin,
    }
    return Outcome([("memberships", row)], None)


def _repository(found: Repository, context: Context) -> Outcome:
    team = _TEAMS_REPOS.search(context.key)
    if team is None:
        raise Unreadable("nothing says which team has these rights: name the object teams/TEAM/repos/…")
    level = _level(found.permissions)
    return Outcome([_grant(found.full_name, "team", unquote(team[1]), found.role_name, level)], None)


COLLABORATORS = JsonFormat(
    "github-collaborators",
    1,
    ("repo_grants",),
    Collaborator,
    _collaborator,
    has(("login", "permissions", "organizations_url")),
)
TEAMS = JsonFormat(
    "github-teams",
    1,
    ("teams", "repo_grants"),
    Team,
    _team,
    has(("slug", "permission", "members_url", "repositories_url")),
)
MEMBERS = JsonFormat(
    "github-members",
    2,
    ("memberships",),
    Member,
    _member,
    has(("login", "organizations_url", "site_admin"), lacks=("permissions", "contributions")),
)
REPOSITORIES = JsonFormat(
    "github-team-repositories",
    2,
    ("repo_grants",),
    Repository,
    _repository,
    has(("full_name", "permissions", "default_branch", "owner"), lacks=("head", "base")),
)
