"""What CloudTrail's events give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import lines, parse_bytes, read, refused
from outside_records import ACCOUNT, CLOUDTRAIL_EVENT, CONSOLE_LOGIN, ROLE


def row(record: Any) -> dict[str, Any]:
    (found,) = read(record).rows["cloud_events"]
    return found


def call(source: str, name: str, asked: Any = None, **changes: Any) -> dict[str, Any]:
    event = {"eventSource": f"{source}.amazonaws.com", "eventName": name, "requestParameters": asked}
    return {**CLOUDTRAIL_EVENT, "eventCategory": "Management", **event, **changes}


def test_a_data_event_of_a_bucket_is_told_in_full() -> None:
    found = row(CLOUDTRAIL_EVENT)
    assert found.pop("at").isoformat() == "2026-07-01T09:00:00+00:00"
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "event_id": "c-1", "shared_event_id": None, "account": ACCOUNT, "region": "eu-west-1",
        "event_source": "s3.amazonaws.com", "event_name": "DeleteObject", "event_type": "AwsApiCall", "category": "Data",
        "identity_type": "AssumedRole", "principal": "AROAEXAMPLE:ada", "identity_account": ACCOUNT, "user_name": None,
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/ada", "issuer_type": "Role", "issuer_arn": ROLE,
        "issuer_name": "auditor", "on_behalf_of": None, "invoked_by": None, "mfa": True, "source_ip": "203.0.113.9",
        "user_agent": "[aws-cli/2]", "read_only": False, "failed": False, "error_code": None, "error_message": None,
        "bucket": "audit-evidence", "key": "2026/07/01.log", "target": None,
        "resources": "arn:aws:s3:::audit-evidence arn:aws:s3:::audit-evidence/2026/07/01.log", "line": 1,
    }  # fmt: skip


def test_the_events_of_a_delivered_file_are_records_of_their_own() -> None:
    """One that can't be read costs no other; the same events alone give the same rows."""
    broken = CLOUDTRAIL_EVENT | {"eventTime": "soon"}
    for format in ("auto", "cloudtrail"):
        parsed = parse_bytes(
            json.dumps({"Records": [CLOUDTRAIL_EVENT, broken, CONSOLE_LOGIN]}).encode(), format=format
        )
        assert (parsed.records, parsed.kept, len(parsed.quarantined)) == (3, 2, 1)
        assert parsed.quarantined[0][2].startswith("not a cloudtrail record: Invalid RFC3339")
        assert [found["event_id"] for found in parsed.rows["cloud_events"]] == ["c-1", "c-2"]
    alone = parse_bytes(lines(CLOUDTRAIL_EVENT, CONSOLE_LOGIN)).rows["cloud_events"]
    place = {"evidence": "", "line": 0}
    assert [found | place for found in alone] == [found | place for found in parsed.rows["cloud_events"]]


@pytest.mark.parametrize(
    ("event", "target"),
    [
        (call("kms", "Decrypt", {"keyId": "alias/audit", "encryptionContext": {"a": "b"}}), {"keyId": "alias/audit"}),
        (
            call("eks", "CreateAccessEntry", {"name": "prod", "principalArn": ROLE, "kubernetesGroups": ["ops"]}),
            {"name": "prod", "principalArn": ROLE},
        ),
        (
            call("sts", "AssumeRole", {"roleArn": ROLE, "roleSessionName": "ada", "durationSeconds": 900}),
            {"roleArn": ROLE, "roleSessionName": "ada"},
        ),
        (call("iam", "GetUser", {"userName": {"of": "another kind"}}), None),
        (call("iam", "GetUser", "parameters of another kind"), None),
    ],
)  # fmt: skip
def test_what_a_request_names(event: dict[str, Any], target: dict[str, str] | None) -> None:
    found = row(event)["target"]
    assert (json.loads(found) if found else None) == target


def test_credentials_that_a_call_hands_out_never_get_into_a_row() -> None:
    credentials = {"accessKeyId": "ASIAEXAMPLE", "sessionToken": "pretend-token", "expiration": "Jul 1, 2026"}
    event = call(
        "sts",
        "AssumeRole",
        {"roleArn": ROLE, "tokenCode": "pretend-code"},
        responseElements={"credentials": credentials},
    )
    assert "pretend" not in json.dumps(row(event), default=str)
    assert "ASIAEXAMPLE" not in json.dumps(row(event), default=str)


