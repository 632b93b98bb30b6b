"""Grype's JSON reports, to `scans` and `vulnerabilities`.

Matches that a rule or a statement lets pass (`ignoredMatches`) are kept, and marked. Reports of before Grype told
its `timestamp` have no time, and none is made up.
"""

from __future__ import annotations

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import has
from audit.normalise.scan_report import (
    ReportFormat,
    Subject,
    digests,
    joined,
    scanned,
    severity,
    vulnerability,
)
from audit.normalise.times import Time, optional


class _Fix(msgspec.Struct):
    versions: list[str] | None = None
    state: str = ""


class _Vulnerability(msgspec.Struct):
    id: str
    severity: str = ""
    namespace: str | None = None
    fix: _Fix | None = None


class _Related(msgspec.Struct):
    id: str


class _Location(msgspec.Struct):
    path: str | None = None


class _Package(msgspec.Struct):
    name: str
    version: str = ""
    type: str = ""
    purl: str | None = None
    locations: list[_Location] | None = None


class _Rule(msgspec.Struct):
    reason: str | None = None
    vulnerability: str | None = None


class _Match(msgspec.Struct):
    vulnerability: _Vulnerability
    artifact: _Package
    relatedVulnerabilities: list[_Related] | None = None
    appliedIgnoreRules: list[_Rule] | None = None


class _Image(msgspec.Struct):
    userInput: str
    imageID: str | None = None
    tags: list[str] | None = None
    repoDigests: list[str] | None = None


class _Source(msgspec.Struct):
    type: str
    target: _Image | str | None = None


class _Descriptor(msgspec.Struct):
    name: str
    version: str | None = None
    timestamp: Time | None = None


class Report(msgspec.Struct):
    """One report."""

    matches: list[_Match]
    descriptor: _Descriptor
    source: _Source | None = None
    ignoredMatches: list[_Match] | None = None


_FIXABLE = {"fixed": True, "not-fixed": False, "wont-fix": False}


def _rows(report: Report, context: Context) -> Outcome:
    if report.descriptor.name != "grype":
        raise Unreadable(f"descriptor names another scanner: {report.descriptor.name[:40]!r}")
    if report.source is None or report.source.target is None:
        raise Unreadable("source or its target is missing")
    at = optional(report.descriptor.timestamp)
    target = report.source.target
    image = target if isinstance(target, _Image) else _Image(target)
    subject = Subject("grype", image.userInput, digests(image.repoDigests), at)
    found = [_row(match, subject, suppressed=False) for match in report.matches]
    found += [_row(match, subject, suppressed=True) for match in report.ignoredMatches or ()]
    rows = scanned(
        subject,
        found,
        scanner_version=report.descriptor.version,
        cluster=context.cluster,
        artifact_kind=report.source.type,
        names=joined([*(image.tags or ()), *(image.repoDigests or ())]),
        image_id=image.imageID or None,
    )
    return Outcome(rows, at)


def _row(match: _Match, subject: Subject, *, suppressed: bool) -> tuple[str, Row]:
    found, package = match.vulnerability, match.artifact
    fix = found.fix or _Fix()
    rules = match.appliedIgnoreRules or ()
    return vulnerability(
        subject,
        target=subject.artifact,
        ecosystem=package.type,
        vulnerability=found.id,
        aliases=joined(
            [related.id for related in match.relatedVulnerabilities or () if related.id != found.id]
        ),
        package=package.name,
        package_path=next((place.path for place in package.locations or () if place.path), None),
        installed=package.version,
        fixed_version=", ".join(fix.versions or ()) or None,
        fixable=True if fix.versions else _FIXABLE.get(fix.state),
        status=fix.state or None,
        severity=severity(found.severity),
        severity_as_given=found.severity,
        severity_source=found.namespace,
        purl=package.purl or None,
        suppressed=suppressed,
        reason="; ".join(sorted({rule.reason for rule in rules if rule.reason})) or None,
    )


FORMAT = ReportFormat(
    "grype-json",
    2,
    ("scans", "vulnerabilities"),
    Report,
    _rows,
    has(("matches", "descriptor", "source")),
    lists=("matches", "ignoredMatches"),
)
