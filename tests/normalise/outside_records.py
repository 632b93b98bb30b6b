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

ACCOUNT, ROLE = "111122223333", "arn:aws:iam::111122223333:role/auditor"
CLOUDTRAIL_EVENT: dict[str, Any] = {
    "eventVersion": "1.11", "eventID": "c-1", "eventTime": "2026-07-01T09:00:00Z", "eventSource": "s3.amazonaws.com",
    "eventName": "DeleteObject", "eventType": "AwsApiCall", "eventCategory": "Data", "awsRegion": "eu-west-1",
    "recipientAccountId": ACCOUNT, "sourceIPAddress": "203.0.113.9", "userAgent": "[aws-cli/2]", "readOnly": False,
    "managementEvent": False, "requestID": "q-1",
    "userIdentity": {
        "type": "AssumedRole", "principalId": "AROAEXAMPLE:ada", "accountId": ACCOUNT,
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/ada",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": ROLE, "accountId": ACCOUNT, "userName": "auditor"},
            "attributes": {"mfaAuthenticated": "true", "creationDate": "2026-07-01T08:00:00Z"},
        },
    },
    "requestParameters": {"bucketName": "audit-evidence", "key": "2026/07/01.log", "Host": ["audit-evidence.example"]},
    "responseElements": None,
    "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::audit-evidence/2026/07/01.log"},
                  {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::audit-evidence", "accountId": ACCOUNT}],
}  # fmt: skip
CONSOLE_LOGIN: dict[str, Any] = {
    "eventVersion": "1.08", "eventID": "c-2", "eventTime": "2026-07-01T09:00:00Z", "eventName": "ConsoleLogin",
    "eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn", "awsRegion": "us-east-1",
    "recipientAccountId": ACCOUNT, "sourceIPAddress": "203.0.113.9", "userAgent": "Mozilla/5.0",
    "userIdentity": {"type": "IAMUser", "userName": "ada", "accountId": ACCOUNT,
                     "arn": f"arn:aws:iam::{ACCOUNT}:user/ada"},
    "requestParameters": None, "responseElements": {"ConsoleLogin": "Success"},
    "additionalEventData": {"MFAUsed": "No", "MobileVersion": "No"},
}  # fmt: skip

OUTSIDE: dict[str, list[dict[str, Any]]] = {
    "vault-audit": [VAULT_REQUEST, VAULT_RESPONSE],
    "cloudtrail": [CLOUDTRAIL_EVENT, CONSOLE_LOGIN],
}
