"""The settings: one validated model, read from `audit.toml`, overridden by environment variables.

A variable `AUDIT__S3__ENDPOINT_URL` overrides the key `s3.endpoint_url`. Secrets are never settings: S3
credentials come from boto3's chain, GitHub's token from a variable, keys from the files that the settings name.
"""

from __future__ import annotations

import os
import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from audit.errors import UsageError
from audit.model import Severity
from audit.period import Period
from audit.settings.nearest import meant
from audit.settings.sections import (
    S3,
    Access,
    Alerting,
    BreakGlass,
    Cluster,
    Documents,
    Draw,
    Due,
    Emergency,
    Environment,
    FormatName,
    GitHub,
    Machines,
    Organisation,
    OwnControls,
    Owner,
    PathRule,
    People,
    Policies,
    Protection,
    ReportPages,
    ReportSignature,
    Repository,
    Scanning,
    Scope,
    Secrecy,
    Secrets,
    Section,
    Signatures,
    Signing,
    Source,
    Structure,
    Thresholds,
    Training,
    Vault,
    Waivers,
)

__all__ = [
    "S3",
    "Access",
    "Alerting",
    "BreakGlass",
    "Cluster",
    "Documents",
    "Draw",
    "Due",
    "Emergency",
    "Environment",
    "FormatName",
    "GitHub",
    "Machines",
    "Organisation",
    "OwnControls",
    "Owner",
    "PathRule",
    "People",
    "Policies",
    "Protection",
    "ReportPages",
    "Repository",
    "Scanning",
    "Scope",
    "Secrecy",
    "Secrets",
    "Settings",
    "Signatures",
    "Signing",
    "Source",
    "Structure",
    "Thresholds",
    "Training",
    "Vault",
    "Waivers",
    "load",
    "validate",
]

_PREFIX = "AUDIT__"


