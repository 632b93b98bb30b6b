"""What Flux is set to, where it fetches from, and what its controllers log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import HELM_RELEASE, KUSTOMIZATION, SHA, read, refused
from operator_records import AUTOMATION, FLUX_LOG, GIT_REPOSITORY

from audit.normalise.urls import masked


def row(record: Any, table: str) -> dict[str, Any]:
    (found,) = read(record).rows[table]
    return found


def changed(record: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return record | {"spec": record["spec"] | spec}


def test_a_kustomization_tells_all_that_it_is_set_to() -> None:
    record = changed(KUSTOMIZATION, prune=True, force=True, interval="10m0s", targetNamespace="web")
    found = row(record, "app_settings")
    assert found.pop("observed_at").isoformat() == "2026-07-01T12:05:00+00:00"
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "cluster": "prod", "app": "flux-system/networking", "operator": "flux", "object_kind": "Kustomization",
        "project": None, "automated": True, "prune": True, "self_heal": True, "allow_empty": None, "suspended": False,
        "interval": "10m0s", "drift_detection": None, "force": True, "repos": "GitRepository/flux-system/netbpf-gitops",
        "destination": "", "namespace": "web", "ignored": "", "sync_options": "", "generation": None, "line": 1,
    }  # fmt: skip
    found = row(changed(record, suspend=True), "app_settings")
    assert (found["suspended"], found["automated"], found["self_heal"]) == (True, False, False)


@pytest.mark.parametrize(
    ("mode", "told", "heals"),
    [("enabled", "enabled", True), ("warn", "warn", False), (None, "disabled", False)],
)
def test_a_helm_release_heals_itself_only_where_drift_detection_is_enabled(
    mode: str | None, told: str, heals: bool
) -> None:
    ignore = [{"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}}]
    drift = {"mode": mode, "ignore": ignore} if mode else None
    record = changed(HELM_RELEASE, driftDetection=drift, suspend=False, upgrade={"force": True})
    found = row(record, "app_settings")
    assert (found["drift_detection"], found["self_heal"], found["prune"]) == (told, heals, None)
    assert found["force"]
    assert (json.loads(found["ignored"]) if found["ignored"] else None) == (ignore if mode else None)
    assert not row(changed(record, suspend=True), "app_settings")["self_heal"]


def test_a_source_tells_what_is_fetched_and_how_it_is_verified() -> None:
    found = row(GIT_REPOSITORY, "app_sources")
    assert "pretend-token" not in json.dumps(found, default=str)
    assert found.pop("observed_at").isoformat() == "2026-07-01T09:00:01+00:00"
    assert found.pop("revision_at").isoformat() == "2026-07-01T09:00:00+00:00"
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "cluster": "prod", "kind": "GitRepository", "name": "flux-system/netbpf-gitops", "generation": 3,
        "url": "https://github.com/netbpf/netbpf-gitops", "reference": "branch=main", "interval": "1m0s", "suspended": False,
        "insecure": False, "credentials": "deploy-key", "verification": "HEAD", "verified_by": '{"secret": "signers"}',
        "verified": True, "revision": f"main@sha1:{SHA}", "digest": "sha256:aa", "push_branch": None, "pushed": None,
        "pushed_at": None, "ready": "True", "reason": "Succeeded", "health_status": "Healthy", "line": 1,
    }  # fmt: skip


def test_the_automation_of_images_tells_what_it_pushed_where() -> None:
    found = row(AUTOMATION, "app_sources")
    assert (found["push_branch"], found["pushed"], found["suspended"]) == ("image-updates", SHA, True)
    assert found["pushed_at"].isoformat() == "2026-07-01T08:00:00+00:00"
    assert (found["observed_at"].isoformat(), found["health_status"]) == (
        "2026-07-01T09:00:00+00:00",
        "Suspended",
    )


def test_what_is_verified_without_keys_names_identities() -> None:
    verify = {"provider": "cosign", "matchOIDCIdentity": [{"issuer": "^https://i$", "subject": "^ada$"}]}
    record = changed(GIT_REPOSITORY, verify=verify, url="http://plain.example/x") | {"kind": "OCIRepository"}
    found = row(record, "app_sources")
    assert (found["verification"], found["insecure"]) == ("cosign", True)
    assert json.loads(found["verified_by"]) == {"identities": verify["matchOIDCIdentity"]}
    assert row(changed(GIT_REPOSITORY, verify=None), "app_sources")["verification"] is None


def test_a_reconciliation_that_ended_is_a_record_of_it() -> None:
    parsed = read(FLUX_LOG)
    (event,), (record,) = parsed.rows["operator_events"], parsed.rows["sync_records"]
    assert (event["object"], event["reconcile"], event["revision"]) == (
        "flux-system/networking", "id-1", f"main@sha1:{SHA}",
    )  # fmt: skip
    assert (record["app"], record["revision"], record["phase"]) == (
        "flux-system/networking",
        SHA,
        "succeeded",
    )
    failed = FLUX_LOG | {
        "level": "error", "msg": "Reconciliation failed after 1.2s, next try in 2m0s",
        "error": "can't clone 'https://robot:pretend-token@github.com/x': refused",
    }  # fmt: skip
    parsed = read(failed)
    assert parsed.rows["sync_records"][0]["phase"] == "failed"
    assert parsed.rows["operator_events"][0]["error"] == "can't clone 'https://github.com/x': refused"
    assert "pretend-token" not in json.dumps(parsed.rows, default=str)


@pytest.mark.parametrize(
    "changes",
    [{"msg": "server-side apply completed"}, {"revision": None}, {"controllerKind": "GitRepository"}],
)
def test_what_proves_no_reconciliation_is_an_event_alone(changes: dict[str, Any]) -> None:
    assert set(read(FLUX_LOG | changes).rows) == {"operator_events"}


def test_older_lines_name_group_and_kind_otherwise_or_the_group_alone() -> None:
    expected = read(FLUX_LOG).rows["sync_records"]
    apart = ("controllerGroup", "controllerKind", "controller", "Kustomization", "reconcileID")
    older = {name: value for name, value in FLUX_LOG.items() if name not in apart}
    group = "kustomize.toolkit.fluxcd.io"
    for told in (
        {"reconciler group": group, "reconciler kind": "Kustomization"},
        {"controllerGroup": group},
    ):
        parsed = read(older | {"logger": "controller.kustomization"} | told)
        (event,) = parsed.rows["operator_events"]
        assert (event["kind"], event["controller"]) == ("Kustomization", "controller.kustomization")
        assert [row | {"evidence": ""} for row in parsed.rows["sync_records"]] == [
            row | {"evidence": ""} for row in expected
        ]
    (other,) = read(older | {"controllerGroup": "source.toolkit.fluxcd.io"}).rows["operator_events"]
    assert (other["kind"], other["object"]) == ("", "flux-system/networking")


def test_what_another_controller_made_is_a_source_as_flux_knows_it() -> None:
    made = {"spec": {"sourceRef": {"kind": "Source", "name": "x"}}, "kind": "ExternalArtifact"}
    found = row(GIT_REPOSITORY | made, "app_sources")
    assert (found["kind"], found["revision"]) == (
        "ExternalArtifact",
        row(GIT_REPOSITORY, "app_sources")["revision"],
    )


def test_lines_about_a_controller_itself_are_noise() -> None:
    line = {name: value for name, value in FLUX_LOG.items() if name not in ("name", "Kustomization")}
    assert read(line | {"msg": "Starting workers"}).noise == 1
    assert "ts" in refused({**FLUX_LOG, "ts": 5}, format="flux-log")


def test_addresses_in_a_text_let_nobody_in() -> None:
    assert masked("a https://u:p@h/x and ssh://git@h/y, c@d") == "a https://h/x and ssh://h/y, c@d"
