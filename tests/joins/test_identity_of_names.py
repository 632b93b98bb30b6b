"""Names are resolved within their system, and nobody is taken for someone else."""

from __future__ import annotations

import pandas as pd
import pytest
from joins_rows import REPO, T0, resolver, settings, strs, table

from audit.joins.identity import Resolver, System
from audit.settings import Machines

TIME = "datetime64[us, UTC]"


def times(*moments: object) -> pd.Series:
    """A series of moments."""
    return pd.Series(pd.to_datetime(list(moments), utc=True, format="ISO8601")).astype(TIME)


@pytest.mark.parametrize(
    ("system", "name", "person", "known", "kind"),
    [
        ("git", "alice@netbpf.com", "alice", True, "person"),
        ("git", "Alice@NETBPF.com", "alice", True, "person"),
        ("git", "123+alice@users.noreply.github.com", "alice", True, "person"),
        ("git", "alice@users.noreply.github.com", "alice", True, "person"),
        ("git", "123+Mallory@users.noreply.github.com", "github:mallory", False, "person"),
        ("git", "alice@elsewhere.com", "git:alice@elsewhere.com", False, "person"),
        ("git", "alice@users.noreply.github.com.evil.com", "git:alice@users.noreply.github.com.evil.com", False, "person"),
        ("git", "41898282+github-actions[bot]@users.noreply.github.com", "github:github-actions[bot]", False, "machine"),
        ("git", "renovate@netbpf.com", "renovate", True, "machine"),
        ("github", "ALICE", "alice", True, "person"),
        ("github", "octocat", "github:octocat", False, "person"),
        ("github", "dependabot[bot]", "github:dependabot[bot]", False, "machine"),
        ("github", "web-flow", "github:web-flow", False, "machine"),
        ("github", "web-flower", "github:web-flower", False, "person"),
        ("github", "alice@netbpf.com", "github:alice@netbpf.com", False, "person"),
        ("github", None, "github:unknown", False, "person"),
        ("kubernetes", "bob@netbpf.com", "bob", True, "person"),
        ("kubernetes", "oidc:bob@netbpf.com", "bob", True, "person"),
        ("kubernetes", "https://sso.netbpf.com#bob@netbpf.com", "bob", True, "person"),
        ("kubernetes", "evil:bob@netbpf.com", "kubernetes:evil:bob@netbpf.com", False, "person"),
        ("kubernetes", "system:serviceaccount:argocd:controller", "kubernetes:system:serviceaccount:argocd:controller", False, "machine"),
        ("kubernetes", "my-system:serviceaccount:argocd:x", "kubernetes:my-system:serviceaccount:argocd:x", False, "person"),
        ("kubernetes", "kubernetes-admin", "kubernetes:kubernetes-admin", False, "person"),
        ("argocd", "carol", "carol", True, "person"),
        ("argocd", "carol@netbpf.com", "carol", True, "person"),
        ("argocd", "admin", "argocd:admin", False, "person"),
    ],
)  # fmt: skip
def test_a_name_resolves(system: System, name: str | None, person: str, known: bool, kind: str) -> None:
    found = resolver().resolve(strs([name]), system, times(T0))
    assert found.to_dict("records") == [{"person": person, "known": known, "kind": kind}]


def test_the_index_of_the_names_is_kept_and_repeats_resolve_alike() -> None:
    names = pd.Series(["bob", None, "bob", "x"], index=[7, 3, 5, 9], dtype="str")
    found = resolver().resolve(names, "github", pd.Series(pd.NaT, index=names.index, dtype=TIME))
    assert found.index.tolist() == [7, 3, 5, 9]
    assert found["person"].tolist() == ["bob", "github:unknown", "bob", "github:x"]


def test_without_a_roster_everybody_keeps_their_name() -> None:
    nobody = Resolver(table("people"), table("identities"))
    assert nobody.resolve(strs(["bob"]), "github", times(T0))["person"].tolist() == ["github:bob"]
    assert nobody.resolve(strs([]), "github", times()).columns.tolist() == ["person", "known", "kind"]


def test_rules_of_the_settings_name_machines() -> None:
    rules = Machines(argocd=(r"ci-.*",))
    found = Resolver(table("people"), table("identities"), rules).resolve(
        strs(["ci-7", "xci-7"]), "argocd", times(T0, T0)
    )
    assert found["kind"].tolist() == ["machine", "person"]


_SPANS = (
    {"system": "github", "identifier": "on-call", "person": "ann", "until": "2026-06-01"},
    {"system": "github", "identifier": "on-call", "person": "bob", "since": "2026-06-01", "until": "2026-09-01"},
    {"system": "github", "identifier": "ann", "person": "ann"},
    {"system": "roster", "identifier": "ann2", "person": "ann", "since": "2026-06-01", "entry": "ann2"},
    {"system": "sso", "identifier": "bob.b", "person": "bob"},
    {"system": "vault", "identifier": "b-entity", "person": "bob"},
)  # fmt: skip
_STAFF = [{"person": one, "name": one} for one in ("ann", "bob", "ann2")]


