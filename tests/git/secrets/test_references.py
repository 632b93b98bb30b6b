"""Secrets by reference at the tip, and the commit that last changed their content."""

from __future__ import annotations

from git_repo import Repo
from secrets_help import referenced

ENC = "ENC[AES256_GCM,data:{},iv:aXY=,tag:dGFn,type:str]"


def sealed(value: str, comment: str = "", label: str = "a") -> str:
    return (
        f"{comment}apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\n"
        f"  labels: {{x: {label}}}\nspec:\n  encryptedData:\n    password: {value}\n"
    )


def one(repo: Repo) -> tuple[str, str, str, str]:
    rows, unread = referenced(repo)
    assert len(rows) == 1
    assert unread == []
    row = rows[0]
    return row["kind"], row["path"], row["changed_sha"], row["created_sha"]


def test_a_comment_or_a_label_is_no_rotation(repo: Repo) -> None:
    created = repo.commit("one", {"a.yaml": sealed("AgA")})
    rotated = repo.commit("two", {"a.yaml": sealed("AgB")})
    repo.commit("three", {"a.yaml": sealed("AgB", "# words\n", "b")})
    assert one(repo) == ("SealedSecret", "a.yaml", rotated, created)


def test_a_rename_is_followed(repo: Repo) -> None:
    created = repo.commit("one", {"a.yaml": sealed("AgA")})
    repo.commit("two", {"a.yaml": None, "b/c.yaml": sealed("AgA", "# moved\n")})
    assert one(repo) == ("SealedSecret", "b/c.yaml", created, created)


def test_a_move_into_another_file_is_no_rotation(repo: Repo) -> None:
    created = repo.commit("one", {"a.yaml": sealed("AgA"), "b.yaml": "x: 1\n"})
    repo.commit("two", {"a.yaml": "# gone\n", "b.yaml": "x: 1\n---\n" + sealed("AgA")})
    assert one(repo) == ("SealedSecret", "b.yaml", created, created)


def test_metadata_of_sops_alone_is_no_rotation(repo: Repo) -> None:
    def text(value: str, mac: str) -> str:
        return f"password: {ENC.format(value)}\nsops:\n  mac: {ENC.format(mac)}\n  lastmodified: '{mac}'\n"

    created = repo.commit("one", {"v.yaml": text("YQ==", "MQ==")})
    rotated = repo.commit("two", {"v.yaml": text("Yg==", "Mg==")})
    repo.commit("three", {"v.yaml": text("Yg==", "Mw==")})
    assert one(repo) == ("SOPS", "v.yaml", rotated, created)


def test_every_kind_is_told(repo: Repo) -> None:
    def kube(kind: str, api: str, rest: str) -> str:
        return f"apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: {kind.lower()}\n{rest}\n---\n"

    annotation = "spec:\n  template:\n    metadata:\n      annotations:\n        vault.hashicorp.com/agent-inject-secret-db: kv/db"
    repo.commit(
        "one",
        {
            "a.yaml": kube("ExternalSecret", "external-secrets.io/v1", "spec: {a: b}")
            + kube("ClusterExternalSecret", "external-secrets.io/v1", "spec: {a: b}")
            + kube("VaultStaticSecret", "secrets.hashicorp.com/v1beta1", "spec: {a: b}")
            + kube("Deployment", "apps/v1", annotation)
            + kube("Secret", "v1", "stringData: {k: clear-value}"),
            "b.yaml": kube("Secret", "v1", "stringData: {k: '<path:kv/a#b>'}"),
            "x.env": f"A={ENC.format('YQ==')}\nsops_mac={ENC.format('Yg==')}\nsops_version=3\n",
            "key.json.enc": f'{{"data": "{ENC.format("YQ==")}", "sops": {{"mac": "x"}}}}',
        },
    )
    assert {(row["path"], row["kind"], row["name"]) for row in referenced(repo)[0]} == {
        ("a.yaml", "ExternalSecret", "externalsecret"),
        ("a.yaml", "ExternalSecret", "clusterexternalsecret"),
        ("a.yaml", "Vault", "vaultstaticsecret"),
        ("a.yaml", "Vault", "deployment"),
        ("a.yaml", "Secret", "secret"),
        ("b.yaml", "Vault", "secret"),
        ("x.env", "SOPS", "x.env"),
        ("key.json.enc", "SOPS", "key.json.enc"),
    }


def test_what_can_not_be_read_is_said(repo: Repo) -> None:
    sha = repo.commit("one", {"a.yaml": "kind: SealedSecret\n\t- [\n"})
    rows, unread = referenced(repo)
    assert rows == []
    assert [(row["sha"], row["path"]) for row in unread] == [(sha, "a.yaml")]
