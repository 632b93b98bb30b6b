"""Real reports of scanners are read, and say the same in every format."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit import tables as t
from audit.normalise.interface import Context, Parsed
from audit.normalise.reader import parse


def parse_file(path: Path, format: str = "auto") -> Parsed:
    parsed = parse(path, Context("samples", path.name, cluster="sample"), format=format)
    for table, rows in parsed.rows.items():
        frame = t.frame(t.TABLES[table], rows)
        if table == "security_alerts":  # two samples tell the same state of the same alert
            frame = frame.drop_duplicates(t.key(t.TABLES[table]))
        assert len(t.conform(t.TABLES[table], frame)) == len(frame) > 0
    return parsed


def reports(data: Path) -> list[Path]:
    """The samples that are Trivy's JSON reports."""
    paths = sorted((data / "trivy").glob("*.json.golden"))
    return [path for path in paths if '"SchemaVersion"' in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("format", ["auto", "trivy-json"])
def test_trivy_reports(data: Path, format: str) -> None:
    """82 of 82 reports, two of which found no target, are one scan each; every finding in them is one row."""
    paths = reports(data)
    assert len(paths) == 82
    counts: Counter[str] = Counter()
    for path in paths:
        sent = json.loads(path.read_text(encoding="utf-8"))
        parsed = parse_file(path, format)
        assert (parsed.records, parsed.kept, parsed.quarantined, parsed.formats) == (1, 1, [], {"trivy-json"})
        results = sent.get("Results", [])
        lists = {
            "vulnerabilities": ["Vulnerabilities", "ExperimentalModifiedFindings"],
            "scan_findings": ["Misconfigurations", "Secrets", "Licenses"],
        }
        for table, names in lists.items():
            expected = sum(len(result.get(name, [])) for result in results for name in names)
            assert len(parsed.rows.get(table, [])) == expected, path.name
            counts[table] += expected
        (scan,) = parsed.rows["scans"]
        assert (scan["artifact"], scan["targets"]) == (sent["ArtifactName"], len(results))
        counts["scans"] += 1
    assert counts == {"scans": 82, "vulnerabilities": 127, "scan_findings": 55}


def test_trivy_reports_in_other_formats_are_not_taken_for_its_json(data: Path) -> None:
    others = sorted(set((data / "trivy").iterdir()) - set(reports(data)))
    for path in others:
        assert "trivy-json" not in parse_file(path).formats, path.name


def test_lists_of_components_are_no_reports_of_findings(data: Path) -> None:
    """SPDX names no vulnerability at all, so that there is nothing to count or to compare; CycloneDX names six.
    Neither is a format that is read: each is refused by name, whole, and lost to no count."""
    boms = {
        path.name: path
        for path in sorted((data / "trivy").glob("*.json.golden"))
        if path not in reports(data)
    }
    sent = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in boms.items()}
    spdx = {name for name, each in sent.items() if isinstance(each, dict) and "spdxVersion" in each}
    cyclone = {
        name for name, each in sent.items() if isinstance(each, dict) and each.get("bomFormat") == "CycloneDX"
    }
    assert spdx == {"conda-spdx.json.golden", "julia-spdx.json.golden"}
    assert sum(len(sent[name]["packages"]) for name in spdx) == 8
    references = [
        ref for name in spdx for package in sent[name]["packages"] for ref in package.get("externalRefs", [])
    ]
    assert {ref["referenceCategory"] for ref in references} == {
        "PACKAGE-MANAGER"
    }  # and none to a security advisory
    assert sum(len(sent[name].get("vulnerabilities") or []) for name in cyclone) == 6
    for name in spdx | cyclone:
        parsed = parse_file(boms[name])
        assert (parsed.records, parsed.rows, parsed.quarantined) == (1, {}, [(1, 0, "no known format")]), name


