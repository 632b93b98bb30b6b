"""Secrets that clusters get from elsewhere: from where, and when last; never a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import read, refused
from operator_records import EXTERNAL_SECRET, SEALED_SECRET, SECRET_STORE, SOPS_SECRET


def row(record: Any) -> dict[str, Any]:
    (found,) = read(record).rows["managed_secrets"]
    return found


def test_an_external_secret_tells_where_it_comes_from_and_when_it_was_refreshed() -> None:
    found = row(EXTERNAL_SECRET)
    assert found.pop("observed_at") == found["refreshed_at"]
    assert found.pop("refreshed_at").isoformat() == "2026-07-01T09:30:00+00:00"
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "cluster": "prod", "kind": "ExternalSecret", "namespace": "shop", "name": "db", "manager": "external-secrets",
        "created_at": None, "store": "ClusterSecretStore/vault", "remote": "kv/shop/all kv/shop/db", "keys": 2,
        "refresh_interval": "1h", "synced_version": "1-0a0b", "ready": "True", "reason": "SecretSynced",
        "health_status": "Healthy", "recipients": None, "line": 1,
    }  # fmt: skip


def test_a_sealed_secret_tells_when_it_was_unsealed() -> None:
    found = row(SEALED_SECRET)
    assert (found["manager"], found["keys"], found["ready"]) == ("sealed-secrets", 2, "True")
    assert found["observed_at"].isoformat() == "2026-07-01T09:00:00+00:00"
    assert found["created_at"].isoformat() == "2026-01-05T09:00:00+00:00"


def test_a_store_tells_its_provider_and_whether_it_answers() -> None:
    found = row(SECRET_STORE)
    assert (found["namespace"], found["store"], found["ready"]) == ("", "vault", "False")
    assert (found["reason"], found["health_status"], found["observed_at"]) == (
        "ValidationFailed",
        "Degraded",
        None,
    )


def test_what_sops_encrypted_tells_when_and_for_how_many() -> None:
    found = row(SOPS_SECRET)
    assert (found["manager"], found["kind"], found["keys"], found["recipients"]) == ("sops", "Secret", 2, 3)
    assert found["observed_at"].isoformat() == "2026-06-30T09:00:00+00:00"
    bare = SOPS_SECRET | {"sops": {"lastmodified": "2026-06-30T09:00:00Z"}}
    assert "without a mac" in refused(bare)


def test_a_file_that_sops_encrypted_is_no_object() -> None:
    record = {"password": "ENC[x]", "more": {"a": "ENC[y]"}, "sops": SOPS_SECRET["sops"]}
    found = row(record)
    assert (found["kind"], found["manager"], found["keys"], found["recipients"]) == ("File", "sops", 2, 3)
    assert "ENC" not in json.dumps(found, default=str)
    assert "without a mac" in refused({"a": 1, "sops": {"lastmodified": "2026-06-30T09:00:00Z"}})
    assert refused({"a": 1, "sops": "since 2020"}) == "no known format"


def test_a_cluster_external_secret_holds_an_external_secret() -> None:
    record = {
        "apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret", "metadata": {"name": "db"},
        "spec": {"refreshTime": "1m", "externalSecretSpec": EXTERNAL_SECRET["spec"]},
    }  # fmt: skip
    found = row(record)
    assert (found["store"], found["remote"]) == ("ClusterSecretStore/vault", "kv/shop/all kv/shop/db")
    assert (found["health_status"], found["ready"]) == ("Progressing", None)


def test_a_cluster_push_secret_holds_a_push_secret() -> None:
    push = {
        "secretStoreRefs": [{"name": "vault"}],
        "data": [{"match": {"secretKey": "a", "remoteRef": {"remoteKey": "kv/a"}}}],
    }
    record = {
        "apiVersion": "external-secrets.io/v1alpha1", "kind": "ClusterPushSecret", "metadata": {"name": "a"},
        "spec": {"refreshTime": "1m", "namespaceSelectors": [{}], "pushSecretSpec": push},
    }  # fmt: skip
    found = row(record)
    assert (found["store"], found["remote"], found["keys"]) == ("SecretStore/vault", "kv/a", 1)


def test_stores_of_single_keys_generators_and_what_is_looked_for_are_told() -> None:
    spec = {
        "data": [{"secretKey": "a", "remoteRef": {"key": "x"}, "sourceRef": {"storeRef": {"name": "own"}}}],
        "dataFrom": [
            {"sourceRef": {"generatorRef": {"kind": "ECRAuthorizationToken", "name": "ecr"}}},
            {"find": {"path": "shop", "name": {"regexp": "^db"}, "tags": {"team": "web"}}},
        ],
    }
    found = row(EXTERNAL_SECRET | {"spec": spec})
    assert found["store"] == "ECRAuthorizationToken/ecr SecretStore/own"
    assert found["remote"] == "shop/~^db/team=web x"


def test_a_pushed_secret_tells_all_its_stores() -> None:
    spec = {
        "secretStoreRefs": [{"name": "b"}, {"kind": "ClusterSecretStore", "name": "a"}],
        "data": [{"match": {"secretKey": "x", "remoteRef": {"remoteKey": "kv/x"}}}],
    }
    found = row(EXTERNAL_SECRET | {"kind": "PushSecret", "spec": spec})
    assert (found["store"], found["remote"]) == ("ClusterSecretStore/a SecretStore/b", "kv/x")


@pytest.mark.parametrize("record", [EXTERNAL_SECRET, SEALED_SECRET, SECRET_STORE, SOPS_SECRET])
def test_no_value_gets_into_a_row(record: dict[str, Any]) -> None:
    assert "pretend" not in json.dumps(read(record).rows, default=str)


def test_a_secret_that_nothing_manages_is_noise() -> None:
    plain = {name: value for name, value in SOPS_SECRET.items() if name != "sops"}
    assert (read(plain).noise, read(plain).formats) == (1, {"kubernetes-object"})
    assert "neither a secret from elsewhere" in refused(plain, format="managed-secret")
