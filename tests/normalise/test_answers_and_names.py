"""What programs that ask for logs print: answers with and without events, lines with names before them, tables of logs."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from dataclasses import replace
from typing import Any

import pytest
from evidence_records import AUDIT_EVENT, CONTEXT, GKE_ENTRY, lines, parse_bytes, read, refused
from outside_records import CLOUDTRAIL_EVENT
from test_envelopes import any_value, subscription

EVENT = json.dumps(AUDIT_EVENT)
DELETION = "io.k8s.apps.v1.deployments.delete"


@pytest.mark.parametrize(
    "line",
    [
        f"master-0.example.org {EVENT}",
        f"10.0.140.97 {EVENT}",
        f"10.5.0.2: {EVENT}",
        f"/var/log/audit.log:12:{EVENT}",
        f"apiserver-1  | {EVENT}",
        f"kube-apiserver-node-1 kube-apiserver {EVENT}",
        f"kube.audit: [1782900000.500000000, {EVENT}]",
    ],
)
def test_a_line_may_begin_with_the_name_of_its_node_pod_file_or_tag(line: str) -> None:
    """As `oc adm node-logs`, `talosctl`, `grep`, `docker compose`, `stern` and Fluent Bit's files have it, and only where nothing is around the line."""
    parsed = parse_bytes(f"{line}\n{line}\nnode-1 {{cut\n".encode())
    assert (parsed.kept, parsed.by_envelope["named-line"], len(parsed.quarantined)) == (2, 3, 1)
    assert parsed.quarantined[0][2].startswith("not JSON: what stands behind the name")
    assert parsed.rows["cluster_access"][1]["line"] == 2
    assert parse_bytes(subscription(line).encode()).kept == 0


@pytest.mark.parametrize("word", ["Refused", "true", "12"])
def test_a_word_before_a_record_is_no_name(word: str) -> None:
    assert "named-line" not in parse_bytes(f"{word} {EVENT}\n".encode()).envelopes


@pytest.mark.parametrize(
    "answer",
    [
        {"Events": []},
        {"events": [], "searchedLogStreams": [{"logStreamName": "s", "searchedCompletely": True}]},
        {"events": [], "nextForwardToken": "f/1", "nextBackwardToken": "b/1"},
        {"results": [], "statistics": {"recordsMatched": 0.0}, "status": "Complete"},
    ],
)
def test_an_answer_without_events_holds_no_record(answer: Any) -> None:
    parsed = read(answer)
    assert (parsed.records, len(parsed.by_envelope)) == (0, 1)


@pytest.mark.parametrize(
    "record",
    [
        {"tables": []},
        {"events": [], "x": 1},
        {"entries": []},
        {"results": [], "status": "x"},
        {"responses": []},
        {"Events": [{}]},
    ],
)
def test_what_only_looks_like_an_answer_is_not_passed_over(record: Any) -> None:
    assert refused(record) == "no known format"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"QueryStatus": "FINISHED", "QueryResultRows": [[{"eventName": "x"}]]}, "a row of CloudTrail Lake without its eventJson"),
        ({"tables": [{"columns": [{"name": "a"}], "rows": [["b", "c"]]}]}, "not a row of Log Analytics: it has other columns"),
        ({"results": {"A": {"frames": [{"schema": {"fields": [{"name": "Line"}]}, "data": {"values": [1]}}]}}}, "not a frame of Grafana"),
        ({"results": {"A": {"frames": [{"schema": {"fields": []}, "data": {"values": []}}]}}}, "no known format"),
        ({"tables": [{"columns": [], "rows": []}]}, "not a table of Log Analytics"),
    ],
)  # fmt: skip
def test_what_an_answer_leaves_out_is_told(record: Any, reason: str) -> None:
    assert refused(record).startswith(reason)


