"""Who of the cloud is behind a user of a cluster is told by the ARN, and by a session's name only where nobody chooses it."""

from __future__ import annotations

import pandas as pd
import pytest
from joins_rows import T0, settings, table

from audit.joins.identity import Resolver
from audit.joins.principals import principals

_STS, _IAM = "arn:aws:sts::111122223333:assumed-role", "arn:aws:iam::111122223333"
_SSO = f"{_STS}/AWSReservedSSO_Admin_0123"
_NAMES = (
    ("sso", "ada@acme.test", "ada"), ("iam", f"{_IAM}:user/bob", "bob"), ("iam", f"{_IAM}:role/bobs", "bob"),
    ("iam", f"{_IAM}:role/deploy", "ci"), ("kubernetes", "okta:ada", "ada"), ("kubernetes", "ops", "bob"),
    ("iam", f"{_STS}/shared/eve-1", "eve"), ("kubernetes", "eve", "eve"),
)  # fmt: skip
_LET_IN = (
    {"kind": "role", "principal": f"{_IAM}:role/path/shared", "username": "admin:{{SessionName}}"},
    {"kind": "user", "principal": f"{_IAM}:user/bob", "username": "bobby"},
    {"kind": "role", "principal": f"{_IAM}:role/twice", "username": "twin"},
    {"kind": "role", "principal": f"{_IAM}:role/bobs", "username": "twin"},
    {"kind": "role", "principal": f"{_IAM}:role/nodes", "username": "system:node:{{EC2PrivateDNSName}}"},
)


def asked(user: str | None, arn: str | None = None, cluster: str = "prod") -> tuple[str, str]:
    """Person and kind behind one request."""
    people = [{"person": one, "name": one, "kind": "person"} for one in ("ada", "bob", "eve")]
    people.append({"person": "ci", "name": "ci", "kind": "machine"})
    names = [{"system": system, "identifier": name.lower(), "person": who} for system, name, who in _NAMES]
    tables = {
        "people": table("people", *people), "roles": table("roles"), "identities": table("identities", *names),
        "commits": table("commits"),
        "cluster_identities": table("cluster_identities", *({"cluster": "prod"} | one for one in _LET_IN)),
    }  # fmt: skip
    chosen = settings(people={"oidc_prefixes": ["oidc:", "OKTA:"]})
    row = {"user": user, "cloud_arn": arn, "cluster": cluster, "at": T0}
    found = principals(table("cluster_access", row), Resolver.of(tables, chosen), chosen)
    assert all(isinstance(column, pd.Series) for column in found.values())
    return found["person"].iloc[0], found["principal_kind"].iloc[0]


@pytest.mark.parametrize(
    ("user", "arn", "person"),
    [
        ("kubernetes-admin", f"{_IAM}:user/bob", "bob"),
        ("kubernetes-admin", f"{_SSO}/ada@acme.test", "ada"),
        ("kubernetes-admin", f"{_STS}/shared/ada@acme.test", f"iam:{_STS}/shared/ada@acme.test"),
        ("kubernetes-admin", f"{_STS}/shared/eve-1", "eve"),
        ("kubernetes-admin", f"{_STS}/bobs/anything", "bob"),
        ("kubernetes-admin", f"{_SSO}/mallory", f"iam:{_SSO}/mallory"),
        (f"{_SSO}/ada@acme.test", None, "ada"),
        (f"{_STS}/shared/bob", None, f"iam:{_STS}/shared/bob"),
        ("ops", f"{_STS}/shared/whoever", "bob"),
        ("ops", f"{_SSO}/ada@acme.test", "ada"),
        ("eve", f"{_STS}/shared/eve", f"iam:{_STS}/shared/eve"),
        ("okta:ada", f"{_STS}/shared/ada", f"iam:{_STS}/shared/ada"),
        ("admin:eve-1", None, "eve"),
        ("admin:ada@acme.test", None, f"iam:{_STS}/shared/ada@acme.test"),
        ("bobby", None, "bob"),
        ("twin", None, "kubernetes:twin"),
        ("Okta:Ada", None, "ada"),
        ("okta:ada@acme.test", None, "ada"),
        (None, None, "kubernetes:unknown"),
    ],
)
def test_whoever_is_behind_a_user(user: str | None, arn: str | None, person: str) -> None:
    assert asked(user, arn) == (person, "person")


def test_a_mapping_of_one_cluster_says_nothing_of_another() -> None:
    assert asked("bobby", cluster="dev")[0] == "kubernetes:bobby"


def test_machines_of_the_cloud_are_machines() -> None:
    assert asked("system:node:ip-10-0-0-1", f"{_STS}/nodes/i-0abc") == ("kubernetes:system:node:ip-10-0-0-1", "machine")  # fmt: skip
    assert asked("deployer", f"{_STS}/deploy/run-7") == ("ci", "machine")
