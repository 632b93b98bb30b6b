"""Fixable critical and high vulnerabilities of images are gone within their limit, and none is deployed while it is known.

## Why
For a vulnerability with a fix, the attack is as public as the fix. Every day that the old image runs is open to it.

## Evidence
Reports of scanners, with each vulnerability's severity and the version that fixes it; the images that the repositories ask
for, from the landing that set one until the one that replaced it. A finding is open from the first scan that shows it,
while the image is asked for, until a later scan shows it no more or another image takes its place.

## Limits
`scanning.critical_days` and `scanning.high_days` say how long; exactly as long is in time. What was known of an image
before the landing that first asked for it was deployed while open, and is an exception at once. An image that is replaced
by another with the same vulnerability is another one; it is found by its own scans. What the scanner was told to let pass is
not judged here. Where an image was asked for longer than the shortest limit and no scan of it is on record, or no report says
whether a finding of such a severity is fixable, the control is not tested. That an image is asked for does not say that it
runs everywhere.

## Remediation
Build the image anew on a base that has the fix, and let the landing wait for its scan.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT, SCANS
from audit.controls.parts import few, when
from audit.controls.spans import lasted, observed
from audit.joins.exposure import asked, open_findings, scans_of, undecided
from audit.model import Severity

_WORLD = """
        landings
        | head_sha | position | landed_at        |
        | a0…      | 0        | 2026-06-01 00:00 |
        image_changes
        | head_sha | position | app | environment | image       | before | after | landed_at        |
        | a1…      | 1        | web | prod        | ghcr.io/web |        | 1.0.0 | 2026-07-10 00:00 |
        | a2…      | 2        | web | prod        | ghcr.io/web | 1.0.0  | 1.1.0 | 2026-08-10 00:00 |
"""
_SCANS = """
        scans
        | scan | scanner | artifact          | at                  |
"""
_FOUND = """
        vulnerabilities
        | scan | scanner | vulnerability | package | severity | fixable | fixed_version | suppressed | evidence |
