"""The sections of the settings that say how a report is made: who must act by when, what is sampled, how pages look."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from audit.model import Severity
from audit.settings.sections.base import Section


class Owner(Section):
    """Who must act on what failed; the first entry that fits an exception names its owner. Patterns take `*`."""

    owner: str = Field(description="Team or person, as the report names them")
    controls: tuple[str, ...] = Field((), description="Controls, as in CHG-*; any when not set")
    apps: tuple[str, ...] = Field((), description="Applications; any when not set")
    paths: tuple[str, ...] = Field((), description="Paths of a repository; any when not set")
    repositories: tuple[str, ...] = Field((), description="Repositories; any when not set")
    clusters: tuple[str, ...] = Field((), description="Clusters; any when not set")
    environments: tuple[str, ...] = Field((), description="Environments; any when not set")


class Due(Section):
    """Days, from when a report's evidence ends, within which what failed must be dealt with."""

    critical: int = Field(7, ge=1, description="For critical exceptions")
    high: int = Field(30, ge=1, description="For high ones")
    medium: int = Field(60, ge=1, description="For medium ones")
    low: int = Field(90, ge=1, description="For low ones")

    def days(self, severity: str) -> int:
        """Days for exceptions of a severity."""
        found: int = getattr(self, Severity(severity).value)
        return found


class Draw(Section):
    """A sample that the report prints as a sheet to fill in; as the auditor asked for it."""

    population: Literal["changes", "deployments", "writes", "exceptions"] = Field(
        "changes", description="What is drawn of"
    )
    method: Literal["random", "environment", "targets"] = Field(
        "random", description="How, as 'audit sample' explains it"
    )
    seed: int = Field(ge=0, description="Number that the auditor chose: the same one draws the same sample")
    confidence: str = Field("0.95", description="How sure the sample must make")
    tolerable: str = Field("0.05", description="Deviation rate that is tolerated")
    expected: str = Field("0", description="Deviation rate that the size leaves room for")


class ReportPages(Section):
    """What stands on the report's pages, and how they look."""

    responses: str | None = Field(
        None,
        description="Reviewed file (YAML) of what management answers to exceptions; relative to audit.toml",
    )
    language: str = Field(
        "en",
        description="Language of the pages: en, de, or one of the theme's",
        pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
    )
    theme: str | None = Field(
        None,
        description="Folder with the organisation's logo, colours, sections, wording and templates; relative to audit.toml",
    )
    whole_lists: bool = Field(
        False,
        description="Print every object of evidence, right and group of a figure. Otherwise pages have those that matter, "
        "the sums and the number of the others, which are attached",
    )
