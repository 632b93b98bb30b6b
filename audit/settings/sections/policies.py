"""What the organisation asks of its policy engines, and how soon what they find must be mended."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from audit.model import Severity
from audit.settings.sections.base import Regex, Section


class Policies(Section):
    """How rules of policy engines must be enforced, and within how many days violations of them must be closed."""

    advisory: tuple[Regex, ...] = Field(
        (), description="Names of constraints and policies that only warn, by decision; matched whole"
    )
    retired: tuple[Regex, ...] = Field(
        (), description="Names of constraints and policies that were taken away by decision; matched whole"
    )
    exempt_namespaces: tuple[Regex, ...] = Field(
        ("kube-system", "kube-public", "kube-node-lease", "gatekeeper-system", "kyverno"),
        description="Namespaces that any rule may leave out; matched whole",
    )
    severities: dict[str, Severity] = Field(
        {},
        description="Severity of a constraint or policy by its name, where its engine tells none or another",
    )
    critical_days: int = Field(7, ge=0, description="Days within which critical violations must be closed")
    high_days: int = Field(
        14, ge=0, description="Days within which violations of high severity must be closed"
    )
    medium_days: int = Field(
        30,
        ge=0,
        description="Days within which violations of medium, or of no severity that is told, must be closed",
    )
    low_days: int = Field(90, ge=0, description="Days within which violations of low severity must be closed")

    def limits(self) -> dict[str, timedelta]:
        """How long a violation may stay open, by severity."""
        days = (self.critical_days, self.high_days, self.medium_days, self.low_days)
        return {severity.value: timedelta(days=day) for severity, day in zip(Severity, days, strict=True)}
