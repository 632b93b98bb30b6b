"""What event buses and log platforms put around records is opened for what it is, and nothing else is."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from evidence_records import AUDIT_EVENT, PULL, REVIEW, VALID, WEBHOOK, lines, parse_bytes

from audit.normalise.envelopes import shape

TIME = "2026-07-01T10:00:00Z"
BUS = {"version": "0", "id": "b-1", "account": "1", "time": TIME, "region": "r", "resources": []}


def test_an_event_of_github_on_a_bus_is_the_one_that_the_bus_names_and_has_its_time() -> None:
    """The payload alone could be of a team's addition or of a fork: only the name beside it tells."""
    payload = {key: WEBHOOK[key] for key in ("sender", "repository") if key in WEBHOOK} | {
        "action": "created"
    }
    event = BUS | {
        "source": "aws.partner/github.com/1",
        "detail-type": "repository_ruleset",
        "detail": payload,
    }
    parsed = parse_bytes(
        lines(event, event | {"source": "github.com", "detail-type": "pull_request", "detail": WEBHOOK})
    )
    assert parsed.quarantined == []
    assert parsed.by_envelope == {"eventbridge": 2}
    assert parsed.by_format == {"github-webhook": 2}
    assert "repository_ruleset.created" in {row["action"] for row in parsed.rows["forge_events"]}
    assert {row["line"] for row in parsed.rows["forge_events"]} == {1, 2}


@pytest.mark.parametrize("format", ["cloudtrail", "kubernetes-audit", "github-audit-log"])
def test_other_details_are_read_as_the_records_that_they_are(format: str) -> None:
    (record, *_) = VALID[format]
    event = BUS | {"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": record}
    assert parse_bytes(lines(event)).by_format == {format: 1}


def test_a_message_of_dapr_is_the_record_in_it_be_it_parsed_text_or_bytes() -> None:
    event = {
        "specversion": "1.0",
        "id": "d-1",
        "source": "gatekeeper-audit",
        "type": "com.dapr.event.sent",
        "topic": "audit",
    }
    line = json.dumps(AUDIT_EVENT)
    held = [
        {"data": AUDIT_EVENT},
        {"data": line},
        {"data_base64": base64.b64encode(line.encode()).decode()},
        {},
    ]
    parsed = parse_bytes(lines(*(event | each for each in held)))
    assert (parsed.kept, parsed.noise, parsed.by_envelope) == (3, 1, {"cloudevents": 4})
    assert parsed.by_format == {"kubernetes-audit": 3}


def test_an_event_of_a_watch_is_one_and_no_other_object_is() -> None:
    (event, *_), (binding, *_) = VALID["argocd-event"], VALID["rbac-object"]
    told = [{"type": "ADDED", "object": event}, {"verb": "UPDATED", "event": event, "old_event": {}}]
    parsed = parse_bytes(lines(*told, {"type": "DELETED", "object": event}))
    assert (parsed.kept, parsed.noise, parsed.quarantined) == (2, 1, [])
    assert (parsed.by_format, parsed.by_envelope) == ({"argocd-event": 2}, {"kubernetes-watch": 3})
    assert parse_bytes(lines({"type": "DELETED", "object": binding})).quarantined == [
        (1, 0, "no known format")
    ]


