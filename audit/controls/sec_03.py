"""Every sealed, encrypted or external secret was rotated within its period.

## Why
A secret that never changes is known to everyone who ever held it: those who left, and those who copied it. Rotation ends what
nobody can take back.

## Evidence
When the content of each secret that the repositories declare last changed: a seal, a SOPS file or the version of an external
secret, told from what only a new value changes. An external secret, or one of Vault, may also change where it is kept: that Vault's
audit log tells, by the writes to the path that the cluster's object names.
The period is `secrecy.rotation_days`; exactly as long is in time.

## Limits
Only the last change before the repository was read is known: of a secret that changed after the quarter, what was before is not
known, and is said. A secret that is encrypted anew with the same value can't be told from a rotated one. Where Vault's log
is missing, or silent for a part of the quarter, an external secret of which no change is on record may have changed where it
is kept: it is not judged.

## Remediation
Rotate the secret, and let a machine do so from now on.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.kept_secrets import commit_of, kept, unread
from audit.controls.needs import GIT, VAULT
from audit.controls.parts import lasting, when
from audit.model import Severity

_ELSEWHERE = ("ExternalSecret", "Vault")
_WRITES = ("create", "update", "patch")

_WORLD = """
        repositories
        | tip | observed_from |
        | b1… | 0             |
        commits
        | sha | position |
        | a1… | 1        |
        landings
        | head_sha | position | landed_at        |
        | a1…      | 1        | 2025-01-02 00:00 |
