"""Real reports and objects of policy engines are read, and what is none of them is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit import tables as t
from audit.normalise.interface import Context, Parsed
from audit.normalise.kubernetes_object import of_a_tool
from audit.normalise.reader import parse

WORDS = ("pass", "fail", "warn", "error", "skip")
REPORTS = {
    "kube-bench-adapter__policy-report.yaml": 1,
    "kubearmor-adapter__res.yaml": 1,
    "samples_sample-cis-k8s.yaml": 1,
    "samples_sample-co.yaml": 1,
    "samples_sample-falco-policy.yaml": 2,
    "samples_sample-rhacm-policy.yaml": 1,
    "samples_sample-v1beta1-kyverno.yaml": 1,
    "samples_sample-v1beta2-kyverno.yaml": 1,
    "trivy-adapter__policyreport.json": 1,
    "trivy-adapter__policyreport.yaml": 1,
}
"""How many reports each file holds."""
DISAGREE = {
    "samples_sample-cis-k8s.yaml",
    "samples_sample-co.yaml",
    "samples_sample-rhacm-policy.yaml",
}
"""Files whose summary counts more than they list: abridged for documentation."""
NONE = {
    "kube-bench-adapter__kube-bench-output.json": "no known format",
    "kube-bench-adapter__kube-bench-results.yaml": "no known format",
    "kubearmor-adapter__kubearmor-output.json": "no known format",
}
"""Files that are no reports, and why they are refused; so is each of OSCAL's assessment results."""


def parsed(path: Path, format: str = "auto") -> Parsed:
    found = parse(path, Context("samples", path.name, cluster="sample"), format=format)
    assert found.records == found.kept + found.noise + len(found.quarantined)
    for table, rows in found.rows.items():
        frame = t.frame(t.TABLES[table], rows)
        assert len(t.conform(t.TABLES[table], frame)) == len(frame) > 0
    return found


