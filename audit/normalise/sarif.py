"""SARIF 2.1.0, which scanners of every kind write, to `scans`, `vulnerabilities` and `scan_findings`.

Each run is a scan. A result whose rule is a CVE, a GHSA or an id of another database of such, or is tagged as a vulnerability, or of a
scanner that finds nothing else, is a vulnerability; the others are findings. A run without `results` did not come to its end, by the standard; an empty list found nothing.

Severity: a tag that is a severity's word; else the rule's `security-severity`, a CVSS score or, of some scanners, such a word; else
the level, where error is high, warning medium and note low. Messages and snippets are not taken in: scanners of secrets quote in them
what they found. Only of Trivy's messages, those of vulnerabilities, are package and versions read. Fingerprints,
in which some scanners write names and commit messages, are kept as one sha256.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeVar

from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import names
from audit.normalise.sarif_shape import (
    Artifact,
    Component,
    ComponentReference,
    Log,
    Physical,
    Result,
    Rule,
    Run,
)
from audit.normalise.scan_report import (
    ReportFormat,
    Subject,
    by_score,
    digests,
    finding,
    is_severity,
    joined,
    scanned,
    severity,
    vulnerability,
)
from audit.normalise.times import utc

T = TypeVar("T")

_ID = re.compile(
    r"(CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|(?:GO|MAL|OSV|PYSEC|RUSTSEC)-\d{4}-\d+|SNYK-[0-9a-z]+-[0-9a-z_.]+-\d+)(?:-(.+))?",
    re.ASCII | re.IGNORECASE,
)
_PACKAGE = re.compile(r"^(Package|Installed Version|Fixed Version): (.*)$", re.MULTILINE)
_LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "none"}
_STATUSES = {"fail": "fail", "pass": "pass", "notApplicable": "pass", "informational": "other", "open": "other", "review": "other"}  # fmt: skip
_KINDS = {
    "secret": "secret",
    "secrets": "secret",
    "misconfiguration": "misconfiguration",
    "license": "licence",
}
_OF_VULNERABILITIES = frozenset({"grype", "osv-scanner", "govulncheck"})
_OF_SECRETS = frozenset({"gitleaks", "betterleaks", "trufflehog", "kingfisher", "detect-secrets"})


def _rows(log: Log, context: Context) -> Outcome:
    if log.version != "2.1.0":
        raise Unreadable(f"version {log.version[:40]!r} is not known: let the scanner write SARIF 2.1.0")
    rows: Rows = []
    latest: datetime | None = None
    for place, run in enumerate(log.runs):
        at = _time(run)
        latest = max(filter(None, (latest, at)), default=None)
        rows += _run(run, place, at, context)
    return Outcome(rows, latest)


def _time(run: Run) -> datetime | None:
    """When the run ended, as far as it is told; a time without a zone is in UTC, as its name says."""
    told = [call.endTimeUtc or call.startTimeUtc for call in run.invocations or ()]
    return max(
        (utc(at if at.tzinfo else at.replace(tzinfo=UTC)) for at in told if at is not None), default=None
    )


def _run(run: Run, place: int, at: datetime | None, context: Context) -> Rows:
    driver, about = run.tool.driver, run.properties
    if (
        run.results is None
        and run.externalPropertyFileReferences
        and run.externalPropertyFileReferences.results
    ):
        raise Unreadable("its results are in another file, which is not read: let the scanner write one file")
    code = next(iter(run.versionControlProvenance or ()), None)
    repository = code.repositoryUri if code else context.repository
    image = about.imageName if about else None
    images = (about.repoDigests if about else None) or []
    subject = Subject(driver.name.lower(), image or repository or "", digests(images), at, place)
    ended = [call.executionSuccessful for call in run.invocations or ()]
    ended = [told for told in ended if told is not None]
    return scanned(
        subject,
        [_row(result, run, subject) for result in run.results or ()],
        scanner_version=driver.semanticVersion or driver.version,
        report=run.automationDetails.guid or run.automationDetails.id if run.automationDetails else None,
        cluster=context.cluster,
        artifact_kind="container_image" if image else "repository" if repository else "",
        names=joined([*images, *((about.repoTags if about else None) or ())]),
        image_id=about.imageID if about else None,
        repository=repository,
        revision=code.revisionId if code else None,
        succeeded=False if run.results is None else all(ended) if ended else None,
    )


def _row(result: Result, run: Run, subject: Subject) -> tuple[str, Row]:
    id_, rule = _rule(result, run)
    tags = {tag.lower() for tag in (rule.properties.tags if rule.properties else None) or ()}
    word, given = _severity(result, rule)
    common = {
        "target": _place(result, run),
        "severity": word,
        "severity_as_given": given,
        "title": rule.shortDescription.text if rule.shortDescription else rule.name,
        "fingerprint": _fingerprint(result),
        **_suppression(result),
    }
    named = _ID.fullmatch(id_)
    if named or "vulnerability" in tags or subject.scanner in _OF_VULNERABILITIES:
        return vulnerability(subject, **common, **_package(result, rule, id_, named, subject.scanner))
    region = next((place.region for place in _places(result) if place.region), None)
    kind = next((_KINDS[tag] for tag in sorted(tags & _KINDS.keys())), "other")
    if result.kind not in _STATUSES:
        raise Unreadable(f"kind of a result is not known: {result.kind[:40]!r}")
    return finding(
        subject,
        **common,
        kind="secret" if subject.scanner in _OF_SECRETS else kind,
        rule=id_,
        status=_STATUSES[result.kind],
        start_line=_line(region.startLine) if region else None,
        end_line=_line(region.endLine or region.startLine) if region else None,
    )


def _rule(result: Result, run: Run) -> tuple[str, Rule]:
    """The id of a result's rule, and the rule: an empty one where the run does not describe it.

    A result need not name any; its id is empty then. Where it names one, a place at which the run describes none is of no
    account: rules may be left out of a report, or be in another file; nor is one at which another rule stands, if the run describes it elsewhere.
    """
    place = result.rule
    id_ = result.ruleId or (place.id if place else None)
    component = _component(place.toolComponent if place else None, run, needed=not id_)
    index = result.ruleIndex if result.ruleIndex is not None else place.index if place else None
    placed = None
    if index is not None and index >= 0:
        placed = _at((component.rules if component else None) or [], index, "rule", needed=not id_)
        if placed is not None and (not id_ or placed.id in ("", *_general(id_))):
            return id_ or placed.id, placed
    id_ = id_ or ""
    parts = [component, *(run.tool.extensions or ())] if component else run.tool.extensions or ()
    every = [rule for each in parts for rule in each.rules or ()]
    named = (rule for name in _general(id_) for rule in every if rule.id == name)
    return id_, next(named, placed or Rule(id_))


def _component(told: ComponentReference | None, run: Run, *, needed: bool) -> Component | None:
    """Who describes a result's rule: the scanner, unless one of its extensions is named by its place, its GUID or its name."""
    extensions = run.tool.extensions or []
    if told is None:
        return run.tool.driver
    if told.index is not None and told.index >= 0:
        return _at(extensions, told.index, "toolComponent", needed=needed)
    if told.guid is None and told.name is None:
        return run.tool.driver
    every = [run.tool.driver, *extensions]
    by_guid = (each for each in every if told.guid is not None and each.guid == told.guid)
    by_name = (each for each in every if told.name is not None and each.name == told.name)
    found = next(by_guid, None) or next(by_name, None)
    if found is None and needed:
        raise Unreadable("a result names a toolComponent that the run does not have")
    return found


