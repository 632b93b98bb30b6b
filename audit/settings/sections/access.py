"""Who may hold which rights, and enter which environments."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from audit.settings.sections.base import Regex, Section

Level = Literal["pull", "triage", "push", "maintain", "admin"]


class Access(Section):
    """Which rights people may hold; roles and teams are the roster's."""

    level: Level = Field(
        "push", description="Highest level in a repository for people whose role `roles` does not name"
    )
    roles: dict[str, Level] = Field({}, description="Highest level in a repository, by role of the roster")
    max_admins: int = Field(3, ge=1, description="How many people may administer a repository")
    environments: dict[str, tuple[str, ...]] = Field(
        {},
        description="Environments whose clusters people may enter, by role or team of the roster; who is named by neither "
        "may enter none",
    )
    builtin_roles: tuple[Regex, ...] = Field(
        ("system:.+",),
        description="Roles that Kubernetes itself brings: bound to its own users, groups and controllers they are listed, but "
        "nobody reviews them",
    )
    dormant_days: int = Field(
        60,
        ge=1,
        le=90,
        description="After how many days without use, up to the quarter's end, a right is dormant",
    )
    review_days: int = Field(
        30,
        ge=1,
        description="Within how many days after rights were listed an access review must decide on all of them",
    )
    removal_days: int = Field(
        14,
        ge=0,
        description="Within how many days after the decision a right must be gone that is revoked or changed",
    )
    privileged_machines: tuple[Regex, ...] = Field(
        (r".+",),
        description="Machines that may change RBAC, admission, policy and Secrets in clusters, as regular expressions that match "
        "the whole user: the operators, and what belongs to the clusters",
    )
    bulk_secret_reads: int = Field(
        10, ge=2, description="Requests for Secrets by one person in a cluster that are a bulk read"
    )
    denied_secret_reads: int = Field(
        5, ge=1, description="Refused requests for Secrets by one user in a cluster that are an exception"
    )
    secret_minutes: int = Field(60, ge=1, description="Within which time they are counted")
