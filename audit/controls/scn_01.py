"""Every image that Git asks for, and every repository, is scanned at the set cadence.

## Why
Vulnerabilities are found in what was built long ago. What is not looked at again is as safe as on the day it was built,
at best.

## Evidence
Reports of scanners (Trivy, Grype, SARIF), each with its time and what it looked at; the images that the repositories ask
for in each environment, from the landing that set one until the one that replaced it. Each time between two scans of an
image while it was asked for, from its first landing on, is held to `scanning.cadence_days`; so is each between two scans
of a repository. One that is longer is an exception, in every quarter in which it was over the limit.

## Limits
A scan is of an image when it names it with its tag, or with its digest where Git does; a mirror under another name is
another image. Scans that failed, or tell no time, count for nothing. Images that no landing on record set or replaced are
not known. `scanning.ignore` names images that need no scan by decision.

## Remediation
Scan what runs, not what was built last: let the scanner take its list from Git or from the clusters.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT, SCANS
from audit.controls.parts import pointer, when
from audit.controls.spans import lasted, observed
from audit.joins.exposure import asked, scans_of, unscanned
from audit.model import Severity

_WORLD = """
        landings
        | head_sha | position | landed_at        |
        | a0…      | 0        | 2026-06-01 00:00 |
        | a1…      | 1        | 2026-09-10 00:00 |
        image_changes
        | head_sha | position | app | environment | image       | before | after | landed_at        |
        | a1…      | 1        | web | prod        | ghcr.io/web |        | 1.0.0 | 2026-09-10 00:00 |
        scans
        | scan | artifact          | artifact_kind   | repository                             | at                  |
