"""What lies under deploy/ fits the product: commands exist, rights suffice, metrics are those that are written."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import kubernetes_validate
import promql_parser
import pytest
import yaml
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from audit import pipeline
from audit.settings import load
from audit.sources import origins
from audit.sources.loopback import S3Server
from audit.telemetry import FAMILIES
from tests.integration.conftest import AS_OF
from tests.test_documents_agree import command_line

KUBERNETES = ("1.32", "1.37")
"""Releases of Kubernetes whose schemas the manifests are held against."""
DEPLOY = Path(__file__).parent.parent / "deploy"
ROOT = DEPLOY.parent


def parse(arguments: list[str]) -> None:
    """Parses a command line as the product does, without running it."""
    root = command_line()
    context = root.make_context("audit", list(arguments), resilient_parsing=False)
    left = [*context._protected_args, *context.args] if hasattr(context, "_protected_args") else context.args
    name, command, rest = root.resolve_command(context, left)
    command.make_context(name, rest, parent=context)


def test_every_command_of_the_workflow_exists_with_its_options() -> None:
    flow = yaml.safe_load((DEPLOY / "github/quarterly-audit.yml").read_text(encoding="utf-8"))
    steps = flow["jobs"]["audit"]["steps"]
    found = [
        line.split(" > ")[0].strip()
        for step in steps
        for line in step.get("run", "").splitlines()
        if line.strip().startswith("audit ")
    ]
    assert [shlex.split(line)[-1] for line in found] == ["doctor", "--json", "verify-evidence"]
    for line in found:
        parse(shlex.split(line)[1:])
    assert flow["permissions"] == {"contents": "read", "id-token": "write"}


def _linted(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What a linter that is installed beside Python says."""
    program = Path(sys.executable).with_name(name)
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_a_linter_of_workflows_finds_nothing_and_would_find_an_action_that_is_not_pinned(
    tmp_path: Path,
) -> None:
    def linted(path: Path) -> subprocess.CompletedProcess[str]:
        return _linted("zizmor", "--offline", "--no-progress", "--strict-collection", path)

    flow = DEPLOY / "github/quarterly-audit.yml"
    done = linted(flow)
    assert done.returncode == 0, done.stdout + done.stderr
    text = flow.read_text(encoding="utf-8")
    assert len(re.findall(r"uses: [\w/-]+@[0-9a-f]{40} # v[\d.]+$", text, re.MULTILINE)) == text.count(
        "uses: "
    )
    for name, wrong in (
        ("unpinned.yml", re.sub(r"@[0-9a-f]{40} # (v\d)\S*", r"@\1", text)),
        ("misspelt.yml", text.replace("runs-on:", "runs_on:")),
    ):
        (tmp_path / name).write_text(wrong, encoding="utf-8")
        assert linted(tmp_path / name).returncode != 0, name


def test_a_linter_of_container_files_finds_nothing_but_what_is_explained() -> None:
    done = _linted("hadolint", DEPLOY / "Containerfile")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("line", ["audit run --quarter 2026Q3 --no-such-option", "audit no-such-command"])
def test_a_command_that_does_not_exist_would_be_noticed(line: str) -> None:
    with pytest.raises(Exception, match="no-such"):
        parse(shlex.split(line)[1:])


def _manifests() -> dict[str, dict[str, Any]]:
    names = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text(encoding="utf-8"))[
        "resources"
    ]
    read = [yaml.safe_load((DEPLOY / "kubernetes" / name).read_text(encoding="utf-8")) for name in names]
    return {one["kind"]: one for one in read}


def test_the_job_runs_a_command_that_exists_as_nobody_on_a_read_only_file_system() -> None:
    manifests = _manifests()
    pod = manifests["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    parse(container["args"])
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounted = {one["name"] for one in container["volumeMounts"]}
    assert mounted == {one["name"] for one in pod["volumes"]}
    assert (
        pod["volumes"][0]["persistentVolumeClaim"]["claimName"]
        == manifests["PersistentVolumeClaim"]["metadata"]["name"]
    )
    assert pod["serviceAccountName"] == manifests["ServiceAccount"]["metadata"]["name"]


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_manifests_are_what_the_schemas_of_kubernetes_ask_for(version: str) -> None:
    for manifest in _manifests().values():
        kubernetes_validate.validate(manifest, version, strict=True)
    job = _manifests()["CronJob"]
    job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["securityContex"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, version, strict=True)


def test_the_settings_beside_the_job_are_settings() -> None:
    settings = load(DEPLOY / "kubernetes/audit.toml")
    assert settings.resolve(settings.people.roster or "").is_file()


@pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl, which renders Kustomize, is not installed"
)
def test_kustomize_renders_it_with_the_image_by_digest() -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / "kubernetes")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    rendered = {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}
    pod = rendered["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert re.fullmatch(
        r"registry\.example\.org/gitops-audit@sha256:[0-9a-f]{64}", pod["containers"][0]["image"]
    )
    named = next(one["configMap"]["name"] for one in pod["volumes"] if "configMap" in one)
    assert named == rendered["ConfigMap"]["metadata"]["name"] != "audit-settings"
    assert set(rendered["ConfigMap"]["data"]) == {"audit.toml", "roster.yaml"}