def _by_severity(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(row["severity"] for row in rows)


def _asff(sent: Any) -> Counter[str]:
    return Counter(finding["Severity"]["Label"].lower() for finding in sent["Findings"])


def _gitlab(sent: Any) -> Counter[str]:
    return Counter(finding["severity"].lower() for finding in sent["vulnerabilities"])


@pytest.mark.parametrize(
    ("name", "other", "count"),
    [
        ("alpine-310", "asff", _asff),
        ("alpine-310", "gitlab", _gitlab),
        ("npm", "gitlab", _gitlab),
    ],
)
def test_counts_by_severity_are_those_of_other_formats(data: Path, name: str, other: str, count: Any) -> None:
    rows = parse_file(data / f"trivy/{name}.json.golden").rows
    found = [*rows.get("vulnerabilities", []), *rows.get("scan_findings", [])]
    sent = json.loads((data / f"trivy/{name}.{other}.golden").read_text(encoding="utf-8"))
    assert _by_severity(found) == count(sent)
    assert found


def test_secrets_differ_by_the_rules_that_found_them_and_by_nothing_else(data: Path) -> None:
    """The one disagreement of the samples: the two scans of the same file ran with other rules of their own."""
    rows = parse_file(data / "trivy/secrets.json.golden").rows["scan_findings"]
    sent = json.loads((data / "trivy/secrets.asff.golden").read_text(encoding="utf-8"))
    labels = {found["Title"].rpartition(": ")[2]: found["Severity"]["Label"] for found in sent["Findings"]}
    assert labels.keys() ^ {row["title"] for row in rows} == {"GitHub Personal Access Token", "My Secret"}
    assert [row["severity_as_given"] for row in rows if row["title"] in labels] == [
        labels["AWS Access Key ID"]
    ]


@pytest.mark.parametrize("name", ["npm", "pom"])
def test_cyclonedx_names_the_same_vulnerabilities(data: Path, name: str) -> None:
    rows = parse_file(data / f"trivy/{name}.json.golden").rows["vulnerabilities"]
    sent = json.loads((data / f"trivy/{name}-cyclonedx.json.golden").read_text(encoding="utf-8"))
    expected = Counter({vuln["id"]: len(vuln["affects"]) for vuln in sent["vulnerabilities"]})
    assert Counter(row["vulnerability"] for row in rows) == expected


def test_sarif_counts_the_same_by_severity_and_package(data: Path) -> None:
    """Of one scan there are both formats: they agree exactly, by vulnerability, package, versions and severity."""
    rows = parse_file(data / "trivy/alpine-310.json.golden").rows
    parsed = parse_file(data / "trivy/alpine-310.sarif.golden", "sarif")
    assert (parsed.records, parsed.kept, parsed.quarantined) == (1, 1, [])
    same = (
        "vulnerability",
        "package",
        "installed",
        "fixed_version",
        "fixable",
        "severity",
        "severity_as_given",
        "artifact",
    )
    found, expected = (
        Counter(tuple(row[name] for name in same) for row in side["vulnerabilities"])
        for side in (parsed.rows, rows)
    )
    assert found == expected
    assert found.total() == 4
    (scan,), (other,) = parsed.rows["scans"], rows["scans"]
    assert all(
        scan[name] == other[name] for name in ("vulnerabilities", "artifact_kind", "image_id", "digest")
    )


@pytest.mark.parametrize("format", ["auto", "trivy-operator"])
def test_a_list_of_vulnerability_reports(data: Path, tmp_path: Path, format: str) -> None:
    """One of one, whose own summary is what is counted; all of it tells the image and the workload."""
    sent = yaml.safe_load(
        (data / "wg-policy/trivy-adapter__vulnerabilityreport.yaml").read_text(encoding="utf-8")
    )
    path = tmp_path / "object"
    path.write_text(json.dumps(sent), encoding="utf-8")
    parsed = parse_file(path, format)
    assert (parsed.records, parsed.kept, parsed.quarantined) == (1, 1, [])
    (scan,) = parsed.rows["scans"]
    assert scan["declared"] == scan["vulnerabilities"] == len(parsed.rows["vulnerabilities"]) == 14
    assert (scan["artifact"], scan["workload_kind"], scan["workload"]) == (
        "index.docker.io/openzipkin/zipkin:latest",
        "Pod",
        "zipkin-6b59cc5ddb-bp9h8",
    )
    summary = sent["items"][0]["report"]["summary"]
    counted = _by_severity(parsed.rows["vulnerabilities"])
    assert {name: counted[name] for name in ("critical", "high", "medium", "low", "none", "unknown")} == {
        name.removesuffix("Count"): count for name, count in sorted(summary.items())
    }


@pytest.mark.parametrize(
    ("event", "format", "states"),
    [
        ("code_scanning_alert", "github-code-scanning-alerts", {"dismissed": 1, "open": 3, "fixed": 1}),
        ("dependabot_alert", "github-dependabot-alerts", {"open": 1, "fixed": 1}),
    ],
)
def test_alerts_of_github(data: Path, tmp_path: Path, event: str, format: str, states: Any) -> None:
    """7 of 7 alerts in webhook payloads, which have the shape that REST gives, by name and recognised."""
    folder = data / "octokit-webhooks/payload-examples/api.github.com" / event
    alerts = [json.loads(path.read_text(encoding="utf-8"))["alert"] for path in sorted(folder.glob("*.json"))]
    path = tmp_path / "alerts"
    path.write_text("\n".join(json.dumps(alert) for alert in alerts), encoding="utf-8")
    for name in ("auto", format):
        parsed = parse(path, Context("samples", "alert"), format=name)
        assert (parsed.records, parsed.kept, parsed.formats) == (len(alerts), len(alerts), {format})
        rows = parsed.rows["security_alerts"]
        assert Counter(row["state"] for row in rows) == states
        assert [row["number"] for row in rows] == [alert["number"] for alert in alerts]
        assert all(row["closed_at"] is not None for row in rows if row["closed_by"])


def test_a_secret_scanning_alert_in_a_webhook_is_too_little(data: Path, tmp_path: Path) -> None:
    """0 of 1: it has neither state nor time; the alert itself, as REST gives it, has both."""
    folder = data / "octokit-webhooks/payload-examples/api.github.com/secret_scanning_alert"
    (sample,) = folder.glob("*.json")
    path = tmp_path / "alerts"
    path.write_text(json.dumps(json.loads(sample.read_text(encoding="utf-8"))["alert"]), encoding="utf-8")
    ((_, _, reason),) = parse(
        path, Context("samples", "alert"), format="github-secret-scanning-alerts"
    ).quarantined
    assert "missing required field `created_at`" in reason
