"""Trivy's JSON reports, to `scans`, `vulnerabilities` and `scan_findings`.

Version 2 of the schema is an object with `Results`; a scan that looked at nothing of interest has none, and is a scan
all the same. Version 1 is an array of results: each of them is a record, and a scan of its target alone. Reports of
version 1, and of version 2 before Trivy told `CreatedAt`, have no time: `at` is missing, and none is made up.

Of secrets, only rule and place are decoded: not the match, and not the lines around it, in which others may stand.
"""

from __future__ import annotations

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import Id, names
from audit.normalise.scan_report import (
    ReportFormat,
    Subject,
    digests,
    finding,
    joined,
    scanned,
    severity,
    vulnerability,
)
from audit.normalise.times import Time, optional

_STATUSES = {"FAIL": "fail", "PASS": "pass", "EXCEPTION": "exception", "": "fail"}


class _System(msgspec.Struct):
    EOSL: bool | None = None


class Metadata(msgspec.Struct):
    """Of what is known of an artifact, what counts."""

    OS: _System | None = None
    ImageID: str | None = None
    RepoTags: list[str] | None = None
    RepoDigests: list[str] | None = None
    Reference: str | None = None
    RepoURL: str | None = None
    Commit: str | None = None


class _Identifier(msgspec.Struct):
    PURL: str | None = None


class Vulnerability(msgspec.Struct):
    """A vulnerability of one package."""

    VulnerabilityID: str
    PkgName: str
    InstalledVersion: str = ""
    Severity: str = ""
    FixedVersion: str | None = None
    Status: str | None = None
    PkgPath: str | None = None
    PkgIdentifier: _Identifier | None = None
    VendorIDs: list[str] | None = None
    SeveritySource: str | None = None
    Title: str | None = None
    PublishedDate: Time | None = None
    Fingerprint: str | None = None


class _Cause(msgspec.Struct):
    Resource: str | None = None
    StartLine: Id | None = None
    EndLine: Id | None = None


class Misconfiguration(msgspec.Struct):
    """A check of a configuration, passed or failed."""

    ID: str
    Title: str | None = None
    Message: str | None = None
    Severity: str = ""
    Status: str = ""
    CauseMetadata: _Cause | None = None


class Secret(msgspec.Struct):
    """A secret in the clear: its rule and place."""

    RuleID: str
    Title: str | None = None
    Severity: str = ""
    StartLine: Id | None = None
    EndLine: Id | None = None


class Licence(msgspec.Struct):
    """A licence of a package or file."""

    Name: str
    Severity: str = ""
    Category: str | None = None
    PkgName: str | None = None
    FilePath: str | None = None


class _Modified(msgspec.Struct):
    """A finding that a statement (VEX, ignore file) let pass."""

    Type: str
    Finding: msgspec.Raw
    Status: str | None = None
    Statement: str | None = None


class Result(msgspec.Struct):
    """What was found in one target."""

    Target: str
    Class: str = ""
    Type: str = ""
    Vulnerabilities: list[Vulnerability] | None = None
    Misconfigurations: list[Misconfiguration] | None = None
    Secrets: list[Secret] | None = None
    Licenses: list[Licence] | None = None
    ExperimentalModifiedFindings: list[_Modified] | None = None


class _Trivy(msgspec.Struct):
    Version: str | None = None


class Report(msgspec.Struct):
    """A report of version 2, or one result of a report of version 1: its keys tell which."""

    SchemaVersion: int | None = None
    ReportID: str | None = None
    CreatedAt: Time | None = None
    ArtifactName: str | None = None
    ArtifactType: str | None = None
    Trivy: _Trivy | None = None
    Metadata: Metadata | None = None
    Results: list[Result] | None = None

    Target: str | None = None
    Class: str = ""
    Type: str = ""
    Vulnerabilities: list[Vulnerability] | None = None
    Misconfigurations: list[Misconfiguration] | None = None


def _rows(report: Report, context: Context) -> Outcome:
    if report.SchemaVersion is None:
        return _first_version(report, context)
    if report.SchemaVersion != 2:
        raise Unreadable(f"version {report.SchemaVersion} of the schema is not known")
    if report.ArtifactName is None:
        raise Unreadable("ArtifactName is missing")
    about = report.Metadata or Metadata()
    at = optional(report.CreatedAt)
    subject = Subject("trivy", report.ArtifactName, digests(about.RepoDigests), at)
    results = report.Results or []
    rows = scanned(
        subject,
        [row for result in results for row in found_in(result, subject)],
        scanner_version=report.Trivy.Version if report.Trivy else None,
        report=report.ReportID,
        cluster=context.cluster,
        artifact_kind=report.ArtifactType or "",
        names=joined([*(about.RepoTags or ()), *(about.RepoDigests or ()), about.Reference or ""]),
        image_id=about.ImageID,
        repository=about.RepoURL,
        revision=about.Commit,
        targets=len(results),
        end_of_support=about.OS.EOSL or False if about.OS else None,
    )
    return Outcome(rows, at)