"""
_ALONE = {"scanning": {"repositories": False}}

EXAMPLES = (
    Example(
        title="an image that is scanned exactly as often as it must be passes",
        given=_WORLD
        + """
        | s1   | ghcr.io/web:1.0.0 | container_image |  | 2026-09-17 00:00:00 |
        | s2   | ghcr.io/web:1.0.0 | container_image |  | 2026-09-24 00:00:00 |
        """.strip("\n"),
        settings=_ALONE,
        conclusion="effective",
    ),
    Example(
        title="a second later fails; so does one that is never scanned again, and a scan of another tag is none of it",
        given=_WORLD
        + """
        | s1   | ghcr.io/web:1.0.0 | container_image |  | 2026-09-17 00:00:01 |
        | s2   | ghcr.io/web:2.0.0 | container_image |  | 2026-09-24 00:00:00 |
        """.strip("\n"),
        settings=_ALONE,
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | ghcr.io/web:1.0.0@2026-09-10T00:00:00Z | without a scan for 7 days, from 2026-09-10T00:00:00Z until 2026-09-17T00:00:01Z |
        | ghcr.io/web:1.0.0@2026-09-17T00:00:01Z | without a scan for 13 days, from 2026-09-17T00:00:01Z and still so at 2026-10-01T00:00:00Z |
        """,
    ),
    Example(
        title="what was replaced needs no scan any more",
        given="""
        landings
        | head_sha | position | landed_at        |
        | a0…      | 0        | 2026-06-01 00:00 |
        image_changes
        | head_sha | position | app | environment | image       | before | after | landed_at        |
        | a1…      | 1        | web | prod        | ghcr.io/web |        | 1.0.0 | 2026-09-10 00:00 |
        | a2…      | 2        | web | prod        | ghcr.io/web | 1.0.0  | 1.1.0 | 2026-09-17 00:00 |
        | a3…      | 3        | web | prod        | ghcr.io/web | 1.1.0  | 1.2.0 | 2026-09-24 00:00 |
        """,
        settings=_ALONE,
        conclusion="effective",
    ),
    Example(
        title="a repository must be scanned too; one whose last scan is a second too old fails",
        given=_WORLD.replace("| a1…      | 1        | web | prod        | ghcr.io/web |        | 1.0.0 | 2026-09-10 00:00 |\n", "").replace("| at                  |", "| at                  | succeeded |")
        + "".join(
            f"        | s{day} | netbpf | repository | https://github.com/NETBPF/netbpf-gitops.git | {day} 00:00:00 | true |\n"
            for day in (
                "2026-06-28", "2026-07-05", "2026-07-12", "2026-07-19", "2026-07-26", "2026-08-02", "2026-08-09",
                "2026-08-16", "2026-08-23", "2026-08-30", "2026-09-06", "2026-09-13", "2026-09-20",
            )
        )
        + "        | s | netbpf | repository | https://github.com/netbpf/netbpf-gitops | 2026-09-27 00:00:01 | true |\n"
        + "        | f | netbpf | repository | https://github.com/netbpf/netbpf-gitops | 2026-09-24 00:00:00 | false |\n",
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | repository:netbpf/netbpf-gitops@2026-09-20T00:00:00Z | without a scan for 7 days, from 2026-09-20T00:00:00Z until 2026-09-27T00:00:01Z |
        """,
    ),
    Example(
        title="without reports of scanners nothing was tested",
        given="",
        without=("scans",),
        conclusion="not tested",
    ),
)  # fmt: skip


def test(tables: Tables, context: Context) -> Result:
    """Every image and repository that the quarter touches; each time without a scan that is too long fails."""
    rules = context.settings.scanning
    images = asked(tables["image_changes"], tables["landings"], rules)
    subjects, scanned = images, scans_of(images, tables["scans"])
    scanned = scanned.assign(pointers=pointer(scanned))[["ref", "at", "pointers"]]
    if rules.repositories:
        kept = _repositories(tables)
        subjects = pd.concat([images, kept], ignore_index=True)
        scanned = pd.concat([scanned, _scans_of(kept, tables["scans"])], ignore_index=True)
    limit = pd.Timedelta(days=rules.cadence_days)
    rows = observed(unscanned(subjects, scanned), limit, context)
    rows = rows[(rows["at"] < context.stop).fillna(False).astype(bool)].reset_index(drop=True)
    rows = rows.assign(subject=rows["ref"] + "@" + when(rows["start"]), evidence=rows["pointers"])
    return Result(
        rows,
        failures(
            rows[rows["late"]].reset_index(drop=True),
            expected=f"a scan every {rules.cadence_days} days while it is asked for",
            found="without a scan " + lasted(rows[rows["late"]].reset_index(drop=True)),
        ),
        _untimed(tables),
    )


def _repositories(tables: Tables) -> pd.DataFrame:
    """Repositories as subjects, each since its first landing."""
    found = tables["landings"].groupby("repo", as_index=False).agg(since=("landed_at", "min"))
    until = pd.Series(pd.NaT, index=found.index, dtype="datetime64[us, UTC]")
    return found.assign(ref="repository:" + found["repo"], until=until)


def _scans_of(repositories: pd.DataFrame, scans: pd.DataFrame) -> pd.DataFrame:
    """`ref`, `at` and `pointers` of the scans of repositories, by the end of the address that each names."""
    done = scans[scans["at"].notna() & scans["succeeded"].fillna(True).astype(bool)]
    address = done["repository"].str.casefold().str.removesuffix("/").str.removesuffix(".git")
    named = address.str.extract(r"([^/:]+/[^/:]+)$", expand=False)
    found = (
        done[["at"]]
        .assign(name=named, pointers=pointer(done))
        .merge(repositories[["ref", "repo"]].assign(name=repositories["repo"].str.casefold()), on="name")
    )
    return found[["ref", "at", "pointers"]]


def _untimed(tables: Tables) -> tuple[Gap, ...]:
    """A gap when there are scans, and none of them tells when it was made."""
    scans = tables["scans"]
    if scans.empty or scans["at"].notna().any():
        return ()
    return (Gap("no report of a scanner tells when it was made"),)


CONTROL = Control(
    id="SCN-01",
    page=__doc__,
    clause="Compliance and Auditing › Compliance Checks › Regular security scans",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC7.1",),
        "ISO 27001": ("8.8", "8.29"),
        "NIST 800-53": ("RA-5", "SI-2"),
        "PCI DSS": ("6.3.3", "11.3.1"),
        "CIS / SLSA": ("S 1.5.5", "S 3.2.2"),
    },
    needs=(GIT, SCANS),
    remediation="Let the scanner take its list from Git or from the clusters, and watch that it runs.",
    examples=EXAMPLES,
    test=test,
)
