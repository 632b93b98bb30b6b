"""However a record is wrapped on its way, it gives the rows that it gives alone; what can't be taken out is counted."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from evidence_records import AUDIT_EVENT, PULL, VALID, lines, parse_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.normalise import envelopes, records
from audit.normalise.envelopes import shape

TIME = "2026-07-01T10:00:00.123456789Z"
EMPTY_PLACE = {"evidence": "", "line": 0}


def dumped(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def packed(text: str, *, zipped: bool = False) -> str:
    data = text.encode()
    return base64.b64encode(gzip.compress(data, mtime=0) if zipped else data).decode()


def subscription(*texts: str) -> str:
    events = [{"id": str(n), "timestamp": 1782900000000, "message": text} for n, text in enumerate(texts)]
    return dumped(
        {
            "messageType": "DATA_MESSAGE",
            "owner": "1",
            "logGroup": "/aws/eks/prod/cluster",
            "logEvents": events,
        }
    )


def any_value(value: Any) -> dict[str, Any]:
    """A value of OpenTelemetry."""
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": k, "value": any_value(v)} for k, v in value.items()]}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(each) for each in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def otlp(body: dict[str, Any]) -> str:
    return dumped({"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": [
        {"timeUnixNano": "1782900000000000000", "body": body}]}]}]})  # fmt: skip


def wraps() -> dict[str, tuple[str, Callable[[str], str]]]:
    """By what they are: the name that is reported, and how the text of a record is wrapped."""
    kubernetes = {"namespace_name": "kube-system", "pod_name": "audit"}
    beat = {"@timestamp": TIME, "agent": {"type": "filebeat"}, "ecs": {"version": "8.0.0"}}
    diagnostic = {"time": TIME, "category": "kube-audit", "operationName": "Microsoft.ContainerService/x"}
    entry = {"logName": "projects/p/logs/x", "insertId": "i-1", "timestamp": TIME}
    bus = {"version": "0", "id": "i", "detail-type": "Audit record", "source": "org.audit", "account": "1", "time": TIME, "region": "r",
        "resources": []}  # fmt: skip
    archived = {"_id": "A1", "date": TIME, "host": "h", "source": "k", "status": "info", "tags": ["env:prod"]}
    raw = json.loads
    return {
        "array": ("array", lambda text: f"[{text}]"),
        "text": ("json-text", json.dumps),
        "subscription": ("cloudwatch-logs", subscription),
        "function": ("cloudwatch-lambda", lambda text: dumped({"awslogs": {"data": packed(subscription(text), zipped=True)}})),
        "answer": ("cloudwatch-answer", lambda text: dumped({"events": [
            {"logStreamName": "s", "timestamp": 1, "message": text, "ingestionTime": 2, "eventId": "3"}]})),
        "export": ("cloudwatch-export", lambda text: f"{TIME} {text}"),
        "go": ("go-log", lambda text: f"2026/07/01 09:00:00 {text}"),
        "go with microseconds": ("go-log", lambda text: f"2026/07/01 09:00:00.123456 {text}"),
        "firehose request": ("firehose", lambda text: dumped({"invocationId": "i", "records": [
            {"recordId": "1", "data": packed(text), "approximateArrivalTimestamp": 1}]})),
        "firehose response": ("firehose", lambda text: dumped({"records": [
            {"recordId": "1", "result": "Ok", "data": packed(text, zipped=True)}]})),
        "firehose bare": ("firehose", lambda text: dumped({"records": [{"data": packed(text)}]})),
        "firehose failure": ("firehose-failed", lambda text: dumped({"attemptsMade": 4, "errorCode": "X", "rawData": packed(text)})),
        "kinesis event": ("kinesis", lambda text: dumped({"Records": [
            {"eventSource": "aws:kinesis", "eventID": "e", "kinesis": {"data": packed(text), "partitionKey": "p"}}]})),
        "kinesis records": ("kinesis", lambda text: dumped({"Records": [{"Data": packed(text), "SequenceNumber": "1"}]})),
        "sns": ("sns", lambda text: dumped({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": text}}]})),
        "sns to http": ("sns", lambda text: dumped({"Type": "Notification", "MessageId": "1", "TopicArn": "a", "Message": text})),
        "sqs": ("sqs", lambda text: dumped({"Records": [
            {"messageId": "1", "receiptHandle": "h", "body": text, "eventSource": "aws:sqs"}]})),
        "fluent bit": ("log", lambda text: dumped({"log": text + "\n", "stream": "stdout", "kubernetes": kubernetes})),
        "fluent bit date": ("log", lambda text: dumped({"date": 1782900000.5, "log": text})),
        "fluent bit parsed": ("log", lambda text: dumped({"date": 1782900000.5, "log": raw(text)})),
        "fluent bit processed": ("log", lambda text: dumped({"log_processed": raw(text)})),
        "fluentd pair": ("fluentd", lambda text: f"[1782900000.5,{text}]"),
        "fluentd v2 pair": ("fluentd", lambda text: f'[[1782900000.5,{{}}],{text}]'),
        "fluentd file": ("fluentd", lambda text: f"2026-07-01T10:00:00+00:00\tkube.audit\t{text}"),
        "fluentd message": ("fluentd", lambda text: dumped({"message": text, "tag": "kube.audit", "time": 1})),
        "message": ("json-in-field", lambda text: dumped({"message": text, "host": "node-1"})),
        "docker": ("log", lambda text: dumped({"log": text + "\n", "stream": "stderr", "time": TIME})),
        "cri": ("cri", lambda text: f"{TIME} stderr F {text}"),
        "cri in parts": ("cri", lambda text: f"{TIME} stderr P {text[:9]}\n{TIME} stderr P {text[9:20]}\n{TIME} stderr F {text[20:]}"),
        "vector": ("vector", lambda text: dumped({"message": text, "source_type": "file", "timestamp": TIME, "file": "/a"})),
        "filebeat": ("beats", lambda text: dumped(beat | {"message": text})),
        "filebeat json": ("beats", lambda text: dumped(beat | {"json": raw(text)})),
        "filebeat audit": ("beats", lambda text: dumped(beat | {"message": "x", "kubernetes": {"audit": raw(text)}})),
        "filebeat dotted": ("beats", lambda text: dumped(beat | {"kubernetes.audit": raw(text)})),
        "logstash": ("beats", lambda text: dumped({"@timestamp": TIME, "@version": "1", "message": text})),
        "logstash original": ("beats", lambda text: dumped({"@timestamp": TIME, "@version": "1", "event": {"original": text}})),
        "elasticsearch": ("elasticsearch", lambda text: dumped({"_index": "audit", "_id": "1", "_source": raw(text)})),
        "elasticsearch page": ("elasticsearch-page", lambda text: dumped({"took": 1, "hits": {"total": 1, "hits": [
            {"_index": "audit", "_id": "1", "_source": raw(text)}]}})),
        "logcli": ("loki", lambda text: dumped({"labels": {"job": "audit"}, "line": text, "timestamp": TIME})),
        "loki push": ("loki", lambda text: dumped({"streams": [{"stream": {"job": "a"}, "values": [["1782900000000000000", text]]}]})),
        "loki query": ("loki", lambda text: dumped({"status": "success", "data": {"resultType": "streams", "result": [
            {"stream": {}, "values": [["1782900000000000000", text, {}]]}]}})),
        "otlp": ("otlp", lambda text: otlp({"stringValue": text})),
        "otlp bytes": ("otlp", lambda text: otlp({"bytesValue": packed(text)})),
        "otlp of before": ("otlp", lambda text: dumped({"resourceLogs": [{"instrumentationLibraryLogs": [
            {"instrumentationLibrary": {}, "logs": [{"body": {"stringValue": text}}]}]}]})),
        "otlp in snake case": ("otlp", lambda text: dumped({"resource_logs": [{"schema_url": "", "scope_logs": [
            {"scope": {}, "log_records": [{"time_unix_nano": "1", "body": {"string_value": text}}]}]}]})),
        "otlp map in snake case": ("otlp", lambda text: dumped({"resource_logs": [{"scope_logs": [{"log_records": [
            {"body": {"kvlist_value": {"values": [{"key": "message", "value": {"string_value": text}}]}}}]}]}]})),
        "elasticsearch fields": ("elasticsearch", lambda text: dumped({"_index": "a", "_id": "1", "fields": {
            "@timestamp": [TIME], "message": [text]}})),
        "logstash parsed": ("beats", lambda text: dumped({"@timestamp": TIME, "@version": "1", "message": "x", "event": {"original": text}})),
        "logstash dotted": ("beats", lambda text: dumped({"@timestamp": TIME, "event.original": text})),
        "logstash line": ("logstash-line", lambda text: f'{TIME} {{"name":"node-1"}} {text}'),
        "logstash line host": ("logstash-line", lambda text: f"{TIME} node-1.example.org {text}"),
        "logstash line without": ("logstash-line", lambda text: f"{TIME} %{{host}} {text}"),
        "logcli text": ("loki", lambda text: f'{TIME} {{app="api", of="\\"x\\" {{}}"}} {text}'),
        "logcli without labels": ("loki", lambda text: f"{TIME.replace('Z', '+02:00')} {{}} {text}"),
        "loki push of before": ("loki", lambda text: dumped({"streams": [
            {"labels": '{job="a"}', "entries": [{"ts": TIME, "line": text}]}]})),
        "grafana download": ("loki", lambda text: dumped([{"line": text, "timestamp": "1", "date": TIME, "fields": {"job": "a"}}])),
        "vector native": ("vector", lambda text: dumped({"log": {"message": text, "timestamp": TIME}})),
        "openshift": ("openshift", lambda text: dumped({"@timestamp": TIME, "log_type": "audit", "structured": raw(text)})),
        "journal": ("journal", lambda text: dumped({"__REALTIME_TIMESTAMP": "1", "MESSAGE": text})),
        "journal bytes": ("journal", lambda text: dumped({"__REALTIME_TIMESTAMP": "1", "MESSAGE": list(text.encode())})),
        "syslog": ("syslog", lambda text: f"<14>1 {TIME} node-1 kube-apiserver 1 - - {text}"),
        "syslog with data": ("syslog", lambda text: f'<14>1 {TIME} node-1 app 1 - [a b="c"][d e="f"] {text}'),
        "syslog of before": ("syslog", lambda text: f"<14>Jul  1 10:00:00 node-1 app[12]: {text}"),
        "kinesis record": ("kinesis", lambda text: dumped({"data": packed(text), "partitionKey": "p", "sequenceNumber": "1"})),
        "insights": ("cloudwatch-answer", lambda text: dumped({"results": [[
            {"field": "@timestamp", "value": TIME}, {"field": "@message", "value": text}]], "statistics": {}, "status": "Complete"})),
        "pubsub pulled": ("pubsub", lambda text: dumped([{"ackId": "a", "message": {"data": packed(text), "messageId": "1"}}])),
        "insights as CSV": ("json-in-field", lambda text: dumped({"@timestamp": TIME, "@message": text})),
        "kubectl": ("kubectl", lambda text: f"[pod/api-1/api] {text}"),
        "azure container": ("azure-container", lambda text: dumped({"TimeGenerated": TIME, "ContainerName": "a", "LogMessage": text})),
        "azure container parsed": ("azure-container", lambda text: dumped({"ContainerName": "a", "LogMessage": raw(text)})),
        "azure container of before": ("azure-container", lambda text: dumped({"LogEntry": text, "LogEntrySource": "stderr"})),
        "kafka": ("json-in-field", lambda text: dumped({"topic": "t", "partition": 0, "offset": 1, "value": text})),
        "splunk": ("splunk", lambda text: dumped({"time": 1, "host": "h", "sourcetype": "_json", "event": text})),
        "splunk parsed": ("splunk", lambda text: dumped({"time": "1782900000.5", "index": "audit", "event": raw(text)})),
        "splunk bare": ("splunk", lambda text: dumped({"event": raw(text)})),
        "splunk text": ("json-in-field", lambda text: dumped({"event": text})),
        "splunk search": ("splunk", lambda text: dumped({"preview": False, "offset": 0, "result": {"_raw": text, "_time": "1"}})),
        "eventbridge": ("eventbridge", lambda text: dumped(bus | {"detail": raw(text)})),
        "eventbridge text": ("eventbridge", lambda text: dumped(bus | {"detail": text})),
        "datadog": ("datadog", lambda text: dumped(archived | {"message": text, "attributes": {"service": "api"}})),
        "datadog parsed": ("datadog", lambda text: dumped(archived | {"attributes": raw(text)})),
        "datadog text": ("datadog", lambda text: dumped(archived | {"message": text})),
        "datadog search": ("datadog", lambda text: dumped({"meta": {}, "data": [
            {"id": "1", "type": "log", "attributes": {"timestamp": TIME, "tags": [], "attributes": raw(text)}}]})),
        "event hub": ("event-hub", lambda text: dumped({"body": {"records": [raw(text)]}})),
        "event hub text": ("event-hub", lambda text: dumped({"body": dumped({"records": [raw(text)]}), "sequence_number": 1, "offset": "0"})),
        "event hub base64": ("event-hub", lambda text: dumped({"EnqueuedTimeUtc": TIME, "Offset": 0, "Body": packed(text, zipped=True)})),
        "event hub avro": ("event-hub", lambda text: dumped({"SequenceNumber": 1, "EnqueuedTimeUtc": TIME, "SystemProperties": {},
            "Properties": {}, "Body": {"bytes": text.encode().decode("latin-1")}})),
        "graylog": ("json-in-field", lambda text: dumped({"version": "1.1", "host": "h", "short_message": text[:9], "full_message": text})),
        "cloud logging json": ("cloud-logging", lambda text: dumped(entry | {"jsonPayload": raw(text)})),
        "cloud logging text": ("cloud-logging", lambda text: dumped(entry | {"textPayload": text})),
        "pubsub": ("pubsub", lambda text: dumped({"message": {"data": packed(text), "messageId": "1"}, "subscription": "s"})),
        "azure": ("azure-diagnostic", lambda text: dumped({"records": [diagnostic | {"properties": {"log": text, "stream": "stdout"}}]})),
        "azure text": ("azure-diagnostic", lambda text: dumped(diagnostic | {"properties": dumped({"log": text})})),
        "azure workspace": ("azure-diagnostic", lambda text: dumped({"Category": "kube-audit", "log_s": text, "TimeGenerated": TIME})),
        "lookup": ("cloudtrail-answer", lambda text: dumped({"Events": [
            {"EventId": "1", "EventName": "x", "EventTime": 1.5, "Resources": [], "CloudTrailEvent": text}], "NextToken": "t"})),
        "lake": ("cloudtrail-answer", lambda text: dumped({"QueryStatus": "FINISHED", "QueryResultRows": [
            [{"eventName": "x"}, {"eventJson": text}]]})),
        "insights without": ("cloudwatch-answer", lambda text: dumped({"status": "Complete", "results": [
            [{"field": "@message", "value": text}]]})),
        "insights parsed": ("cloudwatch-answer", lambda text: dumped([{"@timestamp": TIME, "@message": raw(text)}])),
        "pubsub answer": ("pubsub", lambda text: dumped({"receivedMessages": [{"ackId": "a", "message": {"data": packed(text)}}]})),
        "pubsub alone": ("pubsub", lambda text: dumped({"data": packed(text), "messageId": "1", "attributes": {}})),
        "pubsub table": ("pubsub", lambda text: dumped({"subscription_name": "s", "message_id": "1", "publish_time": TIME,
            "attributes": "{}", "data": text})),
        "cloud logging page": ("cloud-logging-page", lambda text: dumped({"entries": [entry | {"textPayload": text}]})),
        "azure table": ("azure-table", lambda text: dumped({"tables": [{"name": "PrimaryResult", "columns": [
            {"name": "Category", "type": "string"}, {"name": "log_s", "type": "string"}], "rows": [["kube-audit", text]]}]})),
        "azure sheet": ("azure-diagnostic", lambda text: dumped({"category": "kube-audit", "log_s": text})),
        "elasticsearch pages": ("elasticsearch-page", lambda text: dumped({"took": 1, "responses": [
            {"hits": {"hits": [{"_index": "audit", "_id": "1", "_source": raw(text)}]}}]})),
        "elasticsearch later": ("elasticsearch-page", lambda text: dumped({"id": "1", "is_partial": False, "response": {
            "hits": {"hits": [{"_index": "audit", "_id": "1", "_source": raw(text)}]}}})),
        "loki data": ("loki", lambda text: dumped({"resultType": "streams", "result": [{"stream": {}, "values": [["1", text]]}]})),
        "promtail": ("json-in-field", lambda text: dumped({"_entry": text, "pod": "api-1"})),
        "filebeat target": ("beats", lambda text: dumped(beat | {"kube_audit": raw(text), "log": {"offset": 1}})),
        "elastic agent": ("beats", lambda text: dumped(beat | {"kubernetes": {"audit": raw(text)}, "data_stream": {"type": "logs"},
            "elastic_agent": {"id": "1"}, "user": {"name": "ada"}})),
        "vector target": ("vector", lambda text: dumped({"source_type": "file", "timestamp": TIME, "file": "/a", "parsed": raw(text)})),
        "grafana answer": ("loki", lambda text: dumped({"results": {"A": {"status": 200, "frames": [{"schema": {"fields": [
            {"name": "labels"}, {"name": "Time"}, {"name": "Line"}]}, "data": {"values": [[{"a": "b"}], [1], [text]]}}]}}})),
        "grafana sheet": ("loki", lambda text: dumped({"labels": "{}", "time": TIME, "line": text, "tsns": "1", "id": "1"})),
        "journal by fluent bit": ("journal", lambda text: dumped({"date": 1.5, "_HOSTNAME": "node-1", "PRIORITY": "6", "MESSAGE": text})),
        "log record": ("cloudwatch-answer", lambda text: dumped({"logRecord": {"@message": text, "@timestamp": "1", "verb": "x"}})),
        "fluent bit nested": ("fluent-bit", lambda text: dumped({"date": 1782900000.5, "audit": raw(text)})),
        "kafka connect": ("kafka", lambda text: dumped({"schema": None, "payload": raw(text)})),
        "rsyslog": ("logstash-line", lambda text: f"{TIME} node-1 kube-audit[7]: {text}"),
        "rsyslog cee": ("syslog", lambda text: f"Jul  1 10:00:00 node-1 kube-audit: @cee: {text}"),
        "logs tail": ("cloudwatch-export", lambda text: f"{TIME[:19]} {text}"),
        "azure parsed": ("azure-diagnostic", lambda text: dumped(diagnostic | {"properties": {"log": raw(text)}})),
    }  # fmt: skip


WRAPS = wraps()
NEED_OBJECTS = {"fluentd pair", "fluentd v2 pair", "azure parsed", "fluent bit parsed", "fluent bit processed"} | {
    "filebeat json", "filebeat audit", "filebeat dotted", "elasticsearch", "elasticsearch page", "cloud logging json"
}  # fmt: skip
NEED_OBJECTS |= {
    "azure container parsed",
    "elastic agent",
    "fluent bit nested",
    "kafka connect",
    "vector target",
    "elasticsearch later",
    "elasticsearch pages",
    "filebeat target",
    "insights parsed",
    "openshift",
    "splunk parsed",
    "splunk bare",
    "eventbridge",
    "datadog parsed",
    "datadog search",
    "event hub",
    "event hub text",
}
HOLD_OBJECTS = {"message", "insights as CSV", "kafka", "splunk text", "datadog", "graylog", "otlp map in snake case", "logstash line", "logstash line host"} | {
    "logstash line without", "syslog", "syslog with data", "syslog of before", "rsyslog", "rsyslog cee", "promtail", "pubsub table"
}  # fmt: skip
LINES = {
    "logstash line",
    "logstash line host",
    "logstash line without",
    "logcli text",
    "logcli without labels",
    "syslog",
    "syslog with data",
}
LINES |= {
    "kubectl",
    "rsyslog",
    "rsyslog cee",
    "logs tail",
    "syslog of before",
    "export",
    "go",
    "go with microseconds",
    "cri",
    "cri in parts",
    "fluentd file",
}


def _fits(wrap: str, text: str) -> bool:
    """Whether an envelope can be put around a text: some hold objects alone, some values, some lines."""
    if wrap in NEED_OBJECTS | HOLD_OBJECTS:
        return text.startswith("{") and (wrap not in LINES or "\n" not in text)
    if wrap in {"array", "text"}:
        return text.startswith(("{", "[", '"')) and not text.startswith("[pod/")
    return wrap not in LINES or "\n" not in text


def rows(data: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of an object, but for where they lie; all of it must be read."""
    parsed = parse_bytes((data + "\n").encode())
    assert parsed.quarantined == []
    return {table: [row | EMPTY_PLACE for row in found] for table, found in parsed.rows.items()}


