"""What the clusters' and the operators' records give."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from evidence_records import (
    APPLICATION,
    ARGO_EVENT,
    AUDIT_EVENT,
    FLUX_EVENT,
    HELM_RELEASE,
    KUSTOMIZATION,
    SHA,
    VIOLATION,
    left_out,
    lines,
    parse_bytes,
    read,
    refused,
)

from audit.normalise import kubernetes_audit
from audit.normalise.interface import Context

NOWHERE = Context("s", "k")


def rows(record: Any, table: str) -> list[dict[str, Any]]:
    return read(record).rows.get(table, [])


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+00:00").astimezone(UTC)


def audit(user: str = "ada@netbpf.com", **changes: Any) -> dict[str, Any]:
    return AUDIT_EVENT | {"user": {"username": user, "groups": []}} | changes


def target(resource: str, **more: str) -> dict[str, str]:
    return {"resource": resource, **more}


def test_a_request_is_told_in_full() -> None:
    assert rows(AUDIT_EVENT, "cluster_access") == [
        {
            "cluster": "prod", "audit_id": "a-1", "variant": 0, "at": at("07-01T09:00:00.123456"), "stage_rank": 2, "verb": "patch",
            "user": "ada@netbpf.com", "groups": "devs,system:authenticated", "cloud_arn": None, "impersonated": None, "api_group": "apps",
            "resource": "deployments", "subresource": "", "namespace": "shop", "name": "web", "code": 200,
            "dry_run": False, "user_agent": "kubectl/v1.34.0", "source_ip": "203.0.113.7", "field_manager": None, "truncated": False,
            "evidence": rows(AUDIT_EVENT, "cluster_access")[0]["evidence"], "line": 1,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("uri", "manager"),
    [
        ("/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=kubectl-edit", "kubectl-edit"),
        ("/api/v1/pods?dryRun=All&fieldManager=kubectl-rollout&fieldManager=other", "kubectl-rollout"),
        ("/api/v1/pods?fieldManager=", None),
        ("/api/v1/pods?fieldManager=" + "x" * 500, "x" * 128),
        ("/api/v1/fieldManager", None),
    ],
)
def test_the_program_that_manages_the_fields_is_the_one_that_the_request_names(
    uri: str, manager: str | None
) -> None:
    assert rows(audit(requestURI=uri), "cluster_access")[0]["field_manager"] == manager


NODE, CONTROLLER = "system:node:a", "system:serviceaccount:flux-system:kustomize-controller"


def machine(
    user: str, agent: str | None = "kustomize-controller/v1.4 (linux/amd64)", **changes: Any
) -> dict[str, Any]:
    return audit(user, userAgent=agent, **changes)


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        (audit(verb="get"), True),
        (audit(verb="list", objectRef=None), True),
        (machine(NODE, verb="get"), False),
        (machine(NODE, verb="update", objectRef=target("leases", apiGroup="coordination.k8s.io")), False),
        (machine(NODE, verb="create", objectRef=target("events")), False),
        (machine(NODE, verb="create", objectRef=target("subjectaccessreviews", apiGroup="authorization.k8s.io")), False),
        (machine(NODE, verb="create", objectRef=target("reviews", apiGroup="shop.example.com")), True),
        (machine(CONTROLLER, verb="patch"), True),
        (machine(CONTROLLER, verb="get", objectRef=target("pods", subresource="exec")), True),
        (machine(CONTROLLER, verb="get", impersonatedUser={"username": "ada"}), True),
        (machine("system:anonymous", verb="get", objectRef=target("secrets")), True),
        (machine(CONTROLLER, verb="list", objectRef=target("secrets")), False),
        (machine(CONTROLLER, verb="list", objectRef=target("secrets"), responseStatus={"code": 401}), True),
        (machine(CONTROLLER, verb="get", objectRef=target("secrets"), responseStatus={"code": 403}), True),
        (machine(CONTROLLER, verb="get", objectRef=target("pods"), responseStatus={"code": 403}), False),
        (machine("system:anonymous", verb="get", objectRef=None), False),
    ],
)  # fmt: skip
def test_only_the_everyday_business_of_machines_is_noise(event: dict[str, Any], kept: bool) -> None:
    parsed = read(event)
    assert (parsed.kept, parsed.noise) == ((1, 0) if kept else (0, 1))


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        ("kubectl/v1.31.1 (darwin/arm64) kubernetes/948afe5", True),
        ("k9s/0.32", True),
        ("curl/8.5.0", True),
        ("python-requests/2.32", True),
        ("Mozilla/5.0 (X11; Linux x86_64)", True),
        ("lister/v0.0.0 (darwin/arm64) kubernetes/$Format", True),
        ("curl/8.5.0" + " x" * 2000, True),
        ("mykubectl/v1", False),
        ("argocd-server/v2.13 (linux/amd64) kubernetes/948afe5", False),
        ("x" * 5000, False),
        ("", False),
        (None, False),
    ],
)
def test_what_a_machines_identity_reads_from_a_laptop_is_kept(agent: str | None, kept: bool) -> None:
    """Whoever holds its token is a person. A look whether the server lives names no resource: it is none."""
    for _ in range(2):  # what is known of an agent is remembered
        for target_ in (
            target("secrets"),
            target("pods", namespace="shop"),
            target("selfsubjectaccessreviews", apiGroup="authorization.k8s.io"),
        ):
            verb = "create" if target_["resource"].endswith("reviews") else "list"
            parsed = read(machine(CONTROLLER, agent, verb=verb, objectRef=target_))
            assert (parsed.kept, parsed.noise) == ((1, 0) if kept else (0, 1))
    assert read(machine(CONTROLLER, agent, verb="get", objectRef=None)).noise == 1


def test_agents_without_end_are_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_audit, "_hands", {})
    monkeypatch.setattr(kubernetes_audit, "_KNOWN", 2)
    for number in range(5):
        for agent in (f"curl/8.{number}", f"curl/{number}" * 1000):
            assert read(machine(NODE, agent, verb="get")).kept == 1
    assert set(kubernetes_audit._hands) == {"curl/8.0", "curl/8.1"}


@pytest.mark.parametrize(
    ("verb", "body", "dry"),
    [
        ("delete", {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}, True),
        ("deletecollection", {"dryRun": ["All"]}, True),
        ("delete", {"kind": "DeleteOptions", "propagationPolicy": "Background"}, False),
        ("delete", {"dryRun": []}, False),
        ("delete", {"dryRun": None}, False),
        ("delete", {"dryRun": {"All": 1}}, False),
        ("delete", {"preconditions": {"dryRun": ["All"]}}, False),
        ("delete", "dryRun", False),
        ("delete", None, False),
        ("create", {"kind": "Lure", "dryRun": ["All"]}, False),
        ("patch", {"dryRun": ["All"]}, False),
    ],
)
def test_a_deletion_says_in_its_options_that_it_is_a_dry_run(verb: str, body: Any, dry: bool) -> None:
    """Whatever else is sent is an object, which may have a member of any name."""
    (found,) = rows(
        audit(verb=verb, requestURI="/api/v1/namespaces/shop/pods/web", requestObject=body), "cluster_access"
    )
    assert found["dry_run"] is dry


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"stage": "RequestReceived", "responseStatus": None}, "code", None),
        ({"responseStatus": {"metadata": {}}}, "code", None),
        ({"stage": "RequestReceived"}, "stage_rank", 0),
        ({"stage": "ResponseStarted"}, "stage_rank", 1),
        ({"stage": "Panic"}, "stage_rank", 2),
        ({"requestURI": "/api/v1/pods?fieldManager=kubectl&dryRun=All"}, "dry_run", True),
        ({"requestURI": "/api/v1/pods/dryRun=All"}, "dry_run", False),
        ({"impersonatedUser": {"username": "root", "groups": ["system:masters"]}}, "impersonated", "root"),
        ({"user": {}}, "user", None),
        ({"user": {"username": "a", "extra": {"arn": ["arn:aws:iam::1:user/a"], "x": ["y"]}}}, "cloud_arn", "arn:aws:iam::1:user/a"),
        ({"user": {"username": "a", "extra": {"arn": ["arn:aws:iam::1:user/a", "arn:aws:iam::1:user/b"]}}}, "cloud_arn", None),
        ({"user": {"username": "a", "extra": {"arn": ["ada"]}}}, "cloud_arn", None),
        ({"impersonatedUser": {"username": "a", "extra": {"arn": ["arn:aws:iam::1:user/a"]}}}, "cloud_arn", None),
    ],
)  # fmt: skip
def test_what_requests_say_besides(changes: dict[str, Any], column: str, value: object) -> None:
    assert rows(AUDIT_EVENT | changes, "cluster_access")[0][column] == value


def test_a_time_that_a_shipper_put_into_an_event_is_none_of_it() -> None:
    shipped = read(AUDIT_EVENT | {"timestamp": 1782900000.5}).rows["cluster_access"][0]
    assert shipped["at"] == read(AUDIT_EVENT).rows["cluster_access"][0]["at"]
    alone = {name: value for name, value in AUDIT_EVENT.items() if name != "requestReceivedTimestamp"}
    assert "timestamp: Expected `datetime`" in refused(alone | {"timestamp": 1782900000.5})


def test_before_v1_the_time_is_called_timestamp() -> None:
    old = AUDIT_EVENT | {"apiVersion": "audit.k8s.io/v1beta1", "timestamp": "2017-09-11T19:55:05Z"}
    del old["requestReceivedTimestamp"]
    assert rows(old, "cluster_access")[0]["at"] == datetime(2017, 9, 11, 19, 55, 5, tzinfo=UTC)


def test_bodies_never_get_into_rows() -> None:
    secret = AUDIT_EVENT | {"requestObject": {"kind": "Secret", "data": {"password": "aHVudGVyMg=="}}}
    assert "aHVudGVyMg" not in str(read(secret).rows)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("auditID", "no known format"),
        ("verb", "not a kubernetes-audit record: Object missing required field `verb`"),
        ("user", "not a kubernetes-audit record: Object missing required field `user`"),
        ("requestReceivedTimestamp", "not a kubernetes-audit record: neither requestReceivedTimestamp nor timestamp"),
    ],
)  # fmt: skip
def test_what_is_missing_is_loud(missing: str, reason: str) -> None:
    assert refused({k: v for k, v in AUDIT_EVENT.items() if k != missing}) == reason


@pytest.mark.parametrize(
    "record", [AUDIT_EVENT, APPLICATION, ARGO_EVENT, KUSTOMIZATION, HELM_RELEASE, FLUX_EVENT, VIOLATION]
)
def test_a_source_that_names_no_cluster_is_refused(record: dict[str, Any]) -> None:
    assert refused(record, context=NOWHERE).endswith("the source names no cluster")


def test_an_application_gives_its_state_its_history_and_its_last_operation() -> None:
    state = rows(APPLICATION, "applications")[0]
    assert (state["app"], state["observed_at"]) == ("argocd/web", at("07-01T12:00:00"))
    assert (state["automated"], state["self_heal"], state["revision"]) == (True, True, SHA)
    history, operation = rows(APPLICATION, "sync_records")
    assert (history["record"], history["history_id"], history["automated"]) == ("history", 3, True)
    assert (history["started_at"], history["finished_at"]) == (at("07-01T10:01:00"), at("07-01T10:02:00"))
    assert (operation["record"], operation["initiated_by"], operation["automated"]) == (
        "operation",
        "ada",
        False,
    )
    assert operation["options"] == "force,manifests,prune,replace"


def application(**operation: Any) -> dict[str, Any]:
    changed = copy.deepcopy(APPLICATION)
    changed["status"]["operationState"] |= operation
    return changed


def test_what_the_application_declares_is_no_option_when_the_operator_applies_it() -> None:
    sync = {"prune": True, "syncOptions": ["Replace=true"]}
    declared = application(operation={"initiatedBy": {"automated": True}, "sync": sync})
    declared["spec"]["syncPolicy"]["syncOptions"] = ["Replace=true"]
    assert rows(declared, "sync_records")[1]["options"] == ""
    declared["spec"]["syncPolicy"]["syncOptions"] = []
    assert rows(declared, "sync_records")[1]["options"] == "replace"


def test_a_dry_run_deploys_nothing() -> None:
    assert len(rows(application(operation={"sync": {"dryRun": True}}), "sync_records")) == 1


def test_an_operation_that_runs_has_no_end_yet() -> None:
    record = rows(application(phase="Running", finishedAt=None), "sync_records")[1]
    assert (record["phase"], record["finished_at"]) == ("running", record["started_at"])
    assert "finishedAt is missing" in refused(application(phase="Failed", finishedAt=None))


@pytest.mark.parametrize("initiator", [None, {}])
def test_who_is_not_recorded_is_not_made_up(initiator: object) -> None:
    record = rows(application(operation={"initiatedBy": initiator, "sync": {}}), "sync_records")[1]
    assert (record["initiated_by"], record["automated"]) == (None, None)


def test_of_several_sources_the_first_with_a_path_counts() -> None:
    several = copy.deepcopy(APPLICATION)
    chart, git = (
        {"repoURL": "https://charts.example.com", "chart": "web"},
        {"repoURL": "https://g/x", "path": "web"},
    )
    several["spec"] = {"sources": [chart, git]}
    several["status"]["history"] = [
        {"id": 1, "revisions": ["1.2.3", SHA], "sources": [chart, git], "deployedAt": "2026-07-01T10:02:00Z"}
    ]
    record = rows(several, "sync_records")[0]
    assert (record["revision"], record["revision_kind"], record["path"]) == (SHA, "git", "web")
    assert rows(several, "applications")[0]["automated"] is False


def test_an_application_that_was_never_reconciled_tells_its_settings_alone() -> None:
    new = {k: v for k, v in APPLICATION.items() if k != "status"}
    assert set(read(new).rows) == {"app_settings"}
    assert rows(new, "app_settings")[0]["observed_at"] is None
    broken = copy.deepcopy(APPLICATION)
    del broken["status"]["reconciledAt"]
    assert "reconciledAt is missing, though it was synced" in left_out(broken)
    parsed = parse_bytes(lines(broken))
    assert set(parsed.rows) == {"app_settings", "sync_records"}
    assert (len(parsed.rows["sync_records"]), parsed.coverage) == (2, {})


def test_what_a_hydrator_renders_is_synced_from_the_branch_that_it_writes_to() -> None:
    hydrated = copy.deepcopy(APPLICATION)
    hydrated["spec"] = {
        "sourceHydrator": {
            "drySource": {"repoURL": "https://g/x", "path": "web", "targetRevision": "HEAD"},
            "syncSource": {"targetBranch": "env/prod", "path": "rendered"},
        }
    }
    found = rows(hydrated, "applications")[0]
    assert (found["repo_url"], found["path"], found["target_revision"]) == (
        "https://g/x",
        "rendered",
        "env/prod",
    )
    assert rows(hydrated, "app_settings")[0]["repos"] == "https://g/x"


def event(reason: str, message: str, **more: Any) -> dict[str, Any]:
    return ARGO_EVENT | {"reason": reason, "message": message, "metadata": {"name": "web.1"}} | more


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        ("OperationStarted", f"Initiated automated sync to '{SHA}'",
         {"phase": "running", "automated": True, "initiated_by": None, "revision": SHA, "revision_kind": "git"}),
        ("OperationStarted", f"ada initiated sync to main ({SHA})",
         {"phase": "running", "automated": False, "initiated_by": "ada", "revision": SHA, "options": ""}),
        ("OperationStarted", f"ada initiated sync to main ({SHA}),1.* (1.4.2)", {"revision": SHA, "revision_kind": "git"}),
        ("OperationStarted", f"Ada Lind initiated partial sync to {SHA}", {"initiated_by": "Ada Lind", "revision": SHA}),
        ("OperationStarted", "ada initiated sync to 1.4.2", {"revision": "1.4.2", "revision_kind": "chart"}),
        ("OperationStarted", "ada initiated sync locally", {"options": "manifests", "revision": None}),
        ("OperationStarted", "ada initiated rollback to 4", {"options": "rollback", "automated": False}),
        ("OperationStarted", "Unknown user initiated rollback to 4", {"initiated_by": None, "automated": False}),
        ("OperationCompleted", f"Sync operation to {SHA} succeeded", {"phase": "succeeded", "automated": None}),
        ("OperationCompleted", f"Partial sync operation to {SHA} failed: one or more\nobjects",
         {"phase": "failed", "message": "one or more\nobjects", "started_at": None}),
        ("OperationCompleted", "Sync operation to  succeeded", {"phase": "succeeded", "revision": None}),
        ("OperationCompleted", "Sync operation succeeded", {"phase": "succeeded", "revision": None}),
        ("OperationCompleted", f"Sync operation to {SHA}, {'5' * 40} succeeded", {"revision": SHA}),
    ],
)  # fmt: skip
def test_events_of_operations(reason: str, message: str, expected: dict[str, Any]) -> None:
    record = rows(event(reason, message), "sync_records")[0]
    assert {name: record[name] for name in expected} == expected
    assert (record["record"], record["app"], record["finished_at"]) == (
        "event",
        "argocd/web",
        at("07-01T10:02:00"),
    )


@pytest.mark.parametrize("reason", ["OperationStarted", "OperationCompleted"])
def test_an_operation_told_in_unknown_words_is_not_passed_over(reason: str) -> None:
    assert f"unknown message of {reason}" in refused(event(reason, "something else"))


@pytest.mark.parametrize(
    ("message", "aspect", "before", "after"),
    [
        ("Updated sync status: Synced -> OutOfSync", "sync", "Synced", "OutOfSync"),
        ("Updated health status:  -> Healthy", "health", None, "Healthy"),
        ("Updated health status: Healthy -> Degraded (2 of 3\npods)", "health", "Healthy", "Degraded"),
    ],
)
def test_events_of_states(message: str, aspect: str, before: str | None, after: str) -> None:
    change = rows(event("ResourceUpdated", message), "state_changes")[0]
    assert (change["aspect"], change["before"], change["after"]) == (aspect, before, after)


def test_a_change_of_state_in_unknown_words_is_not_passed_over() -> None:
    assert "unknown message of ResourceUpdated" in refused(
        event("ResourceUpdated", "Updated sync status: Lost")
    )


@pytest.mark.parametrize(
    "record",
    [
        event("ResourceUpdated", "ada updated application spec"),
        event("ResourceDeleted", "ada deleted application"),
        event("Scheduled", "placed", involvedObject={"kind": "Pod", "name": "web", "apiVersion": "v1"}),
        FLUX_EVENT | {"reason": "Progressing"},
        FLUX_EVENT | {"reason": "DependencyNotReady"},
    ],
)
def test_other_events_are_noise(record: dict[str, Any]) -> None:
    parsed = read(record)
    assert (parsed.noise, len(parsed.coverage)) == (1, 1)


def test_newer_events_have_other_names() -> None:
    newer = {
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "reason": "ResourceUpdated",
        "note": "Updated sync status: Synced -> OutOfSync", "regarding": ARGO_EVENT["involvedObject"],
        "eventTime": "2026-07-01T10:02:00.5Z", "metadata": {"name": "x"},
    }  # fmt: skip
    assert rows(newer, "state_changes")[0]["at"] == at("07-01T10:02:00.5")


def test_a_kustomization_gives_its_state_and_each_entry_of_its_history() -> None:
    state = rows(KUSTOMIZATION, "applications")[0]
    assert (state["sync_status"], state["health_status"], state["revision"]) == ("Synced", "Healthy", SHA)
    assert (state["observed_at"], state["repo_url"]) == (at("07-01T12:05:00"), "netbpf-gitops")
    new, old = rows(KUSTOMIZATION, "sync_records")
    assert (new["finished_at"], new["phase"], new["revision"]) == (at("07-01T10:05:00"), "succeeded", SHA)
    assert (old["finished_at"], old["phase"], old["revision"]) == (at("06-30T10:05:00"), "failed", "3" * 40)
    assert new["message"] == "ReconciliationSucceeded; 13 times until 2026-07-01T12:05:00Z"


@pytest.mark.parametrize(
    ("requested", "options"),
    [
        ("2026-07-01T10:04:50.123456789Z", ["requested", ""]),
        ("2026-07-01T12:04:50+02:00", ["requested", ""]),
        ("2026-07-01T10:05:01Z", ["", ""]),
        ("2026-07-01T09:00:00Z", ["", ""]),
        ("2026-06-30T10:04:59Z", ["", "requested"]),
        ("By Argo CD at: 0001-01-01T00:00:00", ["", ""]),
        (None, ["", ""]),
    ],
)
def test_a_request_is_tied_to_the_reconciliation_that_it_began(
    requested: str | None, options: list[str]
) -> None:
    asked = copy.deepcopy(KUSTOMIZATION)
    asked["status"]["lastHandledReconcileAt"] = requested
    assert [row["options"] for row in rows(asked, "sync_records")] == options


def test_a_helm_release_deploys_charts() -> None:
    state = rows(HELM_RELEASE, "applications")[0]
    assert (state["automated"], state["sync_status"], state["revision"]) == (False, "OutOfSync", "58.2.0")
    assert (state["target_revision"], state["repo_url"], state["path"]) == ("58.x", "community", None)
    assert [(r["revision"], r["revision_kind"], r["phase"]) for r in rows(HELM_RELEASE, "sync_records")] == [
        ("58.3.0", "chart", "failed"),
        ("58.2.0", "chart", "succeeded"),
    ]


def test_a_kustomization_that_was_never_reconciled_tells_its_settings_alone() -> None:
    assert set(read(KUSTOMIZATION | {"status": {"observedGeneration": -1}}).rows) == {"app_settings"}


@pytest.mark.parametrize(
    ("written", "revision", "kind"),
    [
        (f"main@sha1:{SHA}", SHA, "git"),
        (f"refs/heads/main@sha1:{SHA}", SHA, "git"),
        (f"feature/x@y@sha1:{SHA}", SHA, "git"),
        (f"main/{SHA}", SHA, "git"),
        (SHA, SHA, "git"),
        (f"latest@sha256:{'a' * 64}", f"latest@sha256:{'a' * 64}", "chart"),
        (None, None, "git"),
    ],
)
def test_revisions_as_flux_writes_them(written: str | None, revision: str | None, kind: str) -> None:
    told = FLUX_EVENT | {
        "metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/revision": written} if written else {}}
    }
    record = rows(told, "sync_records")[0]
    assert (record["revision"], record["revision_kind"]) == (revision, kind)


def test_flux_events_give_operations_and_states() -> None:
    states = {row["aspect"]: row["after"] for row in rows(FLUX_EVENT, "state_changes")}
    assert states == {"sync": "Synced", "health": "Healthy"}
    failed = FLUX_EVENT | {"reason": "HealthCheckFailed", "message": "timeout"}
    assert {row["after"] for row in rows(failed, "state_changes")} == {"OutOfSync", "Degraded"}
    assert rows(failed, "sync_records")[0]["phase"] == "failed"


def test_a_flux_event_that_vector_parsed_into_its_own_says_the_same() -> None:
    parsed = {"file": "/var/log/x", "host": "h", "source_type": "file", "timestamp": "2026-07-01T10:09:00Z"}
    for table in ("sync_records", "state_changes"):
        expected = [row | {"evidence": ""} for row in rows(FLUX_EVENT, table)]
        assert [row | {"evidence": ""} for row in rows(FLUX_EVENT | parsed, table)] == expected


_HELM = FLUX_EVENT | {
    "involvedObject": {
        "kind": "HelmRelease",
        "namespace": "shop",
        "name": "web",
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
    },
    "metadata": {"annotations": {"helm.toolkit.fluxcd.io/revision": "1.2.3"}},
}


@pytest.mark.parametrize(
    ("reason", "message", "phases", "states"),
    [
        ("RollbackSucceeded", "Helm rollback to previous release", ["succeeded"], {"sync": "OutOfSync"}),
        ("RollbackFailed", "Helm rollback to previous release", ["failed"], {"sync": "OutOfSync"}),
        ("DriftDetected", "Cluster state has drifted", [], {"sync": "OutOfSync"}),
        ("DriftCorrected", "Cluster state has been corrected", [], {"sync": "Synced"}),
        ("info", "Helm upgrade succeeded", ["succeeded"], {"sync": "Synced", "health": "Healthy"}),
        ("error", "Helm install failed: timed out", ["failed"], {"sync": "OutOfSync"}),
        ("info", "Helm rollback succeeded", ["succeeded"], {"sync": "OutOfSync"}),
        ("info", "Helm upgrade has started", [], {}),
    ],
)
def test_events_of_releases_of_helm(
    reason: str, message: str, phases: list[str], states: dict[str, str]
) -> None:
    parsed = read(_HELM | {"reason": reason, "message": message})
    records = parsed.rows.get("sync_records", [])
    assert [(row["app"], row["revision"], row["phase"]) for row in records] == [
        ("shop/web", "1.2.3", phase) for phase in phases
    ]
    assert {row["aspect"]: row["after"] for row in parsed.rows.get("state_changes", [])} == states


def test_a_release_that_is_ready_and_has_drifted_is_out_of_sync() -> None:
    drifted = copy.deepcopy(HELM_RELEASE)
    drifted["status"]["conditions"] = [{"type": name, "status": "True"} for name in ("Ready", "Drifted")]
    found = rows(drifted, "applications")[0]
    assert (found["sync_status"], found["health_status"]) == ("OutOfSync", "Healthy")


def test_violations_of_the_log_of_the_export_and_of_constraints_agree() -> None:
    exported = {
        "id": "2026-07-01T10:00:00Z", "eventType": "violation_audited", "kind": "K8sContainerLimits", "name": "limits",
        "message": "no limits", "enforcementAction": "deny", "resourceKind": "Pod", "resourceNamespace": "shop",
        "resourceName": "web-1",
    }  # fmt: skip
    constraint = {
        "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "K8sContainerLimits", "metadata": {"name": "limits"},
        "status": {
            "auditTimestamp": "2026-07-01T10:00:00Z",
            "violations": [{"kind": "Pod", "name": "web-1", "namespace": "shop", "message": "no limits",
                            "enforcementAction": "deny"}],
        },
    }  # fmt: skip
    found = [rows(record, "policy_results")[0] for record in (VIOLATION, exported, constraint)]
    for row in found:
        for own in ("at", "evidence", "line"):
            del row[own]
    assert found[0] == found[1] == found[2]
    assert read(VIOLATION | {"event_type": "audit_started"}).noise == 1
