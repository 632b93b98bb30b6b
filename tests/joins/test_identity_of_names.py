"""Names are resolved within their system, and nobody is taken for someone else."""

from __future__ import annotations

import pandas as pd
import pytest
from joins_rows import resolver, strs, table

from audit.joins.identity import Resolver, System
from audit.settings import Machines


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
    found = resolver().resolve(strs([name]), system)
    assert found.to_dict("records") == [{"person": person, "known": known, "kind": kind}]


def test_the_index_of_the_names_is_kept_and_repeats_resolve_alike() -> None:
    names = pd.Series(["bob", None, "bob", "x"], index=[7, 3, 5, 9], dtype="str")
    found = resolver().resolve(names, "github")
    assert found.index.tolist() == [7, 3, 5, 9]
    assert found["person"].tolist() == ["bob", "github:unknown", "bob", "github:x"]


def test_without_a_roster_everybody_keeps_their_name() -> None:
    nobody = Resolver(table("people"), table("identities"))
    assert nobody.resolve(strs(["bob"]), "github")["person"].tolist() == ["github:bob"]
    assert nobody.resolve(strs([]), "github").columns.tolist() == ["person", "known", "kind"]


def test_rules_of_the_settings_name_machines() -> None:
    rules = Machines(argocd=(r"ci-.*",))
    found = Resolver(table("people"), table("identities"), rules).resolve(strs(["ci-7", "xci-7"]), "argocd")
    assert found["kind"].tolist() == ["machine", "person"]
