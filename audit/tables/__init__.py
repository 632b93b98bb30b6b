"""Every table of the product, declared once.

The declarations validate frames, write the data dictionary (`audit.tables.dictionary`) and name the columns
that notebooks see. `TABLES` maps the name that files and documents use to the declaration.
"""

from __future__ import annotations

import re

from audit.tables.access import AccessDecisions, AccessRights
from audit.tables.base import (
    Table,
    columns,
    conform,
    describe,
    empty,
    frame,
    from_arrow,
    key,
    meta,
    read,
    read_as_written,
    to_arrow,
    write,
)
from audit.tables.cloud import CloudEvents
from audit.tables.clusters import ClusterAccess, ClusterWrites, PolicyResults
from audit.tables.continuity import EvidenceDays, EvidenceGaps, EvidenceStreams
from audit.tables.documents import DocumentReviews
from audit.tables.emergencies import BreakGlassRecords, Emergencies
from audit.tables.entitlements import (
    AccessReviews,
    ClusterIdentities,
    RbacBindings,
    RbacRules,
    Trainings,
)
from audit.tables.evidence import (
    Coverage,
    EvidenceLosses,
    EvidenceObjects,
    Quarantine,
    Reconciliation,
    SourceCounts,
)
from audit.tables.export_lists import ExportLists
from audit.tables.forge import Checks, ForgeEvents, GitOperations, PullRequests, ReviewDismissals, Reviews
from audit.tables.forge_rights import ForgeEnvironments, Memberships, RepoGrants, Teams
from audit.tables.forge_rules import Protections
from audit.tables.forge_runs import ForgeDeployments, ForgeDeploymentStatuses, WorkflowRuns
from audit.tables.git import (
    BranchTips,
    CommitEnvironments,
    Commits,
    FileChanges,
    GraphRoots,
    ImageChanges,
    ImageSettings,
    LandingEnvironments,
    LandingPulls,
    Landings,
    MergeContent,
    Promotions,
    Repositories,
    RepositoryProblems,
    SecretFindings,
    SecretReferences,
    SecretWaivers,
    Signatures,
    UnreadFiles,
)
from audit.tables.monitoring import Alerts, MetricSamples, Silences
from audit.tables.operator_objects import (
    ApplicationSets,
    AppProjects,
    AppSettings,
    AppSources,
    OperatorEvents,
    OperatorRequests,
    ProjectRoles,
    SyncWindows,
)
from audit.tables.operators import (
    Applications,
    AppStates,
    DeploymentLandings,
    Deployments,
    StateChanges,
    SyncRecords,
)
from audit.tables.owners import CodeOwners
from audit.tables.people import Identities, People, Roles, UnresolvedIdentities
from audit.tables.policies import PolicyAdmissions, PolicyConstraints, PolicyReportResults, PolicyReportTotals
from audit.tables.reconciling import ReconciledChanges, ReconciledCounts
from audit.tables.results import Changes, Conclusions, Exceptions, Metrics
from audit.tables.scanning import ScanFindings, Scans, SecurityAlerts, Vulnerabilities
from audit.tables.secrets_managers import ManagedSecrets, SecretAccess
from audit.tables.waivers import WaiverEntries, Waivers

