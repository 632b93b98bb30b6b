"""What policy reports give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import lines, parse_bytes, read, refused
from hypothesis import given
from hypothesis import strategies as st
from policy_records import REPORT, RESULT, SCOPED

from audit.normalise import policy_report
from audit.normalise.interface import Parsed

COUNTS = {"pass": 0, "fail": 0, "warn": 0, "error": 0, "skip": 0}


def report(*results: Any, **changes: Any) -> dict[str, Any]:
    return REPORT | {"results": list(results)} | changes


def results(parsed: Parsed) -> list[dict[str, Any]]:
    return parsed.rows["policy_report_results"]


def totals(parsed: Parsed) -> dict[str, Any]:
    (found,) = parsed.rows["policy_report_totals"]
    return found


def test_a_result_is_one_row_for_each_resource_and_told_in_full() -> None:
    first, second, scoped = results(read(REPORT))
    assert first.pop("at").isoformat() == "2026-07-01T09:00:00.500000+00:00"
    assert {name: value for name, value in first.items() if name != "evidence"} == {
        "cluster": "prod", "api_group": "wgpolicyk8s.io", "kind": "PolicyReport", "namespace": "shop", "report": "web",
        "item": 1, "place": 1, "source": "kyverno", "policy": "disallow-capabilities", "rule": "adding-capabilities",
        "category": "Pod Security", "severity": "medium", "scored": True, "result": "fail",
        "message": "capabilities are added", "about": "result", "resource_api_version": "v1", "resource_kind": "Pod",
        "resource_namespace": "shop", "resource_name": "web-1", "resource_uid": "u-1", "resource_selector": None,
        "properties": '{"process":"background scan"}', "line": 1,
    }  # fmt: skip
    assert (second["item"], second["place"], second["resource_name"]) == (1, 2, "web-2")
    assert (scoped["item"], scoped["about"], scoped["resource_kind"]) == (2, "scope", "Deployment")


def test_what_a_process_was_given_never_gets_into_a_row() -> None:
    assert "pretend" not in json.dumps(read(REPORT).rows, default=str)


def test_what_a_result_is_about_is_named_by_it_by_a_selector_by_the_scope_or_nowhere() -> None:
    chosen = SCOPED | {"resourceSelector": {"matchLabels": {"b": "1", "a": "2"}}}
    (found,) = results(read(report(chosen)))
    assert (found["about"], found["resource_selector"]) == ("selector", '{"matchLabels":{"a":"2","b":"1"}}')
    (found,) = results(read(report(SCOPED | {"resourceSelector": {}})))  # as Kubewarden writes
    assert (found["about"], found["resource_selector"]) == ("scope", None)
    (found,) = results(read(report(SCOPED, scope=None)))
    assert (found["about"], found["resource_kind"], found["resource_name"]) == ("nowhere", "", "")


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"policy": "a"}, "result is missing"),
        ({"policy": "a", "status": "fail"}, "result is missing"),
        ({"policy": "a", "result": "passed"}, "result is none of pass, fail, warn, error, skip: 'passed'"),
        ({"result": "pass"}, "Object missing required field `policy`"),
        (SCOPED | {"timestamp": {"seconds": 2**62}}, "not a time: 4611686018427387904 s and 0 ns"),
        (SCOPED | {"timestamp": "soon"}, "not a time: 'soon'"),
        ("fail", "Expected `object`, got `str`"),
    ],
)
def test_a_result_that_cannot_be_read_is_quarantined_by_itself(result: Any, reason: str) -> None:
    """It is counted, its place is named, the results beside it are read, and the report does not agree."""
    for format in ("auto", "policy-report"):
        parsed = parse_bytes(lines(report(SCOPED, result, RESULT)), format=format)
        assert (parsed.records, parsed.kept, len(parsed.quarantined)) == (2, 1, 1)
        ((number, offset, why),) = parsed.quarantined
        assert (number, offset) == (1, 0)
        assert why.startswith(f"policy-report: result 2 of PolicyReport shop/web: {reason}")
        assert [row["item"] for row in results(parsed)] == [1, 3, 3]
        assert totals(parsed)["unreadable"] == 1


def test_the_first_version_called_the_result_its_status() -> None:
    (found,) = results(read(report({"policy": "a", "status": "warn"}, apiVersion="wgpolicyk8s.io/v1alpha1")))
    assert found["result"] == "warn"


@pytest.mark.parametrize(
    ("summary", "agrees", "cut"),
    [
        ({"pass": 1, "fail": 1}, True, False),
        ({"pass": 1, "fail": 9}, False, True),
        ({"pass": 0, "fail": 1}, False, False),
        ({"pass": 1, "fail": 0, "warn": 1}, False, False),
        (None, None, None),
    ],
)
def test_a_summary_that_counts_more_than_is_listed_shows_that_the_report_was_cut(
    summary: Any, agrees: Any, cut: Any
) -> None:
    found = totals(read(REPORT | {"summary": summary}))
    assert (found["agrees"], found["cut"]) == (agrees, cut)
    assert (found["listed_pass"], found["listed_fail"], found["listed_warn"]) == (1, 1, 0)
    assert found["declared_fail"] == (summary or {}).get("fail")


def test_a_result_in_quarantine_does_not_make_a_report_look_cut() -> None:
    parsed = parse_bytes(lines(report(SCOPED, {"policy": "a"}, summary=COUNTS | {"pass": 1, "fail": 1})))
    found = totals(parsed)
    assert (found["unreadable"], found["agrees"], found["cut"]) == (1, False, False)


def test_a_report_without_results_is_a_row_too_and_says_its_limit() -> None:
    empty = report(summary=COUNTS, source="kyverno", configuration={"limits": {"maxResults": 100}})
    parsed = read(empty)
    assert parsed.rows.keys() == {"policy_report_totals"}
    found = totals(parsed)
    assert (found["agrees"], found["limit"], found["source"], found["at"]) == (True, 100, "kyverno", None)
    assert found["created_at"].isoformat() == "2026-06-01T00:00:00+00:00"
    assert parsed.coverage == {}


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ({"seconds": 1628548814, "nanos": -879126275}, "2021-08-09T22:40:13.120873+00:00"),
        ({"seconds": 10, "nanos": 1_500_000_000}, "1970-01-01T00:00:11.500000+00:00"),
        ({"seconds": -1, "nanos": 0}, "1969-12-31T23:59:59+00:00"),
        ("2026-07-01T09:00:00+02:00", "2026-07-01T07:00:00+00:00"),
        ({"seconds": 0, "nanos": 0}, None),
        ({"seconds": -62135596800}, None),
        ({}, None),
        (None, None),
    ],
)
def test_times_are_seconds_and_nanoseconds_or_text_and_missing_where_they_were_never_set(
    stamp: Any, expected: str | None
) -> None:
    (found,) = results(read(report(SCOPED | {"timestamp": stamp})))
    assert (found["at"] and found["at"].isoformat()) == expected


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("wgpolicyk8s.io/v1alpha2", "ClusterPolicyReport"),
        ("wgpolicyk8s.io/v1beta1", "PolicyReport"),
        ("wgpolicyk8s.io/v1beta2", "PolicyReport"),
        ("reports.x-k8s.io/v1beta2", "ClusterPolicyReport"),
        ("openreports.io/v1alpha1", "Report"),
        ("openreports.io/v1alpha1", "ClusterReport"),
        ("openreports.io/v1alpha1", "PolicyReport"),  # as its own samples have it
    ],
)
def test_every_group_of_reports_gives_the_same(version: str, kind: str) -> None:
    parsed = read(REPORT | {"apiVersion": version, "kind": kind})
    assert parsed.formats == {"policy-report"}
    assert {row["api_group"] for row in results(parsed)} == {version.partition("/")[0]}
    which = {"api_group": "", "kind": "", "evidence": ""}
    assert [row | which for row in results(parsed)] == [row | which for row in results(read(REPORT))]


def test_lists_of_reports_are_read() -> None:
    many = {"apiVersion": "v1", "kind": "List", "items": [REPORT, report(SCOPED, metadata={"name": "other"})]}
    parsed = read(many)
    assert (parsed.records, parsed.kept) == (2, 2)
    assert [row["report"] for row in parsed.rows["policy_report_totals"]] == ["web", "other"]


def test_versions_that_are_not_known_are_refused() -> None:
    assert "no report that is read: 'PolicyReport'" in refused(REPORT | {"apiVersion": "wgpolicyk8s.io/v9"})


def test_a_report_of_very_many_results_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_report, "MOST_RESULTS", 3)
    assert read(report(*[SCOPED] * 3)).kept == 1
    assert "more than 3 results in one report" in refused(report(*[SCOPED] * 4))


def test_a_report_of_very_many_resources_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_report, "MOST_RESULTS", 3)
    both = SCOPED | {"resources": [{"name": "a"}, {"name": "b"}]}
    assert len(results(read(report(both, SCOPED)))) == 3
    assert "more than 3 resources in one report" in refused(report(both, both))
    ((_, _, reason),) = parse_bytes(lines(report(SCOPED | {"resources": [{}] * 4}))).quarantined
    assert reason.endswith("more than 3 resources")


def test_a_selector_that_is_nested_too_deep_costs_its_result_alone() -> None:
    deep = json.dumps(report(SCOPED, SCOPED | {"resourceSelector": "deep"})).replace(
        '"deep"', '{"a":' * 900 + "1" + "}" * 900
    )
    parsed = parse_bytes(deep.encode() + b"\n")
    assert parsed.records == parsed.kept + len(parsed.quarantined)
    assert len(results(parsed)) in (1, 2)


@given(st.lists(st.sampled_from([RESULT, SCOPED, {"policy": "a"}, "x", {"result": "pass"}]), max_size=6))
def test_every_result_is_a_row_or_in_quarantine(given: list[Any]) -> None:
    parsed = parse_bytes(lines(report(*given)))
    items = {row["item"] for row in parsed.rows.get("policy_report_results", [])}
    assert len(items) + len(parsed.quarantined) == len(given)
    found = totals(parsed)
    assert sum(found[f"listed_{word}"] for word in COUNTS) == len(items)