@pytest.mark.parametrize("wrap", WRAPS)
def test_every_envelope_is_known_by_its_shape_and_reported(wrap: str) -> None:
    name, wrapped = WRAPS[wrap]
    for record in (AUDIT_EVENT, PULL):
        assert rows(wrapped(dumped(record))) == rows(dumped(record))
        assert name in parse_bytes(wrapped(dumped(record)).encode()).envelopes
    assert parse_bytes(lines(AUDIT_EVENT)).envelopes == set()


def test_a_record_that_filebeat_set_at_the_root_is_read_beside_the_place_of_its_line() -> None:
    around = {
        "@timestamp": TIME,
        "agent": {"type": "filebeat"},
        "ecs": {},
        "stream": "stderr",
        "log": {"offset": 1, "file": {"path": "/a"}},
    }
    for format in ("flux-log", "gatekeeper-audit", "argocd-log"):
        (record, *_) = VALID[format]
        parsed = parse_bytes(lines(record | around))
        assert (parsed.quarantined, parsed.by_format, parsed.by_envelope) == ([], {format: 1}, {})


def test_a_line_of_logfmt_in_a_field_is_opened_as_json_is() -> None:
    line = 'time="2026-07-01T09:00:01Z" level=info msg="ada updated project" project=shop reason=ResourceUpdated type=Normal'
    expected = rows(line)
    for wrapped in ({"message": line, "podName": "p"}, {"@timestamp": TIME, "log": line, "pod": "p"}):
        assert rows(dumped(wrapped)) == expected
    assert parse_bytes(dumped({"message": line, "podName": "p"}).encode()).by_envelope == {"json-in-field": 1}


