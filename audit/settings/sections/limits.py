"""Limits that controls and metrics apply, and what is out of scope."""

from __future__ import annotations

from pydantic import Field, field_validator

from audit.model import Severity
from audit.settings.sections.base import Regex, Section


class Thresholds(Section):
    """Limits that controls and metrics apply."""

    required_checks: tuple[str, ...] = Field(
        (), description="Checks that must have succeeded before a merge; name@app for those of one app"
    )
    silence_minutes: int = Field(
        60, ge=60, description="Longest silence of a cluster's audit log, in minutes"
    )
    export_slack_hours: int = Field(
        24,
        ge=0,
        description="How long before a quarter's end the last record of an export may be, where nothing else dates it",
    )
    clock_skew_seconds: int = Field(300, ge=0, description="How far clocks of different systems may differ")
    change_failure_hours: int = Field(
        24, ge=1, description="Window after a deployment in which a failure is its own"
    )
    drift_minutes: int = Field(
        60, ge=0, description="How long the cluster may differ from Git where no landed revision explains it"
    )
    failed_sync_minutes: int = Field(60, ge=0, description="How long after a failed sync one must succeed")
    recovery_minutes: int = Field(
        60, ge=0, description="How long an application of production may be degraded or missing"
    )
    rollback_revert_hours: int = Field(
        24, ge=0, description="How long after a rollback main must revert what it took back"
    )
    deploy_hours: int = Field(24, ge=0, description="How long after it landed a change must be deployed")
    soak_minutes: int = Field(
        30, ge=0, description="How long a change must have run in an environment before production gets it"
    )
    mutable_tags: tuple[str, ...] = Field(
        ("latest", "main", "master", "edge", "nightly", "stable"),
        description="Image tags that move: Git must not ask for them",
    )
    require_digests: bool = Field(False, description="An image without a digest is an exception of CLU-02")
    snapshot_days: int = Field(
        8, ge=1, description="How far apart snapshots of an application's settings may be"
    )
    small_number: int = Field(10, ge=1, description="Below so many items a ratio or median carries a warning")
    require_signatures: bool = Field(
        False, description="A commit without a signature is an exception of CHG-08"
    )
    trend_quarters: int = Field(4, ge=1, le=12, description="Quarters shown in trends, this one included")


class Environment(Section):
    """What holds otherwise in one environment: limits, severities, and controls that are out of scope there."""

    drift_minutes: int | None = Field(None, ge=0, description="thresholds.drift_minutes there")
    failed_sync_minutes: int | None = Field(None, ge=0, description="thresholds.failed_sync_minutes there")
    recovery_minutes: int | None = Field(None, ge=0, description="thresholds.recovery_minutes there")
    deploy_hours: int | None = Field(None, ge=0, description="thresholds.deploy_hours there")
    soak_minutes: int | None = Field(
        None, ge=0, description="thresholds.soak_minutes there: how long before production gets it"
    )
    alert_minutes: int | None = Field(None, ge=0, description="alerting.minutes there")
    severities: dict[str, Severity] = Field(
        {},
        description="Severity of a control there; what concerns several environments has the worst of them",
    )
    out_of_scope: dict[str, str] = Field(
        {},
        description="Controls that leave out what concerns this environment alone, each with the reason, which the report prints",
    )

    @field_validator("out_of_scope")
    @classmethod
    def _reasoned(cls, reasons: dict[str, str]) -> dict[str, str]:
        bare = [name for name, reason in reasons.items() if not reason.strip()]
        if bare:
            raise ValueError(f"say why {bare[0]} is out of scope")
        return reasons


class Scope(Section):
    """Which writes to a cluster are in scope."""

    unmanaged_namespaces: tuple[Regex, ...] = Field((), description="Namespaces that Git does not declare")
    chart_sources: tuple[str, ...] = Field(
        (), description="Chart repositories that applications may be deployed from; any when empty"
    )
    unmanaged_resources: tuple[str, ...] = Field(
        ("events", "events.events.k8s.io", "leases.coordination.k8s.io"),
        description="Resources (resource.group) that Git never declares",
    )
