"""The finished report as plain values: what templates, `results.json` and the PDF's attachments are made from.

Strings, numbers and lists only. Times are UTC in ISO form (`2026-07-01T00:00:00Z`); text that the evidence does
not have is the empty string; a number that can't be determined is None and always stands beside the reason.
Nothing is shortened here: what a page cuts, `results.json` holds whole.
"""

from __future__ import annotations

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
from audit.report.shapes.findings import (
    Block,
    ControlResult,
    Count,
    ExceptionRow,
    Figure,
    Gap,
    Passage,
    Reference,
    Series,
    Summary,
    Trend,
    WaiverRow,
)
from audit.report.shapes.restated import Cause, RestatedRow, Restatement
from audit.report.shapes.whole import Report

__all__ = [
    "Block",
    "Cause",
    "ControlResult",
    "Count",
    "CountRow",
    "CoverageRow",
    "DeploymentRow",
    "EmergencyRow",
    "EvidenceRow",
    "ExceptionRow",
    "Figure",
    "Gap",
    "LandingRow",
    "Passage",
    "QuarantineRow",
    "ReconciledCount",
    "ReconciledRow",
    "Reference",
    "Report",
    "RepositoryRow",
    "RestatedRow",
    "Restatement",
    "RevokedRow",
    "RightRow",
    "RightsCount",
    "Series",
    "SourceRow",
    "Summary",
    "TieRow",
    "Trend",
    "UnresolvedRow",
    "WaiverRow",
]