"""

EXAMPLES = (
    Example(
        title="a secret of exactly the limit at the quarter's end passes",
        given=_WORLD
        + """
        secret_references
        | path | kind         | name | created_sha | changed_sha | changed_at       |
        | a    | SealedSecret | a    | a1…         | a1…         | 2026-07-03 00:00 |
        """,
        conclusion="effective",
    ),
    Example(
        title="one second over the limit fails; a plain Secret is SEC-02's",
        given=_WORLD
        + """
        secret_references
        | path | kind         | name | created_sha | changed_sha | changed_at          |
        | a    | SealedSecret | a    | a1…         | a1…         | 2026-07-02 23:59:59 |
        | b    | SOPS         | b    | a1…         | a1…         | 2025-01-02 00:00:00 |
        | c    | Secret       | c    | a1…         | a1…         | 2025-01-02 00:00:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                | found                                                    |
        | netbpf/netbpf-gitops:a:SealedSecret//a | unchanged since 2026-07-02T23:59:59Z: for 90 days |
        | netbpf/netbpf-gitops:b:SOPS//b         | unchanged since 2025-01-02T00:00:00Z: for 637 days       |
        """,
    ),
    Example(
        title="what changed after the quarter says nothing of how old it was then",
        given=_WORLD
        + """
        secret_references
        | path | kind         | name | created_sha | changed_sha | changed_at       |
        | a    | SealedSecret | a    | a1…         | a1…         | 2026-10-01 00:00 |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without Vault's log an external secret may have been rotated where it is kept",
        given=_WORLD
        + """
        secret_references
        | path | kind           | name | created_sha | changed_sha | changed_at       |
        | a    | ExternalSecret | a    | a1…         | a1…         | 2025-01-02 00:00 |
        """,
        conclusion="not tested",
    ),
    Example(
        title="while Vault's log was silent an external secret may have been rotated where it is kept; a sealed one is judged",
        given=_WORLD
        + """
        secret_references
        | path | kind           | name | created_sha | changed_sha | changed_at       |
        | a    | ExternalSecret | a    | a1…         | a1…         | 2025-01-02 00:00 |
        | b    | SealedSecret   | b    | a1…         | a1…         | 2026-09-02 00:00 |
        evidence_objects
        | source_name | key | format      | cluster | collected_at     |
        | vault       | 1   | vault-audit |         | 2026-10-02 00:00 |
        evidence_gaps
        | source_name | cluster | format      | kind    | start      | end        | missing | detail                         |
        | vault       |         | vault-audit | silence | 2026-07-20 | 2026-09-29 | true    | vault: no records for 71 days  |
        """,
        conclusion="not tested",
    ),
    Example(
        title="Vault's log tells which external secrets were rotated: a write that failed, or after the quarter, rotates nothing in it",
        given=_WORLD
        + """
        secret_references
        | path | kind           | namespace | name | created_sha | changed_sha | changed_at       |
        | a    | ExternalSecret | web       | a    | a1…         | a1…         | 2025-01-02 00:00 |
        | b    | ExternalSecret | web       | b    | a1…         | a1…         | 2025-01-02 00:00 |
        | c    | ExternalSecret | web       | c    | a1…         | a1…         | 2025-01-02 00:00 |
        managed_secrets
        | kind           | namespace | name | manager          | remote   |
        | ExternalSecret | web       | a    | external-secrets | apps/web |
        | ExternalSecret | web       | b    | external-secrets | apps/b   |
        | ExternalSecret | web       | c    | external-secrets | apps/c   |
        secret_access
        | request_id | type     | at               | operation | path               | error             |
        | r1         | response | 2026-09-01 00:00 | update    | secret/data/apps/web |                 |
        | r2         | response | 2026-09-01 00:00 | update    | secret/data/apps/b | permission denied |
        | r3         | response | 2026-10-01 00:00 | update    | secret/data/apps/c |                   |
        | r4         | request  | 2026-09-01 00:00 | update    | secret/data/apps/c |                   |
        | r5         | response | 2026-09-01 00:00 | read      | secret/data/apps/c |                   |
        evidence_objects
        | source_name | key | format      | collected_at     |
        | vault       | 1   | vault-audit | 2026-10-02 00:00 |
        coverage
        | source_name | format      | hour       | first_at   | last_at    |
        | vault       | vault-audit | 2026-07-01 | 2026-07-01 | 2026-10-01 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                     | found                                              |
        | netbpf/netbpf-gitops:b:ExternalSecret/web/b | unchanged since 2025-01-02T00:00:00Z: for 637 days |
        | netbpf/netbpf-gitops:c:ExternalSecret/web/c | unchanged since 2025-01-02T00:00:00Z: for 637 days |
        """,
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every kept secret declared before the quarter's end; those fail that did not change within the period."""
    rows = kept(tables, context)
    rows = rows[rows["kind"].ne("Secret")].reset_index(drop=True)
    limit = pd.Timedelta(days=context.settings.secrecy.rotation_days)
    later = rows["changed_at"].ge(context.stop)
    changed = rows["changed_at"].mask(later)
    written = _written(rows, tables, context)
    rotated = pd.concat([changed, written], axis=1).max(axis=1).astype("datetime64[us, UTC]")
    old = (context.stop - rotated > limit).fillna(False).astype(bool)
    untold = rotated.isna()
    unasked = VAULT.gaps(tables, context)
    elsewhere = rows["kind"].isin(_ELSEWHERE) & old & bool(unasked)
    due = rotated + limit
    stale = rows.assign(at=due.mask(due < context.start, context.start), rotated=rotated)
    stale = stale[old & ~elsewhere].reset_index(drop=True)
    failed = failures(
        stale,
        expected=f"another value at least every {context.settings.secrecy.rotation_days} days",
        found="unchanged since "
        + when(stale["rotated"])
        + ": for "
        + lasting(context.stop - stale["rotated"]),
        evidence=commit_of(stale, "changed_sha"),
    )
    gaps = [*unread(tables)]
    if untold.any():
        gaps.append(
            Gap(
                f"{int(untold.sum())} secrets changed after the quarter: how old they were in it is not known"
            )
        )
    if elsewhere.any():
        count = int(elsewhere.sum())
        gaps.extend(
            Gap(f"{gap.text}: {count} external secrets may have changed where they are kept")
            for gap in unasked
        )
    return Result(rows, failed, tuple(gaps))


def _written(rows: pd.DataFrame, tables: Tables, context: Context) -> pd.Series:
    """When each secret was last written in Vault before the quarter's end; missing where nothing tells."""
    held = tables["managed_secrets"]
    held = held.loc[held["remote"].ne(""), ["namespace", "name", "remote"]].drop_duplicates()
    held = held.assign(remote=held["remote"].str.split(" ")).explode("remote").drop_duplicates()
    access = tables["secret_access"]
    wrote = access["type"].eq("response") & access["operation"].isin(_WRITES) & access["error"].eq("")
    done = access[wrote & access["at"].lt(context.stop)]
    paths = done["path"].str.replace(r"^[^/]+/(?:data/)?", "", regex=True)
    last = done.assign(remote=paths).groupby("remote")["at"].max().rename("written").reset_index()
    known = held.merge(last, on="remote").groupby(["namespace", "name"])["written"].max().reset_index()
    there = rows[["kind", "namespace", "name"]].merge(known, on=["namespace", "name"], how="left")
    found = there["written"].where(there["kind"].isin(_ELSEWHERE))
    return found.astype("datetime64[us, UTC]").set_axis(rows.index)


CONTROL = Control(
    id="SEC-03",
    page=__doc__,
    clause="Security Controls › Secrets Management › Rotate secrets regularly",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC6.1",),
        "ISO 27001": ("8.24",),
        "NIST 800-53": ("IA-5",),
        "PCI DSS": ("8.6.3", "3.7.4"),
        "CIS / SLSA": ("K 5.4.2",),
    },
    needs=(GIT,),
    remediation="Rotate the secret, and let a machine rotate it from now on.",
    examples=EXAMPLES,
    test=test,
)