@pytest.mark.parametrize("format", VALID)
def test_records_of_every_format_are_found_in_envelopes(format: str) -> None:
    for record in VALID[format]:
        text = dumped(record)
        for wrap in ("subscription", "fluent bit", "filebeat json", "loki push", "azure", "otlp bytes"):
            assert rows(WRAPS[wrap][1](text)) == rows(text), wrap


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(WRAPS)), min_size=1, max_size=5),
    st.sampled_from([record for format in sorted(VALID) for record in VALID[format]]),
)
def test_any_nesting_around_any_record_gives_its_rows(nesting: list[str], record: dict[str, Any]) -> None:
    """But for those that hold objects alone, around what is none."""
    text = dumped(record)
    for wrap in nesting:
        if _fits(wrap, text):
            text = WRAPS[wrap][1](text)
    assert rows(text) == rows(dumped(record))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(sorted(WRAPS.keys() - NEED_OBJECTS)), max_size=3), st.text(max_size=40))
def test_any_text_in_any_envelope_is_accounted_for(nesting: list[str], text: str) -> None:
    for wrap in nesting:
        if _fits(wrap, text):
            text = WRAPS[wrap][1](text)
    parse_bytes(text.encode())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_envelopes_changed_anywhere_are_accounted_for(data: st.DataObject) -> None:
    text = bytearray(WRAPS[data.draw(st.sampled_from(sorted(WRAPS)))][1](dumped(AUDIT_EVENT)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    parse_bytes(bytes(text))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(sorted({key for opener in envelopes._OPENERS for key in opener.needs})), max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just("DATA_MESSAGE") | st.just("streams"),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "hits", "scopeLogs", "logRecords", "body", "kvlistValue", "values", "stream", "log"])
            | st.text(max_size=3),
            inner,
            max_size=3,
        ),
        max_leaves=10,
    ),
)  # fmt: skip
def test_envelopes_that_hold_anything_never_raise(keys: list[str], value: Any) -> None:
    parse_bytes(lines(dict.fromkeys(keys, value)))