def test_what_was_refused_has_failed() -> None:
    found = row(CLOUDTRAIL_EVENT | {"errorCode": "AccessDenied", "errorMessage": "Access Denied"})
    assert (found["failed"], found["error_code"], found["error_message"]) == (
        True,
        "AccessDenied",
        "Access Denied",
    )


def test_sign_ins_say_whether_they_succeeded_and_with_which_factors() -> None:
    found = row(CONSOLE_LOGIN)
    assert (found["failed"], found["mfa"], found["user_name"], found["read_only"]) == (
        False,
        False,
        "ada",
        None,
    )
    with_factor = CONSOLE_LOGIN | {"additionalEventData": {"MFAUsed": "Yes"}}
    assert row(with_factor | {"responseElements": {"ConsoleLogin": "Failure"}})["failed"]
    assert row(with_factor)["mfa"]
    centre = CONSOLE_LOGIN | {
        "eventName": "UserAuthentication", "responseElements": None,
        "userIdentity": {"type": "IdentityCenterUser", "arn": "", "onBehalfOf": {"userId": "u-1"}},
        "additionalEventData": {"UserName": "ada@netbpf.com", "CredentialType": "EXTERNAL_IDP"},
    }  # fmt: skip
    for outcome, failed in (("Success", False), ("Failure", True)):
        found = row(centre | {"serviceEventDetails": {"UserAuthentication": outcome}})
        assert (found["failed"], found["user_name"], found["arn"]) == (failed, "ada@netbpf.com", None)


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        ({"type": "Root", "accountId": ACCOUNT, "sessionContext": {"sessionIssuer": {}}}, ("Root", None, None)),
        ({"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}, ("AWSService", None, "cloudtrail.amazonaws.com")),
        ({"accountId": ACCOUNT, "invokedBy": "AWS Internal"}, ("", None, "AWS Internal")),
        ({"type": "WebIdentityUser", "userName": "system:serviceaccount:shop:web"},
         ("WebIdentityUser", "system:serviceaccount:shop:web", None)),
        ({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}}, ("IdentityCenterUser", None, None)),
        (None, ("", None, None)),
    ],
)  # fmt: skip
def test_callers_of_every_kind(identity: Any, told: tuple[Any, ...]) -> None:
    found = row(CLOUDTRAIL_EVENT | {"userIdentity": identity})
    assert (found["identity_type"], found["user_name"], found["invoked_by"]) == told
    assert (found["issuer_arn"], found["mfa"]) == (None, None)
    assert found["on_behalf_of"] == ("u-1" if identity and "onBehalfOf" in identity else None)


def test_statistics_and_digests_are_noise() -> None:
    insight = {"eventVersion": "1.11", "eventID": "i-1", "eventTime": "2026-07-01T09:00:00Z",
               "eventType": "AwsCloudTrailInsight", "insightDetails": {"state": "Start"}}  # fmt: skip
    digest = {"awsAccountId": ACCOUNT, "digestStartTime": "2026-07-01T08:00:00Z", "logFiles": [],
              "digestEndTime": "2026-07-01T09:00:00Z", "digestS3Bucket": "audit-trail"}  # fmt: skip
    for record in (insight, digest):
        parsed = read(record)
        assert (parsed.noise, parsed.rows, len(parsed.coverage)) == (1, {}, 1)


def test_what_is_no_event_is_refused() -> None:
    assert "eventID, eventSource or eventName is missing" in refused(CLOUDTRAIL_EVENT | {"eventName": None})
    assert "eventTime is missing" in refused(CLOUDTRAIL_EVENT | {"eventTime": None})


def test_an_event_without_an_id_and_a_notification_of_a_trail_say_what_is_missing() -> None:
    without = {name: value for name, value in CLOUDTRAIL_EVENT.items() if name != "eventID"}
    assert "eventID, eventSource or eventName is missing" in refused(without)
    notice = {"s3Bucket": "audit-trail", "s3ObjectKey": ["AWSLogs/1/CloudTrail/a.json.gz"]}
    assert refused(notice).startswith("a notification of CloudTrail: it names files")


def test_notifications_of_buckets_look_alike_and_are_no_events_of_a_trail() -> None:
    notice = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
              "eventTime": "2026-07-01T09:00:00Z", "userIdentity": {"principalId": "x"}, "s3": {}}  # fmt: skip
    assert refused({"Records": [notice]}).startswith("a notification of S3: it names an object")
