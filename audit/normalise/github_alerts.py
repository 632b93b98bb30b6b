"""GitHub's alerts of code scanning, secret scanning and Dependabot, as REST gives them, to `security_alerts`.

Each row is an alert as it was when it was exported: an alert that was open in one export and closed in a later one has
a row for each. Lists of an organisation name the repository themselves. The value of a secret is not decoded.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from audit.normalise.github import Account, login, repository
from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, Number, has
from audit.normalise.scan_report import severity
from audit.normalise.times import Time, optional, utc

_TABLES = ("security_alerts",)
_STATES = {
    "code": frozenset({"open", "dismissed", "fixed"}),
    "secret": frozenset({"open", "resolved"}),
    "dependency": frozenset({"open", "dismissed", "auto_dismissed", "fixed"}),
}
_NOTHING: Row = {
    "closed_at": None, "closed_by": None, "reason": None, "comment": None, "severity": "unknown", "severity_as_given": "",
    "tool_version": None, "path": None, "line_in_file": None, "ref": None, "commit": None, "package": None,
    "ecosystem": None, "scope": None, "affected": None, "fixed_version": None, "aliases": "", "validity": None,
    "public": None, "bypassed": None, "bypassed_by": None, "bypassed_at": None,
}  # fmt: skip


class _Repository(msgspec.Struct):
    full_name: str


class _Place(msgspec.Struct):
    path: str | None = None
    start_line: Id | None = None
    commit_sha: str | None = None


class _Rule(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    description: str | None = None
    severity: str | None = None
    security_severity_level: str | None = None


class _Tool(msgspec.Struct):
    name: str | None = None
    version: str | None = None


class _Instance(msgspec.Struct):
    ref: str | None = None
    commit_sha: str | None = None
    location: _Place | None = None


class _Alert(msgspec.Struct, kw_only=True):
    """What every alert tells."""

    number: Number
    created_at: Time
    state: str | None
    url: str | None = None
    updated_at: Time | None = None
    repository: _Repository | None = None


class CodeAlert(_Alert, kw_only=True):
    """An alert of code scanning."""

    rule: _Rule
    tool: _Tool
    most_recent_instance: _Instance | None = None
    fixed_at: Time | None = None
    dismissed_at: Time | None = None
    dismissed_by: Account | None = None
    dismissed_reason: str | None = None
    dismissed_comment: str | None = None


class SecretAlert(_Alert, kw_only=True):
    """An alert of secret scanning, without the secret."""

    secret_type: str
    secret_type_display_name: str | None = None
    resolution: str | None = None
    resolved_at: Time | None = None
    resolved_by: Account | None = None
    resolution_comment: str | None = None
    validity: str | None = None
    publicly_leaked: bool | None = None
    push_protection_bypassed: bool | None = None
    push_protection_bypassed_by: Account | None = None
    push_protection_bypassed_at: Time | None = None
    first_location_detected: _Place | None = None


class _Package(msgspec.Struct):
    ecosystem: str
    name: str


class _Dependency(msgspec.Struct):
    package: _Package
    manifest_path: str | None = None
    scope: str | None = None


class _Advisory(msgspec.Struct):
    ghsa_id: str
    severity: str
    cve_id: str | None = None
    summary: str | None = None


class _Patched(msgspec.Struct):
    identifier: str


class _Affected(msgspec.Struct):
    severity: str | None = None
    vulnerable_version_range: str | None = None
    first_patched_version: _Patched | None = None


class DependencyAlert(_Alert, kw_only=True):
    """An alert of Dependabot."""

    dependency: _Dependency
    security_advisory: _Advisory
    security_vulnerability: _Affected
    fixed_at: Time | None = None
    auto_dismissed_at: Time | None = None
    dismissed_at: Time | None = None
    dismissed_by: Account | None = None
    dismissed_reason: str | None = None
    dismissed_comment: str | None = None


def _outcome(kind: str, alert: _Alert, context: Context, **facts: object) -> Outcome:
    """One row; covered is the moment that the alert last tells of."""
    state = "unknown" if alert.state is None else alert.state
    if state != "unknown" and state not in _STATES[kind]:
        raise Unreadable(f"state is not known: {state[:40]!r}")
    created, updated = utc(alert.created_at), optional(alert.updated_at)
    row: Row = {
        **_NOTHING,
        "repo": alert.repository.full_name if alert.repository else repository(alert.url, context),
        "kind": kind,
        "number": alert.number,
        "state": state,
        "created_at": created,
        "updated_at": updated,
        **facts,
    }
    times = (created, updated, row["closed_at"], row["bypassed_at"])
    return Outcome([("security_alerts", row)], max(time for time in times if isinstance(time, datetime)))


def _code(alert: CodeAlert, context: Context) -> Outcome:
    rule, found = alert.rule, alert.most_recent_instance or _Instance()
    place = found.location or _Place()
    given = rule.security_severity_level or rule.severity or ""
    words = {"error": "high", "warning": "medium", "note": "low", "none": "none"}
    return _outcome(
        "code",
        alert,
        context,
        closed_at=optional(alert.dismissed_at or alert.fixed_at),
        closed_by=login(alert.dismissed_by),
        reason=alert.dismissed_reason,
        comment=alert.dismissed_comment,
        rule=_required(rule.id or rule.name, "rule's id"),
        title=rule.description,
        severity=words.get(given) or severity(given),
        severity_as_given=given,
        tool=_required(alert.tool.name, "tool's name"),
        tool_version=alert.tool.version,
        path=place.path,
        line_in_file=place.start_line,
        ref=found.ref,
        commit=found.commit_sha,
    )


def _secret(alert: SecretAlert, context: Context) -> Outcome:
    place = alert.first_location_detected or _Place()
    return _outcome(
        "secret",
        alert,
        context,
        closed_at=optional(alert.resolved_at),
        closed_by=login(alert.resolved_by),
        reason=alert.resolution,
        comment=alert.resolution_comment,
        rule=alert.secret_type,
        title=alert.secret_type_display_name,
        tool="secret scanning",
        path=place.path,
        line_in_file=place.start_line,
        commit=place.commit_sha,
        validity=alert.validity,
        public=alert.publicly_leaked,
        bypassed=alert.push_protection_bypassed,
        bypassed_by=login(alert.push_protection_bypassed_by),
        bypassed_at=optional(alert.push_protection_bypassed_at),
    )


def _dependency(alert: DependencyAlert, context: Context) -> Outcome:
    advisory, affected, found = alert.security_advisory, alert.security_vulnerability, alert.dependency
    patched = affected.first_patched_version
    given = affected.severity or advisory.severity
    return _outcome(
        "dependency",
        alert,
        context,
        closed_at=optional(alert.dismissed_at or alert.auto_dismissed_at or alert.fixed_at),
        closed_by=login(alert.dismissed_by),
        reason=alert.dismissed_reason,
        comment=alert.dismissed_comment,
        rule=advisory.ghsa_id,
        title=advisory.summary,
        severity=severity(given),
        severity_as_given=given,
        tool="dependabot",
        path=found.manifest_path,
        package=found.package.name,
        ecosystem=found.package.ecosystem,
        scope=found.scope,
        affected=affected.vulnerable_version_range,
        fixed_version=patched.identifier if patched else None,
        aliases=advisory.cve_id or "",
    )


def _required(value: str | None, name: str) -> str:
    if not value:
        raise Unreadable(f"{name} is missing")
    return value


CODE = JsonFormat(
    "github-code-scanning-alerts",
    1,
    _TABLES,
    CodeAlert,
    _code,
    has(("number", "created_at", "state", "rule", "tool")),
)
SECRETS = JsonFormat(
    "github-secret-scanning-alerts",
    1,
    _TABLES,
    SecretAlert,
    _secret,
    has(("number", "created_at", "state", "secret_type")),
)
DEPENDENCIES = JsonFormat(
    "github-dependabot-alerts",
    1,
    _TABLES,
    DependencyAlert,
    _dependency,
    has(("number", "created_at", "state", "dependency", "security_advisory", "security_vulnerability")),
)
