"""Real records of the real systems are read: so many of so many, and the rest with the right reason."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit import tables as t
from audit.normalise.interface import Context, Parsed
from audit.normalise.reader import parse

CONTEXT = Context("samples", "sample.json", cluster="sample", repository="netbpf/netbpf-gitops")


def parse_file(path: Path, format: str = "auto") -> Parsed:
    parsed = parse(path, CONTEXT, format=format)
    assert parsed.records == parsed.kept + parsed.noise + len(parsed.quarantined)
    for table, rows in parsed.rows.items():
        frame = t.frame(t.TABLES[table], rows).drop_duplicates(t.key(t.TABLES[table]))
        t.conform(t.TABLES[table], frame)
    return parsed


def parse_values(folder: Path, *values: Any, format: str = "auto") -> Parsed:
    path = folder / "object"
    path.write_text("".join(json.dumps(value, default=_json) + "\n" for value in values), encoding="utf-8")
    return parse_file(path, format)


def _json(value: Any) -> str:
    """YAML makes dates of what JSON writes as text."""
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)


def documents(path: Path) -> Iterator[Any]:
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        if document is not None:
            yield document


def texts(path: Path) -> list[str]:
    return [sample["text"] for sample in json.loads(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("format", ["auto", "kubernetes-audit"])
def test_falco_audit_traces(data: Path, format: str) -> None:
    """51 events in 47 traces, one of which is no event: 51 of 51 are read, the other one is quarantined."""
    found = [parse_file(path, format) for path in sorted((data / "falco-k8saudit/traces").iterdir())]
    assert len(found) == 47
    assert sum(parsed.kept + parsed.noise for parsed in found) == 51
    reasons = [reason for parsed in found for _, _, reason in parsed.quarantined]
    assert len(reasons) == 1
    assert "auditID" in reasons[0] or reasons == ["no known format"]


def test_audit2rbac_log(data: Path) -> None:
    """37 events, all of them impersonated: 37 of 37 are kept."""
    parsed = parse_file(data / "audit2rbac/demo.log")
    assert (parsed.records, parsed.kept) == (37, 37)
    rows = parsed.rows["cluster_access"]
    assert all(row["impersonated"] and row["user"] == "system:admin" for row in rows)


def test_argocd_applications(data: Path, tmp_path: Path) -> None:
    """An Application with ten history entries and an operation, one that was synced from a chart, and lesser ones."""
    (cached,) = documents(data / "argocd/controller/diff-cache.yaml")
    parsed = parse_values(tmp_path, cached)
    assert parsed.kept == 1
    records = parsed.rows["sync_records"]
    assert [row["record"] for row in records].count("history") == len(cached["status"]["history"]) == 10
    assert {row["phase"] for row in records} == {"succeeded"}
    (child,) = documents(data / "argocd/controller/live-child-application.yaml")
    parsed = parse_values(tmp_path, child)
    assert parsed.kept + parsed.noise == 1
    for name in ("healthy", "degraded"):
        (fragment,) = documents(data / f"argocd/gitops-engine/pkg/health/testdata/application-{name}.yaml")
        (reason,) = [why for _, _, why in parse_values(tmp_path, fragment).quarantined]
        assert reason == "not a argocd-application record: Object missing required field `metadata`"


@pytest.mark.parametrize(
    ("name", "health"), [("healthy", "Healthy"), ("degraded", None), ("progressing", "Progressing")]
)
@pytest.mark.parametrize(
    "kind", ["kustomize.toolkit.fluxcd.io/Kustomization", "helm.toolkit.fluxcd.io/HelmRelease"]
)
def test_flux_objects(data: Path, tmp_path: Path, kind: str, name: str, health: str | None) -> None:
    """Six of six objects of Flux; they tell their health as Argo CD understands it, as far as they tell it."""
    path = data / "argocd/resource_customizations" / kind / f"testdata/{name}.yaml"
    parsed = parse_values(tmp_path, *documents(path))
    assert (parsed.records, parsed.kept) == (1, 1)
    assert parsed.rows["applications"][0]["health_status"] in {
        health,
        "Degraded" if health is None else health,
    }


def test_gatekeeper_samples(data: Path, tmp_path: Path) -> None:
    """A log line that is no JSON, as documented, is quarantined as one record; mended, it is read."""
    invalid = next(
        text
        for text in texts(data / "doc-samples/gatekeeper__website_docs_audit.md.json")
        if "audit_id" in text
    )
    path = tmp_path / "log"
    path.write_text(invalid, encoding="utf-8")
    parsed = parse_file(path, "gatekeeper-audit")
    assert (parsed.records, len(parsed.quarantined)) == (1, 1)
    assert parsed.quarantined[0][2].startswith("not JSON: ")
    path.write_text(re.sub(r'plane"\s+"', 'plane", "', invalid), encoding="utf-8")
    assert parse_file(path).rows["policy_results"][0]["constraint"] == "container-must-have-limits"


def test_gatekeeper_export_and_constraints(data: Path, tmp_path: Path) -> None:
    exported = next(
        text
        for text in texts(data / "doc-samples/gatekeeper__website_docs_export.md.json")
        if '"eventType"' in text
    )
    parsed = parse_values(tmp_path, json.loads(exported[exported.index("{") :]))
    assert parsed.rows["policy_results"][0]["constraint"] == "pod-must-have-test"
    listed = [
        text
        for text in texts(data / "doc-samples/gatekeeper__website_docs_audit.md.json")
        if "auditTimestamp" in text
    ]
    parsed = parse_values(tmp_path, *(yaml.safe_load(text) for text in listed))
    assert [row["resource_name"] for row in parsed.rows["policy_results"]] == [
        "default",
        "gatekeeper-system",
        "kube-public",
        "kube-system",
    ]


@pytest.mark.parametrize("version", ["v1beta2", "v1beta3"])
def test_flux_events(data: Path, tmp_path: Path, version: str) -> None:
    (text,) = texts(data / f"doc-samples/notification-controller__docs_spec_{version}_events.md.json")
    parsed = parse_values(tmp_path, json.loads(text))
    record = parsed.rows["sync_records"][0]
    assert (record["app"], record["phase"]) == ("apps/webapp", "failed")
    assert record["revision"] == "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1"


def test_github_payloads(data: Path, tmp_path: Path) -> None:
    """The pull requests, reviews and check runs inside webhook payloads are what REST gives."""
    counts = {}
    for event, field, format in (
        ("pull_request", "pull_request", "github-pulls"),
        ("pull_request_review", "review", "github-reviews"),
        ("check_run", "check_run", "github-checks"),
        ("deployment", "deployment", "github-deployments"),
        ("deployment_status", "deployment_status", "github-deployment-statuses"),
        ("workflow_run", "workflow_run", "github-workflow-runs"),
    ):
        folder = data / "octokit-webhooks/payload-examples/api.github.com" / event
        values = [
            json.loads(path.read_text(encoding="utf-8"))[field] for path in sorted(folder.glob("*.json"))
        ]
        explicit, auto = parse_values(tmp_path, *values, format=format), parse_values(tmp_path, *values)
        assert explicit.quarantined == auto.quarantined == []
        counts[event] = explicit.kept
        assert auto.kept == len(values) == explicit.kept
    assert counts == {"pull_request": 28, "pull_request_review": 3, "check_run": 8} | {
        "deployment": 3,
        "deployment_status": 3,
        "workflow_run": 4,
    }


NOISE = {
    "commit_comment", "discussion", "discussion_comment", "fork", "gollum", "issue_comment", "issues", "label",
    "marketplace_purchase", "milestone", "page_build", "ping", "project", "project_card", "project_column",
    "projects_v2_item", "pull_request_review_comment", "pull_request_review_thread", "security_advisory", "sponsorship",
    "star", "watch", "workflow_job",
}  # fmt: skip
ROWS = {
    "check_run": "checks", "status": "checks", "code_scanning_alert": "security_alerts", "dependabot_alert": "security_alerts",
    "deployment": "forge_deployments", "deployment_status": "forge_deployment_statuses", "pull_request": "pull_requests",
    "pull_request_review": "reviews", "push": "git_operations", "workflow_run": "workflow_runs",
}  # fmt: skip


@pytest.mark.parametrize("wrapped", [False, True])
def test_webhook_payloads(data: Path, tmp_path: Path, wrapped: bool) -> None:
    """273 of 273 payloads: rows of the tables that exports fill, else an event, or noise; none is quarantined.

    Each is told by its shape alone to be of the very event that the samples say, as it is when a header says so.
    """
    folder = data / "octokit-webhooks/payload-examples/api.github.com"
    paths = sorted(folder.rglob("*.json"))
    assert len(paths) == 273
    for path in paths:
        event = path.parent.name
        payload = json.loads(path.read_text(encoding="utf-8"))
        record = {"headers": {"X-GitHub-Event": event}, "body": json.dumps(payload)} if wrapped else payload
        parsed = parse_values(tmp_path, record)
        assert parsed.formats == {"github-webhook"}, path.name
        assert parsed.quarantined == []
        assert parsed.noise == (event in NOISE), path.name
        assert event not in ROWS or ROWS[event] in parsed.rows, path.name
        for row in parsed.rows.get("forge_events", []):
            assert row["action"] == ".".join(filter(None, [event, payload.get("action")])), path.name
            assert row["told_by"] == "webhook"


@pytest.mark.parametrize(
    ("event", "field", "format", "table"),
    [
        ("pull_request", "pull_request", "github-pulls", "pull_requests"),
        ("pull_request_review", "review", "github-reviews", "reviews"),
        ("check_run", "check_run", "github-checks", "checks"),
        ("deployment", "deployment", "github-deployments", "forge_deployments"),
        ("deployment_status", "deployment_status", "github-deployment-statuses", "forge_deployment_statuses"),
        ("workflow_run", "workflow_run", "github-workflow-runs", "workflow_runs"),
    ],
)
def test_a_webhook_gives_the_row_that_the_export_gives(
    data: Path, tmp_path: Path, event: str, field: str, format: str, table: str
) -> None:
    """Field by field: where both are evidence, one row is left of the two."""
    for path in sorted((data / "octokit-webhooks/payload-examples/api.github.com" / event).glob("*.json")):
        payload = json.loads(path.read_text(encoding="utf-8"))
        told = parse_values(tmp_path, payload).rows[table]
        exported = parse_values(tmp_path, payload[field], format=format).rows[table]
        assert [{**row, "evidence": ""} for row in told] == [{**row, "evidence": ""} for row in exported]


def test_cloudwatch_and_firehose_envelopes(data: Path, tmp_path: Path) -> None:
    """The real subscription payload, with real audit events put in place of its messages."""
    lambda_event = json.loads((data / "aws-lambda-go/cloudwatch-logs-event.json").read_text(encoding="utf-8"))
    subscription = json.loads(gzip.decompress(base64.b64decode(lambda_event["awslogs"]["data"])))
    events = (data / "audit2rbac/demo.log").read_text(encoding="utf-8").splitlines()
    (template, *_) = subscription["logEvents"]
    batches = [
        subscription
        | {"logEvents": [template | {"message": message} for message in events[first : first + 10]]}
        for first in range(0, len(events), 10)
    ]
    control = subscription | {"messageType": "CONTROL_MESSAGE"}
    text = "".join(json.dumps(batch) for batch in [control, *batches])
    path = tmp_path / "firehose"
    path.write_bytes(gzip.compress(text.encode()))
    parsed = parse_file(path)
    assert (parsed.records, parsed.kept, parsed.noise, parsed.quarantined) == (38, 37, 1, [])
