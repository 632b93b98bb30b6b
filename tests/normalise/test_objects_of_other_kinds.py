"""Objects that no format reads are noise; those that one should have read never are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import (
    APPLICATION,
    AUDIT_EVENT,
    HELM_RELEASE,
    KUSTOMIZATION,
    lines,
    parse_bytes,
    read,
    refused,
)
from operator_records import EXTERNAL_SECRET, GIT_REPOSITORY, PROJECT, SEALED_SECRET, SOPS_SECRET
from policy_records import DEPLOYMENT, REPORT

from audit.normalise.interface import Context
from audit.normalise.kubernetes_object import GROUPS, of_a_tool
from audit.normalise.reader import parse
from audit.normalise.registry import FORMATS

SECRET = {
    "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}, "data": {"password": "cHJldGVuZA=="},
}  # fmt: skip
PLAIN = [
    DEPLOYMENT,
    SECRET,
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}, "data": {"a": "b"}},
    {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "once-"}},
    {
        "apiVersion": "example.org/v1",
        "kind": "Application",
        "metadata": {"name": "no-application-of-argo-cd"},
    },
    {"apiVersion": "notargoproj.io/v1", "kind": "Rollout", "metadata": {"name": "of-another-group"}},
]
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reader"},
    "rules": [{"verbs": ["get"], "resources": ["pods"]}],
}  # fmt: skip


@pytest.mark.parametrize("record", PLAIN)
def test_an_object_that_no_format_reads_is_noise_and_told_of_as_such(record: dict[str, Any]) -> None:
    for format in ("auto", "kubernetes-object"):
        parsed = read(record, format=format)
        assert (parsed.records, parsed.kept, parsed.noise, parsed.rows) == (1, 0, 1, {})
        assert parsed.by_format == {"kubernetes-object": 1}
        assert parsed.coverage == {}


@pytest.mark.parametrize("record", [DEPLOYMENT, ROLE, APPLICATION, {"kind": "Deployment"}])
def test_nothing_of_a_secret_is_kept(record: dict[str, Any]) -> None:
    """Neither in rows nor in reasons, whatever stands beside it and however it is read."""
    for format in ("auto", "kubernetes-object", "managed-secret"):
        assert "cHJldGVuZA" not in str(parse_bytes(lines(record, SECRET), format=format))


def test_an_export_of_a_whole_namespace_counts_every_object_once() -> None:
    export = {"apiVersion": "v1", "kind": "List", "items": [DEPLOYMENT, APPLICATION, SECRET, ROLE, REPORT]}
    parsed = read(export)
    assert (parsed.records, parsed.kept, parsed.noise) == (5, 3, 2)
    assert parsed.by_format == {
        "kubernetes-object": 2, "argocd-application": 1, "rbac-object": 1, "policy-report": 1,
    }  # fmt: skip


def test_files_of_yaml_hold_objects_of_all_kinds(tmp_path: Any) -> None:
    path = tmp_path / "all.yaml"
    path.write_text("\n---\n".join(json.dumps(each, indent=1) for each in (*PLAIN, ROLE)), encoding="utf-8")
    path.write_text("# all\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    parsed = parse(path, Context("folder", "all.yaml", cluster="prod"))
    assert (parsed.records, parsed.kept, parsed.noise) == (len(PLAIN) + 1, 1, len(PLAIN))


@pytest.mark.parametrize(
    ("record", "format"),
    [
        (APPLICATION, "argocd-application"),
        (PROJECT, "argocd-project"),
        (KUSTOMIZATION, "flux-object"),
        (HELM_RELEASE, "flux-object"),
        (GIT_REPOSITORY, "flux-source"),
        (ROLE, "rbac-object"),
        (REPORT, "policy-report"),
        (SEALED_SECRET, "managed-secret"),
        (EXTERNAL_SECRET, "managed-secret"),
        (SOPS_SECRET, "managed-secret"),
    ],
)
def test_what_a_format_knows_is_never_noise_even_when_it_cannot_be_read(
    record: dict[str, Any], format: str
) -> None:
    """Broken, it is quarantined by its own format, alone and behind an object that is noise."""
    broken = {
        "argocd-project": {"spec": 7}, "rbac-object": {"rules": 7}, "policy-report": {"results": 7},
    }.get(format, {"metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "soon"}, "spec": 7, "sops": 7}
          if format == "managed-secret" else {"spec": 7})  # fmt: skip
    for before in ([], [DEPLOYMENT]):
        parsed = parse_bytes(lines(*before, record | broken))
        assert (parsed.kept, parsed.noise, len(parsed.quarantined)) == (0, len(before), 1)
        assert parsed.quarantined[0][2].startswith(f"not a {format} record: ")
    assert (
        refused(record, format="kubernetes-object")
        == f"not a kubernetes-object record: a record for {format}"
    )


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("argoproj.io/v1alpha1", "Rollout"),
        ("notification.toolkit.fluxcd.io/v1", "Receiver"),
        ("syncset.gatekeeper.sh/v1alpha1", "SyncSet"),
        ("kyverno.io/v2", "GlobalContextEntry"),
        ("wgpolicyk8s.io/v1alpha2", "PolicyReportSummary"),
        ("openreports.io/v1alpha1", "ReportSummary"),
        ("bitnami.com/v1alpha1", "Sealing"),
        ("generators.external-secrets.io/v1alpha1", "Password"),
        ("rbac.authorization.k8s.io/v1", "Grant"),
        ("admissionregistration.k8s.io/v1", "Unheard"),
        ("audit.k8s.io/v1", "Policy"),
        ("authorization.openshift.io/v1", "ClusterRoleBinding"),
    ],
)
def test_an_unknown_kind_of_a_tool_that_is_read_is_quarantined_and_named(version: str, kind: str) -> None:
    group = version.partition("/")[0]
    reason = refused({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}})
    assert reason == f"not a kubernetes-object record: a kind of {group} that is not read: {kind!r}"


@pytest.mark.parametrize(
    "record",
    [
        {"apiVersion": "v1", "kind": "Pod"},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": "web"},
        {"apiVersion": 1, "kind": "Pod", "metadata": {"name": "web"}},
        {"apiVersion": "v1", "kind": "", "metadata": {"name": "web"}},
        {"kind": "Pod", "metadata": {"name": "web"}},
    ],
)
def test_what_is_no_whole_object_is_no_noise(record: dict[str, Any]) -> None:
    assert refused(record) == "no known format"


def test_an_event_that_does_not_say_what_it_is_about_is_no_noise() -> None:
    silent = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "web.1"}, "message": "synced"}
    assert "does not say what it is about" in refused(silent)
    old = {name: value for name, value in AUDIT_EVENT.items() if name != "auditID"} | {
        "metadata": {"name": "x"}
    }
    assert "a kind of audit.k8s.io that is not read: 'Event'" in refused(old)


def test_groups_are_told_apart_by_whole_labels() -> None:
    assert all(
        of_a_tool(group) and of_a_tool(f"x.{group}") and not of_a_tool(f"x{group}") for group in GROUPS
    )
    assert not of_a_tool("")
    assert not of_a_tool("apps")


def test_it_is_asked_last() -> None:
    assert list(FORMATS)[-1] == "kubernetes-object"
