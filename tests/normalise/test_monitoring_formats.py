"""What alerts and metrics give."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from evidence_records import read, refused
from outside_records import ALERT, ANNOTATION, API_ALERT, HISTORY, MATRIX, VECTOR, WEBHOOK

from audit.normalise.interface import Context


def rows(record: Any, table: str = "alerts", context: Context | None = None) -> list[dict[str, Any]]:
    found = read(record, context=context or Context("s", "k", cluster="prod"))
    return found.rows.get(table, [])


def webhook(*alerts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**WEBHOOK, "alerts": list(alerts), **changes}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+00:00").astimezone(UTC)


def test_an_alert_that_fires_has_no_end() -> None:
    (found,) = rows(WEBHOOK)
    assert {name: value for name, value in found.items() if name not in ("labels", "evidence")} == {
        "cluster": "prod-eu1", "environment": "prod", "origin": "alertmanager", "receiver": "gitops",
        "alert": "ArgoAppNotSynced", "fingerprint": "00f0", "status": "firing", "at": at("07-01T09:00:00.500000"),
        "starts_at": at("07-01T09:00:00.500000"), "ends_at": None, "severity": "critical", "silenced": None,
        "summary": "web is not synced", "withheld": 0, "line": 1,
    }  # fmt: skip
    assert json.loads(found["labels"]) == ALERT["labels"]
    assert list(json.loads(found["labels"])) == sorted(ALERT["labels"])


def test_a_resolved_alert_speaks_of_its_end() -> None:
    resolved = ALERT | {"status": "resolved", "endsAt": "2026-07-01T09:10:00Z"}
    first, second = rows(webhook(ALERT, resolved, truncatedAlerts=5))
    assert (first["ends_at"], first["withheld"], second["withheld"]) == (None, 5, 5)
    assert second["at"] == second["ends_at"] == at("07-01T09:10:00")
    assert second["starts_at"] == first["starts_at"] == first["at"]
    without = webhook(resolved | {"endsAt": "0001-01-01T00:00:00Z"})
    assert "a resolved alert without an end" in refused(without)


def test_labels_name_cluster_and_environment_else_the_source_does_what_it_can() -> None:
    bare = ALERT | {"labels": {"alertname": "Drift", "environment": "stage"}, "annotations": {}}
    (found,) = rows(webhook(bare))
    assert (found["cluster"], found["environment"], found["severity"], found["summary"]) == (
        "prod",
        "stage",
        None,
        None,
    )
    (found,) = rows(webhook(bare), context=Context("s", "k"))
    assert found["cluster"] is None
    assert "an alert without a name" in refused(webhook(ALERT | {"labels": {}}))


def test_a_message_without_alerts_is_noise() -> None:
    assert read(webhook()).noise == 1


def test_grafana_sends_the_same_shape() -> None:
    grafana = webhook(
        ALERT | {"valueString": "", "values": None},
        orgId=1,
        title="[FIRING:1]",
        state="alerting",
        version="1",
    )
    assert [found["origin"] for found in rows(grafana)] == ["grafana"]


def test_what_the_api_lists_fires_whatever_end_it_foresees() -> None:
    (found,) = rows(API_ALERT)
    assert (found["status"], found["ends_at"], found["silenced"]) == ("firing", None, True)
    assert (found["receiver"], found["summary"]) == ("gitops,pager", "for 15 minutes")
    (found,) = rows(API_ALERT | {"status": {"state": "active"}})
    assert not found["silenced"]
    assert "neither a webhook" in refused(API_ALERT | {"status": "firing"})


def test_groups_of_the_api_give_their_alerts() -> None:
    group = {"labels": {}, "receiver": {"name": "gitops"}, "alerts": [API_ALERT, API_ALERT]}
    expected = rows(API_ALERT)[0] | {"evidence": ""}
    assert [row | {"evidence": ""} for row in rows([group])] == [expected, expected]


def test_a_history_of_states() -> None:
    first, second = rows(HISTORY)
    assert (first["status"], first["at"], first["ends_at"]) == ("firing", at("07-01T10:00:00"), None)
    assert (second["status"], second["ends_at"]) == ("resolved", at("07-01T10:10:00"))
    for found in (first, second):
        assert (found["alert"], found["fingerprint"], found["severity"]) == ("Drift", "0aa0", "warning")
        assert found["starts_at"] is None


def test_lines_of_a_history_may_be_json_in_strings() -> None:
    times, lines, labels = HISTORY["data"]["values"]
    written = HISTORY | {"data": {"values": [times, [json.dumps(line) for line in lines], labels]}}
    assert rows(written) == [found | {"evidence": rows(written)[0]["evidence"]} for found in rows(HISTORY)]


def test_a_history_without_changes_is_noise_and_one_that_is_not_whole_is_refused() -> None:
    assert read(HISTORY | {"data": {"values": []}}).noise == 1
    times, lines, labels = HISTORY["data"]["values"]
    assert "as many times as lines" in refused(HISTORY | {"data": {"values": [times[:1], lines, labels]}})
    strange = [lines[0] | {"current": "Bored"}, lines[1]]
    assert "unknown state 'Bored'" in refused(HISTORY | {"data": {"values": [times, strange, labels]}})


@pytest.mark.parametrize(
    ("state", "status"),
    [("alerting", "firing"), ("ok", "resolved"), ("Recovering", "firing"), ("pending", "pending"), ("NoData", "no data"),
     ("Error", "error"), ("paused", "paused"), ("Normal (NoData)", "resolved")],
)  # fmt: skip
def test_states_of_annotations(state: str, status: str) -> None:
    (found,) = rows(ANNOTATION | {"newState": state})
    assert (found["status"], found["fingerprint"], found["labels"]) == (status, "annotation 7", "{}")
    assert found["at"] == at("07-01T10:00:00")


def test_an_annotation_names_its_alert_in_its_text_where_nothing_else_does() -> None:
    text = "Web is down {alertname=Web is down, severity=page} - B=1.000000"
    (found,) = rows(ANNOTATION | {"alertName": "", "text": text})
    assert (found["alert"], found["summary"]) == ("Web is down", text)
    fields = [{"name": name} for name in ("time", "text", "prev", "next", "data")]
    frame = {
        "schema": {"fields": fields},
        "data": {"values": [[1782900000000], [text], ["Normal"], ["Alerting"], ["{}"]]},
    }
    (found,) = rows(frame)
    assert (found["alert"], found["status"], found["at"]) == ("Web is down", "firing", at("07-01T10:00:00"))
    assert "an alert without a name" in refused(ANNOTATION | {"alertName": "", "text": "Web is down"})


def test_a_history_that_lies_in_loki_has_its_times_from_there() -> None:
    line = json.dumps(
        {"schemaVersion": 1, "previous": "Normal", "current": "Alerting", "ruleTitle": "Web", "labels": {}}
    )
    labels = {"from": "state-history", "orgID": "1"}
    pushed = {"streams": [{"stream": labels, "values": [["1782900000000000000", line]]}]}
    printed = {"labels": labels, "line": line, "timestamp": "2026-07-01T12:00:00+02:00"}
    answer = {"status": "success", "data": {"resultType": "streams", "result": pushed["streams"]}}
    for record in (pushed, printed, answer):
        (found,) = rows(record)
        assert (found["alert"], found["status"], found["at"]) == ("Web", "firing", at("07-01T10:00:00"))
    other = {"streams": [{"stream": {"job": "x"}, "values": pushed["streams"][0]["values"]}]}
    assert "no known format" in refused(other)


def test_annotations_that_no_alert_wrote_are_noise() -> None:
    assert read(ANNOTATION | {"alertId": 0, "alertName": "", "newState": "", "text": "deployed"}).noise == 1


def test_samples_of_a_matrix() -> None:
    first, second = rows(MATRIX, "metric_samples")
    assert {name: value for name, value in first.items() if name != "evidence"} == {
        "cluster": "prod", "metric": "argocd_app_info", "labels": '{"name": "web", "sync_status": "OutOfSync"}',
        "at": at("07-01T10:00:00.250000"), "value": 1.0, "special": None, "partial": False, "line": 1,
    }  # fmt: skip
    assert (second["value"], second["special"], second["at"]) == (None, "NaN", at("07-01T10:01:00"))


@pytest.mark.parametrize(
    ("written", "value", "special"),
    [("-1.5e-3", -0.0015, None), ("+Inf", None, "+Inf"), ("Inf", None, "+Inf"), ("-Inf", None, "-Inf"),
     ("NaN", None, "NaN"), ("1e999", None, "+Inf"), ("0", 0.0, None)],
)  # fmt: skip
def test_values(written: str, value: float | None, special: str | None) -> None:
    answer = {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, written]}]},
    }
    (found,) = rows(answer, "metric_samples")
    assert (found["metric"], found["labels"]) == ("", "{}")
    assert (found["value"], found["special"]) == (value, special)


def test_answers_that_are_no_series_are_refused_and_empty_ones_noise() -> None:
    def answer(kind: str, result: Any) -> dict[str, Any]:
        return {"status": "success", "data": {"resultType": kind, "result": result}}

    assert read(answer("matrix", [])).noise == 1
    assert "a string is no time series" in refused(answer("string", [1, "1"]))
    assert "result: " in refused(answer("scalar", {}))
    assert "not a value: '1_000'" in refused(answer("vector", [{"metric": {}, "value": [1, "1_000"]}]))
    assert "a series without values" in refused(answer("matrix", [{"metric": {}}]))
    assert "native histograms" in refused(
        answer("matrix", [{"metric": {}, "values": [], "histograms": [[1, {}]]}])
    )
    failed = {"status": "error", "errorType": "timeout", "error": "query timed out in expression evaluation"}
    assert "the query failed: timeout: query timed out" in refused(failed)
    assert rows(VECTOR, "metric_samples")[0]["special"] == "-Inf"