def dated(**more: pd.DataFrame) -> Resolver:
    """Resolves ann and bob, who had the login on-call one after the other."""
    return Resolver(table("people", *_STAFF), table("identities", *_SPANS), **more)


def test_a_name_is_whose_it_was_at_the_moment_and_nobodys_when_that_is_missing() -> None:
    moments = times("2026-05-31T23:59:59Z", "2026-06-01", "2026-08-31T23:59:59Z", "2026-09-01", None)
    found = dated().resolve(strs(["on-call"] * 5), "github", moments)
    assert found["person"].tolist() == ["ann", "bob", "bob", "github:on-call", "github:on-call"]
    assert found["known"].tolist() == [True, True, True, False, False]
    assert dated().resolve(strs(["Ann", None]), "github", times(None, T0))["person"].tolist() == ["ann", "github:unknown"]  # fmt: skip
    assert dated().ever(strs(["On-Call", None, "x"]), "github").to_numpy().tolist() == [
        ["On-Call", "ann"],
        ["On-Call", "bob"],
    ]


def test_an_entry_that_was_found_to_be_another_person_is_that_person_from_then_on() -> None:
    found = dated().resolve(strs(["ann2", "ann2", "eve"]), "roster", times("2026-05-31", "2026-06-01", T0))
    assert found["person"].tolist() == ["ann2", "ann", "roster:eve"]


@pytest.mark.parametrize("system", ["kubernetes", "argocd", "vault", "iam", "sso"])
def test_whoever_signs_on_with_the_name_of_single_sign_on_is_known_everywhere(system: System) -> None:
    found = dated().resolve(strs(["Bob.B", "oidc:bob.b", "b-entity"]), system, times(T0, T0, T0))
    assert found["person"].tolist() == ["bob", "bob", "bob" if system == "vault" else f"{system}:b-entity"]


def test_a_role_held_in_august_is_not_held_in_september() -> None:
    held = [
        {"person": "ann", "role": "lead", "team": "core", "until": "2026-09-01"},
        {"person": "ann", "role": "engineer", "team": "data", "since": "2026-09-01"},
    ]
    moments = times("2026-08-31T23:59:59Z", "2026-09-01", "2026-09-01", None)
    found = dated(roles=table("roles", *held)).held(strs(["ann", "ann", "github:x", "ann"]), moments)
    assert found["role"].fillna("-").tolist() == ["lead", "engineer", "-", "-"]
    assert found["team"].fillna("-").tolist() == ["core", "data", "-", "-"]


_MAPPED = {"repo": REPO, "author_email": "Old@acme.test", "author_mailmap": "ann@acme.test"}


@pytest.mark.parametrize(
    ("commits", "believed", "person"),
    [
        ([_MAPPED], True, "ann"),
        ([_MAPPED], False, "git:old@acme.test"),
        ([_MAPPED, _MAPPED | {"author_mailmap": "bob@acme.test"}], True, "git:old@acme.test"),
        ([_MAPPED | {"repo": "acme/other"}], True, "git:old@acme.test"),
        ([_MAPPED | {"author_email": "bob@acme.test"}], True, "git:old@acme.test"),
    ],
)
def test_a_mailmap_tells_of_unknown_addresses_where_the_settings_believe_it(
    commits: list[dict[str, str]], believed: bool, person: str
) -> None:
    """And never makes somebody whom the roster knows into somebody else."""
    names = [{"system": "git", "identifier": f"{one}@acme.test", "person": one} for one in ("ann", "bob")]
    tables = {
        "people": table("people", *_STAFF), "roles": table("roles"), "identities": table("identities", *names),
        "commits": table("commits", *commits), "cluster_identities": table("cluster_identities"),
    }  # fmt: skip
    repository = {"name": REPO, "location": "x", "believe_mailmap": believed}
    made = Resolver.of(tables, settings(repositories=[repository]))
    found = made.resolve(strs(["OLD@acme.test", "bob@acme.test"]), "git", times(T0, T0))
    assert found["person"].tolist() == [person, "bob"]


@pytest.mark.parametrize(
    ("address", "held"),
    [
        ("left@acme.test", {"system": "git", "identifier": "left@acme.test"}),
        ("7+Lefty@users.noreply.github.com", {"system": "github", "identifier": "lefty"}),
    ],
)
def test_a_mailmap_gives_nobody_an_address_that_somebody_else_ever_held(
    address: str, held: dict[str, str]
) -> None:
    """What bob had until June is nobody's in July, though the file says that it is ann's."""
    names = [
        {"system": "git", "identifier": "ann@acme.test", "person": "ann"},
        held | {"person": "bob", "until": "2026-06-01"},
    ]
    made = Resolver(
        table("people", *_STAFF),
        table("identities", *names),
        mailmap=pd.Series({address.lower(): "ann@acme.test", "new@acme.test": "ann@acme.test"}),
    )
    moments = times("2026-05-31", "2026-07-01", "2026-07-01")
    found = made.resolve(strs([address, address, "new@acme.test"]), "git", moments)
    assert found["person"].where(found["known"], "").tolist() == ["bob", "", "ann"]
