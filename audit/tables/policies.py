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


class PolicyAdmissions(Table):
    """Requests that broke a constraint at admission, one row for each constraint: who asked, and what came of it."""

    cluster: str = column("Cluster")
    at: UTC = column("When")
    user: str = column("Who asked, as the cluster authenticated them")
    operation: str = column(
        "CREATE, UPDATE, DELETE or CONNECT; missing where the log does not tell", optional=True
    )
    dry_run: Bool = column(
        "The request would have changed nothing: dry run; missing where not told", optional=True
    )
    constraint_kind: str = column("Constraint's kind")
    constraint: str = column("Constraint's name")
    action: str = column(
        "deny: it was refused; warn; dryrun; of a scoped constraint all that apply, separated by commas"
    )
    resource_group: str = column("API group of the object; empty for the core group")
    resource_kind: str = column("Kind of the object")
    resource_namespace: str = column("Namespace of the object; empty for cluster-wide objects")
    resource_name: str = column("Name of the object; empty for one that was yet to be named")
    message: str = column("What the engine said; empty where it said nothing")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Requests that policy stopped or warned of"
        metadata: ClassVar[Meta] = {
            "source": "log and export of Gatekeeper's admission webhook",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = [
            "cluster", "at", "user", "constraint_kind", "constraint", "action", "resource_group", "resource_kind",
            "resource_namespace", "resource_name", "operation", "message",
        ]  # fmt: skip


class PolicyConstraints(Table):
    """What a cluster's policy engines are told to check, one row for each rule of each snapshot: how strictly, and whom not."""

    cluster: str = column("Cluster")
    engine: str = column(
        "gatekeeper, kyverno, kubernetes, or other: a webhook of something else",
        isin=["gatekeeper", "kyverno", "kubernetes", "other"],
    )
    api_group: str = column("API group of the object")
    kind: str = column("Kind of the object")
    namespace: str = column("Namespace of the object; empty for cluster-wide objects")
    name: str = column("Name of the object")
    place: Int = column("Place of the part in the object, counted from 1", ge=1)
    part: str = column("Rule, webhook, or policy that is excepted from; empty where the object is one whole")
    role: str = column(
        "rule: it checks; template: code that rules use; binding: where a rule applies, and how; webhook: who is asked; "
        "exemption: what is not checked",
        isin=["rule", "template", "binding", "webhook", "exemption"],
    )
    policy: str = column("Policy or template that it uses, binds or excepts from", optional=True)
    rule_type: str = column("validate, mutate, generate, verify or delete", optional=True)
    enforcement: str = column(
        "How it is enforced, in the engine's words, several separated by commas; where the object tells none, the "
        "engine's default",
        optional=True,
    )
    refuses: Bool = column(
        "A request that breaks it is refused, overrides aside; missing where another object decides",
        optional=True,
    )
    overrides: str = column(
        "Where it is enforced in another way, as JSON with sorted keys; missing where nowhere", optional=True
    )
    failure_policy: str = column(
        "Fail or Ignore: what becomes of a request when the engine can't be asked", optional=True
    )
    background: Bool = column(
        "What is already in the cluster is checked too; missing where not told", optional=True
    )
    scope: str = column("What it applies to, as JSON with sorted keys; missing where to all", optional=True)
    exempts: str = column(
        "What it leaves out, as JSON with sorted keys; missing where nothing", optional=True
    )
    digest: str = column("sha256 of all that the object specifies, however it is written", optional=True)
    content_digest: str = column(
        "sha256 of what is checked: a constraint's parameters, a template's code, a rule; missing where there is none",
        optional=True,
    )
    generation: Int = column("How often the object was changed, by the cluster's count", ge=0, optional=True)
    ready: Bool = column("The engine says that it took it in; missing where it does not say", optional=True)
    created_at: UTC = column("When the object was created; missing where not told", optional=True)
    observed_at: UTC = column("Last time that its state tells; missing where it tells none", optional=True)
    total_violations: Int = column("Violations by the engine's count", unit="violations", ge=0, optional=True)
    listed_violations: Int = column(
        "Violations that the object lists", unit="violations", ge=0, optional=True
    )
    cut: Bool = column(
        "It lists fewer violations than it counts; missing where it does not count", optional=True
    )
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Rules of policy engines"
        metadata: ClassVar[Meta] = {
            "source": "objects of Gatekeeper and Kyverno, admission policies and webhooks",
            "stage": "normalised",
            "time": "observed_at",
        }
        unique: ClassVar[list[str]] = [
            "cluster", "api_group", "kind", "namespace", "name", "place", "evidence", "line",
        ]  # fmt: skip
