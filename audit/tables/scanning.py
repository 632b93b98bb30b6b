"""What scanners say of images, repositories and clusters: that they looked, and what they found."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE

SEVERITIES = ["critical", "high", "medium", "low", "none", "unknown"]

_SCAN = "sha256 of what the report says, however it is laid out: the same report in two objects is one scan"
_RUN = "Place of the run in the report, counted from 0; a report of one run has 0"
_ITEM = "Place of the finding among those of the report, counted from 0"
_SCANNER = "Name of the scanner, in lower case"
_ARTIFACT = "What was scanned, as the scanner names it"
_DIGEST = "Digests of the image's manifest, sorted, separated by spaces, where they are told"
_AT = "When it was scanned; missing where the report tells no time"
_SEVERITY = "critical, high, medium, low, none or unknown"
_GIVEN = "Severity in the scanner's own words; empty where it tells none"
_SUPPRESSED = "The scanner was told to let it pass"
_REASON = "Why it was let pass, where that is told"


class Scans(Table):
    """Scans, one row for each run of a scanner over one artifact. A scan that found nothing is a row too."""

    scan: str = column(_SCAN)
    run: Int = column(_RUN, ge=0)
    scanner: str = column(_SCANNER)
    scanner_version: str = column("Version of the scanner", optional=True)
    report: str = column("Id of the report, as the scanner gives it", optional=True)
    cluster: str = column("Cluster that the source belongs to", optional=True)
    namespace: str = column("Namespace of the artifact in the cluster", optional=True)
    workload_kind: str = column("Kind of the workload that runs the artifact", optional=True)
    workload: str = column("Name of that workload", optional=True)
    container: str = column("Name of its container", optional=True)
    artifact_kind: str = column(
        "Kind of the artifact, as the scanner names it; target, where the report is of one target alone"
    )
    artifact: str = column(_ARTIFACT)
    names: str = column("Names under which the image is known, sorted, separated by spaces")
    digest: str = column(_DIGEST, optional=True)
    image_id: str = column("Digest of the image's configuration", optional=True)
    repository: str = column("Address of the repository that was scanned", optional=True)
    revision: str = column("Commit that was scanned", optional=True)
    at: UTC = column(_AT, optional=True)
    targets: Int = column("Parts of the artifact that were looked at", unit="targets", ge=0, optional=True)
    vulnerabilities: Int = column("Vulnerabilities found and not suppressed", unit="findings", ge=0)
    findings: Int = column("Other findings, failed and not suppressed", unit="findings", ge=0)
    suppressed: Int = column("Vulnerabilities and findings let pass", unit="findings", ge=0)
    declared: Int = column(
        "Vulnerabilities and failed findings by the report's own summary, where it has one",
        unit="findings",
        ge=0,
        optional=True,
    )
    end_of_support: Bool = column("The operating system gets no fixes any more", optional=True)
    succeeded: Bool = column("The scanner says that it came to its end", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Scans"
        metadata: ClassVar[Meta] = {"source": "reports of scanners", "stage": "normalised", "time": "at"}
        unique: ClassVar[list[str]] = ["scanner", "artifact", "scan", "run", "cluster"]


class Vulnerabilities(Table):
    """Vulnerabilities that scans found: one row for each vulnerability of a package in a target."""

    scan: str = column(_SCAN)
    run: Int = column(_RUN, ge=0)
    item: Int = column(_ITEM, ge=0)
    scanner: str = column(_SCANNER)
    artifact: str = column(_ARTIFACT)
    digest: str = column(_DIGEST, optional=True)
    at: UTC = column(_AT, optional=True)
    target: str = column("Part of the artifact in which it was found")
    target_class: str = column("Kind of that part, such as os-pkgs or lang-pkgs; empty where not told")
    ecosystem: str = column("Kind of the package, such as alpine or npm; empty where not told")
    vulnerability: str = column("Id of the vulnerability, as given: CVE, GHSA or another")
    aliases: str = column("Its other ids, sorted, separated by spaces")
    package: str = column("Name of the package; empty where not told")
    package_path: str = column("Where in the target the package lies", optional=True)
    installed: str = column("Version that is installed; empty where not told")
    fixed_version: str = column("Versions in which it is fixed, as the scanner writes them", optional=True)
    fixable: Bool = column("A fixed version is told; missing where the report cannot tell", optional=True)
    status: str = column("What the distributor says of it, in the scanner's words", optional=True)
    severity: str = column(_SEVERITY, isin=SEVERITIES)
    severity_as_given: str = column(_GIVEN)
    severity_source: str = column("Who gave it that severity", optional=True)
    purl: str = column("Package URL", optional=True)
    title: str = column("Its title", optional=True)
    published_at: UTC = column("When the vulnerability was published", optional=True)
    suppressed: Bool = column(_SUPPRESSED)
    reason: str = column(_REASON, optional=True)
    fingerprint: str = column("Fingerprint by which the scanner knows the finding again", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Vulnerabilities that scans found"
        metadata: ClassVar[Meta] = {"source": "reports of scanners", "stage": "normalised", "time": "at"}
        unique: ClassVar[list[str]] = [
            "scanner", "artifact", "vulnerability", "package", "target", "scan", "run", "item",
        ]  # fmt: skip


class ScanFindings(Table):
    """What scans found beside vulnerabilities: misconfigurations, secrets (never their values), licences, faults in code."""

    scan: str = column(_SCAN)
    run: Int = column(_RUN, ge=0)
    item: Int = column(_ITEM, ge=0)
    scanner: str = column(_SCANNER)
    artifact: str = column(_ARTIFACT)
    digest: str = column(_DIGEST, optional=True)
    at: UTC = column(_AT, optional=True)
    target: str = column("Part of the artifact in which it was found: a file, most often")
    kind: str = column(
        "misconfiguration, secret, licence, or other: code, most often",
        isin=["misconfiguration", "secret", "licence", "other"],
    )
    rule: str = column("Id of the rule; empty where the finding names none")
    title: str = column("What the rule is about", optional=True)
    status: str = column(
        "pass, fail, exception, or other: to be judged by hand", isin=["pass", "fail", "exception", "other"]
    )
    severity: str = column(_SEVERITY, isin=SEVERITIES)
    severity_as_given: str = column(_GIVEN)
    start_line: Int = column("First line of what was found", ge=0, optional=True)
    end_line: Int = column("Last line of what was found", ge=0, optional=True)
    resource: str = column("Resource or package that it is about", optional=True)
    message: str = column("What the scanner says of it; never told of secrets", optional=True)
    suppressed: Bool = column(_SUPPRESSED)
    reason: str = column(_REASON, optional=True)
    fingerprint: str = column("Fingerprint by which the scanner knows the finding again", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "What else scans found"
        metadata: ClassVar[Meta] = {"source": "reports of scanners", "stage": "normalised", "time": "at"}
        unique: ClassVar[list[str]] = [
            "scanner", "artifact", "kind", "rule", "target", "scan", "run", "item",
        ]  # fmt: skip


class SecurityAlerts(Table):
    """Alerts of the forge on code, secrets (never their values) and dependencies, as they were when exported."""

    repo: str = column("Repository")
    kind: str = column("code, secret or dependency", isin=["code", "secret", "dependency"])
    number: Int = column("Number of the alert", ge=1)
    state: str = column(
        "open, dismissed, auto_dismissed, fixed or resolved; unknown where the forge tells none",
        isin=["open", "dismissed", "auto_dismissed", "fixed", "resolved", "unknown"],
    )
    created_at: UTC = column("When it was raised")
    updated_at: UTC = column("When it last changed", optional=True)
    closed_at: UTC = column("When it was dismissed, resolved or fixed", optional=True)
    closed_by: str = column("Login of who dismissed or resolved it", optional=True)
    reason: str = column(
        "Why, in the forge's words: such as false_positive, revoked, tolerable_risk", optional=True
    )
    comment: str = column("What was written to it", optional=True)
    rule: str = column("Rule, type of the secret, or GHSA id of the advisory")
    title: str = column("What it is about", optional=True)
    severity: str = column(_SEVERITY + "; of secrets, unknown", isin=SEVERITIES)
    severity_as_given: str = column("Severity in the forge's words; empty where it tells none")
    tool: str = column("What found it")
    tool_version: str = column("Its version", optional=True)
    path: str = column("File in which it was found", optional=True)
    line_in_file: Int = column("Line of that file", ge=0, optional=True)
    ref: str = column("Ref on which it was found last", optional=True)
    commit: str = column("Commit in which it was found", optional=True)
    package: str = column("Package", optional=True)
    ecosystem: str = column("Ecosystem of the package", optional=True)
    scope: str = column("runtime or development", optional=True)
    affected: str = column("Range of versions that are affected", optional=True)
    fixed_version: str = column("First version in which it is fixed", optional=True)
    aliases: str = column("CVE id of the advisory; empty where it has none")
    validity: str = column("Whether the secret still works: active, inactive or unknown", optional=True)
    public: Bool = column("The secret was found in public", optional=True)
    bypassed: Bool = column("It was pushed past push protection", optional=True)
    bypassed_by: str = column("Login of who did so", optional=True)
    bypassed_at: UTC = column("When", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Security alerts of the forge"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: code-scanning/alerts, secret-scanning/alerts, dependabot/alerts",
            "stage": "normalised",
            "time": "created_at",
        }
        unique: ClassVar[list[str]] = [
            "repo",
            "kind",
            "number",
            "created_at",
            "updated_at",
            "state",
            "closed_at",
        ]
