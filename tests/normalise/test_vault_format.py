"""What the lines of Vault's audit devices give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import lines, parse_bytes, read, refused
from outside_records import VAULT_REQUEST, VAULT_RESPONSE, hmac

from audit import tables as t
from audit.joins.dedupe import deduplicate


def row(record: Any) -> dict[str, Any]:
    (found,) = read(record).rows["secret_access"]
    return found


def asked(**changes: Any) -> dict[str, Any]:
    return VAULT_REQUEST | {"request": VAULT_REQUEST["request"] | changes}


def by(**changes: Any) -> dict[str, Any]:
    return VAULT_REQUEST | {"auth": VAULT_REQUEST["auth"] | changes}


def test_a_request_is_told_in_full() -> None:
    found = row(VAULT_REQUEST)
    assert found["at"].isoformat() == "2026-07-01T09:00:00.123457+00:00"
    assert {name: found[name] for name in found if name not in ("at", "evidence")} == {
        "request_id": "r-1", "type": "request", "operation": "read", "namespace": "", "mount": "kv/",
        "mount_type": "kv", "path": "kv/data/shop/db", "entity": "e-1", "display_name": "kubernetes-shop-web",
        "policies": "default,shop-read", "accessor": hmac("a1"), "token_type": "service", "root": False,
        "root_issued": False, "allowed": True, "remote_address": "203.0.113.9", "error": "", "in_clear": False,
        "line": 1,
    }  # fmt: skip


def test_a_request_and_its_response_are_two_rows_of_one_id() -> None:
    parsed = parse_bytes(lines(VAULT_REQUEST, VAULT_RESPONSE))
    assert [(r["request_id"], r["type"], r["line"]) for r in parsed.rows["secret_access"]] == [
        ("r-1", "request", 1),
        ("r-1", "response", 2),
    ]


def test_what_is_read_or_written_never_gets_into_a_row() -> None:
    """Nor does a token, whether the device hides it or not."""
    secret = "pretend-password"
    open_token = VAULT_RESPONSE | {
        "auth": VAULT_RESPONSE["auth"] | {"client_token": "pretend-token"},
        "request": VAULT_RESPONSE["request"] | {"client_token": "pretend-token", "data": {"p": secret}},
        "response": {"data": {"data": {"password": secret}}, "auth": {"client_token": "pretend-token"}},
    }
    found = row(open_token)
    assert found["in_clear"]
    assert "pretend" not in json.dumps(found, default=str)
    assert "hmac-sha256:0" in json.dumps(found, default=str)
    hidden = json.dumps(row(VAULT_RESPONSE), default=str)
    assert hmac(secret) not in hidden
    assert hmac("t1") not in hidden


def test_an_error_stands_at_the_top() -> None:
    denied = VAULT_RESPONSE | {"error": "1 error occurred:\n\t* permission denied\n\n"}
    denied["auth"] = denied["auth"] | {"policy_results": {"allowed": False}}
    assert (row(denied)["allowed"], row(denied)["error"]) == (False, denied["error"])
    assert row(VAULT_REQUEST | {"error": None})["error"] == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"policies": ["root"], "display_name": "root"},
        {"policies": None, "token_policies": ["root"], "display_name": "token"},
    ],
)
def test_root_tokens_are_seen_by_their_policy_whatever_they_are_called(changes: dict[str, Any]) -> None:
    assert row(by(**changes))["root"]
    assert not row(VAULT_REQUEST)["root"]


def test_a_root_token_that_is_handed_out_is_seen_too() -> None:
    issued = {"client_token": hmac("t2"), "policies": ["root"], "display_name": "token"}
    found = row(VAULT_RESPONSE | {"response": {"auth": issued}})
    assert (found["root"], found["root_issued"], found["display_name"]) == (
        False,
        True,
        "kubernetes-shop-web",
    )


@pytest.mark.parametrize("auth", [None, {"token_type": "default", "policy_results": {"allowed": True}}])
def test_a_login_has_no_token_before_it_and_the_new_one_after(auth: Any) -> None:
    login = {
        "operation": "update",
        "path": "auth/oidc/login",
        "client_token": None,
        "client_token_accessor": None,
    }
    request = asked(**login) | {"auth": auth}
    assert (row(request)["display_name"], row(request)["entity"], row(request)["accessor"]) == ("", "", None)
    response = {
        "auth": {"display_name": "oidc-ada", "entity_id": "e-2", "accessor": hmac("a2"), "policies": ["ops"]}
    }
    found = row(request | {"type": "response", "response": response})
    assert (found["display_name"], found["entity"], found["policies"]) == ("oidc-ada", "e-2", "ops")
    assert found["accessor"] == hmac("a2")


def test_lines_of_older_vaults_lack_much() -> None:
    old = {
        "time": "2026-07-01T09:00:00Z", "type": "response",
        "auth": {"client_token": "", "accessor": "", "display_name": "root", "policies": ["root"], "metadata": None},
        "request": {"id": "r-9", "operation": "update", "path": "sys/audit/file", "remote_address": "203.0.113.9",
                    "wrap_ttl": 0, "headers": {}},
        "response": {}, "error": "",
    }  # fmt: skip
    found = row(old)
    assert (found["root"], found["mount"], found["allowed"], found["in_clear"]) == (True, "", None, False)


def test_namespaces_are_told_by_their_path() -> None:
    assert row(asked(namespace={"id": "x1", "path": "team/"}))["namespace"] == "team/"
    assert row(asked(namespace={"id": "x1"}))["namespace"] == "x1"


def test_what_is_no_line_of_a_device_is_refused() -> None:
    assert "Invalid enum value 'control'" in refused(VAULT_REQUEST | {"type": "control"})
    assert "$.request.id" in refused(asked(id=""))
    assert "a request that holds a response" in refused(VAULT_RESPONSE | {"type": "request"})


def test_two_devices_that_wrote_one_request_give_one_row_and_one_id_for_two_requests_gives_two() -> None:
    """Each device has a salt of its own, and a clock of its own."""
    other = VAULT_REQUEST | {"time": "2026-07-01T09:00:00.2Z"}
    other["auth"] = other["auth"] | {"accessor": hmac("other salt")}
    forged = asked(path="kv/data/shop/other")
    found = parse_bytes(lines(VAULT_REQUEST, VAULT_RESPONSE, other, forged)).rows["secret_access"]
    kept, left_out = deduplicate("secret_access", t.frame(t.SecretAccess, found))
    assert sorted(kept["line"]) == [1, 2, 4]
    assert left_out["line"].tolist() == [3]