def test_a_notification_on_a_bus_is_refused_for_it_holds_nothing_of_its_object() -> None:
    told = BUS | {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": "a"}}}
    parsed = parse_bytes(lines(AUDIT_EVENT, told))
    ((number, offset, reason),) = parsed.quarantined
    assert (number, offset) == (2, len(lines(AUDIT_EVENT)))
    assert reason.startswith("a notification of S3: it names an object and holds nothing of it")


def test_what_splunks_collector_takes_follows_each_other_without_line_feeds() -> None:
    """Records, text that is one, text that is none: each is counted, with the number and the place of what it came in."""
    text = 'time="2026-07-01T10:00:00Z" level=info msg="nothing of note"'
    events = [
        {"time": 1, "host": "h", "event": AUDIT_EVENT},
        {"host": "h", "event": json.dumps(PULL)},
        {"host": "h", "event": text},
    ]
    whole = [json.dumps(event) for event in events]
    parsed = parse_bytes("".join(whole).encode())
    assert [row["line"] for row in parsed.rows["cluster_access"]] == [1]
    assert [row["line"] for row in parsed.rows["pull_requests"]] == [2]
    assert [(number, offset) for number, offset, _ in parsed.quarantined] == [(3, len(whole[0] + whole[1]))]
    assert parsed.by_envelope["splunk"] == 3


def test_a_record_that_datadog_parsed_is_put_together_again() -> None:
    """With its message, which is no record of its own whatever it says; of a line, what was added to it is left out."""
    (event,) = VALID["flux-event"]
    forged = json.dumps(AUDIT_EVENT)
    parsed = {key: value for key, value in event.items() if key != "message"}
    archived = {"_id": "A", "date": TIME, "message": forged}
    told = parse_bytes(lines(archived | {"attributes": parsed}))
    assert told.by_format == {"flux-event": 1}
    alone = parse_bytes(lines(event | {"message": forged}))
    assert told.rows.keys() == alone.rows.keys()
    for table, rows in alone.rows.items():
        assert [row | {"evidence": ""} for row in told.rows[table]] == [
            row | {"evidence": ""} for row in rows
        ]
    line = parse_bytes(
        lines(
            archived | {"attributes": {"service": "api"}},
            archived | {"message": f"{TIME} {forged}", "attributes": AUDIT_EVENT | {"hostname": "h"}},
        )
    )
    assert line.by_format == {"kubernetes-audit": 2}
    empty = parse_bytes(
        lines({"_id": "A", "date": TIME, "attributes": {}}, {"_id": "A", "date": TIME, "message": "read"})
    )
    assert [number for number, _, _ in empty.quarantined] == [1, 2]


REQUEST = (
    f'time="{TIME}" level=info msg="finished unary call with code OK" grpc.code=OK grpc.method=Sync grpc.time_ms=3.2 '
    'grpc.service=application.ApplicationService grpc.request.claims="{\\"sub\\":\\"ada\\"}"'
)
"""A line of Argo CD's server, which is a record of who asked it for what."""
PARSED = {"level": "info", "msg": "finished unary call with code OK", "grpc": {
    "code": "OK", "method": "Sync", "time_ms": 3.2, "service": "application.ApplicationService",
    "request": {"claims": '{"sub":"ada"}'}}}  # fmt: skip


def archived_log(message: str, attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """A log as Datadog archives it, and as its search answers."""
    told = {"message": message, "attributes": attributes}
    return [{"_id": "A", "date": TIME} | told, {"id": "A", "type": "log", "attributes": told}]


@pytest.mark.parametrize("forged", [
    f"{TIME} stdout F {json.dumps(AUDIT_EVENT)}", f"{TIME} {json.dumps(AUDIT_EVENT)}", json.dumps(AUDIT_EVENT), REQUEST,
])  # fmt: skip
def test_a_text_in_what_datadog_parsed_is_no_line_and_hides_no_record(forged: str) -> None:
    """Also where it agrees with some of it, which whoever words the text may know."""
    (event,) = VALID["flux-event"]
    parsed = {key: value for key, value in event.items() if key != "message"}
    for log in archived_log(forged, parsed):
        told = parse_bytes(lines(log))
        assert (told.by_format, told.quarantined, told.by_envelope["datadog"]) == ({"flux-event": 1}, [], 1)
    for other in (
        {"level": "info", "logger": "web"},
        {"grpc": {"method": "Sync"}},
        {"kind": "Event"},
        {"tag": "web", "time": 1},
    ):
        for log in archived_log(forged, other):
            told = parse_bytes(lines(log))
            assert (told.kept, len(told.quarantined)) == (0, 1)
            assert told.by_envelope == {"datadog": 1}


def test_the_line_that_datadog_parsed_is_one() -> None:
    """Its numbers may be text and its members nested; Datadog's own, and the status and time that it takes out, say nothing of it."""
    for attributes in (
        PARSED,
        PARSED | {"hostname": "h", "time": 1782900000000, "level": "INFO"},
        {"service": "argocd"},
    ):
        for log in archived_log(REQUEST, attributes):
            assert parse_bytes(lines(log)).by_format == parse_bytes(REQUEST.encode()).by_format != {}
    twice = PARSED | {"grpc.method": "Sync"}
    assert parse_bytes(lines(archived_log(REQUEST, twice)[0])).kept == 0


def test_names_within_a_long_name_are_not_all_written_out() -> None:
    """Each would have the long one within: a few hundred kilobytes would become many gigabytes."""
    deep = {"x" * 200_000: {str(number): 0 for number in range(20_000)}}
    told = parse_bytes(lines(archived_log(f"{TIME} {json.dumps(deep)}", deep)[0]))
    assert (told.kept, len(told.quarantined)) == (0, 1)
    assert shape._leaves(shape.as_object(json.dumps(deep).encode()) or {}, frozenset()) is None


SHIPPED = [
    {"@timestamp": TIME, "agent": {"type": "filebeat"}, "ecs": {"version": "8"}}, {"@timestamp": TIME, "@version": "1"},
    {"source_type": "file", "timestamp": TIME, "file": "/a"}, {"tag": "events", "time": 1},
]  # fmt: skip


@pytest.mark.parametrize("format", sorted(VALID.keys() - {"kubernetes-audit"}))
def test_no_record_of_any_format_that_a_shipper_parsed_is_dropped_for_its_text(format: str) -> None:
    for around in SHIPPED:
        for record in VALID[format]:
            found = parse_bytes(lines(around | record | {"message": json.dumps(AUDIT_EVENT)}))
            assert not found.by_envelope.keys() & {"beats", "vector", "fluentd", "json-in-field"}
            assert "kubernetes-audit" not in found.by_format


@pytest.mark.parametrize("around", SHIPPED)
def test_the_text_of_a_record_that_a_shipper_parsed_is_no_line(around: dict[str, Any]) -> None:
    """Whoever may have an event written could else write an audit event, or hide the event itself. A line that was parsed is."""
    (event,) = VALID["flux-event"]
    for text in (event["message"], json.dumps(AUDIT_EVENT)):
        found = parse_bytes(lines(around | event | {"message": text}))
        assert not found.by_envelope
        assert found.by_format == {"flux-event": 1}
    for line in (event, AUDIT_EVENT):
        parsed = parse_bytes(lines(around | line | {"message": json.dumps(line)}))
        assert (parsed.kept, sum(parsed.by_envelope.values())) == (1, 1)


def test_a_row_of_log_analytics_is_refused_for_what_it_leaves_out() -> None:
    row = {
        "AuditId": "a",
        "RequestUri": "/api",
        "Stage": "ResponseComplete",
        "Verb": "delete",
        "User": {"username": "ada"},
    }
    assert "leaves out who was impersonated" in parse_bytes(lines(row)).quarantined[0][2]


FORGED = json.dumps({"records": [{"kind": "Event"}], "event": {}, "detail": {}})


@pytest.mark.parametrize(
    "record", [PULL | {"body": FORGED}, REVIEW | {"body": FORGED}, {"event": "pull_request", "payload": WEBHOOK}]
)  # fmt: skip
def test_no_text_of_a_record_makes_it_an_envelope(record: dict[str, Any]) -> None:
    parsed = parse_bytes(lines(record))
    assert (parsed.kept, parsed.quarantined, dict(parsed.by_envelope)) == (1, [], {})
