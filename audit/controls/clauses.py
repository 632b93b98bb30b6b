"""The clauses of the policy, and which controls test each; or why none does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Clause:
    """One clause.

    Attributes:
        path: where it stands in the policy: section › part › what it says in short, as the policy words it.
        controls: ids of the controls that test it.
        reason: why no control does; empty where one does.
    """

    path: str
    controls: tuple[str, ...] = ()
    reason: str = ""


def _by(path: str, *controls: str) -> Clause:
    return Clause(path, controls)


def _not(path: str, reason: str) -> Clause:
    return Clause(path, reason=reason)


_ONCE = "a step of setting up, done once: the clauses above test what it leaves, every quarter"
_OPTIONAL = "recommended, not required: evidence of it is read where there is any"

CLAUSES: tuple[Clause, ...] = (
    _by("Principles › Declarative Configuration", "CLU-07"),
    _by("Principles › Single Source of Truth", "DEP-01", "EVD-01"),
    _by("Principles › Automated Operations", "CLU-01", "CLU-09", "DEP-02", "CHG-09"),
    _by("Principles › Immutable Infrastructure", "CLU-02"),
    _by("Principles › Self-Healing", "CLU-03"),
    _by("Repository Structure", "STR-01"),
    _by("Workflow › Development › Developers work on feature branches", "CHG-01"),
    _by("Workflow › Development › Changes to Kubernetes manifests or infrastructure", "CHG-01", "CHG-07"),
    _by(
        "Workflow › Development › Pull requests require approvals and pass all CI checks",
        "CHG-02",
        "CHG-03",
        "CHG-04",
        "CHG-05",
    ),
    _by("Workflow › Promotion › Changes are merged to the main branch", "DEP-03"),
    _by("Workflow › Promotion › Automated sync tools", "DEP-06", "DEP-02"),
    _by("Workflow › Promotion › Changes are automatically deployed", "DEP-04", "DEP-06"),
    _by("Workflow › Rollback › To rollback, revert the Git commit", "DEP-05"),
    _by("Workflow › Rollback › The GitOps operator will automatically reconcile", "DEP-05", "CLU-03"),
    _by(
        "Security Controls › Access Control › Role-Based Access Control (RBAC) for Git repositories", "ACC-01"
    ),
    _by("Security Controls › Access Control › Branch protection rules for main branches", "CHG-06"),
    _by(
        "Security Controls › Access Control › Required code reviews for all changes",
        "CHG-02",
        "CHG-03",
        "CHG-04",
    ),
    _by(
        "Security Controls › Secrets Management › Use sealed-secrets or external secret managers",
        "SEC-02",
        "SEC-04",
    ),
    _by("Security Controls › Secrets Management › Never store plain-text secrets in Git", "SEC-01"),
    _by("Security Controls › Secrets Management › Rotate secrets regularly", "SEC-03"),
    _by(
        "Security Controls › Compliance › All changes are audited through Git history",
        "CHG-07",
        "CHG-08",
        "EVD-01",
    ),
    _by("Security Controls › Compliance › Policy enforcement through OPA/Gatekeeper", "POL-01"),
    _by("Security Controls › Compliance › Regular security scans", "SCN-01", "SCN-02"),
    _by("Tools and Technologies › Required › Version Control", "STR-02"),
    _by("Tools and Technologies › Required › CI/CD", "STR-02"),
    _by("Tools and Technologies › Required › GitOps Operator", "STR-02"),
    _by("Tools and Technologies › Required › Configuration Management", "STR-02"),
    _by("Tools and Technologies › Required › Policy Enforcement", "STR-02"),
    _not("Tools and Technologies › Recommended › Secrets Management", _OPTIONAL),
    _not("Tools and Technologies › Recommended › Monitoring", _OPTIONAL),
    _not("Tools and Technologies › Recommended › Logging", _OPTIONAL),
    _not("Implementation Steps › Configure Git repository structure", _ONCE),
    _not("Implementation Steps › Set up ArgoCD/Flux in the cluster", _ONCE),
    _not("Implementation Steps › Configure RBAC and access controls", _ONCE),
    _not("Implementation Steps › Create GitHub Actions workflows for validation", _ONCE),
    _not("Implementation Steps › Set up automated testing", _ONCE),
    _not("Implementation Steps › Configure image scanning", _ONCE),
    _not("Implementation Steps › Define environment promotion workflow", _ONCE),
    _not("Implementation Steps › Set up monitoring and alerting", _ONCE),
    _not("Implementation Steps › Document rollback procedures", _ONCE),
    _by("Monitoring and Observability › Required Metrics › Sync status of applications", "CLU-05", "CLU-04"),
    _by("Monitoring and Observability › Required Metrics › Health status of deployed resources", "CLU-06"),
    _by("Monitoring and Observability › Required Metrics › Drift detection", "CLU-04"),
    _by("Monitoring and Observability › Required Metrics › Failed sync attempts", "CLU-05"),
    _by("Monitoring and Observability › Alerting › Configuration drift detected", "CLU-08"),
    _by("Monitoring and Observability › Alerting › Failed deployments", "CLU-08"),
    _by("Monitoring and Observability › Alerting › Resource constraints", "CLU-08"),
    _by("Monitoring and Observability › Alerting › Security vulnerabilities", "CLU-08"),
    _by("Compliance and Auditing › Audit Logs › All Git operations", "EVD-01", "CHG-07", "EVD-04"),
    _by("Compliance and Auditing › Audit Logs › Cluster access logs", "EVD-02", "EVD-04", "ACC-02", "ACC-05"),
    _by("Compliance and Auditing › Audit Logs › Deployment history", "EVD-03", "EVD-04"),
    _by("Compliance and Auditing › Audit Logs › Policy violations", "POL-02", "EVD-04"),
    _by("Compliance and Auditing › Compliance Checks › Regular security scans", "SCN-01"),
    _by("Compliance and Auditing › Compliance Checks › Configuration drift analysis", "CLU-04"),
    _by("Compliance and Auditing › Compliance Checks › Access reviews", "ACC-03", "ACC-04"),
    _by("Compliance and Auditing › Compliance Checks › Policy compliance reports", "WVR-01", "POL-02"),
    _by("Training and Documentation › Required Training › GitOps principles and practices", "TRN-01"),
    _by("Training and Documentation › Required Training › Kubernetes and GitOps tools", "TRN-01"),
    _by("Training and Documentation › Required Training › Security best practices", "TRN-01"),
    _by("Training and Documentation › Required Training › Incident response procedures", "TRN-01"),
    _by("Training and Documentation › Documentation › Architecture diagrams", "DOC-01"),
    _by("Training and Documentation › Documentation › Runbooks for common operations", "DOC-01"),
    _by("Training and Documentation › Documentation › Troubleshooting guides", "DOC-01"),
    _by("Training and Documentation › Documentation › Rollback procedures", "DOC-01"),
    _by("Review and Update", "DOC-02"),
    _not("Contact", "whom to call: nothing that evidence could prove or disprove"),
    _not("Related Documents", "points to other documents: each has clauses and reviews of its own"),
)
"""Every clause of the policy, in its order."""

PENDING: frozenset[str] = frozenset()
"""Controls that clauses ask for and that this version does not have yet: such a clause is not tested."""


def reason(clause: Clause) -> str:
    """Why a clause is not tested, in words; empty when it is."""
    if set(clause.controls) - PENDING:
        return ""
    return clause.reason or "no control of this version tests it yet"
