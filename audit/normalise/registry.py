"""The formats, by the name that settings use. In this order they are asked whether they know a record."""

from __future__ import annotations

from audit.normalise import (
    access_reviews,
    alertmanager,
    argocd_application,
    argocd_application_set,
    argocd_event,
    argocd_log,
    argocd_project,
    cloudtrail,
    cluster_identities,
    flux_event,
    flux_object,
    gatekeeper_audit,
    github_activity,
    github_audit_log,
    github_checks,
    github_pulls,
    github_review_events,
    github_reviews,
    grafana_history,
    grype_report,
    kubernetes_audit,
    prometheus_query,
    rbac_object,
    sarif,
    trainings,
    trivy_operator,
    trivy_report,
    vault_audit,
)
from audit.normalise.interface import Format

FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        kubernetes_audit.FORMAT,
        github_audit_log.FORMAT,
        github_pulls.FORMAT,
        github_reviews.FORMAT,
        github_review_events.FORMAT,
        github_checks.FORMAT,
        github_activity.FORMAT,
        argocd_application.FORMAT,
        argocd_project.FORMAT,
        argocd_application_set.FORMAT,
        argocd_log.FORMAT,
        flux_object.FORMAT,
        flux_event.FORMAT,
        argocd_event.FORMAT,
        gatekeeper_audit.FORMAT,
        vault_audit.FORMAT,
        cloudtrail.FORMAT,
        alertmanager.FORMAT,
        grafana_history.FORMAT,
        prometheus_query.FORMAT,
        rbac_object.FORMAT,
        cluster_identities.FORMAT,
        trainings.FORMAT,
        access_reviews.FORMAT,
        trivy_report.FORMAT,
        trivy_operator.FORMAT,
        grype_report.FORMAT,
        sarif.FORMAT,
    )
}
