"""Secrets in Vault are read by known workloads and people, and nobody uses a root token.

## Why
Who reads a secret has it. A root token may do everything, and says of nobody who used it.

## Evidence
Vault's audit device: each request with its response. A token is known by its display name, where a rule of the settings names the
workload (`vault.workloads`) or the roster the person (names of Vault, of the single sign-on or the forge, at that moment); or by its
entity, which the roster or the settings (`vault.entities`) name.

## Limits
Reads that were denied are attempts, and no exceptions. What Vault's own paths (`sys`, `auth`, `identity`) tell is no secret; of a
root token every request counts, done or not. A request of which the device lost both lines leaves no trace. While the log
was silent for longer than its pace nothing tells who read what: the control is not tested, and what is on record still counts.

## Remediation
Revoke the token, find out whose it was, and rotate what it read; give out a root token in an emergency alone.
"""

from __future__ import annotations

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import ROSTER, VAULT
from audit.controls.parts import pointed
from audit.joins.identity import Resolver
from audit.joins.matching import matches_any
from audit.joins.vault_users import who_asked
from audit.model import Severity

_READS = ("read", "list")
_OWN = r"^(?:sys|auth|identity)/"

_ROSTER = """
        identities
        | system | identifier      | person |
        | git    | ada@example.com | ada    |
        | vault  | e5              | eve    |
        | github | octo            | eve    |
"""

EXAMPLES = (
    Example(
        title="a workload, a person and a known entity pass; so do attempts, and reads that are of no secret",
        given=_ROSTER
        + """
        secret_access
        | request_id | type     | at               | operation | path     | display_name         | entity | error             |
        | r1         | request  | 2026-07-01 00:00 | read      | kv/web   | kubernetes-web       | e1     |                   |
        | r2         | request  | 2026-07-01 00:00 | list      | kv/web   | oidc-Ada@example.com | e2     |                   |
        | r3         | request  | 2026-07-01 00:00 | read      | kv/web   | approle-x            | e3     |                   |
        | r4         | request  | 2026-07-01 00:00 | read      | kv/web   | approle-y            | e4     |                   |
        | r4         | response | 2026-07-01 00:00 | read      | kv/web   | approle-y            | e4     | permission denied |
        | r5         | request  | 2026-07-01 00:00 | read      | sys/seal | approle-y            | e4     |                   |
        | r6         | request  | 2026-07-01 00:00 | update    | kv/web   | approle-y            | e4     |                   |
        | r7         | request  | 2026-07-01 00:00 | read      | kv/web   | token                | e5     |                   |
        | r8         | request  | 2026-07-01 00:00 | read      | kv/web   | github-Octo          | e6     |                   |
        """,
        settings={"vault": {"entities": ["e3"]}},
        conclusion="effective",
    ),
    Example(
        title="an unknown entity fails, once for request and response; a root token fails whatever it does",
        given=_ROSTER
        + """
        secret_access
        | request_id | type     | at                  | operation | path         | display_name | entity | root  | error             |
        | r0         | request  | 2026-06-30 23:59:59 | read      | kv/web       | approle-y    | e4     | false |                   |
        | r1         | request  | 2026-07-01 00:00:00 | read      | kv/web       | approle-y    | e4     | false |                   |
        | r1         | response | 2026-07-01 00:00:00 | read      | kv/web       | approle-y    | e4     | false |                   |
        | r2         | response | 2026-09-30 23:59:59 | update    | sys/policies | root         |        | true  | permission denied |
        | r3         | request  | 2026-10-01 00:00:00 | read      | kv/web       | approle-y    | e4     | false |                   |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject  | found                                          |
        | vault:r1 | read of kv/web by approle-y (entity e4)        |
        | vault:r2 | update of sys/policies by root (a root token)  |
        """,
    ),
    Example(
        title="without Vault's log nothing tells who read which secret",
        given=_ROSTER,
        without=("vault-audit",),
        conclusion="not tested",
    ),
    Example(
        title="a log that was silent for weeks tells nothing of them, however well it begins and ends",
        given=_ROSTER
        + """
        secret_access
        | request_id | type    | at               | operation | path   | display_name   | entity |
        | r1         | request | 2026-07-01 00:00 | read      | kv/web | kubernetes-web | e1     |
        | r2         | request | 2026-09-30 00:00 | read      | kv/web | kubernetes-web | e1     |
        evidence_gaps
        | source_name | cluster | format      | kind    | start      | end        | missing | detail                        |
        | vault       |         | vault-audit | silence | 2026-07-20 | 2026-09-29 | true    | vault: no records for 71 days |
        """,
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every request that reads a secret or uses a root token."""
    rows = tables["secret_access"]
    secret = rows["operation"].isin(_READS) & ~rows["path"].str.contains(_OWN)
    rows = rows[secret | rows["root"]].reset_index(drop=True)
    by = rows["request_id"]
    refused = rows["error"].ne("").groupby(by).transform("any")
    root = rows["root"].groupby(by).transform("any")
    behind = who_asked(rows, Resolver.of(tables, context.settings))
    rules = context.settings.vault
    known = (
        behind["known"]
        | matches_any(rows["display_name"], rules.workloads)
        | matches_any(rows["entity"], rules.entities)
    )
    who = rows["display_name"].mask(rows["display_name"].eq(""), "an unnamed token")
    how = (" (entity " + rows["entity"] + ")").mask(root, " (a root token)")
    rows = rows.merge(pointed(rows, ["request_id"]), on="request_id", how="left").assign(
        subject="vault:" + by,
        person=behind["person"].where(behind["known"]),
        person_raw=rows["display_name"],
        found=rows["operation"] + " of " + rows["path"] + " by " + who + how,
        failed=(root | (~known & ~refused)).astype(bool),
    )
    rows = rows.sort_values(["subject", "at", "type"], kind="stable").drop_duplicates("subject")
    bad = rows[rows["failed"]].reset_index(drop=True)
    failed = failures(
        bad,
        expected="a known workload or person, and no root token",
        evidence=bad["pointers"],
        found=bad["found"],
    )
    return Result(rows[["subject", "at"]], failed)


CONTROL = Control(
    id="SEC-04",
    page=__doc__,
    clause="Security Controls › Secrets Management › Use sealed-secrets or external secret managers",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC6.1",),
        "ISO 27001": ("8.24",),
        "NIST 800-53": ("IA-5",),
        "PCI DSS": ("8.6.3", "3.7.4"),
        "CIS / SLSA": ("K 5.4.2",),
    },
    needs=(ROSTER, VAULT),
    remediation="Revoke the token, find out whose it was, and rotate what it read.",
    examples=EXAMPLES,
    test=test,
)
