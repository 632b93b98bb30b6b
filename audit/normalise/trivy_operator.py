"""Reports that Trivy's operator keeps as objects in the cluster, to `scans`, `vulnerabilities` and `scan_findings`.

VulnerabilityReport, ExposedSecretReport, ConfigAuditReport, RbacAssessmentReport, InfraAssessmentReport, each also
cluster-wide, and ClusterComplianceReport. A report is of a workload, or of one image of it: its labels name both.
Its own summary is kept beside what is counted. Reports that list components alone (SbomReport) are noise. Of secrets,
the match is not decoded.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import Id, keys
from audit.normalise.scan_report import ReportFormat, Subject, finding, scanned, severity, vulnerability
from audit.normalise.times import Time, optional, parse

_GROUP = "aquasecurity.github.io/"
_PREFIXES = ("trivy-operator", "starboard", "imgvuln")


class _Metadata(msgspec.Struct):
    name: str
    namespace: str | None = None
    uid: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Artifact(msgspec.Struct):
    repository: str = ""
    tag: str = ""
    digest: str = ""


class _Registry(msgspec.Struct):
    server: str = ""


class _Scanner(msgspec.Struct):
    name: str
    version: str | None = None


class _Summary(msgspec.Struct):
    criticalCount: Id = 0
    highCount: Id = 0
    mediumCount: Id = 0
    lowCount: Id = 0
    noneCount: Id = 0
    unknownCount: Id = 0


class _System(msgspec.Struct):
    eosl: bool | None = None


class _Vulnerability(msgspec.Struct):
    vulnerabilityID: str
    resource: str
    installedVersion: str = ""
    fixedVersion: str = ""
    severity: str = ""
    title: str = ""
    target: str = ""
    class_: str = msgspec.field(name="class", default="")
    packageType: str = ""
    packagePath: str = ""
    packagePURL: str = ""
    publishedDate: str = ""


class _Check(msgspec.Struct):
    success: bool
    checkID: str = ""
    title: str | None = None
    severity: str = ""
    messages: list[str] | None = None
    target: str | None = None


class _Secret(msgspec.Struct):
    ruleID: str
    target: str = ""
    title: str | None = None
    severity: str = ""


class Body(msgspec.Struct):
    """`report` of any kind but the compliance report."""

    scanner: _Scanner
    updateTimestamp: Time | None = None
    artifact: _Artifact | None = None
    registry: _Registry | None = None
    summary: _Summary | None = None
    os: _System | None = None
    vulnerabilities: list[_Vulnerability] | None = None
    checks: list[_Check] | None = None
    secrets: list[_Secret] | None = None


class _Counted(msgspec.Struct):
    """A control of a compliance report that only counts; those that are done by hand have no count."""

    id: str
    name: str | None = None
    severity: str = ""
    totalFail: Id | None = None


class _Control(msgspec.Struct):
    """A control of a compliance report with its checks."""

    id: str
    name: str | None = None
    severity: str = ""
    checks: list[_Check] | None = None


class _SummaryReport(msgspec.Struct):
    controlCheck: list[_Counted] | None = None


class _DetailReport(msgspec.Struct):
    results: list[_Control] | None = None


class _Status(msgspec.Struct):
    updateTimestamp: Time | None = None
    summaryReport: _SummaryReport | None = None
    detailReport: _DetailReport | None = None


class Object(msgspec.Struct):
    """One report as the cluster's API gives it."""

    kind: str
    metadata: _Metadata
    report: Body | None = None
    status: _Status | None = None


def _rows(found: Object, context: Context) -> Outcome:
    kind = found.kind.removeprefix("Cluster")
    if kind == "SbomReport":
        return Outcome([], None)
    if found.kind == "ClusterComplianceReport":
        return _compliance(found, context)
    if kind not in _KINDS:
        raise Unreadable(f"kind of the report is not known: {found.kind[:40]!r}")
    if found.report is None:
        raise Unreadable("report is missing")
    return _report(found, found.report, _KINDS[kind], context)


def _report(
    found: Object, body: Body, findings: Callable[[Body, Subject], Rows | None], context: Context
) -> Outcome:
    at = optional(body.updateTimestamp)
    image = _image(body)
    owner = _owner(found.metadata)
    name = "/".join(part for part in (owner["namespace"], owner["workload"]) if part)
    digest = body.artifact.digest or None if body.artifact else None
    subject = Subject(body.scanner.name.lower(), image or name, digest, at)
    listed = findings(body, subject)
    if listed is None:
        raise Unreadable("the list of findings is missing")
    summary = body.summary
    rows = scanned(
        subject,
        listed,
        scanner_version=body.scanner.version,
        report=found.metadata.uid,
        cluster=context.cluster,
        artifact_kind="container_image" if image else owner["workload_kind"] or "",
        names=image or "",
        declared=sum(msgspec.structs.astuple(summary)) if summary else None,
        end_of_support=body.os.eosl or False if body.os else None,
        **owner,
    )
    return Outcome(rows, at)