@pytest.mark.parametrize(
    "answer",
    [
        {"results": [[{"field": "@message", "value": EVENT}]], "status": "Running"},
        {"QueryStatus": "RUNNING", "QueryResultRows": [[{"eventJson": EVENT}]]},
        {"timed_out": True, "hits": {"hits": [{"_index": "a", "_id": "1", "_source": AUDIT_EVENT}]}},
        {
            "tables": [{"columns": [{"name": "message"}], "rows": [[EVENT]]}],
            "error": {"code": "PartialError"},
        },
        {
            "results": {
                "A": {
                    "error": "x",
                    "frames": [{"schema": {"fields": [{"name": "Line"}]}, "data": {"values": [[EVENT]]}}],
                }
            }
        },
    ],
)
def test_an_answer_that_is_not_whole_is_read_and_told(answer: Any) -> None:
    parsed = parse_bytes(lines(answer))
    assert (parsed.records, parsed.kept) == (2, 1)
    assert re.search("not all (rows|hits|is)", parsed.quarantined[0][2])


def test_logs_of_a_table_are_read_by_the_names_of_its_columns() -> None:
    cells = ("Category", "log_s"), ("kube-audit", EVENT)
    sheet = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells)
    assert parse_bytes(sheet.encode(), replace(CONTEXT, key="logs.csv")).kept == 1


def test_cloudtrail_by_logstash_and_by_queries_is_as_delivered() -> None:
    """Logstash's codec moves the time; queries write it without a zone, and truth as text."""
    moved = {name: value for name, value in CLOUDTRAIL_EVENT.items() if name != "eventTime"}
    moved |= {"@timestamp": CLOUDTRAIL_EVENT["eventTime"], "@version": "1"}
    asked = CLOUDTRAIL_EVENT | {
        "eventTime": CLOUDTRAIL_EVENT["eventTime"].replace("T", " ").rstrip("Z"),
        "readOnly": "false",
    }
    rows = [
        read(record).rows["cloud_events"][0]
        for record in (CLOUDTRAIL_EVENT | {"readOnly": False}, moved, asked)
    ]
    assert [row["at"] for row in rows] == [rows[0]["at"]] * 3
    assert rows[2]["read_only"] is False