class Settings(Section):
    """Everything that `audit.toml` says."""

    store: str = Field("audit-store", description="Folder of the evidence store; relative to audit.toml")
    production: tuple[str, ...] = Field(
        ("prod", "production"), description="Environments that are production"
    )
    promotion: tuple[str, ...] = Field(
        ("dev", "staging"),
        description="Environments that a change goes through before production, in order",
    )
    engine: Literal["local", "dask"] = Field(
        "local", description="Where evidence is read: on this machine, or on a Dask cluster"
    )
    scheduler: str | None = Field(
        None,
        description="Address of the cluster's scheduler, as in tcp://scheduler:8786; its workers must see the store",
        pattern=r"^(tcp|tls)://[^\s/]+:\d+$",
    )
    severities: dict[str, Severity] = Field(
        {}, description="Severity of a control, where it differs from its own"
    )
    organisation: Organisation
    repositories: tuple[Repository, ...] = ()
    sources: tuple[Source, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    path_rules: tuple[PathRule, ...] = ()
    s3: S3 = S3()
    github: GitHub = GitHub()
    people: People = People()
    machines: Machines = Machines()
    break_glass: tuple[BreakGlass, ...] = ()
    thresholds: Thresholds = Thresholds()
    scanning: Scanning = Scanning()
    alerting: Alerting = Alerting()
    scope: Scope = Scope()
    environments: dict[str, Environment] = Field({})
    signing: Signing = Signing()
    report_signature: ReportSignature = ReportSignature()
    signatures: Signatures = Signatures()
    secrets: Secrets = Secrets()
    protection: Protection = Protection()
    secrecy: Secrecy = Secrecy()
    structure: Structure = Structure()
    documents: Documents = Documents()
    training: Training = Training()
    emergency: Emergency = Emergency()
    vault: Vault = Vault()
    access: Access = Access()
    policies: Policies = Policies()
    waivers: Waivers = Waivers()
    own_controls: OwnControls = OwnControls()
    owners: tuple[Owner, ...] = ()
    due: Due = Due()
    samples: tuple[Draw, ...] = ()
    report: ReportPages = ReportPages()

    _folder: Path = Path()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.engine == "dask" and self.scheduler is None:
            raise ValueError("engine: 'dask' needs 'scheduler', the address of the cluster's scheduler")
        for what, names in (
            ("repositories", [r.name for r in self.repositories]),
            ("sources", [s.name for s in self.sources]),
            ("clusters", [c.name for c in self.clusters]),
        ):
            folded = [name.lower() if what == "repositories" else name for name in names]  # as forges do
            twice = [name for name, one in zip(names, folded, strict=True) if folded.count(one) > 1]
            if twice:
                raise ValueError(f"{what}: '{twice[0]}' is named twice")
        both = [name for name in self.promotion if name in self.production]
        if both:
            raise ValueError(f"promotion: '{both[0]}' is production, and can't come before it")
        clusters = {c.name for c in self.clusters}
        for source in self.sources:
            if source.cluster is not None and source.cluster not in clusters:
                raise ValueError(
                    f"sources: '{source.name}' names cluster '{source.cluster}', which is not in clusters"
                )
        known = {c.environment for c in self.clusters}
        for name in self.environments:
            if name not in known:
                raise ValueError(f"environments: '{name}' is the environment of no cluster")
        for span in self.break_glass:
            if span.cluster not in clusters:
                raise ValueError(
                    f"break_glass: '{span.ticket}' names cluster '{span.cluster}', which is not in clusters"
                )
        return self

    def resolve(self, path: str) -> Path:
        """A path from the settings, relative to the file that holds it."""
        return (self._folder / path).resolve()

    @property
    def store_path(self) -> Path:
        """Folder of the evidence store."""
        return self.resolve(self.store)

    def quarter(self, label: str) -> Period:
        """The fiscal quarter that `label` (as in 2026Q3) names here."""
        return Period.quarter(
            label, time_zone=self.organisation.time_zone, year_start=self.organisation.fiscal_year_start
        )

    def quarter_of(self, moment: datetime) -> Period:
        """The fiscal quarter in which a moment (aware) lies here."""
        return Period.containing(
            moment, time_zone=self.organisation.time_zone, year_start=self.organisation.fiscal_year_start
        )

    def limit(self, name: str, environment: str) -> int:
        """A threshold, or `alert_minutes`, as it holds in an environment: its own, else that of all."""
        rules = self.environments.get(environment)
        own = getattr(rules, name) if rules is not None else None
        if own is None:
            own = self.alerting.minutes if name == "alert_minutes" else getattr(self.thresholds, name)
        return int(own)

    def environment_of(self, cluster: str) -> str:
        """Environment that a cluster serves; the cluster's own name where the settings do not say."""
        return next((c.environment for c in self.clusters if c.name == cluster), cluster)


def load(path: Path) -> Settings:
    """The settings in a file, with environment variables over them.

    Raises:
        UsageError: the file is missing, is not TOML, or a key is unknown, missing or wrong; names file, line
            and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file", remedy="run 'audit init' to write one") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a folder", remedy=f"name the file: {path / 'audit.toml'}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: can't be read: {error}", remedy="check its permissions and that it is UTF-8"
        ) from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{path}: not TOML: {error}", remedy="mend the line that the message names"
        ) from None
    overridden = _override(values)
    settings = validate(values, where=path, text=text, overridden=overridden)
    settings._folder = path.parent.resolve()
    return settings


def validate(
    values: dict[str, Any], *, where: Path, text: str = "", overridden: dict[str, str] | None = None
) -> Settings:
    """`values` as settings.

    Raises:
        UsageError: names the file (or the variable) and line, the key and what is wrong with it.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems: list[tuple[tuple[str, ...] | None, str]] = []
        mistyped: set[tuple[str, ...]] = set()
        for item in error.errors():
            loc = [str(part) for part in item["loc"]]
            name = ".".join(loc) or "settings"
            origin = (overridden or {}).get(name) or f"{where}{_line_of(text, loc)}"
            message = item["msg"].removeprefix("Value error, ")
            if item["type"] == "extra_forbidden":
                message, like = meant(Settings, loc)
                mistyped |= {(*loc[:-1], like)}
            missing = tuple(loc) if item["type"] == "missing" else None
            problems.append((missing, f"{origin}: {name}: {message[0].lower()}{message[1:]}"))
        raise UsageError(
            "\n".join(said for missing, said in problems if missing not in mistyped),
            remedy="see 'audit init --print' for every key with its meaning",
        ) from None


def _override(values: dict[str, Any]) -> dict[str, str]:
    """Puts `AUDIT__…` variables over `values`; returns which key came from which variable."""
    origin = {}
    for variable in sorted(os.environ):
        if not variable.startswith(_PREFIX):
            continue
        *tables, last = variable.removeprefix(_PREFIX).lower().split("__")
        target = values
        for table in tables:
            target = target.setdefault(table, {})
            if not isinstance(target, dict):
                raise UsageError(
                    f"environment variable {variable}: '{table}' is not a table of the settings",
                    remedy="name a key as in AUDIT__S3__ENDPOINT_URL; lists are set in audit.toml",
                )
        raw = os.environ[variable]
        try:
            target[last] = tomllib.loads(f"value = {raw}")["value"]
        except tomllib.TOMLDecodeError:
            target[last] = raw
        origin[".".join([*tables, last])] = f"environment variable {variable}"
    return origin


def _line_of(text: str, loc: list[str]) -> str:
    """`:LINE` of the key that `loc` names in TOML `text`; empty when it can't be told."""
    table, index, found = "", -1, ""
    want = [part for part in loc if not part.isdigit()]
    number = next((int(part) for part in loc if part.isdigit()), 0)
    seen: dict[str, int] = {}
    for line_number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        if header:
            table = header[1]
            seen[table] = index = seen.get(table, -1) + 1
            if want and table == want[0] and index == number and not found:
                found = f":{line_number}"
            continue
        name = re.match(r"\s*([A-Za-z0-9_\"-]+)\s*=", line)
        if name and want:
            dotted = [*([table] if table else []), name[1].strip('"')]
            if dotted == want[: len(dotted)] and (
                not table or index == number or len(seen) == 0 or index == 0 == number
            ):
                return f":{line_number}"
    return found