_ALL: tuple[type[Table], ...] = (
    Repositories, RepositoryProblems, Commits, FileChanges, MergeContent, CommitEnvironments, GraphRoots,
    ImageSettings, Signatures, SecretFindings, SecretReferences, SecretWaivers, WaiverEntries,
    CodeOwners,
    UnreadFiles, PullRequests, Reviews, ReviewDismissals, Checks, GitOperations, ForgeEvents, ForgeDeployments, ForgeDeploymentStatuses, WorkflowRuns, ExportLists, Protections, ForgeEnvironments,
    RepoGrants, Teams, Memberships,
    Applications, AppSettings, AppProjects, AppSources, OperatorEvents, OperatorRequests, ProjectRoles, SyncWindows, ApplicationSets,
    SyncRecords, StateChanges, ClusterAccess, PolicyResults, PolicyReportResults, PolicyReportTotals, PolicyConstraints, PolicyAdmissions, SecretAccess, ManagedSecrets,
    CloudEvents, Alerts, MetricSamples, Silences,
    RbacRules, RbacBindings, ClusterIdentities, Trainings, AccessReviews, DocumentReviews, BreakGlassRecords,
    Scans, Vulnerabilities, ScanFindings, SecurityAlerts,
    People, Roles, Identities, UnresolvedIdentities, EvidenceObjects, Coverage, Quarantine,
    BranchTips, Landings, LandingPulls, LandingEnvironments, ImageChanges, Promotions, Changes, Deployments, DeploymentLandings, AppStates, ClusterWrites, Waivers, ReconciledChanges, ReconciledCounts,
    Emergencies, AccessRights, AccessDecisions,
    Reconciliation, SourceCounts, EvidenceLosses, EvidenceStreams, EvidenceDays, EvidenceGaps, Exceptions, Conclusions, Metrics,
)  # fmt: skip


def table_name(table: type[Table]) -> str:
    """The name that files and documents use: `PullRequests` is `pull_requests`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", table.__name__).lower()


TABLES: dict[str, type[Table]] = {table_name(table): table for table in _ALL}

__all__ = [
    "TABLES",
    "AccessDecisions",
    "AccessReviews",
    "AccessRights",
    "Alerts",
    "AppProjects",
    "AppSettings",
    "AppSources",
    "AppStates",
    "ApplicationSets",
    "Applications",
    "BranchTips",
    "BreakGlassRecords",
    "Changes",
    "Checks",
    "CloudEvents",
    "ClusterAccess",
    "ClusterIdentities",
    "ClusterWrites",
    "CodeOwners",
    "CommitEnvironments",
    "Commits",
    "Conclusions",
    "Coverage",
    "DeploymentLandings",
    "Deployments",
    "DocumentReviews",
    "Emergencies",
    "EvidenceDays",
    "EvidenceGaps",
    "EvidenceLosses",
    "EvidenceObjects",
    "EvidenceStreams",
    "Exceptions",
    "ExportLists",
    "FileChanges",
    "ForgeDeploymentStatuses",
    "ForgeDeployments",
    "ForgeEnvironments",
    "ForgeEvents",
    "GitOperations",
    "GraphRoots",
    "Identities",
    "ImageChanges",
    "ImageSettings",
    "LandingEnvironments",
    "LandingPulls",
    "Landings",
    "ManagedSecrets",
    "Memberships",
    "MergeContent",
    "MetricSamples",
    "Metrics",
    "OperatorEvents",
    "OperatorRequests",
    "People",
    "PolicyAdmissions",
    "PolicyConstraints",
    "PolicyReportResults",
    "PolicyReportTotals",
    "PolicyResults",
    "ProjectRoles",
    "Promotions",
    "Protections",
    "PullRequests",
    "Quarantine",
    "RbacBindings",
    "RbacRules",
    "ReconciledChanges",
    "ReconciledCounts",
    "Reconciliation",
    "RepoGrants",
    "Repositories",
    "RepositoryProblems",
    "ReviewDismissals",
    "Reviews",
    "Roles",
    "ScanFindings",
    "Scans",
    "SecretAccess",
    "SecretFindings",
    "SecretReferences",
    "SecretWaivers",
    "SecurityAlerts",
    "Signatures",
    "Silences",
    "SourceCounts",
    "StateChanges",
    "SyncRecords",
    "SyncWindows",
    "Table",
    "Teams",
    "Trainings",
    "UnreadFiles",
    "UnresolvedIdentities",
    "Vulnerabilities",
    "WaiverEntries",
    "Waivers",
    "WorkflowRuns",
    "columns",
    "conform",
    "describe",
    "empty",
    "frame",
    "from_arrow",
    "key",
    "meta",
    "read",
    "read_as_written",
    "table_name",
    "to_arrow",
    "write",
]