def test_an_array_of_an_array_and_a_record_keeps_both() -> None:
    """Of Fluentd's pairs alone, which begin with a time, the first item says nothing."""
    for first in ([AUDIT_EVENT], [AUDIT_EVENT, PULL], [[AUDIT_EVENT]]):
        parsed = parse_bytes(lines([first, AUDIT_EVENT]))
        assert (parsed.kept, parsed.quarantined) == (1 + len(first), [])
        assert parsed.by_envelope.keys() == {"array"}
    assert parse_bytes(lines([[], AUDIT_EVENT])).kept == 1


def test_several_values_in_one_message_are_several_records() -> None:
    text = lines(AUDIT_EVENT, AUDIT_EVENT, PULL).decode() + json.dumps(AUDIT_EVENT, indent=2)
    parsed = parse_bytes(WRAPS["kinesis event"][1](text).encode())
    assert (parsed.records, parsed.kept) == (4, 4)


def test_values_of_firehose_follow_each_other_without_line_feeds() -> None:
    text = subscription(dumped(AUDIT_EVENT), dumped(AUDIT_EVENT))
    parsed = parse_bytes((text * 3).encode())
    assert (parsed.records, parsed.kept, parsed.by_envelope["cloudwatch-logs"]) == (6, 6, 3)


def test_text_that_no_format_knows_is_quarantined_with_the_reason() -> None:
    parsed = parse_bytes(subscription(dumped(AUDIT_EVENT), "Starting kube-apiserver", "").encode())
    assert (parsed.records, parsed.kept, parsed.noise) == (3, 1, 1)
    assert parsed.quarantined == [(1, 0, "text that no format knows (item 2)")]
    alone = parse_bytes(f"{TIME} stderr F Starting\n{TIME} INFO starting\n".encode())
    assert [why for _, _, why in alone.quarantined] == ["text that no format knows (item 1)"] * 2