def test_the_image_is_rootless_pinned_and_has_what_the_product_needs() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases
    assert all(base == "${BASE}@${BASE_DIGEST}" for base in bases)
    assert not re.search(r"^ARG BASE_DIGEST=", text, re.MULTILINE)
    assert re.findall(r"^USER (\d+):(\d+)$", text, re.MULTILINE) == [("65532", "65532")]
    assert '\nENTRYPOINT ["audit"]' in text
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in line.split()[:-1]), line
    needed = (ROOT / "scripts/system-packages").read_text(encoding="utf-8")
    packages = set(re.findall(r"^library \S+ (\S+)$", needed, re.MULTILINE))
    assert len(packages) == 3
    assert packages | {"git"} <= set(text.split())


def _asked_for(text: str) -> set[str]:
    return set(re.findall(r"\bgitops_audit_\w+", text))


def test_the_dashboard_asks_for_metrics_that_are_written_and_for_all_of_them() -> None:
    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text(encoding="utf-8"))
    asked = _asked_for(json.dumps(dashboard))
    assert asked == set(FAMILIES)
    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
    assert len(set(places)) == len({panel["id"] for panel in dashboard["panels"]}) == len(places)
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            promql_parser.parse(target["expr"])


def test_alerts_can_be_parsed_and_ask_for_metrics_that_are_written() -> None:
    text = (DEPLOY / "prometheus/alerts.yml").read_text(encoding="utf-8")
    (group,) = yaml.safe_load(text)["groups"]
    assert len({rule["alert"] for rule in group["rules"]}) == len(group["rules"])
    for rule in group["rules"]:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        promql_parser.parse(rule["expr"])
        assert {"summary", "description"} == set(rule["annotations"])
    assert _asked_for(text) <= set(FAMILIES)
    told = (ROOT / "docs/how-to/operate.md").read_text(encoding="utf-8")
    assert _asked_for(told) <= set(FAMILIES)
    assert all(f"`{rule['alert']}`" in told for rule in group["rules"])
    with pytest.raises(ValueError, match=r"parse|invalid|unexpected"):
        promql_parser.parse("gitops_audit_run_exit_code >")


ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "GetObject": "s3:GetObject",
}
"""Right that each request of S3's API needs."""


def _allowed() -> set[str]:
    policy = json.loads((DEPLOY / "aws/iam-policy.json").read_text(encoding="utf-8"))
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def test_the_policy_lists_and_reads_and_nothing_else() -> None:
    assert all(re.fullmatch(r"s3:(List|Get)[A-Za-z]+", action) for action in _allowed())
    policy = json.loads((DEPLOY / "aws/iam-policy.json").read_text(encoding="utf-8"))
    assert {statement["Resource"] for statement in policy["Statement"]} == {
        "arn:aws:s3:::EVIDENCE-BUCKET",
        "arn:aws:s3:::EVIDENCE-BUCKET/*",
    }


@pytest.mark.usefixtures("as_auditor")
def test_a_collection_asks_for_no_more_than_the_policy_allows(
    s3_server: S3Server, settings_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_server.admin().put_object(Bucket="audit", Key="least/a", Body=b"{}")
    asked: set[str] = set()
    make = origins.s3_client

    def watched(s3: Any) -> Any:
        client = make(s3)
        client.meta.events.register("before-call.s3", lambda model, **_: asked.add(model.name))
        return client

    monkeypatch.setattr(origins, "s3_client", watched)
    collected = pipeline.collect(settings_for({"logs": "s3://audit/least"}), AS_OF)
    assert collected.problems == []
    assert collected.pulled == 1
    assert "GetObject" in asked
    assert {ACTIONS[operation] for operation in asked} <= _allowed()


@pytest.mark.usefixtures("as_auditor")
def test_the_identity_that_collects_can_write_nothing(s3_server: S3Server) -> None:
    client = boto3.client("s3", endpoint_url=s3_server.endpoint_url)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object(Bucket="audit", Key="least/written", Body=b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket="audit", Key="least/a")


def test_the_lifecycle_keeps_evidence_for_longer_than_a_trend_and_never_where_it_must_be_restored() -> None:
    (rule,) = json.loads((DEPLOY / "aws/lifecycle.json").read_text(encoding="utf-8"))["Rules"]
    moves = [*rule["Transitions"], *rule["NoncurrentVersionTransitions"]]
    assert {move["StorageClass"] for move in moves} == {"GLACIER_IR"}
    assert rule["Expiration"]["Days"] > 5 * 366


def test_the_lifecycle_has_the_shape_that_s3_takes() -> None:
    shape = boto3.session.Session().client("s3", region_name="eu-central-1").meta.service_model.shape_for(
        "BucketLifecycleConfiguration"
    )  # fmt: skip
    lifecycle = json.loads((DEPLOY / "aws/lifecycle.json").read_text(encoding="utf-8"))
    assert not ParamValidator().validate(lifecycle, shape).has_errors()
    lifecycle["Rules"][0]["Expiraton"] = {"Days": 1}
    assert ParamValidator().validate(lifecycle, shape).has_errors()