def _image(body: Body) -> str | None:
    """The image's reference; None when the report is of no image."""
    if body.artifact is None or not body.artifact.repository:
        return None
    server = body.registry.server + "/" if body.registry and body.registry.server else ""
    tag = ":" + body.artifact.tag if body.artifact.tag else ""
    return f"{server}{body.artifact.repository}{tag}"


def _owner(about: _Metadata) -> dict[str, str | None]:
    """Columns that name the workload, by labels, or by annotations where a name is too long for a label."""
    told = {**(about.annotations or {}), **(about.labels or {})}

    def label(name: str) -> str | None:
        return next((told[key] for prefix in _PREFIXES if (key := f"{prefix}.{name}") in told), None)

    return {
        "namespace": label("resource.namespace") or about.namespace,
        "workload_kind": label("resource.kind"),
        "workload": label("resource.name") or about.name,
        "container": label("container.name"),
    }


def _vulnerabilities(body: Body, subject: Subject) -> Rows | None:
    if body.vulnerabilities is None:
        return None
    return [_vulnerability(found, subject) for found in body.vulnerabilities]


def _vulnerability(found: _Vulnerability, subject: Subject) -> tuple[str, Row]:
    return vulnerability(
        subject,
        target=found.target or subject.artifact,
        target_class=found.class_,
        ecosystem=found.packageType,
        vulnerability=found.vulnerabilityID,
        package=found.resource,
        package_path=found.packagePath or None,
        installed=found.installedVersion,
        fixed_version=found.fixedVersion or None,
        fixable=bool(found.fixedVersion),
        severity=severity(found.severity),
        severity_as_given=found.severity,
        purl=found.packagePURL or None,
        title=found.title or None,
        published_at=parse(found.publishedDate) if found.publishedDate else None,
    )


def _checks(body: Body, subject: Subject) -> Rows | None:
    if body.checks is None:
        return None
    return [
        _check(check, subject, given=check.severity, rule=check.checkID, title=check.title)
        for check in body.checks
    ]


def _check(check: _Check, subject: Subject, *, given: str, **facts: object) -> tuple[str, Row]:
    """A check, with the severity that it gives, or the control of which it is one."""
    return finding(
        subject,
        target=check.target or subject.artifact,
        kind="misconfiguration",
        status="pass" if check.success else "fail",
        severity=severity(given),
        severity_as_given=given,
        message="\n".join(check.messages or ()) or None,
        **facts,
    )


def _secrets(body: Body, subject: Subject) -> Rows | None:
    if body.secrets is None:
        return None
    return [
        finding(
            subject,
            target=found.target,
            kind="secret",
            rule=found.ruleID,
            title=found.title,
            severity=severity(found.severity),
            severity_as_given=found.severity,
        )
        for found in body.secrets
    ]


_KINDS: dict[str, Callable[[Body, Subject], Rows | None]] = {
    "VulnerabilityReport": _vulnerabilities,
    "ExposedSecretReport": _secrets,
    "ConfigAuditReport": _checks,
    "RbacAssessmentReport": _checks,
    "InfraAssessmentReport": _checks,
}


def _compliance(found: Object, context: Context) -> Outcome:
    """A compliance report: each check of each control, or each control where it only counts."""
    status = found.status or _Status()
    if status.summaryReport is None and status.detailReport is None:
        return Outcome([], None)  # not yet run: it says nothing
    at = optional(status.updateTimestamp)
    subject = Subject("trivy", found.metadata.name, None, at)
    rows: Rows = []
    for control in (status.detailReport.results if status.detailReport else None) or ():
        rows += [
            _check(
                check,
                subject,
                given=check.severity or control.severity,
                rule=f"{control.id}/{check.checkID}" if check.checkID else control.id,
                title=control.name,
            )
            for check in control.checks or ()
        ]
    if status.detailReport is None and status.summaryReport is not None:
        rows += [_control(counted, subject) for counted in status.summaryReport.controlCheck or ()]
    facts = {"report": found.metadata.uid, "cluster": context.cluster, "artifact_kind": "compliance"}
    return Outcome(scanned(subject, rows, **facts), at)


def _control(counted: _Counted, subject: Subject) -> tuple[str, Row]:
    status = "other" if counted.totalFail is None else "fail" if counted.totalFail else "pass"
    return finding(
        subject,
        target=subject.artifact,
        kind="misconfiguration",
        rule=counted.id,
        title=counted.name,
        status=status,
        severity=severity(counted.severity),
        severity_as_given=counted.severity,
    )


def _looks(record: bytes) -> bool:
    return _GROUP.encode() in record and (keys(record).apiVersion or "").startswith(_GROUP)


FORMAT = ReportFormat(
    "trivy-operator",
    3,
    ("scans", "vulnerabilities", "scan_findings"),
    Object,
    _rows,
    _looks,
    lists=(
        "report.vulnerabilities",
        "report.checks",
        "report.secrets",
        "status.summaryReport.controlCheck",
        "status.detailReport.results",
        "status.detailReport.results[].checks",
    ),
)
