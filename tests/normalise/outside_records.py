"""Valid records of the systems around the clusters, as small as they can be."""

from __future__ import annotations

from typing import Any


def hmac(of: str) -> str:
    """What a Vault audit device writes in place of a value."""
    return f"hmac-sha256:{of.encode().hex():0>64}"


VAULT_REQUEST: dict[str, Any] = {
    "time": "2026-07-01T09:00:00.123456789Z", "type": "request",
    "auth": {
        "client_token": hmac("t1"), "accessor": hmac("a1"), "display_name": "kubernetes-shop-web",
        "policies": ["default", "shop-read"], "token_policies": ["default"], "identity_policies": ["shop-read"],
        "policy_results": {"allowed": True, "granting_policies": [{"name": "shop-read", "type": "acl"}]},
        "metadata": {"service_account_name": "web"}, "entity_id": "e-1", "token_type": "service",
    },
    "request": {
        "id": "r-1", "client_id": "e-1", "operation": "read", "mount_point": "kv/", "mount_type": "kv",
        "client_token": hmac("t1"), "client_token_accessor": hmac("a1"), "namespace": {"id": "root"},
        "path": "kv/data/shop/db", "remote_address": "203.0.113.9", "remote_port": 36972,
    },
}  # fmt: skip
VAULT_RESPONSE: dict[str, Any] = VAULT_REQUEST | {
    "time": "2026-07-01T09:00:00.125Z", "type": "response",
    "response": {"mount_point": "kv/", "mount_type": "kv", "data": {"data": {"password": hmac("pretend-password")}}},
}  # fmt: skip

OUTSIDE: dict[str, list[dict[str, Any]]] = {
    "vault-audit": [VAULT_REQUEST, VAULT_RESPONSE],
}
