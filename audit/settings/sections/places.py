"""What is audited: the organisation, its repositories and clusters, and what their paths mean."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from audit.settings.sections.base import Section


class Organisation(Section):
    """Whose report it is, and how its year runs."""

    name: str = Field(description="Name printed on the report")
    fiscal_year_start: int = Field(1, ge=1, le=12, description="Month in which the fiscal year starts")
    time_zone: str = Field("UTC", description="IANA time zone in which quarters and days are counted")
    classification: str = Field(
        "Confidential", description="Classification printed on every page of the report"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("not an IANA time zone, such as Europe/Berlin") from error
        return value


class Repository(Section):
    """A Git repository that declares the organisation's systems."""

    name: str = Field(description="Name on the forge: owner/name", pattern=r"^[^\s#@]+$")
    location: str = Field(description="Local path or URL; a relative path is relative to audit.toml")
    branch: str | None = Field(None, description="Default branch; the repository's own HEAD when not set")
    former_branches: tuple[str, ...] = Field(
        (), description="Names that the default branch had before: pull requests into them landed here"
    )
    reviews: Literal["github", "gerrit"] = Field(
        "github",
        description="Where its changes are reviewed; Gerrit's trailers are believed only where this says so",
    )
    believe_mailmap: bool = Field(
        False,
        description="Believe its .mailmap of addresses that the roster does not know: only where no change of that file lands "
        "without the consent of its owners",
    )


class Cluster(Section):
    """A cluster in scope: its audit log must cover the quarter."""

    name: str = Field(description="Name, as the sources name it")
    environment: str = Field(description="Environment it serves")


class PathRule(Section):
    """Which application and environments a path belongs to. The first rule that matches wins."""

    pattern: str = Field(
        description="Path pattern: {app} and {environment} each match one folder's name, * within one, ** any depth"
    )
    app: str | None = Field(None, description="Application, where the pattern does not name it")
    environments: tuple[str, ...] = Field((), description="Environments, where the pattern does not name one")