def _first_version(report: Report, context: Context) -> Outcome:
    """One result of an array: it tells neither artifact, nor scanner's version, nor time."""
    if report.Target is None:
        raise Unreadable("neither SchemaVersion nor Target is there")
    result = Result(
        report.Target, report.Class, report.Type, report.Vulnerabilities, report.Misconfigurations
    )
    subject = Subject("trivy", report.Target, None, None)
    rows = scanned(
        subject, found_in(result, subject), cluster=context.cluster, artifact_kind="target", targets=1
    )
    return Outcome(rows, None)


def found_in(result: Result, subject: Subject) -> Rows:
    """The rows of the findings in one target."""
    rows: Rows = [_vulnerability(found, result, subject) for found in result.Vulnerabilities or ()]
    rows += [_misconfiguration(found, result, subject) for found in result.Misconfigurations or ()]
    rows += [_secret(found, result, subject) for found in result.Secrets or ()]
    rows += [_licence(found, result, subject) for found in result.Licenses or ()]
    rows += [_modified(found, result, subject) for found in result.ExperimentalModifiedFindings or ()]
    return rows


def _vulnerability(found: Vulnerability, result: Result, subject: Subject) -> tuple[str, Row]:
    return vulnerability(
        subject,
        target=result.Target,
        target_class=result.Class,
        ecosystem=result.Type,
        vulnerability=found.VulnerabilityID,
        aliases=joined(found.VendorIDs),
        package=found.PkgName,
        package_path=found.PkgPath or None,
        installed=found.InstalledVersion,
        fixed_version=found.FixedVersion or None,
        fixable=bool(found.FixedVersion),
        status=found.Status,
        severity=severity(found.Severity),
        severity_as_given=found.Severity,
        severity_source=found.SeveritySource,
        purl=found.PkgIdentifier.PURL if found.PkgIdentifier else None,
        title=found.Title,
        published_at=optional(found.PublishedDate),
        fingerprint=found.Fingerprint,
    )


def _misconfiguration(found: Misconfiguration, result: Result, subject: Subject) -> tuple[str, Row]:
    if found.Status not in _STATUSES:
        raise Unreadable(f"status of a misconfiguration is not known: {found.Status[:40]!r}")
    cause = found.CauseMetadata or _Cause()
    return finding(
        subject,
        target=result.Target,
        kind="misconfiguration",
        rule=found.ID,
        title=found.Title,
        status=_STATUSES[found.Status],
        severity=severity(found.Severity),
        severity_as_given=found.Severity,
        start_line=cause.StartLine,
        end_line=cause.EndLine,
        resource=cause.Resource or None,
        message=found.Message,
    )


def _secret(found: Secret, result: Result, subject: Subject) -> tuple[str, Row]:
    return finding(
        subject,
        target=result.Target,
        kind="secret",
        rule=found.RuleID,
        title=found.Title,
        severity=severity(found.Severity),
        severity_as_given=found.Severity,
        start_line=found.StartLine,
        end_line=found.EndLine,
    )


def _licence(found: Licence, result: Result, subject: Subject) -> tuple[str, Row]:
    return finding(
        subject,
        target=found.FilePath or result.Target,
        kind="licence",
        rule=found.Name,
        title=found.Category,
        severity=severity(found.Severity),
        severity_as_given=found.Severity,
        resource=found.PkgName or None,
    )


_KINDS = {
    "vulnerability": Vulnerability,
    "misconfiguration": Misconfiguration,
    "secret": Secret,
    "license": Licence,
}


def _modified(modified: _Modified, result: Result, subject: Subject) -> tuple[str, Row]:
    """The row of a finding that was let pass, with the statement that did so."""
    if modified.Type not in _KINDS:
        raise Unreadable(f"type of a modified finding is not known: {modified.Type[:40]!r}")
    try:
        found = msgspec.json.decode(modified.Finding, type=_KINDS[modified.Type])
    except msgspec.DecodeError as error:
        raise Unreadable(f"{error} of a modified finding") from None
    if isinstance(found, Vulnerability):
        table, row = _vulnerability(found, result, subject)
    elif isinstance(found, Misconfiguration):
        table, row = _misconfiguration(found, result, subject)
    elif isinstance(found, Secret):
        table, row = _secret(found, result, subject)
    else:
        table, row = _licence(found, result, subject)
    reason = ": ".join(part for part in (modified.Status, modified.Statement) if part)
    return table, {**row, "suppressed": True, "reason": reason or None}


def _looks(record: bytes) -> bool:
    if b'"SchemaVersion"' in record and b'"ArtifactName"' in record:
        return {"SchemaVersion", "ArtifactName"} <= names(record)
    if b'"Target"' not in record:
        return False
    found = names(record)
    return "Target" in found and bool(
        {"Vulnerabilities", "Misconfigurations"} & found or {"Class", "Type"} <= found
    )


_FINDINGS = ("Vulnerabilities", "Misconfigurations", "Secrets", "Licenses", "ExperimentalModifiedFindings")
FORMAT = ReportFormat(
    "trivy-json",
    2,
    ("scans", "vulnerabilities", "scan_findings"),
    Report,
    _rows,
    _looks,
    lists=("Results", *(f"Results[].{name}" for name in _FINDINGS), *_FINDINGS[:2]),
)
