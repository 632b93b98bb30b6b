"""What reports of Grype, of Trivy's operator and in SARIF give."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from evidence_records import CONTEXT, left_out, parse_bytes, read, refused
from scan_records import (
    COMPLIANCE,
    CONFIG_AUDIT,
    EXPOSED_SECRETS,
    GRYPE,
    IMAGE,
    MANIFEST,
    RBAC_ASSESSMENT,
    SARIF,
    VULNERABILITY_REPORT,
)

from audit.normalise.interface import Context


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows
    return row


def told(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def sarif(result: Any = None, *, rule: Any = None, driver: str = "CodeQL", **run: Any) -> dict[str, Any]:
    """The sample with one result of its own, or with other facts of its run."""
    record = copy.deepcopy(SARIF)
    if result is not None:
        record["runs"][0]["results"] = [result]
    if rule is not None:
        record["runs"][0]["tool"]["driver"]["rules"] = [rule]
    record["runs"][0]["tool"]["driver"]["name"] = driver
    record["runs"][0] = {name: fact for name, fact in (record["runs"][0] | run).items() if fact is not ...}
    return record


def test_grype_tells_the_image_and_its_vulnerabilities() -> None:
    parsed = read(GRYPE)
    scan = only(parsed.rows["scans"])
    assert told(scan, "scanner", "scanner_version", "artifact_kind", "artifact", "digest", "image_id", "names") == (
        "grype", "0.104.0", "image", f"{IMAGE}:1.2", MANIFEST, f"sha256:{'b2' * 32}", f"{IMAGE}:1.2 {IMAGE}@{MANIFEST}",
    )  # fmt: skip
    assert told(scan, "vulnerabilities", "suppressed", "cluster") == (1, 1, "prod")
    assert scan["at"].isoformat() == "2026-07-01T09:00:00+00:00"
    found, passed = parsed.rows["vulnerabilities"]
    assert told(found, "vulnerability", "aliases", "package", "installed", "fixed_version", "fixable", "status") == (
        "GHSA-aaaa-bbbb-cccc", "CVE-2026-0003", "requests", "1.1", "1.2, 2.0", True, "fixed",
    )  # fmt: skip
    assert told(found, "severity", "severity_as_given", "ecosystem", "package_path", "purl", "suppressed") == (
        "low", "Negligible", "python", "/usr/lib/requests", "pkg:pypi/requests@1.1", False,
    )  # fmt: skip
    assert told(passed, "vulnerability", "suppressed", "reason", "fixable", "purl", "item") == (
        "CVE-2026-0004", True, "not reachable", False, None, 1,
    )  # fmt: skip


def test_grype_of_a_folder_that_found_nothing_is_a_scan_and_one_without_a_time_gets_none() -> None:
    record = GRYPE | {"matches": [], "ignoredMatches": None, "source": {"type": "directory", "target": "."},
                      "descriptor": {"name": "grype", "version": "0.50.0"}}  # fmt: skip
    parsed = read(record)
    scan = only(parsed.rows["scans"])
    assert told(scan, "artifact_kind", "artifact", "at", "vulnerabilities") == ("directory", ".", None, 0)
    assert (list(parsed.rows), parsed.coverage) == (["scans"], {})


def test_grype_says_nothing_of_a_fix_that_it_does_not_know() -> None:
    record = copy.deepcopy(GRYPE)
    record["matches"][0]["vulnerability"]["fix"] = {"versions": [], "state": "unknown"}
    row = read(record).rows["vulnerabilities"][0]
    assert told(row, "fixable", "fixed_version", "status") == (None, None, "unknown")


def test_reports_of_other_scanners_and_of_no_source_are_refused() -> None:
    assert "another scanner: 'syft'" in refused(GRYPE | {"descriptor": {"name": "syft"}})
    assert "source or its target is missing" in refused(GRYPE | {"source": None})


def test_a_run_in_sarif_is_a_scan_of_a_commit() -> None:
    parsed = read(SARIF)
    scan = only(parsed.rows["scans"])
    assert told(scan, "scanner", "scanner_version", "report", "artifact_kind", "artifact", "revision", "succeeded") == (
        "codeql", "2.20.0", "ci/main/", "repository", "https://git.example/netbpf", "4f2a" * 10, True,
    )  # fmt: skip
    assert told(scan, "vulnerabilities", "findings", "suppressed", "run") == (1, 1, 1, 0)
    injected, unused = parsed.rows["scan_findings"]
    assert told(injected, "kind", "rule", "title", "severity", "severity_as_given", "target", "start_line", "end_line") == (
        "other", "py/sql-injection", "SQL query", "high", "8.8", "app.py", 7, 7,
    )  # fmt: skip
    assert len(injected["fingerprint"]) == 64
    assert told(unused, "severity", "severity_as_given", "suppressed", "reason", "title") == (
        "low", "note", True, "inSource: kept for later", "Unused",
    )  # fmt: skip
    row = only(parsed.rows["vulnerabilities"])
    assert told(row, "vulnerability", "package", "severity", "severity_as_given", "fixable") == (
        "CVE-2026-0001", "libssl", "medium", "warning", None,
    )  # fmt: skip


def test_sarif_of_trivy_tells_image_package_and_severity() -> None:
    text = "Package: libssl\nInstalled Version: 1.1\nVulnerability CVE-2026-0001\nSeverity: HIGH\nFixed Version: 1.2\nLink: x"
    rule = {"id": "CVE-2026-0001", "name": "OsPackageVulnerability",
            "properties": {"security-severity": "5.3", "tags": ["vulnerability", "security", "HIGH"]}}  # fmt: skip
    image = {
        "imageName": f"{IMAGE}:1.2",
        "repoDigests": [f"{IMAGE}@{MANIFEST}"],
        "repoTags": None,
        "imageID": "sha256:1",
    }
    record = sarif(
        {"ruleId": "CVE-2026-0001", "ruleIndex": 0, "message": {"text": text}},
        rule=rule,
        driver="Trivy",
        properties=image,
    )
    parsed = read(record)
    row = only(parsed.rows["vulnerabilities"])
    assert told(row, "package", "installed", "fixed_version", "fixable", "severity", "severity_as_given", "digest") == (
        "libssl", "1.1", "1.2", True, "high", "HIGH", MANIFEST,
    )  # fmt: skip
    assert told(only(parsed.rows["scans"]), "artifact_kind", "artifact") == (
        "container_image",
        f"{IMAGE}:1.2",
    )
    other = copy.deepcopy(record)
    other["runs"][0]["tool"]["driver"]["name"] = "Another"
    assert only(read(other).rows["vulnerabilities"])["package"] == ""


@pytest.mark.parametrize(
    ("rule", "driver", "kind"),
    [
        ({"id": "aws-key", "properties": {"tags": ["secret", "security", "CRITICAL"]}}, "Trivy", "secret"),
        ({"id": "aws-key"}, "gitleaks", "secret"),
        ({"id": "DS-0002", "properties": {"tags": ["misconfiguration", "security", "LOW"]}}, "Trivy", "misconfiguration"),
        ({"id": "EPL-1.0", "properties": {"tags": ["license"]}}, "Trivy", "licence"),
        ({"id": "py/unused"}, "CodeQL", "other"),
    ],
)  # fmt: skip
def test_kinds_of_findings_and_that_nothing_found_is_quoted(rule: Any, driver: str, kind: str) -> None:
    result = {"ruleId": rule["id"], "ruleIndex": 0, "message": {"text": "found pretend-secret"},
              "partialFingerprints": {"commitMessage": "pretend-message"},
              "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a"}, "region": {"snippet": {"text": "pretend"}}}}]}  # fmt: skip
    parsed = read(sarif(result, rule=rule, driver=driver))
    assert only(parsed.rows["scan_findings"])["kind"] == kind
    assert "pretend" not in json.dumps(parsed.rows, default=str)


@pytest.mark.parametrize(
    ("changes", "succeeded"),
    [
        ({"results": ...}, False),
        ({"results": None}, False),
        ({"results": [], "invocations": [{"executionSuccessful": False}]}, False),
        ({"results": [], "invocations": ...}, None),
        ({"results": []}, True),
    ],
)
def test_a_run_that_did_not_come_to_its_end_is_told_from_one_that_found_nothing(
    changes: Any, succeeded: Any
) -> None:
    scan = only(read(sarif(**changes)).rows["scans"])
    assert told(scan, "succeeded", "vulnerabilities", "findings") == (succeeded, 0, 0)


@pytest.mark.parametrize(
    ("suppressions", "baseline", "passed", "reason"),
    [
        ([{"kind": "external", "status": "accepted"}], None, True, "external"),
        ([{"kind": "external", "status": "underReview"}], None, False, None),
        ([{"kind": "inSource"}, {"kind": "external", "status": "rejected"}], None, False, None),
        ([], "unchanged", False, None),
        (None, "absent", True, "not there any more"),
    ],
)
def test_what_is_let_pass_is_what_nobody_still_asks_for(
    suppressions: Any, baseline: Any, passed: bool, reason: Any
) -> None:
    result = {"ruleId": "r", "suppressions": suppressions, "baselineState": baseline}
    row = only(read(sarif(result)).rows["scan_findings"])
    assert told(row, "suppressed", "reason") == (passed, reason)


@pytest.mark.parametrize(
    ("rule", "result", "severity"),
    [
        ({"defaultConfiguration": {"level": "error"}}, {}, ("high", "error")),
        ({"defaultConfiguration": {"level": "error"}}, {"level": "none"}, ("none", "none")),
        ({"properties": {"security-severity": 9}}, {}, ("critical", "9.0")),
        ({"properties": {"security-severity": "0.0"}}, {}, ("none", "0.0")),
        ({"properties": {"security-severity": "3.9"}}, {}, ("low", "3.9")),
        ({}, {}, ("medium", "warning")),
        (
            {"properties": {"security-severity": "MEDIUM"}},
            {"level": "error"},
            ("medium", "MEDIUM"),
        ),  # as Semgrep
        ({"properties": {"security-severity": ""}}, {"level": "error"}, ("high", "error")),
        ({"defaultConfiguration": {"level": "error"}}, {"kind": "pass"}, ("none", "none")),
    ],
)
def test_severities_come_from_score_level_or_default(rule: Any, result: Any, severity: Any) -> None:
    row = only(read(sarif({"ruleIndex": 0, **result}, rule={"id": "r", **rule})).rows["scan_findings"])
    assert told(row, "severity", "severity_as_given") == severity


def test_a_rule_of_an_extension_is_found_by_its_place_and_by_its_id() -> None:
    tool = {"driver": {"name": "d"}, "extensions": [{"name": "e", "rules": [{"id": "x/1", "name": "One"}]}]}
    tool["driver"]["rules"] = [{"id": "other", "name": "Other"}]
    tool["extensions"][0]["guid"] = "g-1"
    for result in (
        {"rule": {"index": 0, "toolComponent": {"index": 0}}},
        {"rule": {"index": 0, "toolComponent": {"guid": "g-1"}}},
        {"rule": {"index": 0, "toolComponent": {"name": "e"}}},
        {"ruleId": "x/1"},
    ):
        row = only(read(sarif(result, tool=tool)).rows["scan_findings"])
        assert told(row, "rule", "title") == ("x/1", "One")


@pytest.mark.parametrize(
    ("rule", "driver", "vulnerability", "package"),
    [
        ("GO-2026-0012", "x", "GO-2026-0012", ""),
        ("RUSTSEC-2026-0001-regex", "x", "RUSTSEC-2026-0001", "regex"),
        ("SNYK-JS-LODASH-590103", "Snyk Open Source", "SNYK-JS-LODASH-590103", ""),
        ("DSA-4808-1", "osv-scanner", "DSA-4808-1", ""),
    ],
)
def test_ids_of_other_databases_are_vulnerabilities_too(
    rule: str, driver: str, vulnerability: str, package: str
) -> None:
    found = only(read(sarif({"ruleId": rule}, driver=driver)).rows["vulnerabilities"])
    assert told(found, "vulnerability", "package") == (vulnerability, package)
    assert "vulnerabilities" not in read(sarif({"ruleId": "GO-1"})).rows


@pytest.mark.parametrize(
    ("result", "rule", "title"),
    [
        ({"message": {"text": "x"}}, "", None),  # as older Gitleaks
        ({"ruleId": "py/unused", "ruleIndex": 7}, "py/unused", "Unused"),
        ({"ruleId": "py/unused/2"}, "py/unused/2", "Unused"),
        ({"ruleId": "py/unused", "ruleIndex": 0}, "py/unused", "Unused"),  # of a log that was put together
        ({"ruleId": "gone", "rule": {"index": 0, "toolComponent": {"index": 3}}}, "gone", None),
        ({"ruleId": "r", "fingerprints": {"v1": {"line": 1}}}, "r", None),  # as Black Duck
    ],
)
def test_a_result_is_kept_whether_or_not_the_run_describes_its_rule(
    result: Any, rule: str, title: str | None
) -> None:
    parsed = read(sarif(result, invocations=[{"exitCode": 0}]))
    assert told(only(parsed.rows["scan_findings"]), "rule", "title", "severity") == (rule, title, "medium")
    assert told(only(parsed.rows["scans"]), "findings", "succeeded") == (1, None)


@pytest.mark.parametrize("depth", [500, *range(880, 1010, 2)])
def test_fingerprints_that_are_nested_deep_cost_no_other_result(depth: int) -> None:
    record = json.dumps(sarif({"ruleId": "r", "fingerprints": {"a": "deep"}}))
    deep = record.replace('"deep"', '{"a":' * depth + "1" + "}" * depth)
    parsed = parse_bytes(deep.encode())
    assert parsed.records == parsed.kept + parsed.noise + len(parsed.quarantined) >= 1


def test_what_is_written_loosely_costs_no_result() -> None:
    file = {"artifactLocation": {"index": 1}, "region": {"startLine": -1}}
    result = {
        "ruleId": "r",
        "locations": [{"physicalLocation": file}],
        "suppressions": [{"justification": "known"}],
    }
    record = sarif(
        result,
        artifacts=[{"location": {"uri": "a.py"}}, {"location": {"uri": "b.py"}}],
        versionControlProvenance=[{"revisionId": "4f2a" * 10}],
        invocations=[{"executionSuccessful": True, "endTimeUtc": "2026-07-01T09:00:00"}],
    )
    parsed = read(record)
    found = only(parsed.rows["scan_findings"])
    assert told(found, "target", "start_line", "suppressed", "reason") == ("b.py", None, True, "known")
    assert told(only(parsed.rows["scans"]), "revision", "succeeded") == ("4f2a" * 10, True)
    assert found["at"].isoformat() == "2026-07-01T09:00:00+00:00"


def test_a_run_whose_results_are_in_another_file_is_told_and_not_taken_for_one_that_broke_off() -> None:
    elsewhere = {"results": [{"location": {"uri": "results.sarif-external-properties"}}]}
    record = sarif(results=..., externalPropertyFileReferences=elsewhere)
    assert "runs[0]: its results are in another file" in left_out(
        record | {"runs": [*record["runs"], *SARIF["runs"]]}
    )


def test_a_log_without_any_run_is_noise() -> None:
    assert (
        parse_bytes(json.dumps({"$schema": SARIF["$schema"], "version": "2.1.0", "runs": []}).encode()).noise
        == 1
    )


def test_a_rule_of_something_that_the_run_does_not_have_is_none_of_another() -> None:
    place = {"index": 0, "toolComponent": {"guid": "gone"}}
    assert "names a toolComponent that the run does not have" in left_out(sarif({"rule": place}))
    assert only(read(sarif({"ruleId": "mine", "rule": place})).rows["scan_findings"])["title"] is None


def test_each_run_is_a_scan_and_a_repository_may_be_the_sources_own() -> None:
    record = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "A"}}, "results": [{"ruleId": "a"}]},
                                           {"tool": {"driver": {"name": "B"}}, "results": []}]}  # fmt: skip
    parsed = read(record)
    assert [told(row, "scanner", "run", "artifact", "at") for row in parsed.rows["scans"]] == [
        ("a", 0, "netbpf/netbpf-gitops", None), ("b", 1, "netbpf/netbpf-gitops", None),
    ]  # fmt: skip
    nowhere = read(record, context=Context("s", "k")).rows["scans"][0]
    assert told(nowhere, "artifact", "artifact_kind", "repository") == ("", "", None)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (sarif({"ruleIndex": 2}), "names rule 2, of 2"),
        (sarif({"ruleId": "r", "level": "fatal"}), "level is not known: 'fatal'"),
        (sarif({"ruleId": "r", "kind": "maybe"}), "kind of a result is not known: 'maybe'"),
        *(
            (sarif({"ruleIndex": 0}, rule={"id": "r", "properties": {"security-severity": score}}), "no score from 0 to 10")
            for score in ("much", "nan", "-1", "11", 1e300)
        ),
    ],
)  # fmt: skip
def test_a_result_of_sarif_that_cannot_be_read_leaves_the_others(record: Any, reason: str) -> None:
    """It is quarantined by itself, with its place in the log."""
    told_of = left_out(record)
    assert reason in told_of
    assert "runs[0].results[0]" in told_of


def test_sarif_of_another_version_is_refused() -> None:
    assert "version '2.0.0' is not known" in refused(SARIF | {"version": "2.0.0"})


def test_the_operators_vulnerability_report_tells_image_and_workload() -> None:
    parsed = read(VULNERABILITY_REPORT)
    scan = only(parsed.rows["scans"])
    assert told(scan, "scanner", "artifact_kind", "artifact", "digest", "cluster", "namespace", "workload_kind", "workload", "container") == (
        "trivy", "container_image", "registry.example/shop/web:1.2", MANIFEST, "prod", "shop", "ReplicaSet", "web-6b59", "web",
    )  # fmt: skip
    assert told(scan, "vulnerabilities", "declared", "end_of_support", "report") == (1, 2, True, "u-1")
    row = only(parsed.rows["vulnerabilities"])
    assert told(row, "vulnerability", "package", "fixed_version", "severity", "target_class", "ecosystem", "purl") == (
        "CVE-2026-0001", "libssl", "1.2", "high", "os-pkgs", "alpine", "pkg:apk/alpine/libssl@1.1",
    )  # fmt: skip
    assert row["published_at"].isoformat() == "2026-06-01T00:00:00+00:00"


def test_checks_of_configurations_pass_or_fail() -> None:
    parsed = read(CONFIG_AUDIT)
    scan = only(parsed.rows["scans"])
    assert told(scan, "artifact_kind", "artifact", "findings", "declared") == (
        "ReplicaSet",
        "shop/web-6b59",
        1,
        1,
    )
    assert [told(row, "rule", "status", "severity", "message") for row in parsed.rows["scan_findings"]] == [
        ("KSV-0014", "fail", "high", "set it\nread-only"),
        ("KSV-0001", "pass", "medium", None),
    ]


def test_exposed_secrets_are_told_without_what_was_exposed() -> None:
    parsed = read(EXPOSED_SECRETS)
    assert told(only(parsed.rows["scan_findings"]), "kind", "rule", "target") == (
        "secret",
        "stripe",
        "/app/.env",
    )
    assert "pretend" not in json.dumps(parsed.rows, default=str)


def test_names_too_long_for_a_label_stand_in_annotations() -> None:
    scan = only(read(RBAC_ASSESSMENT).rows["scans"])
    assert told(scan, "artifact_kind", "artifact", "namespace") == ("ClusterRole", "system:admin", None)


def test_compliance_by_counts_and_by_checks() -> None:
    parsed = read(COMPLIANCE)
    assert [told(row, "rule", "status") for row in parsed.rows["scan_findings"]] == [
        ("1.1.1", "pass"), ("1.2.1", "fail"), ("3.1.1", "other"),
    ]  # fmt: skip
    detail = {"results": [{"id": "1.1", "name": "N", "severity": "HIGH", "checks": [
        {"checkID": "KCV1", "success": False, "target": "node/a", "severity": "LOW"},
        {"checkID": "", "success": True, "severity": ""}]}]}  # fmt: skip
    status = {"updateTimestamp": "2026-07-01T09:00:00Z", "detailReport": detail}
    rows = read(COMPLIANCE | {"status": status}).rows["scan_findings"]
    assert told(rows[0], "rule", "status", "target", "severity") == ("1.1/KCV1", "fail", "node/a", "low")
    assert told(rows[1], "rule", "status", "severity", "severity_as_given") == ("1.1", "pass", "high", "HIGH")


def test_lists_of_reports_are_unwrapped_and_what_says_nothing_is_noise() -> None:
    sbom = VULNERABILITY_REPORT | {"kind": "SbomReport"}
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [CONFIG_AUDIT, VULNERABILITY_REPORT, sbom, COMPLIANCE | {"status": {}}],
    }
    parsed = parse_bytes(json.dumps(listed).encode())
    assert (parsed.records, parsed.kept, parsed.noise, parsed.formats) == (4, 2, 2, {"trivy-operator"})


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (VULNERABILITY_REPORT | {"kind": "HunchReport"}, "not known: 'HunchReport'"),
        (VULNERABILITY_REPORT | {"report": None}, "report is missing"),
        (VULNERABILITY_REPORT | {"report": {"scanner": {"name": "Trivy"}}}, "the list of findings is missing"),
    ],
)  # fmt: skip
def test_reports_of_the_operator_that_lack_something_are_refused(record: Any, reason: str) -> None:
    assert reason in refused(record, context=CONTEXT)


def test_a_check_of_the_operator_that_cannot_be_read_leaves_the_others() -> None:
    record = CONFIG_AUDIT | {"report": {"scanner": {"name": "Trivy"}, "checks": [{"checkID": "x"}]}}
    assert "report.checks[0]: " in left_out(record)
