"""Who may do what on the forge, each time that it was exported: repositories, teams, members, environments."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import Bool, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE

_ORG = "Organisation, in the forge's spelling; missing where the export does not tell it"


class RepoGrants(Table):
    """What people and teams may do in a repository."""

    repo: str = column("Repository")
    holder_kind: str = column("person, machine or team", isin=["person", "machine", "team"])
    holder: str = column("Forge login; of a team its slug")
    role: str = column("Role, as the forge names it: read, triage, write, maintain, admin, or one of its own")
    level: str = column(
        "The strongest of the permissions that the role comes with",
        isin=["none", "pull", "triage", "push", "maintain", "admin"],
    )
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Rights in repositories, export by export"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: repos/REPO/collaborators, repos/REPO/teams, orgs/ORG/teams/TEAM/repos",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = ["repo", "holder_kind", "holder", "evidence", "line"]


class Teams(Table):
    """Teams of an organisation."""

    org: str = column(_ORG, optional=True)
    team: str = column("Slug")
    name: str = column("Name")
    privacy: str = column("secret or closed, as the forge says", optional=True)
    parent: str = column("Slug of the team that it belongs to", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Teams, export by export"
        metadata: ClassVar[Meta] = {"source": "GitHub REST: orgs/ORG/teams", "stage": "normalised"}
        unique: ClassVar[list[str]] = ["org", "team", "evidence", "line"]


class Memberships(Table):
    """Who belongs to an organisation or to a team of it."""

    scope: str = column("organisation or team", isin=["organisation", "team"])
    team: str = column("Slug of the team; empty for the organisation itself")
    login: str = column("Forge login")
    kind: str = column("User, Bot or Organization, as the forge says", optional=True)
    role: str = column("admin or member of an organisation, maintainer or member of a team")
    site_admin: Bool = column("Administers the forge itself", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Members of organisations and teams, export by export"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: orgs/ORG/members, orgs/ORG/teams/TEAM/members, by role",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = ["scope", "team", "login", "role", "evidence", "line"]


class ForgeEnvironments(Table):
    """What deployments to an environment of a repository must pass on the forge."""

    repo: str = column("Repository")
    environment: str = column("Name of the environment on the forge")
    reviewers: str = column("Who must approve: users and teams, separated by commas")
    prevent_self_review: Bool = column("Who deploys may not approve it")
    wait_minutes: Int = column("How long a deployment waits", unit="minutes", ge=0)
    branches: str = column(
        "Which branches may be deployed: all, protected or custom", isin=["all", "protected", "custom"]
    )
    admins_bypass: Bool = column("Administrators need not pass it; missing where not told", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Protection of deployment environments, export by export"
        metadata: ClassVar[Meta] = {"source": "GitHub REST: repos/REPO/environments", "stage": "normalised"}
        unique: ClassVar[list[str]] = ["repo", "environment", "evidence", "line"]
