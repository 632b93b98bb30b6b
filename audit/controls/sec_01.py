"""No commit that landed adds a secret in the clear.

## Why
A secret in Git is known to everyone who may read the repository, now and later: taking it out again leaves it in the
history. It is valid until someone rotates it.

## Evidence
What each commit of the mainline added against its first parent: Betterleaks on the added lines; `Secret` manifests and
generators whose values stand in the clear; files that SOPS should have encrypted. A value is known by its keyed
fingerprint alone. Findings that the reviewed file of secret waivers names by fingerprint are waived.

## Limits
A scanner knows the shapes of secrets, not secrets. What a commit brought before contents were read is not seen, and
neither are files that could not be read; both are said.

## Remediation
Rotate the secret first, then take it out and seal or encrypt its successor. Waive by fingerprint what is none.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT
from audit.controls.parts import LANDING, commit, with_places
from audit.model import Reader, Severity

EXAMPLES = (
    Example(
        title="landings whose contents were read and held no secret pass",
        given="""
        repositories
        | tip | observed_from |
        | b1… | 4             |
        landings
        | head_sha | position | mainline_commits |
        | a1…      | 4        | 1                |
        commits
        | sha | position |
        | a1… | 4        |
        unread_files
        | sha | path   | reader | reason   |
        | a1… | a.yaml | images | not YAML |
        """,
        conclusion="effective",
    ),
    Example(
        title="a secret fails, a waived one too, which its waiver covers; one of another quarter does not",
        given="""
        repositories
        | tip | observed_from |
        | b1… | 0             |
        commits
        | sha | position |
        | a0… | 3        |
        | a1… | 4        |
        | a2… | 5        |
        landings
        | head_sha | position | mainline_commits | landed_at        |
        | a0…      | 3        | 1                | 2026-05-01 00:00 |
        | a2…      | 5        | 2                | 2026-07-01 00:00 |
        secret_findings
        | sha | path   | line | kind    | rule       | fingerprint      | waived | waiver |
        | a0… | a.env  | 1    | scanner | github-pat | 0123456789abcdef | false  |        |
        | a1… | b.env  | 2    | scanner | github-pat | 0123456789abcdef | false  |        |
        | a2… | c.env  | 3    | scanner | github-pat | fedcba9876543210 | true   | w@1: x |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                                     | found                                              |
        | netbpf/netbpf-gitops@a1…:b.env:github-pat:0123456789ab | scanner: github-pat in b.env, line 2 |
        | netbpf/netbpf-gitops@a2…:c.env:github-pat:fedcba987654 | scanner: github-pat in c.env, line 3 |
        """,
    ),
    Example(
        title="contents that were not read from the quarter's first landing on say nothing",
        given="""
        repositories
        | tip | observed_from |
        | b1… | 5             |
        landings
        | head_sha | position | mainline_commits |
        | a1…      | 4        | 1                |
        | a2…      | 5        | 1                |
        """,
        conclusion="not tested",
    ),
    Example(
        title="contents that were never read say nothing",
        given="""
        repositories
        | tip | observed_from |
        | b1… |               |
        landings
        | head_sha | position | mainline_commits |
        | a1…      | 4        | 1                |
        """,
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every landing whose contents were read; each finding in one of its commits fails; some are waived by fingerprint."""
    landings = tables["landings"]
    seen = tables["repositories"][["repo", "observed_from"]]
    population = landings.assign(subject=commit(landings), at=landings["landed_at"]).merge(
        seen, on="repo", how="left"
    )
    observed = population["position"].ge(population["observed_from"]).fillna(False).astype(bool)
    gaps = _unobserved(population, context) + _unread(tables, landings, context)
    rows = _landed(tables["secret_findings"], tables)
    where = commit(rows, "sha") + ":" + rows["path"] + ":" + rows["rule"] + ":" + rows["fingerprint"].str[:12]
    found = (
        rows["kind"] + ": " + rows["rule"] + " in " + rows["path"] + ", line " + rows["line"].astype("str")
    )
    return Result(
        population[observed],
        failures(
            rows.assign(subject=where),
            expected="no secret in the clear in what a commit adds",
            found=found,
            evidence=commit(rows, "sha"),
        ),
        gaps,
    )


def _landed(findings: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Findings with the landing whose commits brought them, when it landed, and where it takes effect."""
    commits = tables["commits"][["repo", "sha", "position"]].dropna(subset=["position"])
    heads = tables["landings"][[*LANDING, "position", "landed_at"]].sort_values("position")
    placed = findings.merge(commits, on=["repo", "sha"]).sort_values("position", kind="stable")
    rows = pd.merge_asof(placed, heads, on="position", by="repo", direction="forward")
    rows = rows[rows["head_sha"].notna()].assign(at=lambda found: found["landed_at"])
    return with_places(rows, tables).reset_index(drop=True)


def _unobserved(population: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    """A gap for each repository whose contents were not read from the quarter's first landing on."""
    rows = population[context.holds(population["at"])]
    rows = rows[~rows["position"].ge(rows["observed_from"]).fillna(False).astype(bool)]
    counts = rows.groupby("repo", sort=True).size()
    return tuple(
        Gap(f"{repo}: the contents of {count} of the quarter's landings were not read for secrets")
        for repo, count in counts.items()
    )


def _unread(tables: Tables, landings: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    """A gap for each repository of which the quarter's commits brought files that could not be read."""
    quarter = landings[context.holds(landings["landed_at"])][LANDING]
    unread = tables["unread_files"]
    unread = unread[unread["reader"].isin([Reader.SECRETS.value, Reader.WAIVERS.value])]
    rows = _landed(unread, tables).merge(quarter, on=LANDING)
    counts = rows.drop_duplicates(["repo", "sha", "path"]).groupby("repo", sort=True).size()
    return tuple(
        Gap(f"{repo}: {count} files that the quarter's commits brought could not be read (unread_files)")
        for repo, count in counts.items()
    )


CONTROL = Control(
    id="SEC-01",
    page=__doc__,
    clause="Security Controls › Secrets › Never store plain-text secrets in Git",
    severity=Severity.CRITICAL,
    frameworks={
        "SOC 2": ("CC6.1",),
        "ISO 27001": ("8.24", "8.12"),
        "NIST 800-53": ("IA-5",),
        "PCI DSS": ("8.3.2", "8.6.2"),
        "CIS / SLSA": ("S 1.5.1", "S 5.1.3"),
    },
    needs=(GIT,),
    remediation="Rotate the secret, take it out, and seal or encrypt its successor.",
    examples=EXAMPLES,
    test=test,
)