def _general(id_: str) -> Iterator[str]:
    """The id of a rule, and those of the rules that it is a part of: `CA1000/1`, `CA1000`."""
    while id_:
        yield id_
        id_ = id_.rpartition("/")[0]


def _at(items: list[T], index: int, what: str, *, needed: bool) -> T | None:
    """An item, by its place; None where there is none and it is not needed."""
    if index >= len(items) and needed:
        raise Unreadable(f"a result names {what} {index}, of {len(items)}")
    return items[index] if index < len(items) else None


def _severity(result: Result, rule: Rule) -> tuple[str, str]:
    """Severity, and what it was taken from."""
    more = rule.properties
    word = next((tag for tag in (more.tags if more else None) or () if is_severity(tag)), None)
    if word is not None:
        return severity(word), word
    score = more.security_severity if more else None
    if isinstance(score, str) and is_severity(score):
        return severity(score), score
    if score is not None and score != "":
        return _by_score(score), str(score)
    default = rule.defaultConfiguration.level if rule.defaultConfiguration else None
    level = result.level or ("none" if result.kind != "fail" else default or "warning")
    if level not in _LEVELS:
        raise Unreadable(f"level is not known: {level[:40]!r}")
    return _LEVELS[level], level


def _package(
    result: Result, rule: Rule, id_: str, named: re.Match[str] | None, scanner: str
) -> dict[str, object]:
    """Columns that name vulnerability and package, as far as the scanner tells it."""
    told: dict[str, str] = {}
    if scanner == "trivy" and result.message and result.message.text:
        told = dict(_PACKAGE.findall(result.message.text))
    purls = (rule.properties.purls if rule.properties else None) or []
    return {
        "vulnerability": named[1] if named else id_,
        "package": told.get("Package") or (named[2] if named else None) or "",
        "installed": told.get("Installed Version", ""),
        "fixed_version": told.get("Fixed Version") or None,
        "fixable": bool(told["Fixed Version"]) if "Fixed Version" in told else None,
        "purl": purls[0] if len(purls) == 1 else None,
    }


