"""The whole report."""

from __future__ import annotations

from dataclasses import dataclass

from audit.report.pieces import ClauseRow, Parameter, QueryRow, SampleSheet, Theme
from audit.report.shapes.access import RevokedRow, RightRow, RightsCount
from audit.report.shapes.changes import (
    DeploymentRow,
    EmergencyRow,
    LandingRow,
    ReconciledCount,
    ReconciledRow,
)
from audit.report.shapes.evidence import (
    CountRow,
    CoverageRow,
    EvidenceRow,
    QuarantineRow,
    RepositoryRow,
    SourceRow,
    TieRow,
    UnresolvedRow,
)
from audit.report.shapes.findings import ControlResult, Figure, Gap, Summary, Trend, WaiverRow
from audit.report.shapes.restated import Restatement


@dataclass(frozen=True)
class Report:
    """Everything the report says.

    Attributes:
        status: `draft` while the quarter was not over at `as_of` or nothing is to be frozen yet, else `final`.
        edition: 1 for the first report of the quarter that is final; 0 for a draft.
        restates: what differs from the edition before; None for the first.
        starts, ends: the quarter, half-open.
        language: of the pages (BCP 47).
        theme: how the organisation has them look; None for this product's own look.
        manifests: how many the evidence has.
        last_manifest: sha256 of the last one, which vouches for all before it; empty without any.
        signers: ids of the keys that its signatures name; empty where it is not signed.
        clauses: of the policy, in its order.
        samples: those that the settings ask for.
        queries: what each source was asked for.
        parameters: settings that differ from the defaults.
        whole: pages print every row of lists that are long.
    """

    organisation: str
    classification: str
    quarter: str
    previous_quarter: str
    starts: str
    ends: str
    time_zone: str
    as_of: str
    version: str
    status: str
    edition: int
    restates: Restatement | None
    language: str
    theme: Theme | None
    summary: Summary
    trends: list[Trend]
    controls: list[ControlResult]
    waivers: list[WaiverRow]
    gaps: list[Gap]
    sources: list[SourceRow]
    counts: list[CountRow]
    ties: list[TieRow]
    coverage: list[CoverageRow]
    quarantine: list[QuarantineRow]
    unresolved: list[UnresolvedRow]
    repositories: list[RepositoryRow]
    landings: list[LandingRow]
    deployments: list[DeploymentRow]
    reconciled_counts: list[ReconciledCount]
    reconciled: list[ReconciledRow]
    emergencies: list[EmergencyRow]
    rights_counts: list[RightsCount]
    rights: list[RightRow]
    revoked: list[RevokedRow]
    figures: list[Figure]
    evidence: list[EvidenceRow]
    manifests: int
    last_manifest: str
    signers: list[str]
    frameworks: list[str]
    clauses: list[ClauseRow]
    samples: list[SampleSheet]
    queries: list[QueryRow]
    parameters: list[Parameter]
    whole: bool = False