"""

EXAMPLES = (
    Example(
        title="gone exactly at the limit passes; so does what has no fix, was let pass, or is of lower severity",
        given=_WORLD
        + _SCANS
        + """
        | s1   | trivy | ghcr.io/web:1.0.0 | 2026-07-11 00:00:00 |
        | s2   | trivy | ghcr.io/web:1.0.0 | 2026-07-18 00:00:00 |
        | s3   | trivy | ghcr.io/web:1.1.0 | 2026-08-11 00:00:00 |
        """.strip("\n")
        + _FOUND
        + """
        | s1 | trivy | CVE-2026-0001 | openssl | critical | true  | 3.0.9 | false | 1 |
        | s1 | trivy | CVE-2026-0002 | zlib    | critical | false |       | false | 1 |
        | s2 | trivy | CVE-2026-0002 | zlib    | critical | false |       | false | 2 |
        | s1 | trivy | CVE-2026-0003 | curl    | critical | true  | 8.1   | true  | 1 |
        | s2 | trivy | CVE-2026-0004 | bash    | medium   | true  | 5.2   | false | 2 |
        | s1 | trivy | CVE-2026-0005 | expat   | high     | true  | 2.5   | false | 1 |
        | s2 | trivy | CVE-2026-0005 | expat   | high     | true  | 2.5   | false | 2 |
        """.strip("\n"),
        conclusion="effective",
    ),
    Example(
        title="a second longer fails; the next image has its own findings, open until the quarter's end",
        given=_WORLD
        + _SCANS
        + """
        | s1   | trivy | ghcr.io/web:1.0.0 | 2026-07-11 00:00:00 |
        | s2   | trivy | ghcr.io/web:1.0.0 | 2026-07-18 00:00:01 |
        | s3   | trivy | ghcr.io/web:1.1.0 | 2026-08-11 00:00:00 |
        """.strip("\n")
        + _FOUND
        + """
        | s1 | trivy | CVE-2026-0001 | openssl | critical | true | 3.0.9 | false | 1 |
        | s3 | trivy | CVE-2026-0005 | expat   | high     | true | 2.5   | false | 3 |
        """.strip("\n"),
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | ghcr.io/web:1.0.0:CVE-2026-0001/openssl | critical, fixed in 3.0.9, open for 7 days, from 2026-07-11T00:00:00Z until 2026-07-18T00:00:01Z |
        | ghcr.io/web:1.1.0:CVE-2026-0005/expat | high, fixed in 2.5, open for 51 days, from 2026-08-11T00:00:00Z and still so at 2026-10-01T00:00:00Z |
        """,
    ),
    Example(
        title="what a scan had shown before the image was first asked for was deployed while open",
        given=_WORLD
        + _SCANS
        + """
        | s1   | trivy | ghcr.io/web:1.1.0 | 2026-08-09 23:59:59 |
        | s2   | trivy | ghcr.io/web:1.0.0 | 2026-07-10 00:00:00 |
        | s3   | trivy | ghcr.io/web:1.1.0 | 2026-08-11 00:00:00 |
        | s4   | trivy | ghcr.io/web:1.0.0 | 2026-07-11 00:00:00 |
        """.strip("\n")
        + _FOUND
        + """
        | s1 | trivy | CVE-2026-0005 | expat   | high     | true | 2.5 | false | 1 |
        | s2 | trivy | CVE-2026-0005 | expat   | high     | true | 2.5 | false | 2 |
        """.strip("\n"),
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | ghcr.io/web:1.1.0:CVE-2026-0005/expat | high, fixed in 2.5, open for 24 h, from 2026-08-10T00:00:00Z until 2026-08-11T00:00:00Z, known since 2026-08-09T23:59:59Z, before it was deployed |
        """,
    ),
    Example(
        title="an image that nobody scanned may hold anything, if it was asked for longer than the shortest limit: a second is enough",
        given="""
        landings
        | head_sha | position | landed_at        |
        | a0…      | 0        | 2026-06-01 00:00 |
        image_changes
        | head_sha | position | app | environment | image       | before | after | landed_at           |
        | a1…      | 1        | web | prod        | ghcr.io/web |        | 1.0.0 | 2026-07-10 00:00:00 |
        | a2…      | 2        | api | prod        | ghcr.io/api |        | 1.0.0 | 2026-09-23 23:59:59 |
        """
        + _SCANS
        + """
        | s1   | trivy | ghcr.io/web:1.0.0 | 2026-07-11 00:00:00 |
        | s2   | trivy | ghcr.io/web:1.0.0 | 2026-07-12 00:00:00 |
        | s3   | trivy | ghcr.io/api:1.0.0 | 2026-10-01 00:00:00 |
        """.strip("\n")
        + _FOUND
        + """
        | s1 | trivy | CVE-2026-0001 | openssl | critical | true  | 3.0.9 | false | 1 |
        """.strip("\n"),
        conclusion="not tested",
    ),
    Example(
        title="one that was asked for just as long can't have had anything open for longer; nor is one of another quarter asked for",
        given="""
        landings
        | head_sha | position | landed_at        |
        | a0…      | 0        | 2026-04-01 00:00 |
        image_changes
        | head_sha | position | app | environment | image       | before | after | landed_at        |
        | a1…      | 1        | web | prod        | ghcr.io/web |        | 1.0.0 | 2026-05-10 00:00 |
        | a2…      | 2        | web | prod        | ghcr.io/web | 1.0.0  | 1.1.0 | 2026-07-01 00:00 |
        | a3…      | 3        | web | prod        | ghcr.io/web | 1.1.0  | 1.2.0 | 2026-07-08 00:00 |
        | a4…      | 4        | api | prod        | ghcr.io/api |        | 1.0.0 | 2026-09-24 00:00 |
        """
        + _SCANS
        + """
        | s1   | trivy | ghcr.io/web:1.2.0 | 2026-07-11 00:00:00 |
        """.strip("\n"),
        conclusion="not applicable",
    ),
    Example(
        title="scans of other images alone tell nothing of those that are asked for",
        given=_WORLD
        + _SCANS
        + """
        | s1   | trivy | ghcr.io/other:1.0.0 | 2026-07-11 00:00:00 |
        """.strip("\n"),
        conclusion="not tested",
    ),
    Example(
        title="a critical finding of which no report says whether it is fixable is not judged, and is said; another report may tell",
        given=_WORLD
        + _SCANS
        + """
        | s1   | trivy | ghcr.io/web:1.0.0 | 2026-07-11 00:00:00 |
        | s2   | grype | ghcr.io/web:1.0.0 | 2026-07-11 00:00:00 |
        | s3   | trivy | ghcr.io/web:1.1.0 | 2026-08-11 00:00:00 |
        """.strip("\n")
        + _FOUND
        + """
        | s1 | trivy | CVE-2026-0001 | openssl | critical |       |     | false | 1 |
        | s1 | trivy | CVE-2026-0002 | zlib    | critical |       |     | false | 1 |
        | s2 | grype | CVE-2026-0002 | zlib    | critical | false |     | false | 1 |
        """.strip("\n"),
        conclusion="not tested",
    ),
    Example(
        title="what another report says of the same finding decides it; nothing is asked of lower severity, of what was let pass, or of another quarter",
        given="""
        landings
        | head_sha | position | landed_at        |
        | a0…      | 0        | 2026-06-01 00:00 |
        image_changes
        | head_sha | position | app | environment | image       | before | after | landed_at        |
        | a1…      | 1        | web | prod        | ghcr.io/web |        | 1.0.0 | 2026-06-10 00:00 |
        """
        + _SCANS
        + """
        | s0   | trivy | ghcr.io/web:1.0.0 | 2026-06-20 00:00:00 |
        | s1   | trivy | ghcr.io/web:1.0.0 | 2026-07-01 00:00:00 |
        | s2   | grype | ghcr.io/web:1.0.0 | 2026-07-11 00:00:00 |
        | s3   | trivy | ghcr.io/web:1.0.0 | 2026-10-01 00:00:00 |
        """.strip("\n")
        + _FOUND
        + """
        | s0 | trivy | CVE-2026-0001 | openssl | critical |       |     | false | 1 |
        | s3 | trivy | CVE-2026-0005 | expat   | critical |       |     | false | 1 |
        | s1 | trivy | CVE-2026-0002 | zlib    | critical |       |     | false | 1 |
        | s2 | grype | CVE-2026-0002 | zlib    | critical | false |     | false | 1 |
        | s1 | trivy | CVE-2026-0003 | curl    | critical |       |     | true  | 1 |
        | s1 | trivy | CVE-2026-0004 | bash    | medium   |       |     | false | 1 |
        """.strip("\n"),
        conclusion="not applicable",
    ),
    Example(
        title="without reports of scanners nothing was tested",
        given="",
        without=("scans",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every fixable vulnerability that was open in the quarter; those over their limit, or known before, fail."""
    rules = context.settings.scanning
    images = asked(tables["image_changes"], tables["landings"], rules)
    scanned = scans_of(images, tables["scans"])
    found = open_findings(images, scanned, tables["vulnerabilities"], rules)
    limits = found["severity"].map(pd.Series(rules.limits())).astype("timedelta64[us]")
    rows = observed(found.assign(limit=limits), limits, context)
    early = rows["known"] < rows["since"]
    landed = context.holds(rows["since"])
    rows = rows.assign(
        subject=rows["ref"] + ":" + rows["vulnerability"] + "/" + rows["package"], early=early & landed
    )
    rows = rows[(rows["at"] < context.stop).fillna(False).astype(bool)].reset_index(drop=True)
    bad = rows[rows["late"] | rows["early"]].reset_index(drop=True)
    fixed = (", fixed in " + bad["fixed_version"]).fillna("")
    before = (", known since " + when(bad["known"]) + ", before it was deployed").where(bad["early"], "")
    days = bad["severity"].map({name: limit.days for name, limit in rules.limits().items()}).astype("str")
    return Result(
        rows,
        failures(
            bad,
            expected="gone within " + days + " days, and not deployed while it is known",
            found=bad["severity"] + fixed + ", open " + lasted(bad) + before,
        ),
        (
            *_unscanned(images, scanned, context),
            *_untold(undecided(images, scanned, tables["vulnerabilities"], rules), context),
        ),
    )


def _unscanned(images: pd.DataFrame, scanned: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    """A gap when images of the quarter were never scanned, and asked for longer than the shortest limit."""
    limits = context.settings.scanning.limits()
    if not limits:
        return ()
    end = images[["until"]].assign(stop=context.stop).min(axis=1)
    long = (end > context.start) & (end - images["since"] > min(limits.values()))
    known = set(scanned.loc[scanned["at"] < context.stop, "ref"])
    names = images.loc[long & ~images["ref"].isin(known), "ref"]
    return _named(names, "never scanned, so that nothing tells what they hold")


def _untold(rows: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    """A gap when findings were open in the quarter of which no report says whether they are fixable."""
    rows = rows[(rows["start"] < context.stop) & (rows["end"].fillna(context.stop) > context.start)]
    names = rows["ref"] + " " + rows["vulnerability"]
    return _named(names, "found, and no report tells whether there is a fix")


def _named(names: pd.Series, why: str) -> tuple[Gap, ...]:
    """A gap that counts the names, and gives the first of them; none for none."""
    if names.empty:
        return ()
    return (Gap(f"{names.nunique()} {why}: {few(names)}"),)


CONTROL = Control(
    id="SCN-02",
    page=__doc__,
    clause="Security Controls › Compliance › Regular security scans of container images and dependencies",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC7.1",),
        "ISO 27001": ("8.8", "8.29"),
        "NIST 800-53": ("RA-5", "SI-2"),
        "PCI DSS": ("6.3.3", "11.3.1"),
        "CIS / SLSA": ("S 1.5.5", "S 3.2.2"),
    },
    needs=(GIT, SCANS),
    remediation="Build the image anew with the fix, and let the landing wait for its scan.",
    examples=EXAMPLES,
    test=test,
)
