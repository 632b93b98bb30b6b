"""Who may hold which rights, and enter which environments."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from audit.settings.sections.base import Section

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