def test_lines_of_container_runtimes_are_put_together_where_they_were_cut() -> None:
    """And one whose end does not follow costs itself alone."""
    text = dumped(AUDIT_EVENT)
    data = (
        f"{TIME} stdout F {text}\n{TIME} stdout P {text[:30]}\n{TIME} stdout F {text[30:]}\n"
        f"{TIME} stdout P {text[:30]}\n{TIME} stderr F {text}\n{TIME} stdout P {text[:30]}"
    )
    parsed = parse_bytes(data.encode())
    assert [row["line"] for row in parsed.rows["cluster_access"]] == [1, 2, 4]
    cut = "a part of a line whose end does not follow (unreadable item 1)"
    assert [(number, why) for number, _, why in parsed.quarantined] == [(3, cut), (5, cut)]


def test_a_line_of_a_runtime_longer_than_a_record_may_be_costs_one_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "MAX_RECORD", 2 << 20)
    monkeypatch.setattr(records, "BLOCK", 1 << 16)
    long = f"{TIME} stdout F {'x' * (3 << 20)}\n"
    parsed = parse_bytes((long + f"{TIME} stdout F {dumped(AUDIT_EVENT)}\n").encode())
    assert (parsed.kept, parsed.quarantined) == (1, [(1, 0, "longer than 2 MiB")])