def of_table(payload: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A row of a sink's table, as `bq query --format=json` prints it."""
    told = {name: value for name, value in payload.items() if name not in ("@type", "request")}
    told |= {
        "requestJson": json.dumps(payload["request"]) if "request" in payload else None,
        "responseJson": None,
    }
    time = GKE_ENTRY["timestamp"].replace("T", " ").rstrip("Z")
    operation = {"id": GKE_ENTRY["operation"]["id"], "first": "true", "last": "true", "producer": "k8s.io"}
    return {
        "insertId": "i",
        "timestamp": time,
        "operation": operation,
        "protopayload_auditlog": told,
    } | changes


def test_a_row_of_bigquery_gives_the_row_of_its_entry() -> None:
    of_entry = GKE_ENTRY | {"operation": GKE_ENTRY["operation"] | {"first": True, "last": True}}
    payload = GKE_ENTRY["protoPayload"] | {
        "status": {"code": 7},
        "request": {"dryRun": ["All"]},
        "methodName": DELETION,
    }
    place = {"evidence": "", "line": 0}
    (whole,) = read(of_entry | {"protoPayload": payload}).rows["cluster_access"]
    assert (whole["code"], whole["dry_run"], whole["stage_rank"]) == (403, True, 2)
    snake = {
        "service_name": "k8s.io",
        "method_name": DELETION,
        "resource_name": payload["resourceName"],
        "authentication_info": {"principal_email": payload["authenticationInfo"]["principalEmail"]},
        "request_metadata": {"caller_ip": payload["requestMetadata"]["callerIp"],
                             "caller_supplied_user_agent": payload["requestMetadata"]["callerSuppliedUserAgent"]},
        "status": {"code": "7"},
        "request": payload["request"],
    }  # fmt: skip
    table = of_table(payload | {"status": {"code": "7", "message": None}})
    view = {
        "insert_id": "i",
        "timestamp": GKE_ENTRY["timestamp"],
        "operation": table["operation"],
        "proto_payload": {"audit_log": snake},
    }
    for record in (table, table | {"timestamp": table["timestamp"] + " UTC"}, view):
        (found,) = read(record).rows["cluster_access"]
        assert found | place == whole | place


def test_what_a_row_of_bigquery_lacks_is_told() -> None:
    assert "Invalid RFC3339" in refused(of_table(GKE_ENTRY["protoPayload"], timestamp=None))
    other = GKE_ENTRY["protoPayload"] | {"serviceName": "compute.googleapis.com"}
    assert "an entry of another service than k8s.io" in refused(of_table(other))


def test_a_path_that_is_no_resource_is_asked_for_in_gke_too() -> None:
    payload = GKE_ENTRY["protoPayload"] | {"methodName": "io.k8s.get", "resourceName": "HNAP1"}
    (found,) = read(GKE_ENTRY | {"protoPayload": payload}).rows["cluster_access"]
    assert (found["verb"], found["resource"], found["name"]) == ("get", "", "")
    nobody = payload | {"authenticationInfo": {"principalEmail": "system:anonymous"}}
    assert read(GKE_ENTRY | {"protoPayload": nobody}).noise == 1


def otlp(record: dict[str, Any]) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


def test_nulls_and_parsed_attributes_of_opentelemetry_are_read() -> None:
    """A value that is empty is null; attributes stand for a line whose text was dropped, unless a collector alone wrote them."""
    value = any_value(AUDIT_EVENT)
    value["kvlistValue"]["values"].append({"key": "impersonatedUser", "value": {}})
    assert read(otlp({"body": value})).kept == 1
    assert read(otlp({"attributes": value["kvlistValue"]["values"]})).kept == 1
    where = [{"key": "log.file.name", "value": {"stringValue": "audit.log"}}]
    assert read(otlp({"body": {}, "attributes": where})).noise == 1
    assert refused(otlp({"attributes": [1]})).startswith("not OTLP: the attributes are no list of values")


def test_what_elastic_renames_and_others_write_as_null_is_read() -> None:
    changes = {
        "annotations": {"audit_k8s_io/truncated": "true"},
        "objectRef": dict.fromkeys(AUDIT_EVENT["objectRef"]),
    }
    (found,) = read(AUDIT_EVENT | changes).rows["cluster_access"]
    assert (found["truncated"], found["resource"], found["namespace"]) == (True, "", "")


def test_documents_of_yaml_that_a_program_prints_are_read_whatever_their_name() -> None:
    """As `gcloud logging read` prints them; a line of dashes before something else is none."""
    told = {name: GKE_ENTRY[name] for name in ("insertId", "timestamp", "protoPayload")}
    document = "".join(f"{name}: {json.dumps(value)}\n" for name, value in told.items())
    text = f"---\n{document}" * 2
    parsed = parse_bytes(text.encode())
    assert (parsed.kept, parsed.quarantined, [row["line"] for row in parsed.rows["cluster_access"]]) == (
        2,
        [],
        [1, 2],
    )
    assert parse_bytes(f"---\n{EVENT}\n".encode()).kept == 1


def test_an_archive_says_what_to_do_with_it() -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        member = tarfile.TarInfo("audit.log")
        member.size = len(EVENT)
        archive.addfile(member, io.BytesIO(EVENT.encode()))
    for data in (held.getvalue(), gzip.compress(held.getvalue(), mtime=0)):
        assert parse_bytes(data).quarantined == [(1, 0, "a tar archive is not read: unpack it")]
    looks = bytearray(b" " * 600 + b"{}")
    looks[257:262] = b"ustar"
    assert "tar" not in parse_bytes(bytes(looks)).quarantined[0][2].split()


def test_a_text_beside_a_parsed_record_is_none_of_its_own() -> None:
    """Be it under whatever name settings had it parsed to."""
    beat = {"@timestamp": "2026-07-01T10:00:00Z", "agent": {"type": "filebeat"}, "input": {"type": "log"}}
    forged = json.dumps(AUDIT_EVENT | {"auditID": "forged"})
    parsed = parse_bytes(lines(beat | CLOUDTRAIL_EVENT | {"message": forged}))
    assert parsed.rows.keys() == {"cloud_events"}
    for of_program in ({"one": AUDIT_EVENT, "two": AUDIT_EVENT}, {"msg": "posted", "body": AUDIT_EVENT}):
        assert len(parse_bytes(lines(beat | of_program)).quarantined) == 1