def _places(result: Result) -> list[Physical]:
    return [place.physicalLocation for place in result.locations or () if place.physicalLocation]


def _by_score(given: str | float) -> str:
    try:
        score = float(given)
    except ValueError:
        score = math.nan
    if not 0 <= score <= 10:
        raise Unreadable(f"security-severity is no score from 0 to 10: {str(given)[:40]!r}")
    return by_score(score)


def _line(number: int | None) -> int | None:
    """The number of a line; None for one that is none."""
    return number if number is not None and 0 <= number < 2**63 else None


def _place(result: Result, run: Run) -> str:
    """The first file, else the first declared thing, in which it was found; empty where none is told."""
    listed = [each.location for each in run.artifacts or ()]
    files = []
    for place in _places(result):
        file = place.artifactLocation or Artifact()
        if file.uri is None and file.index is not None and 0 <= file.index < len(listed):
            file = listed[file.index] or file
        files.append(file.uri)
    things = [
        thing.fullyQualifiedName for place in result.locations or () for thing in place.logicalLocations or ()
    ]
    return next((text for text in (*files, *things) if text), "")


def _suppression(result: Result) -> dict[str, object]:
    """Columns that tell whether it was let pass, and why.

    It was when nobody still asks for it, nor refused it; and when it is only listed because it was there before.
    """
    told = result.suppressions or []
    passed = bool(told) and all(one.status in (None, "accepted") for one in told)
    if result.baselineState == "absent":
        return {"suppressed": True, "reason": "not there any more"}
    reasons = sorted({": ".join(filter(None, (one.kind, one.justification))) for one in told} - {""})
    return {"suppressed": passed, "reason": "; ".join(reasons) or None if passed else None}


def _fingerprint(result: Result) -> str | None:
    """sha256 of the fingerprints, else of the partial ones, sorted; None where there are none."""
    told = result.fingerprints or result.partialFingerprints
    if not told:
        return None
    try:
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    except RecursionError:
        raise Unreadable("fingerprints nested too deep") from None


def _looks(record: bytes) -> bool:
    """A run names its tool; a log without any run is known by its schema."""
    if b'"runs"' not in record or (b'"tool"' not in record and b"sarif" not in record):
        return False
    return {"version", "runs"} <= names(record)


FORMAT = ReportFormat(
    "sarif",
    5,
    ("scans", "vulnerabilities", "scan_findings"),
    Log,
    _rows,
    _looks,
    lists=("runs", "runs[].results"),
)
