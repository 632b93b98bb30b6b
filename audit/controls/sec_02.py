"""Every secret that Git declares is sealed, encrypted, or kept elsewhere.

## Why
A `Secret` whose values stand in a manifest is a secret in the clear for everyone who may read the repository, however long
ago it was committed. A control that looks at a quarter's commits alone forgets it as soon as the quarter is over.

## Evidence
The secrets that the repositories declared at their tips: SealedSecrets, files that SOPS encrypted, ExternalSecrets and
references to Vault, and plain Secrets, which fail. It counts for every quarter since the one in which it landed.

## Limits
What was taken out before the repository was read is no longer there to be told; SEC-01 reported it when it landed. Files that
could not be read are said.

## Remediation
Rotate the value, and declare the secret as a SealedSecret, an ExternalSecret or a file that SOPS encrypts.
"""

from __future__ import annotations

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.kept_secrets import commit_of, kept, unread
from audit.controls.needs import GIT
from audit.model import Severity

EXAMPLES = (
    Example(
        title="sealed, encrypted and external secrets pass",
        given="""
        repositories
        | tip | observed_from |
        | b1… | 0             |
        commits
        | sha | position |
        | a1… | 1        |
        landings
        | head_sha | position | landed_at        |
        | a1…      | 1        | 2026-07-02 00:00 |
        secret_references
        | path | kind           | name | created_sha | changed_sha |
        | a    | SealedSecret   | a    | a1…         | a1…         |
        | b    | ExternalSecret | b    | a1…         | a1…         |
        | c    | SOPS           | c    | a1…         | a1…         |
        | d    | Vault          | d    | a1…         | a1…         |
        """,
        conclusion="effective",
    ),
    Example(
        title="a plain Secret fails in every quarter since it landed, up to the last second of this one",
        given="""
        repositories
        | tip | observed_from |
        | b1… | 0             |
        commits
        | sha | position |
        | a1… | 1        |
        | a2… | 2        |
        | a3… | 3        |
        landings
        | head_sha | position | landed_at           |
        | a1…      | 1        | 2025-07-02 00:00    |
        | a2…      | 2        | 2026-09-30 23:59:59 |
        | a3…      | 3        | 2026-10-01 00:00    |
        secret_references
        | path   | kind   | namespace | name | created_sha | changed_sha |
        | a.yaml | Secret |           | a    | a1…         | a1…         |
        | b.yaml | Secret | web       | b    | a2…         | a2…         |
        | c.yaml | Secret |           | c    | a3…         | a3…         |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                   | found                                   |
        | netbpf/netbpf-gitops:a.yaml:Secret//a     | a plain Secret, there since 2025-07-02T00:00:00Z |
        | netbpf/netbpf-gitops:b.yaml:Secret/web/b  | a plain Secret, there since 2026-09-30T23:59:59Z |
        """,
    ),
    Example(
        title="a repository whose contents were not read may hold plain Secrets",
        given="""
        repositories
        | tip | observed_from |
        | b1… |               |
        """,
        conclusion="not tested",
    ),
    Example(
        title="a repository whose contents were read and that declares no secret",
        given="""
        repositories
        | tip | observed_from |
        | b1… | 0             |
        """,
        conclusion="not applicable",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every secret declared before the quarter's end; plain ones fail."""
    rows = kept(tables, context)
    plain = rows[rows["kind"].eq("Secret")].reset_index(drop=True)
    since = plain["created_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").fillna("before what is known")
    failed = failures(
        plain,
        expected="a SealedSecret, an ExternalSecret, a file that SOPS encrypted, or Vault",
        found="a plain Secret, there since " + since,
        evidence=commit_of(plain, "created_sha"),
    )
    return Result(rows, failed, unread(tables))


CONTROL = Control(
    id="SEC-02",
    page=__doc__,
    clause="Security Controls › Secrets Management › Use sealed-secrets or external secret managers",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC6.1",),
        "ISO 27001": ("8.24", "8.12"),
        "NIST 800-53": ("IA-5",),
        "CIS / SLSA": ("S 1.5.1", "S 5.1.3"),
    },
    needs=(GIT,),
    remediation="Rotate the value, and seal it, encrypt it, or keep it in a manager of secrets.",
    examples=EXAMPLES,
    test=test,
)
