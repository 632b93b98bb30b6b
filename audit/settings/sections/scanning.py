"""How often images and repositories must be scanned, and how soon what scans find must be gone."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from audit.settings.sections.base import Regex, Section


class Scanning(Section):
    """How often images and repositories must be scanned, and within how many days findings must be fixed."""

    cadence_days: int = Field(
        7, ge=1, description="Longest time between two scans of an image or repository, in days"
    )
    repositories: bool = Field(True, description="Repositories must be scanned, too")
    ignore: tuple[Regex, ...] = Field(
        (),
        description="Images that need no scan, by decision: regular expressions of their names without tag, matched whole",
    )
    critical_days: int = Field(
        7, ge=0, description="Days within which fixable critical vulnerabilities must be gone"
    )
    high_days: int = Field(
        30, ge=0, description="Days within which fixable high vulnerabilities must be gone"
    )

    def limits(self) -> dict[str, timedelta]:
        """How long a fixable vulnerability may stay open, by severity; of others nothing is asked."""
        return {"critical": timedelta(days=self.critical_days), "high": timedelta(days=self.high_days)}
