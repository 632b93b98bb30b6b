"""The sections of the settings, each declared once: what its keys mean, and which slips are refused."""

from __future__ import annotations

from audit.settings.sections.access import Access
from audit.settings.sections.alerting import Alerting
from audit.settings.sections.base import Regex, Section
from audit.settings.sections.duties import (
    Documents,
    Emergency,
    OwnControls,
    Protection,
    Secrecy,
    Structure,
    Training,
    Vault,
    Waivers,
)
from audit.settings.sections.formats import FormatName
from audit.settings.sections.keys import ReportSignature, Secrets, Signatures, Signing
from audit.settings.sections.limits import Environment, Scope, Thresholds
from audit.settings.sections.people import BreakGlass, Machines, People
from audit.settings.sections.places import Cluster, Organisation, PathRule, Repository
from audit.settings.sections.policies import Policies
from audit.settings.sections.reporting import Draw, Due, Owner, ReportPages
from audit.settings.sections.scanning import Scanning
from audit.settings.sections.sources import S3, GitHub, Source

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
    "Regex",
    "ReportPages",
    "ReportSignature",
    "Repository",
    "Scanning",
    "Scope",
    "Secrecy",
    "Secrets",
    "Section",
    "Signatures",
    "Signing",
    "Source",
    "Structure",
    "Thresholds",
    "Training",
    "Vault",
    "Waivers",
]
