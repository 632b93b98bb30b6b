"""What Trivy's JSON reports give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import CONTEXT, left_out, lines, parse_bytes, read, refused
from scan_records import IMAGE, MANIFEST, TRIVY, TRIVY_CLUSTER, TRIVY_FIRST

from audit.normalise.interface import Context

NO_ITEM = {"scan", "evidence", "line"}


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows
    return row


def changed(**changes: Any) -> dict[str, Any]:
    return {**TRIVY, **changes}


def test_a_scan_of_an_image_is_told_with_its_digests_its_time_and_its_counts() -> None:
    row = only(read(TRIVY).rows["scans"])
    assert row.pop("at").isoformat() == "2026-07-01T07:00:00.123457+00:00"
    assert len(row.pop("scan")) == 64
    assert {name: value for name, value in row.items() if name != "evidence"} == {
        "run": 0, "scanner": "trivy", "scanner_version": "0.66.0", "report": "t-1", "cluster": "prod", "namespace": None,
        "workload_kind": None, "workload": None, "container": None,
        "artifact_kind": "container_image", "artifact": f"{IMAGE}:1.2",
        "names": f"{IMAGE}:1.2 {IMAGE}:latest {IMAGE}@{MANIFEST}", "digest": MANIFEST, "image_id": f"sha256:{'b2' * 32}",
        "repository": None, "revision": None, "targets": 5, "vulnerabilities": 2, "findings": 3, "suppressed": 1,
        "declared": None, "end_of_support": True, "succeeded": None, "line": 1,
    }  # fmt: skip


def test_one_cve_on_two_packages_is_two_vulnerabilities() -> None:
    rows = read(TRIVY).rows["vulnerabilities"]
    assert [(row["vulnerability"], row["package"], row["item"]) for row in rows[:2]] == [
        ("CVE-2026-0001", "libcrypto", 0),
        ("CVE-2026-0001", "libssl", 1),
    ]
    row = rows[0]
    assert row.pop("published_at").isoformat() == "2026-06-01T00:00:00+00:00"
    assert {name: value for name, value in row.items() if name not in NO_ITEM | {"at"}} == {
        "run": 0, "item": 0, "scanner": "trivy", "artifact": f"{IMAGE}:1.2", "digest": MANIFEST,
        "target": "web (alpine 3.10.2)", "target_class": "os-pkgs", "ecosystem": "alpine",
        "vulnerability": "CVE-2026-0001", "aliases": "DSA-1 DSA-2", "package": "libcrypto", "package_path": None,
        "installed": "1.1", "fixed_version": "1.2", "fixable": True, "status": "fixed", "severity": "critical",
        "severity_as_given": "CRITICAL", "severity_source": "nvd", "purl": "pkg:apk/alpine/libcrypto@1.1",
        "title": "openssl: overflow", "suppressed": False, "reason": None, "fingerprint": "sha256:libcrypto",
    }  # fmt: skip


def test_what_a_statement_lets_pass_is_kept_with_the_statement() -> None:
    row = read(TRIVY).rows["vulnerabilities"][2]
    assert (row["vulnerability"], row["suppressed"], row["reason"], row["fixable"]) == (
        "CVE-2026-0002",
        True,
        "not_affected: never called",
        False,
    )


def test_misconfigurations_secrets_and_licences_are_findings_with_their_places() -> None:
    rows = read(TRIVY).rows["scan_findings"]
    told = ("kind", "rule", "status", "severity", "target", "start_line", "end_line", "resource", "message")
    assert [tuple(row[name] for name in told) for row in rows] == [
        ("misconfiguration", "DS-0002", "fail", "high", "Dockerfile", 3, 4, "web", "Specify a user"),
        ("misconfiguration", "DS-0001", "pass", "medium", "Dockerfile", None, None, None, None),
        ("secret", "aws-access-key-id", "fail", "critical", "deploy.sh", 3, 3, None, None),
        ("licence", "EPL-1.0", "fail", "medium", "Java", None, None, "sisu", None),
    ]
    assert [row["item"] for row in rows] == [0, 1, 2, 3]


@pytest.mark.parametrize("suppressed", [False, True])
def test_the_value_of_a_secret_gets_into_no_row_and_into_no_reason(suppressed: bool) -> None:
    secret = {
        "RuleID": "r",
        "StartLine": 1,
        "Match": "pretend-1",
        "Code": {"Lines": [{"Content": "pretend-2"}]},
    }
    result: dict[str, Any] = {"Target": "a", "Secrets": [secret]}
    if suppressed:
        result = {"Target": "a", "ExperimentalModifiedFindings": [{"Type": "secret", "Finding": secret}]}
    parsed = read(changed(Results=[result]))
    assert only(parsed.rows["scan_findings"])["suppressed"] is suppressed
    assert "pretend" not in json.dumps(parsed.rows, default=str)
    assert "pretend" not in left_out(changed(Results=[{**result, "Target": None}]))


@pytest.mark.parametrize("results", [None, []])
def test_a_scan_that_found_nothing_is_a_scan(results: Any) -> None:
    parsed = read(changed(Results=results))
    row = only(parsed.rows["scans"])
    assert (row["targets"], row["vulnerabilities"], row["findings"]) == (0, 0, 0)
    assert (list(parsed.rows), parsed.kept) == (["scans"], 1)


def test_the_first_version_is_an_array_and_each_of_its_results_a_scan_without_a_time() -> None:
    other = {"Target": "Gemfile.lock", "Type": "bundler", "Vulnerabilities": None}
    parsed = parse_bytes(json.dumps([TRIVY_FIRST, other]).encode())
    assert (parsed.records, parsed.kept, parsed.coverage) == (2, 2, {})
    assert [(row["artifact"], row["at"], row["vulnerabilities"]) for row in parsed.rows["scans"]] == [
        (f"{IMAGE}:1.0 (alpine 3.9)", None, 1),
        ("Gemfile.lock", None, 0),
    ]
    row = only(parsed.rows["vulnerabilities"])
    assert (row["severity"], row["severity_as_given"], row["fixable"]) == ("unknown", "UNKNOWN", False)


def test_a_report_without_a_time_gets_none() -> None:
    parsed = read({name: value for name, value in TRIVY.items() if name != "CreatedAt"})
    assert only(parsed.rows["scans"])["at"] is None
    assert parsed.coverage == {}


def test_the_same_report_in_two_objects_is_one_scan_and_another_report_another() -> None:
    first = parse_bytes(lines(TRIVY)).rows["scans"][0]
    again = parse_bytes(
        json.dumps(TRIVY, indent=1, sort_keys=True).encode(), Context("copy", "b.json", cluster="prod")
    ).rows["scans"][0]
    assert first["evidence"] != again["evidence"]
    assert first["scan"] == again["scan"] != only(read(changed(ReportID="t-2")).rows["scans"])["scan"]


def test_a_scan_of_a_repository_tells_its_commit() -> None:
    about = {"RepoURL": "https://git.example/netbpf", "Commit": "4f2a" * 10, "CommitMsg": "Raise replicas"}
    row = only(read(changed(Metadata=about, ArtifactType="repository")).rows["scans"])
    assert (row["repository"], row["revision"], row["digest"], row["end_of_support"]) == (
        "https://git.example/netbpf",
        "4f2a" * 10,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (changed(SchemaVersion=3), "version 3 of the schema is not known"),
        (changed(ArtifactName=None), "ArtifactName is missing"),
        (changed(CreatedAt="yesterday"), "Invalid RFC3339"),
    ],
)
def test_what_cannot_be_read_is_quarantined_with_its_reason(record: Any, reason: str) -> None:
    assert reason in refused(record, format="trivy-json", context=CONTEXT)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (changed(Results=[{"Target": "a", "Misconfigurations": [{"ID": "x", "Status": "MAYBE"}]}]), "is not known: 'MAYBE'"),
        (changed(Results=[{"Target": "a", "Vulnerabilities": [{"PkgName": "x"}]}]), "VulnerabilityID"),
        (changed(Results=[{"Target": "a", "Secrets": [{"RuleID": "x", "StartLine": 2**64}]}]), "StartLine"),
        (changed(Results=[{"Target": "a", "ExperimentalModifiedFindings": [{"Type": "hunch", "Finding": {}}]}]), "'hunch'"),
        (changed(Results=[{"Target": "a", "ExperimentalModifiedFindings": [{"Type": "secret", "Finding": {}}]}]), "RuleID"),
    ],
)  # fmt: skip
def test_one_finding_that_cannot_be_read_leaves_the_others(record: Any, reason: str) -> None:
    """It is quarantined by itself, with its place in the report."""
    told_of = left_out(record, format="trivy-json", context=CONTEXT)
    assert reason in told_of
    assert "Results[0]." in told_of


def test_findings_that_cannot_be_read_are_each_told() -> None:
    """Among a thousand that can, and a result without a target."""
    good = {"VulnerabilityID": "CVE-2026-0001", "PkgName": "a", "InstalledVersion": "1", "Severity": "LOW"}
    many = [dict(good) for _ in range(1000)]
    for number in (0, 417, 999):
        many[number] = {"PkgName": "a"}
    results = [{"Class": "os-pkgs"}, {"Target": "a", "Vulnerabilities": many}]
    parsed = parse_bytes(lines(changed(Results=results)))
    places = ["Results[0]:", *(f"Results[0].Vulnerabilities[{number}]:" for number in (0, 417, 999))]
    assert [place in reason for place, (_, _, reason) in zip(places, parsed.quarantined, strict=True)] == [
        True
    ] * 4
    assert len(parsed.rows["vulnerabilities"]) == 997
    assert parsed.rows["scans"][0]["vulnerabilities"] == 997


def test_a_report_most_of_which_cannot_be_read_is_refused() -> None:
    """No more tries than so many are spent on it."""
    record = changed(Results=[{"Target": "a", "Vulnerabilities": [{"PkgName": "a"}] * 1000}])
    assert "too many of its items can't be read" in refused(record)


def test_numbers_and_depths_out_of_range_are_refused_even_where_they_mean_nothing() -> None:
    start = lines(TRIVY).strip().removesuffix(b"}")
    for more, reason in ((b"1e999", "out of range"), (b"[" * 5000 + b"]" * 5000, "nested too deep")):
        parsed = parse_bytes(start + b',"More":' + more + b"}", format="trivy-json")
        assert reason in parsed.quarantined[0][2]
        assert parsed.rows == {}


def test_each_resource_of_a_cluster_is_a_scan_of_its_image_or_of_itself() -> None:
    parsed = read(TRIVY_CLUSTER)
    assert parsed.formats == {"trivy-kubernetes"}
    named = (
        "run",
        "artifact_kind",
        "artifact",
        "digest",
        "workload_kind",
        "workload",
        "vulnerabilities",
        "findings",
        "succeeded",
    )
    assert [tuple(row[name] for name in named) for row in parsed.rows["scans"]] == [
        (0, "container_image", f"{IMAGE}:1.2", MANIFEST, "Deployment", "web", 2, 0, None),
        (1, "Service", "shop/web", None, "Service", "web", 0, 1, None),
        (2, "NodeComponents", "node-1", None, "NodeComponents", "node-1", 0, 0, False),
    ]  # fmt: skip
    assert {(row["run"], row["artifact"]) for row in parsed.rows["vulnerabilities"]} == {(0, f"{IMAGE}:1.2")}
    assert [(row["run"], row["rule"]) for row in parsed.rows["scan_findings"]] == [(1, "KSV117")]


def test_a_resource_of_several_images_is_of_none_of_them_and_older_reports_list_kinds_apart() -> None:
    (web, service, _) = TRIVY_CLUSTER["Resources"]
    two = web | {"Metadata": [*web["Metadata"], {"ImageID": "sha256:" + "c3" * 32, "RepoTags": ["proxy:2"]}]}
    scan = only(read({"ClusterName": "prod", "Findings": [two]}).rows["scans"])
    assert (scan["artifact"], scan["digest"], scan["image_id"]) == ("shop/web", None, None)
    assert "proxy:2" in scan["names"].split()
    older = read({"ClusterName": "", "Vulnerabilities": [web], "Misconfigurations": [service]})
    assert [(row["run"], row["workload_kind"]) for row in older.rows["scans"]] == [
        (0, "Deployment"),
        (1, "Service"),
    ]


def test_a_finding_in_a_cluster_that_cannot_be_read_leaves_the_others() -> None:
    bad = {"Target": "web", "Vulnerabilities": [{"PkgName": "x"}]}
    record = {"ClusterName": "prod", "Resources": [TRIVY_CLUSTER["Resources"][0] | {"Results": [bad]}]}
    assert (
        "Resources[0].Results[0].Vulnerabilities[0]: Object missing required field `VulnerabilityID`"
        in left_out(record)
    )