def test_parts_without_an_end_are_passed_over_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: none is looked at again as the beginning of those behind it."""
    monkeypatch.setattr(records, "MAX_RECORD", 1 << 20)
    monkeypatch.setattr(records, "BLOCK", 1 << 16)
    part = f"{TIME} stdout P x\n"
    parsed = parse_bytes((part * 100_000 + f"{TIME} stderr F {dumped(AUDIT_EVENT)}\n").encode())
    assert parsed.kept == 1
    assert len(parsed.quarantined) == 100_000 * len(part) // (1 << 20) + 1
    assert {why for _, _, why in parsed.quarantined[:-1]} == {"longer than 1 MiB"}


def test_gzip_that_breaks_off_in_a_line_with_a_time_loses_that_line_alone() -> None:
    data = gzip.compress((f"{TIME} stdout F {dumped(AUDIT_EVENT)}\n" * 3).encode()[:-9], mtime=0)[:-8]
    parsed = parse_bytes(data)
    assert parsed.kept == 2
    assert [why for _, _, why in parsed.quarantined] == ["the gzip data is cut off"]


def test_a_part_of_a_line_that_docker_cut_is_named() -> None:
    parsed = parse_bytes(lines({"log": "{" + "x" * 16383, "stream": "stdout", "time": TIME}))
    assert parsed.quarantined[0][2].startswith("a part of a line that the container runtime cut at 16 KiB")


@pytest.mark.parametrize("size", [262_144, 262_118])
def test_an_event_that_cloudwatch_cut_is_named(size: int) -> None:
    long = dumped(AUDIT_EVENT | {"requestObject": {"data": "x" * 300_000}})
    parsed = parse_bytes(subscription(dumped(AUDIT_EVENT), long[:size]).encode())
    assert (parsed.records, parsed.kept) == (2, 1)
    reason = "cut off at 262,144 bytes, the limit of CloudWatch Logs (unreadable item 1)"
    assert parsed.quarantined == [(1, 0, reason)]


def test_actions_of_bulk_requests_and_records_that_were_dropped_are_noise() -> None:
    parsed = parse_bytes(
        lines({"index": {}}, AUDIT_EVENT, {"create": {"_index": "a", "_id": "1"}}, AUDIT_EVENT)
    )
    assert (parsed.records, parsed.kept, parsed.noise) == (4, 2, 2)
    dropped = {
        "records": [
            {"recordId": "1", "result": "Dropped"},
            {"recordId": "2", "data": packed(dumped(AUDIT_EVENT))},
        ]
    }
    parsed = parse_bytes(lines(dropped))
    assert (parsed.records, parsed.kept, parsed.noise) == (2, 1, 1)


def test_a_body_of_opentelemetry_may_be_a_map() -> None:
    assert rows(otlp(any_value(AUDIT_EVENT))) == rows(dumped(AUDIT_EVENT))
    deep: dict[str, Any] = {"stringValue": "x"}
    for _ in range(100):
        deep = {"arrayValue": {"values": [deep]}}
    for body in (
        deep,
        {"intValue": "x"},
        {"kvlistValue": {"values": [{}]}},
        {"bytesValue": "?"},
        {"a": 1, "b": 2},
    ):
        (reason,) = [why for _, _, why in parse_bytes(otlp(body).encode()).quarantined]
        assert reason == "not OTLP: the body is no value (unreadable item 1)"
    assert parse_bytes(b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}').noise == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("not base64!", "not base64"),
        (base64.b64encode(b"\x1f\x8b\x08rubbish").decode(), "the gzip data inside is damaged"),
        (base64.b64encode(gzip.compress(b"{}", mtime=0)[:-4]).decode(), "the gzip data inside is cut off"),
        (base64.b64encode(gzip.compress(b"", mtime=0) * 101).decode(), "more than 100 members of gzip"),
        (base64.b64encode(b"\xff\xfe").decode(), "not UTF-8"),
    ],
)  # fmt: skip
def test_what_can_not_be_unpacked_says_why(data: str, reason: str) -> None:
    parsed = parse_bytes(lines({"records": [{"data": data}, {"data": packed(dumped(AUDIT_EVENT))}]}))
    assert (parsed.records, parsed.kept) == (2, 1)
    assert parsed.quarantined[0][2].startswith(reason)


def test_bombs_in_envelopes_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "MAX_RECORD", 1 << 20)
    monkeypatch.setattr(envelopes, "MAX_RECORD", 1 << 20)
    bomb = packed(" " * (2 << 20), zipped=True)
    assert (
        parse_bytes(lines({"awslogs": {"data": bomb}}))
        .quarantined[0][2]
        .startswith("it decompresses to more")
    )
    half = packed(" " * (700 << 10), zipped=True)
    parsed = parse_bytes(lines({"records": [{"data": half}] * 5}))
    assert "what is compressed inside it is longer than 1 MiB" in parsed.quarantined[0][2]


def test_nesting_and_number_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    text = dumped(AUDIT_EVENT)
    assert parse_bytes(("[" * 15 + text + "]" * 15).encode()).kept == 1
    parsed = parse_bytes(("[" * 40 + text + "]" * 40).encode())
    assert [why for _, _, why in parsed.quarantined] == ["wrapped more than 16 deep (unreadable item 1)"]
    monkeypatch.setattr(envelopes, "MAX_ITEMS", 5)
    parsed = parse_bytes(lines([AUDIT_EVENT] * 8))
    assert parsed.kept == 5
    assert parsed.quarantined[0][2].startswith("more than 5 records in one: 3 are not read")
    parsed = parse_bytes(lines({"log": lines(*[AUDIT_EVENT] * 8).decode(), "stream": "stdout"}))
    assert parsed.kept == 4
    assert parsed.quarantined[0][2].startswith("more than 5 records in one: the rest is not read")


def test_records_of_formats_are_not_opened_for_the_text_in_their_fields() -> None:
    """An event whose message happens to be JSON is the event, whatever came before it."""
    (event,) = VALID["flux-event"]
    record = event | {"message": dumped(AUDIT_EVENT)}
    for before in ([], [AUDIT_EVENT], [json.loads(WRAPS["docker"][1](dumped(AUDIT_EVENT)))]):
        assert "sync_records" in parse_bytes(lines(*before, record)).rows
        assert not parse_bytes(lines(*before, record)).by_envelope["json-in-field"]


def test_what_looks_like_the_record_before_it_but_is_an_envelope_is_opened() -> None:
    """The format of the last record is tried first; what it can't read is looked at closely."""
    text = dumped(AUDIT_EVENT)
    nested = WRAPS["elasticsearch"][1](text)
    for data in (nested, nested + "\n" + nested, text + "\n" + nested):
        for wrapped in (data, WRAPS["kinesis event"][1](data), WRAPS["subscription"][1](data)):
            parsed = parse_bytes(wrapped.encode())
            assert (parsed.kept, parsed.quarantined) == (len(data.splitlines()), [])


def test_order_does_not_matter_among_plain_and_wrapped_records() -> None:
    plain, wrapped = dumped(AUDIT_EVENT), WRAPS["fluent bit"][1](dumped(PULL))
    for data in ([plain, wrapped, plain], [wrapped, plain, wrapped], [wrapped, wrapped, plain]):
        parsed = parse_bytes("\n".join(data).encode())
        assert (parsed.records, parsed.kept, parsed.quarantined) == (3, 3, [])
