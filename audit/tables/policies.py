"""What policy engines say of the objects of a cluster: in reports, and by refusing what was asked for."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE

RESULTS = ["pass", "fail", "warn", "error", "skip"]

_GROUP = "API group of the report: wgpolicyk8s.io, openreports.io or reports.x-k8s.io"
_KIND = "PolicyReport, ClusterPolicyReport, Report or ClusterReport"
_NAMESPACE = "Namespace of the report; empty where it tells none"
_NAME = "Name of the report"


class PolicyReportResults(Table):
    """Results in policy reports of any engine: one row for each resource that a result is about."""

    cluster: str = column("Cluster")
    api_group: str = column(_GROUP)
    kind: str = column(_KIND)
    namespace: str = column(_NAMESPACE)
    report: str = column(_NAME)
    item: Int = column("Place of the result in the report, counted from 1", ge=1)
    place: Int = column("Place of the resource in the result, counted from 1", ge=1)
    at: UTC = column("When the engine came to the result; missing where it tells no time", optional=True)
    source: str = column("Engine, as the result or else the report names it", optional=True)
    policy: str = column("Policy; empty where the engine leaves it so")
    rule: str = column("Rule of the policy", optional=True)
    category: str = column("Category, in the engine's words", optional=True)
    severity: str = column("Severity, in the engine's words", optional=True)
    scored: Bool = column("The result counts in the engine's score; missing where not told", optional=True)
    result: str = column("pass, fail, warn, error or skip", isin=RESULTS)
    message: str = column("What the engine says of it", optional=True)
    about: str = column(
        "Where the resource is named: in the result, by the report's scope, by a selector in resource_selector, or "
        "nowhere",
        isin=["result", "scope", "selector", "nowhere"],
    )
    resource_api_version: str = column("apiVersion of the resource; empty where not told")
    resource_kind: str = column("Kind of the resource; empty where not told")
    resource_namespace: str = column("Namespace of the resource; empty where not told")
    resource_name: str = column("Name of the resource; empty where not told")
    resource_uid: str = column("UID of the resource", optional=True)
    resource_selector: str = column("Selector of the resources, as JSON with sorted keys", optional=True)
    properties: str = column("Properties that say what was found, as JSON with sorted keys", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Results in policy reports"
        metadata: ClassVar[Meta] = {
            "source": "policy reports of Kyverno, Trivy, Falco, kube-bench and others",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = [
            "cluster", "api_group", "kind", "namespace", "report", "item", "place", "evidence", "line",
        ]  # fmt: skip


class PolicyReportTotals(Table):
    """Policy reports, one row for each snapshot: what a report lists beside what its own summary counts."""

    cluster: str = column("Cluster")
    api_group: str = column(_GROUP)
    kind: str = column(_KIND)
    namespace: str = column(_NAMESPACE)
    report: str = column(_NAME)
    source: str = column("Engine, as the report names it", optional=True)
    created_at: UTC = column("When the report was created; missing where not told", optional=True)
    at: UTC = column("Time of the newest result; missing where none tells a time", optional=True)
    listed_pass: Int = column("Results that pass", unit="results", ge=0)
    listed_fail: Int = column("Results that fail", unit="results", ge=0)
    listed_warn: Int = column("Results that warn", unit="results", ge=0)
    listed_error: Int = column("Results that could not be come to", unit="results", ge=0)
    listed_skip: Int = column("Results that were skipped", unit="results", ge=0)
    unreadable: Int = column("Results that are in quarantine", unit="results", ge=0)
    declared_pass: Int = column("Passes by the report's summary", unit="results", ge=0, optional=True)
    declared_fail: Int = column("Failures by the report's summary", unit="results", ge=0, optional=True)
    declared_warn: Int = column("Warnings by the report's summary", unit="results", ge=0, optional=True)
    declared_error: Int = column("Errors by the report's summary", unit="results", ge=0, optional=True)
    declared_skip: Int = column("Skips by the report's summary", unit="results", ge=0, optional=True)
    agrees: Bool = column(
        "The summary counts what is listed; a number that it leaves out is 0. Missing where there is no summary",
        optional=True,
    )
    cut: Bool = column(
        "The summary counts more results than are listed: the report was cut. Missing where there is no summary",
        optional=True,
    )
    limit: Int = column(
        "Results that the report may list, where it says so", unit="results", ge=0, optional=True
    )
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Policy reports and their totals"
        metadata: ClassVar[Meta] = {
            "source": "policy reports of Kyverno, Trivy, Falco, kube-bench and others",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = [
            "cluster", "api_group", "kind", "namespace", "report", "evidence", "line",
        ]  # fmt: skip
