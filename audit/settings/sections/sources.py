"""Where evidence lies, and how S3 and GitHub are asked for it."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from audit.settings.sections.base import Section
from audit.settings.sections.formats import FormatName

_GITHUB = re.compile(
    r"github:(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]{0,99})(?:/(?P<name>(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}))?"
)


class Source(Section):
    """A place where evidence lies."""

    name: str = Field(description="Name of the source, used in the report", pattern=r"^[A-Za-z0-9._-]+$")
    location: str = Field(
        description="s3://bucket/prefix/, file:folder (relative to audit.toml), github:owner/name or github:owner"
    )
    format: FormatName = Field(
        "auto", description="Format of its records; auto recognises it record by record"
    )
    cluster: str | None = Field(None, description="Cluster that its records speak of")
    repository: str | None = Field(
        None, description="Repository that its records speak of, where they do not say"
    )
    exported_at: datetime | None = Field(
        None,
        description="When its exports were made (with offset), where neither its objects nor their records show it",
    )

    cadence_minutes: int | None = Field(
        None,
        ge=60,
        description="Longest time that may pass without a record of a log, or without an export; learned when not set",
    )
    ended_at: datetime | None = Field(
        None,
        description="When it gave its last evidence (with offset), another source having taken its place",
    )

    copy_of: str | None = Field(
        None,
        pattern=r"^s3://[^/]+",
        description="Where the files of a folder were copied from, as in s3://bucket/prefix/: what CloudTrail tells of that bucket is held "
        "against EVD-04",
    )

    @property
    def kind(self) -> Literal["s3", "folder", "github"]:
        """What sort of place it is."""
        if self.location.startswith("github:"):
            return "github"
        return "s3" if self.location.startswith("s3://") else "folder"

    @field_validator("location")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        if re.match(r"s3://[^/]+", value) or value.removeprefix("file:") not in ("", value):
            return value
        if _GITHUB.fullmatch(value):
            return value
        raise ValueError("neither s3://bucket/prefix nor file:folder, github:owner/name or github:owner")

    @model_validator(mode="before")
    @classmethod
    def _of_its_repository(cls, values: Any) -> Any:
        """What GitHub gives of a repository speaks of that repository, unless the settings say otherwise."""
        if isinstance(values, dict) and values.get("repository") is None:
            named = _GITHUB.fullmatch(str(values.get("location")))
            if named is not None and named["name"]:
                return values | {"repository": f"{named['owner']}/{named['name']}"}
        return values

    @field_validator("exported_at", "ended_at")
    @classmethod
    def _with_offset(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("the time needs an offset, as in 2026-10-01T10:00:00Z")
        return value


class S3(Section):
    """How to reach S3. Credentials come from boto3's chain (environment, profile, role), never from here."""

    endpoint_url: str | None = Field(None, description="Custom endpoint; AWS when not set")
    region: str | None = Field(None, description="Region")
    profile: str | None = Field(None, description="Profile of the AWS configuration")
    role_arn: str | None = Field(None, description="Role to assume before reading")
    requester_pays: bool = Field(False, description="The reader pays for requests")
    threads: int = Field(8, ge=1, le=64, description="Objects pulled at once")
    attempts: int = Field(5, ge=1, le=20, description="Tries for each request, with exponential backoff")


GitHubPart = Literal[
    "pulls",
    "statuses",
    "activity",
    "deployments",
    "runs",
    "rules",
    "environments",
    "access",
    "members",
    "teams",
    "audit-log",
]


class GitHub(Section):
    """How to ask GitHub's API, for sources `github:…`. A token comes from the environment, never from here."""

    api_url: str = Field(
        "https://api.github.com",
        description="Root of the API; https://HOST/api/v3 for GitHub Enterprise Server",
    )
    token_variable: str = Field(
        "GITHUB_TOKEN",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the token",
    )
    app_id: int | None = Field(None, ge=1, description="GitHub App to ask as, instead of with a token")
    installation_id: int | None = Field(None, ge=1, description="Installation of the App")
    private_key_file: str | None = Field(
        None, description="Private key of the App (PEM); relative to audit.toml"
    )
    since: date | None = Field(
        None,
        description="What did not change since this day is left out; the start of the trend's first quarter when not set",
    )
    max_wait_seconds: int = Field(
        3900, ge=0, description="Longest wait for a rate limit; where it takes longer, collection stops there"
    )
    attempts: int = Field(5, ge=1, le=20, description="Tries for each request, with exponential backoff")
    leave_out: tuple[GitHubPart, ...] = Field(
        (),
        description="Parts not to collect. Of a repository: pulls, statuses, activity, deployments, runs, rules, environments, access; "
        "of an organisation: members, teams, rules, audit-log",
    )

    @field_validator("api_url")
    @classmethod
    def _safe(cls, value: str) -> str:
        if not re.fullmatch(
            r"https://[^\s/@?#]+(?:/[^\s@?#]*)?|http://(?:127\.0\.0\.1|localhost)(?::\d+)?", value
        ):
            raise ValueError("not a URL of an API, as in https://github.example.org/api/v3")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _whole_app(self) -> Self:
        given = (self.app_id, self.installation_id, self.private_key_file)
        if any(part is not None for part in given) and None in given:
            raise ValueError("an App needs all of app_id, installation_id and private_key_file")
        return self
