"""Silences of alerts, samples as text, and what an answer leaves out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import parse_bytes, read, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from outside_records import MATRIX, SILENCE, VAULT_REQUEST, VAULT_RESPONSE


def sample(line: str) -> dict[str, Any]:
    parsed = parse_bytes(line.encode() + b"\n")
    assert parsed.quarantined == []
    (found,) = parsed.rows["metric_samples"]
    return found


def test_a_silence_tells_who_held_back_what_from_when_until_when() -> None:
    (found,) = read(SILENCE).rows["silences"]
    times = {name: found.pop(name).isoformat() for name in ("starts_at", "ends_at", "updated_at")}
    assert times == {
        "starts_at": "2026-07-01T09:00:00+00:00", "ends_at": "2026-07-01T11:00:00+00:00",
        "updated_at": "2026-07-01T09:00:00+00:00",
    }  # fmt: skip
    assert json.loads(found.pop("matchers")) == ["alertname!=Drift", "env=~prod|test"]
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "cluster": "prod", "silence": "s-1", "state": "active", "created_by": "ada", "comment": "upgrade", "line": 1,
    }  # fmt: skip


def test_samples_of_an_answer_that_warns_are_partial() -> None:
    warned = MATRIX | {"warnings": ["store a is unavailable"], "infos": ["x"]}
    assert [row["partial"] for row in read(warned).rows["metric_samples"]] == [True, True]
    assert [row["partial"] for row in read(MATRIX | {"infos": ["x"]}).rows["metric_samples"]] == [
        False,
        False,
    ]


def test_a_scalar_is_a_sample_without_a_name() -> None:
    answer = {"status": "success", "data": {"resultType": "scalar", "result": [1782900000, "0.5"]}}
    (found,) = read(answer).rows["metric_samples"]
    assert (found["metric"], found["labels"], found["value"]) == ("", "{}", 0.5)


@pytest.mark.parametrize(
    "line",
    [
        '{__name__="argocd_app_info", name="web", sync_status="OutOfSync"} 1 1782900000000',
        'argocd_app_info{sync_status="OutOfSync",name="web"} 1.0 1782900000',
        'argocd_app_info{name="web",sync_status="OutOfSync"} 1 1782900000.000 # {trace_id="a"} 1',
        '{"argocd_app_info",name="web","sync_status"="OutOfSync"} 1 1782900000',
    ],
)
def test_a_sample_as_text(line: str) -> None:
    found = sample(line)
    assert found["at"].isoformat() == "2026-07-01T10:00:00+00:00"
    assert (found["cluster"], found["metric"], found["value"], found["partial"]) == (
        "prod", "argocd_app_info", 1.0, False,
    )  # fmt: skip
    assert json.loads(found["labels"]) == {"name": "web", "sync_status": "OutOfSync"}


def test_samples_of_remote_read_in_json_and_of_an_exported_series_tell_the_same_as_an_answer() -> None:
    labels = {"__name__": "up", "job": "x"}
    told = {"labels": [{"name": name, "value": value} for name, value in labels.items()]}
    points = [
        {"value": 1.5, "timestamp": "1782900000000"},
        {"timestamp": 1782900060000},
        {"value": "NaN", "timestamp": "1782900120000"},
    ]
    answer = {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [
                {"metric": labels, "values": [[1782900000, "1.5"], [1782900060, "0"], [1782900120, "NaN"]]}
            ],
        },
    }
    exported = {
        "metric": labels,
        "values": [1.5, 0, None],
        "timestamps": [1782900000000, 1782900060000, 1782900120000],
    }
    expected = [row | {"evidence": ""} for row in read(answer).rows["metric_samples"]]
    for record in ({"results": [{"timeseries": [told | {"samples": points}]}]}, exported):
        parsed = read(record)
        assert [row | {"evidence": ""} for row in parsed.rows["metric_samples"]] == expected
        assert parsed.formats == {"prometheus-query"}
    assert "as many times as values" in refused(exported | {"values": [1]})
    for time in ("9" * 5000, "9" * 400, "soon"):
        points = [{"value": 1, "timestamp": time}]
        assert "not a time in milliseconds" in refused(
            {"results": [{"timeseries": [told | {"samples": points}]}]}
        )
    assert "histograms" in refused(
        {"results": [{"timeseries": [told | {"samples": [], "histograms": [{}]}]}]}
    )


def test_an_answer_that_is_partial_says_so_in_either_way() -> None:
    answer = {
        "status": "success",
        "isPartial": True,
        "data": {"resultType": "scalar", "result": [1782900000, "0.5"]},
    }
    assert read(answer).rows["metric_samples"][0]["partial"] is True


def test_samples_without_labels_with_escapes_and_without_a_finite_value() -> None:
    assert (sample("up 0 1782900000")["metric"], sample("up{} 0 1782900000")["labels"]) == ("up", "{}")
    assert sample('a_total 1 1782900000 # {trace_id="b"} 1')["value"] == 1
    assert sample('{"my.metric"} 1 1782900000')["metric"] == "my.metric"
    assert json.loads(sample('a{b="c\\"\\n\\\\d"} 1 1782900000')["labels"]) == {"b": 'c"\n\\d'}
    assert sample('gotk_reconcile_condition{b="c"} NaN 1782900000')["special"] == "NaN"
    assert sample('{__name__="a"} -Inf 1782900000000')["special"] == "-Inf"


def test_comments_are_noise_and_what_proves_nothing_is_refused_line_by_line() -> None:
    lines = [
        "# TYPE up gauge", "# HELP up whether it is up", 'up{a="b"} 1', 'up{a="b",a="c"} 1 1782900000', 'up{a="b} 1 1',
        'up{a="b"} 1_0 1782900000', 'up{a="b"} {count:1} 1782900000', 'up{a="b"} 1 1782900000', "# EOF",
    ]  # fmt: skip
    parsed = parse_bytes("\n".join(lines).encode())
    assert (parsed.records, parsed.kept, parsed.noise) == (9, 1, 3)
    reasons = [reason for _, _, reason in parsed.quarantined]
    assert [number for number, _, _ in parsed.quarantined] == [3, 4, 5, 6, 7]
    for said, reason in zip(
        ("without a time", "'a' twice", "not a label", "not a value", "value"), reasons, strict=True
    ):
        assert said in reason


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=120), st.sampled_from(["auto", "prometheus-text", "vault-audit"]))
def test_arbitrary_bytes_after_the_start_of_a_line(data: bytes, format: str) -> None:
    for start in (
        b'{__name__="',
        b'up{a="b"',
        b"up 1 ",
        b"# TYPE",
        b"<13>{",
        b"Jul  1 09:00:00 h vault[1]: {",
    ):
        parse_bytes(start + data, format=format)


@pytest.mark.parametrize(
    "before",
    ["<13>Jul  1 09:00:00 vault-0 vault[17]: ", "Jul  1 09:00:00 vault-0 vault[17]: @cee: ", "@cee: ", "<85>1 2026-07-01T09:00:00Z vault-0 vault 17 - - ", ""],
)  # fmt: skip
@pytest.mark.parametrize("format", ["auto", "vault-audit"])
def test_lines_of_vault_that_came_by_syslog_tell_the_same(before: str, format: str) -> None:
    pair = (VAULT_REQUEST, VAULT_RESPONSE)
    written = "".join(f"{before}{json.dumps(record)}\n" for record in pair)
    parsed = parse_bytes(written.encode(), format=format)
    assert (parsed.records, parsed.kept) == (2, 2)
    (alone,) = read(VAULT_REQUEST).rows["secret_access"]
    assert parsed.rows["secret_access"][0] | {"evidence": ""} == alone | {"evidence": ""}
    assert [row["request_id"] for row in parsed.rows["secret_access"]] == ["r-1", "r-1"]
