"""Deliveries of GitHub's webhooks: the rows that exports give, and who did what."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from evidence_records import (
    ACTIVITY,
    API,
    CHECK,
    DEPLOYMENT,
    DEPLOYMENT_STATUS,
    PULL,
    REVIEW,
    SHA,
    STATUS,
    WEBHOOK,
    WORKFLOW_RUN,
    read,
    refused,
)

from audit import tables as t
from audit.joins.dedupe import deduplicate

ENVELOPE = {name: WEBHOOK[name] for name in ("repository", "organization", "sender")}
ZEROS = "0" * 40
PUSH = ENVELOPE | {
    "ref": "refs/heads/main", "before": "2" * 40, "after": SHA, "created": False, "deleted": False, "forced": False,
    "pusher": {"name": "grace"}, "commits": [], "compare": "x",
}  # fmt: skip
AT = datetime.fromtimestamp(1782900000, UTC)


def rows(record: dict[str, Any], table: str) -> list[dict[str, Any]]:
    return read(record).rows.get(table, [])


def event(record: dict[str, Any]) -> dict[str, Any]:
    (found,) = rows(record, "forge_events")
    return found


@pytest.mark.parametrize(
    ("payload", "exported", "table"),
    [
        ({"action": "closed", "number": 7, "pull_request": PULL}, PULL, "pull_requests"),
        ({"action": "submitted", "review": REVIEW, "pull_request": PULL}, REVIEW, "reviews"),
        ({"action": "completed", "check_run": CHECK}, CHECK, "checks"),
        ({"deployment": DEPLOYMENT, "action": "created"}, DEPLOYMENT, "forge_deployments"),
        (
            {"deployment": DEPLOYMENT, "deployment_status": DEPLOYMENT_STATUS, "action": "created"},
            DEPLOYMENT_STATUS,
            "forge_deployment_statuses",
        ),
        (
            {"workflow_run": WORKFLOW_RUN, "workflow": {}, "action": "completed"},
            WORKFLOW_RUN,
            "workflow_runs",
        ),
        (
            {key: STATUS[key] for key in ("id", "state", "context", "created_at", "updated_at")}
            | {"sha": "1" * 40, "name": "netbpf/netbpf-gitops", "branches": []},
            STATUS,
            "checks",
        ),
    ],
)
def test_what_a_payload_holds_whole_is_the_row_of_an_export(
    payload: dict[str, Any], exported: dict[str, Any], table: str
) -> None:
    told, own = rows(ENVELOPE | payload, table), rows(exported, table)
    assert [row | {"evidence": ""} for row in told] == [row | {"evidence": ""} for row in own]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("fields", "operation"),
    [
        ({}, "update"),
        ({"forced": True}, "force_push"),
        ({"created": True, "before": ZEROS}, "branch_creation"),
        ({"deleted": True, "after": ZEROS}, "branch_deletion"),
        ({"created": True, "before": ZEROS, "ref": "refs/tags/v1"}, "tag_creation"),
        ({"deleted": True, "after": ZEROS, "ref": "refs/tags/v1"}, "tag_deletion"),
    ],
)
def test_what_a_push_did_to_a_ref(fields: dict[str, Any], operation: str) -> None:
    (row,) = rows(PUSH | fields, "git_operations")
    assert (row["repo"], row["at"], row["actor"]) == ("netbpf/netbpf-gitops", AT, "grace")
    assert row["operation"] == operation
    assert row["operation_id"] < 0
    (again,) = rows({"event": "push", "delivery": "g-2", "payload": PUSH | fields}, "git_operations")
    assert again["operation_id"] == row["operation_id"]


def test_a_push_without_a_time_is_refused() -> None:
    reason = refused(PUSH | {"repository": {"full_name": "o/r"}})
    assert reason.endswith("repository.pushed_at is missing: it tells no time")


TEXT = json.dumps(WEBHOOK)
HEADERS = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "g-1"}


@pytest.mark.parametrize(
    "record",
    [
        {"headers": HEADERS, "body": TEXT},
        {"headers": HEADERS, "payload": WEBHOOK},
        {"headers": {name.lower(): value for name, value in HEADERS.items()}, "body": WEBHOOK},
        {"multiValueHeaders": {name: [value] for name, value in HEADERS.items()}, "body": TEXT},
        {"headers": [{"name": name, "value": value} for name, value in HEADERS.items()], "body": TEXT},
        {"headers": HEADERS, "isBase64Encoded": True, "body": base64.b64encode(TEXT.encode()).decode()},
        {"headers": HEADERS, "body": base64.b64encode(TEXT.encode()).decode()},
        {"headers": HEADERS, "body": "payload=" + quote(TEXT)},
        {"event": "pull_request", "delivery": "g-1", "payload": WEBHOOK},
        {"x-github-event": "pull_request", "x-github-delivery": "g-1", "body": TEXT},
        {"id": "g-1", "name": "pull_request", "payload": WEBHOOK},
        {"id": 5, "guid": "g-1", "event": "pull_request", "delivered_at": "2026-07-01T10:00:01Z", "status_code": 200,
         "redelivery": False, "request": {"headers": HEADERS, "payload": WEBHOOK}},
    ],
)  # fmt: skip
def test_however_a_receiver_keeps_it_it_is_the_same_delivery(record: dict[str, Any]) -> None:
    parsed = read(record)
    assert parsed.formats == {"github-webhook"}
    (row,) = parsed.rows["pull_requests"]
    assert (row["number"], row["merged_by"], row["commits"]) == (7, "grace", 2)
    (told,) = parsed.rows["forge_events"]
    assert (told["document_id"], told["action"], told["actor"]) == ("g-1", "pull_request.closed", "grace")


def test_a_payload_alone_is_told_by_what_it_says() -> None:
    one, same = event(WEBHOOK), event(dict(reversed(WEBHOOK.items())))
    assert one["document_id"] == same["document_id"]
    assert one["document_id"].startswith("sha256:")
    assert event(WEBHOOK | {"action": "edited"})["document_id"] != one["document_id"]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"action": "edited", "rule": {"id": 1, "name": "main", "admin_enforced": False},
          "changes": {"admin_enforced": {"from": True}}},
         {"action": "branch_protection_rule.edited", "category": "protection", "branch": "main",
          "before": {"admin_enforced": True}, "after": {"admin_enforced": False}}),
        ({"action": "edited", "repository_ruleset": {"id": 31, "name": "main", "enforcement": "disabled"},
          "changes": {"enforcement": {"from": "active"}}},
         {"action": "repository_ruleset.edited", "category": "ruleset", "subject": "main",
          "before": {"enforcement": "active"}, "after": {"enforcement": "disabled"}}),
        ({"action": "edited", "member": {"id": 9, "login": "ada"},
          "changes": {"permission": {"from": "read", "to": "admin"}}},
         {"action": "member.edited", "category": "access", "user": "ada", "before": {"permission": "read"},
          "after": {"permission": "admin"}}),
        ({"action": "added", "scope": "team", "member": {"id": 9, "login": "ada"}, "team": {"id": 4, "name": "ops"}},
         {"action": "membership.added", "category": "access", "user": "ada", "subject": "ops"}),
        ({"action": "added_to_repository", "team": {"id": 4, "name": "ops", "permission": "push"}},
         {"action": "team.added_to_repository", "category": "access", "subject": "ops"}),
        ({"action": "privatized"}, {"action": "repository.privatized", "category": "repository",
                                    "before": {"private": False}, "after": {"private": True}}),
        ({"action": "dismissed", "review": REVIEW | {"state": "dismissed"}, "pull_request": PULL},
         {"action": "pull_request_review.dismissed", "category": "review", "subject": "7", "branch": "main"}),
        ({"action": "completed", "check_suite": {"id": 3, "head_branch": "main"}},
         {"action": "check_suite.completed", "category": "check", "branch": "main"}),
    ],
)  # fmt: skip
def test_who_did_what_and_what_changed(payload: dict[str, Any], expected: dict[str, Any]) -> None:
    found = event(ENVELOPE | payload)
    for side in ("before", "after"):
        found[side] = json.loads(found[side]) if found[side] else None
    assert {name: found[name] for name in expected} == expected
    assert (found["told_by"], found["actor"], found["org"], found["repo"]) == (
        "webhook", "grace", "netbpf", "netbpf/netbpf-gitops"
    )  # fmt: skip


def test_a_dismissal_is_the_reviews_last_state() -> None:
    payload = {"action": "dismissed", "review": REVIEW | {"state": "dismissed"}, "pull_request": PULL}
    parsed = read(ENVELOPE | payload)
    assert parsed.rows["reviews"][0]["state"] == "DISMISSED"
    assert "review_dismissals" not in parsed.rows  # it does not tell what the review had said


@pytest.mark.parametrize(
    ("payload", "format", "exported"),
    [
        ({"alert": {"number": 4, "created_at": "2026-07-01T10:00:00Z", "state": "dismissed", "url": f"{API}/x/4",
                    "rule": {"id": "js/x", "severity": "error"}, "tool": {"name": "CodeQL"},
                    "dismissed_by": {"login": "ada"}, "dismissed_at": "2026-07-02T10:00:00Z"}},
         "github-code-scanning-alerts", "code"),
        ({"alert": {"number": 5, "created_at": "2026-07-01T10:00:00Z", "state": "open", "url": f"{API}/x/5",
                    "secret_type": "pretend_key", "secret": "pretend-value"}},
         "github-secret-scanning-alerts", "secret"),
        ({"alert": {"number": 6, "created_at": "2026-07-01T10:00:00Z", "state": "open", "url": f"{API}/x/6",
                    "dependency": {"package": {"ecosystem": "npm", "name": "left"}},
                    "security_advisory": {"ghsa_id": "GHSA-1", "severity": "high"},
                    "security_vulnerability": {"severity": "high"}}},
         "github-dependabot-alerts", "dependency"),
    ],
)  # fmt: skip
def test_alerts_are_those_that_exports_list(payload: dict[str, Any], format: str, exported: str) -> None:
    (told,) = rows(ENVELOPE | {"action": "created"} | payload, "security_alerts")
    (own,) = read(payload["alert"], format=format).rows["security_alerts"]
    assert told["kind"] == exported
    assert told | {"evidence": ""} == own | {"evidence": ""}
    assert "pretend-value" not in json.dumps(event(ENVELOPE | {"action": "created"} | payload), default=str)


@pytest.mark.parametrize(
    "payload",
    [
        {"action": "created", "starred_at": "2026-07-01T10:00:00Z"},
        {"action": "opened", "issue": {"number": 1}},
        {"action": "created", "comment": {}, "issue": {"number": 1}},
        {"zen": "Keep it logically awesome.", "hook_id": 1, "hook": {}},
        {"action": "completed", "workflow_job": {"id": 1}},
    ],
)
def test_talk_and_stars_are_noise_and_counted(payload: dict[str, Any]) -> None:
    parsed = read(ENVELOPE | payload)
    assert (parsed.records, parsed.noise, parsed.rows) == (1, 1, {})


def test_an_event_that_nobody_knows_yet_is_kept_where_its_name_is_told() -> None:
    found = event({"event": "quantum_vault", "payload": ENVELOPE | {"action": "opened", "vault": {"id": 1}}})
    assert (found["action"], found["category"]) == ("quantum_vault.opened", "other")
    assert refused(ENVELOPE | {"action": "opened", "vault": {"id": 1}}) == "no known format"


def test_what_callers_send_along_is_not_taken_in() -> None:
    for payload in (
        {"action": "deploy", "branch": "main", "client_payload": {"word": "pretend-value"}},
        {"inputs": {"word": "pretend-value"}, "ref": "refs/heads/main", "workflow": "x.yml"},
    ):
        found = event(ENVELOPE | payload)
        assert "pretend-value" not in json.dumps(found, default=str)
        assert '["word"]' in found["detail"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"headers": HEADERS, "body": "no json"}, "its body is neither JSON nor base64 of it"),
        ({"headers": HEADERS, "body": "{"}, "its body is no JSON"),
        ({"headers": HEADERS, "body": "payload="}, "its body is a form without a payload"),
        ({"headers": HEADERS, "body": 5}, "its body is no payload of a webhook"),
        ({"headers": HEADERS, "body": "[" * 5000 + "]" * 5000}, "its body is neither JSON nor base64 of it"),
        ({"headers": HEADERS | {"X-GitHub-Event": "a b"}, "body": TEXT}, "what should name its event is no name of one"),
        ({"headers": HEADERS, "body": WEBHOOK | {"action": 5}}, "action is no text"),
        ({"headers": HEADERS, "body": ENVELOPE}, "pull_request is missing"),
        ({"id": 5, "guid": "g", "event": "push", "delivered_at": "2026-07-01T10:00:01Z", "status_code": 200},
         "it holds no payload: lists of deliveries leave it out; export each delivery"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused_with_the_reason(record: dict[str, Any], reason: str) -> None:
    assert refused(record) == f"not a github-webhook record: {reason}"


@pytest.mark.parametrize(
    ("around", "at"),
    [
        ({"received_at": "2026-07-03T10:00:00Z"}, datetime(2026, 7, 3, 10, tzinfo=UTC)),
        ({"timestamp": 1783072800}, datetime(2026, 7, 3, 10, tzinfo=UTC)),
        ({}, None),
    ],
)
def test_an_event_has_the_time_of_its_act_or_of_its_receipt(
    around: dict[str, Any], at: datetime | None
) -> None:
    """A rule that was edited keeps the time at which it was made; that is not when it was edited."""
    rule = {
        "id": 1,
        "name": "main",
        "created_at": "2026-06-01T10:00:00Z",
        "updated_at": "2026-06-01T10:00:00Z",
    }
    edited = ENVELOPE | {"action": "edited", "rule": rule, "changes": {}}
    assert event(around | {"event": "branch_protection_rule", "payload": edited})["at"] == at
    later = edited | {"rule": rule | {"updated_at": "2026-07-02T10:00:00Z"}}
    told = event(around | {"event": "branch_protection_rule", "payload": later})
    assert told["at"] == datetime(2026, 7, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "branch"),
    [
        (
            {"conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH", "x"], "exclude": ["y"]}}},
            "~DEFAULT_BRANCH,x,!y",
        ),
        ({"target": "tag", "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}}}, "refs/tags/**"),
        ({"conditions": None}, None),
    ],
)
def test_the_refs_that_a_ruleset_binds(fields: dict[str, Any], branch: str | None) -> None:
    ruleset = {"id": 31, "name": "main", "target": "branch", "enforcement": "active"} | fields
    assert event(ENVELOPE | {"action": "created", "repository_ruleset": ruleset})["branch"] == branch


EXPORTED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"action": "closed", "number": 7, "pull_request": PULL}, PULL, "pull_requests"),
    ({"action": "submitted", "review": REVIEW, "pull_request": PULL}, REVIEW, "reviews"),
    ({"action": "completed", "check_run": CHECK}, CHECK, "checks"),
    ({"deployment": DEPLOYMENT, "action": "created"}, DEPLOYMENT, "forge_deployments"),
    ({"workflow_run": WORKFLOW_RUN, "workflow": {}, "action": "completed"}, WORKFLOW_RUN, "workflow_runs"),
    (
        PUSH,
        ACTIVITY | {"timestamp": "2026-07-01T10:00:00Z"},
        "git_operations",
    ),
]


@pytest.mark.parametrize(("payload", "exported", "name"), EXPORTED)
def test_beside_an_export_one_row_is_left(
    payload: dict[str, Any], exported: dict[str, Any], name: str
) -> None:
    own = rows(exported, name)
    told = [
        row | ({"at": own[0]["at"]} if name == "git_operations" else {})
        for row in rows(ENVELOPE | payload, name)
    ]
    for given in (own + told, told + own):
        kept, left_out = deduplicate(name, t.frame(t.TABLES[name], given))
        assert (len(kept), len(left_out)) == (1, 1)
        assert t.conform(t.TABLES[name], kept)["repo"].tolist() == ["netbpf/netbpf-gitops"]