def reports(path: Path) -> list[dict[str, Any]]:
    """The reports of a file, as PyYAML has them."""
    documents = [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8-sig")) if found]
    return [each for found in documents for each in found.get("items", [found])]


@pytest.mark.parametrize("format", ["auto", "policy-report"])
@pytest.mark.parametrize("name", REPORTS)
def test_policy_reports(data: Path, name: str, format: str) -> None:
    """11 of 11 reports in 10 files; every result in them is a row or, where it does not say what came out, quarantined."""
    sent = reports(data / "wg-policy" / name)
    found = parsed(data / "wg-policy" / name, format)
    assert found.kept == len(sent) == REPORTS[name]
    results = [result for report in sent for result in report["results"]]
    unreadable = [result for result in results if "result" not in result]
    assert len(found.quarantined) == len(unreadable)
    assert all("result is missing" in reason for _, _, reason in found.quarantined)
    expected = Counter(result["result"] for result in results if "result" in result)
    rows = {
        (row["report"], row["kind"], row["item"]): row for row in found.rows.get("policy_report_results", [])
    }
    assert Counter(row["result"] for row in rows.values()) == expected
    totals = found.rows["policy_report_totals"]
    for total, report in zip(totals, sent, strict=True):
        summary = report.get("summary", {})
        assert {word: total[f"declared_{word}"] for word in WORDS} == {
            word: summary.get(word) for word in WORDS
        }
        if name not in DISAGREE and not name.startswith("trivy"):
            assert (total["agrees"], total["cut"]) == (True, False)
        if name in DISAGREE:
            assert (total["agrees"], total["cut"]) == (False, True)


@pytest.mark.parametrize("name", ["trivy-adapter__policyreport.json", "trivy-adapter__policyreport.yaml"])
def test_results_that_do_not_say_what_came_out_are_counted_with_their_report(data: Path, name: str) -> None:
    (sent,) = reports(data / "wg-policy" / name)
    found = parsed(data / "wg-policy" / name)
    silent = sum("result" not in result for result in sent["results"])
    assert found.rows["policy_report_totals"][0]["unreadable"] == silent > 0


def test_what_is_no_report_is_not_taken_for_one(data: Path) -> None:
    """22 files: 10 of reports, 3 and OSCAL's 8 that are refused; Trivy's own report has a format of its own."""
    paths = sorted((data / "wg-policy").iterdir())
    others = [path for path in paths if path.name not in REPORTS]
    oscal = {path.name: "no known format" for path in others if path.name.startswith("oscal-")}
    refused = {}
    for path in others:
        found = parsed(path)
        assert "policy-report" not in found.formats, path.name
        if found.quarantined:
            assert found.kept == 0, path.name
            refused[path.name] = found.quarantined[0][2]
    assert len(paths) == 22
    assert {
        name: reason.partition(":")[0].partition(" (")[0] for name, reason in refused.items()
    } == NONE | oscal
    assert parsed(data / "wg-policy/trivy-adapter__vulnerabilityreport.yaml").formats == {"trivy-operator"}


def test_a_report_is_the_same_as_json(data: Path, tmp_path: Path) -> None:
    for name in REPORTS:
        path = tmp_path / "reports.json"
        path.write_text(
            "\n".join(json.dumps(each) for each in reports(data / "wg-policy" / name)), encoding="utf-8"
        )
        again, found = parsed(path), parsed(data / "wg-policy" / name)
        place = {"evidence": "", "line": 0}
        for table, rows in found.rows.items():
            assert [row | place for row in rows] == [row | place for row in again.rows[table]], name


def texts(path: Path, word: str) -> list[str]:
    """The samples in a file of documentation that hold `word`."""
    return [each["text"] for each in json.loads(path.read_text(encoding="utf-8")) if word in each["text"]]


@pytest.mark.parametrize(
    ("page", "listed", "enforcement"),
    [("audit", 4, "deny"), ("violations", 2, "dryrun")],
)
def test_constraints_in_gatekeepers_documentation(
    data: Path, tmp_path: Path, page: str, listed: int, enforcement: str
) -> None:
    """2 of 2 constraints, with 6 of 6 violations; neither counts them, so neither can be known to be cut."""
    (text,) = texts(data / f"doc-samples/gatekeeper__website_docs_{page}.md.json", "auditTimestamp")
    path = tmp_path / "constraint.yaml"
    path.write_text(text, encoding="utf-8")
    for format in ("auto", "gatekeeper-object"):
        found = parsed(path, format)
        assert (found.records, found.kept) == (1, 1)
        assert len(found.rows["policy_results"]) == listed
        (row,) = found.rows["policy_constraints"]
        assert (row["enforcement"], row["refuses"]) == (enforcement, enforcement == "deny")
        assert (row["listed_violations"], row["total_violations"], row["cut"]) == (listed, None, None)


def test_messages_in_the_documentation_of_gatekeepers_export(data: Path, tmp_path: Path) -> None:
    """The one that is JSON, 1 of 1; the connection's own object is a kind that is not read."""
    page = data / "doc-samples/gatekeeper__website_docs_export.md.json"
    (text,) = texts(page, '"eventType"')
    path = tmp_path / "export.json"
    path.write_text(text[text.index("{") :], encoding="utf-8")
    assert len(parsed(path).rows["policy_results"]) == 1
    lines = [texts(page, word)[0].strip() for word in ("Listening", "main.ExportMsg", '"eventType"')]
    path = tmp_path / "subscriber.log"
    path.write_text("\n".join(lines), encoding="utf-8")
    found = parsed(path)  # as the subscriber's log has them: behind Go's time, two of them no JSON
    assert (found.kept, found.by_envelope) == (1, {"go-log": 3})
    assert ["text that no format knows" in reason for _, _, reason in found.quarantined] == [True, True]
    (text,) = texts(page, "kind: Connection")
    path = tmp_path / "connection.yaml"
    path.write_text(text, encoding="utf-8")
    ((_, _, reason),) = parsed(path).quarantined
    assert "a kind of connection.gatekeeper.sh that is not read: 'Connection'" in reason


def test_policies_of_kyverno(data: Path) -> None:
    """2 of 2: what they check was left out of the samples, and they are known to refuse nothing."""
    paths = sorted((data / "argocd/resource_customizations/kyverno.io/Policy/testdata").iterdir())
    found = [parsed(path, format) for path in paths for format in ("auto", "kyverno-policy")]
    rows = [row for each in found for row in each.rows["policy_constraints"]]
    assert [(row["namespace"], row["name"], row["refuses"]) for row in rows] == [
        ("test-namespace", "sample-policy", False)
    ] * 4
    assert [row["ready"] for row in rows] == [True, True, None, None]


def test_objects_of_kinds_that_no_format_reads(data: Path) -> None:
    """126 objects in 508 files of YAML are noise, none of a tool that is read; whatever has a kind of these is not lost."""
    noise, unknown = 0, Counter[str]()
    for path in sorted(data.rglob("*.yaml")):
        found = parsed_loosely(path)
        noise += found.by_format["kubernetes-object"]
        unknown.update(
            reason.split("a kind of ")[1].split(" ")[0]
            for _, _, reason in found.quarantined
            if "a kind of " in reason
        )
        if found.by_format["kubernetes-object"]:
            groups = {str(each.get("apiVersion")).rpartition("/")[0] for each in reports(path)}
            assert any(not of_a_tool(group) for group in groups), path
    assert noise == 126
    assert unknown == {"promoter.argoproj.io": 103, "argoproj.io": 74, "notification.toolkit.fluxcd.io": 13}


def parsed_loosely(path: Path) -> Parsed:
    """As `parsed`; the same object may stand in a file twice."""
    found = parse(path, Context("samples", path.name, cluster="sample"))
    assert found.records == found.kept + found.noise + len(found.quarantined)
    return found
