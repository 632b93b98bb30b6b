"""The API server's log as the clouds and distributions write it: the same requests, the same rows."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from evidence_records import AUDIT_EVENT, GKE_ENTRY, parse_bytes, read, refused

SUBRESOURCES = (
    "exec", "attach", "portforward", "scale", "ephemeralcontainers", "token", "eviction", "approval", "status",
    "binding", "proxy", "log",
)  # fmt: skip


def row(record: Any) -> dict[str, Any]:
    (found,) = read(record).rows["cluster_access"]
    return found


def entry(
    method: str = "io.k8s.apps.v1.deployments.patch",
    resource: str = "apps/v1/namespaces/shop/deployments/web",
    user: str | None = "ada@netbpf.com",
    **payload: Any,
) -> dict[str, Any]:
    found = copy.deepcopy(GKE_ENTRY)
    asked = {"methodName": method, "resourceName": resource, "authenticationInfo": {"principalEmail": user}}
    found["protoPayload"] |= asked | payload
    return found


def test_an_entry_of_gke_gives_the_row_that_the_event_gives() -> None:
    """But for the ids, which are each log's own, and the groups, which GKE does not record."""
    own = {"audit_id": "o-1", "groups": "", "evidence": row(GKE_ENTRY)["evidence"]}
    assert row(GKE_ENTRY) == row(AUDIT_EVENT) | own


@pytest.mark.parametrize(
    ("method", "resource", "told"),
    [
        ("io.k8s.core.v1.pods.create", "core/v1/namespaces/shop/pods/web", ("create", "", "pods", "", "shop", "web")),
        ("io.k8s.core.v1.pods.create", "core/v1/namespaces/shop/pods", ("create", "", "pods", "", "shop", "")),
        ("io.k8s.core.v1.pods.exec.create", "core/v1/namespaces/shop/pods/web/exec", ("create", "", "pods", "exec", "shop", "web")),
        ("io.k8s.authorization.rbac.v1.clusterrolebindings.create", "rbac.authorization.k8s.io/v1/clusterrolebindings/ops",
         ("create", "rbac.authorization.k8s.io", "clusterrolebindings", "", "", "ops")),
        ("io.k8s.core.v1.namespaces.delete", "core/v1/namespaces/shop", ("delete", "", "namespaces", "", "shop", "shop")),
        ("io.k8s.core.v1.namespaces.finalize.update", "core/v1/namespaces/shop/finalize",
         ("update", "", "namespaces", "finalize", "shop", "shop")),
        ("io.k8s.core.v1.nodes.list", "core/v1/nodes", ("list", "", "nodes", "", "", "")),
        ("io.fluxcd.toolkit.kustomize.v1beta2.kustomizations.status.patch",
         "kustomize.toolkit.fluxcd.io/v1beta2/namespaces/flux/kustomizations/apps/status",
         ("patch", "kustomize.toolkit.fluxcd.io", "kustomizations", "status", "flux", "apps")),
        ("io.k8s.core.v1.secrets.deletecollection", "core/v1/namespaces/shop/secrets",
         ("deletecollection", "", "secrets", "", "shop", "")),
    ],
)  # fmt: skip
def test_what_an_entry_of_gke_was_about(method: str, resource: str, told: tuple[str, ...]) -> None:
    found = row(entry(method, resource))
    columns = ("verb", "api_group", "resource", "subresource", "namespace", "name")
    assert tuple(found[name] for name in columns) == told


@pytest.mark.parametrize(
    ("status", "code"),
    [({}, 200), ({"code": 0}, 200), ({"code": 7, "message": "Forbidden"}, 403), ({"code": 16}, 401), ({"code": 5}, 404),
     ({"code": 6}, 409), ({"code": 1}, 499), ({"code": 409}, 409), ({"code": -1}, None), ({"code": 2**40}, None), (None, None)],
)  # fmt: skip
def test_the_status_of_an_entry_is_that_of_http(status: Any, code: int | None) -> None:
    assert row(entry(status=status))["code"] == code


def test_dry_runs_and_authority_of_an_entry() -> None:
    delete = "io.k8s.apps.v1.deployments.delete"
    assert row(entry(delete, request={"kind": "DeleteOptions", "dryRun": ["All"]}))["dry_run"]
    assert not row(entry(delete, request={"spec": {"dryRun": ["All"]}}))["dry_run"]
    assert not row(entry(delete, request={"dryRun": {"of": "another kind"}}))["dry_run"]
    assert not row(entry(request={"kind": "Lure", "dryRun": ["All"]}))["dry_run"]  # an object that was sent
    acting = entry(authenticationInfo={"principalEmail": "ada@netbpf.com", "authoritySelector": "grace"})
    assert (row(acting)["user"], row(acting)["impersonated"]) == ("ada@netbpf.com", "grace")
    subject = entry(authenticationInfo={"principalSubject": "principal://pool/subject/ada"})
    assert row(subject)["user"] == "principal://pool/subject/ada"
    assert row(entry(authenticationInfo=None))["user"] is None


def test_first_and_last_entry_of_a_session_are_stages_of_one_request() -> None:
    ends = [
        entry() | {"insertId": f"i-{number}", "operation": {"id": "o-7", "producer": "k8s.io", **place}}
        for number, place in enumerate(({"first": True}, {"last": True}))
    ]
    assert [(row(end)["audit_id"], row(end)["stage_rank"]) for end in ends] == [("o-7", 1), ("o-7", 2)]
    alone = {key: value for key, value in GKE_ENTRY.items() if key != "operation"}
    assert (row(alone)["audit_id"], row(alone)["stage_rank"]) == ("i-1", 2)


def test_what_machines_read_is_noise_in_gke_too() -> None:
    where = ("io.k8s.core.v1.pods.get", "core/v1/namespaces/shop/pods/web", "system:node:a")
    read_by_node = entry(*where, requestMetadata={"callerSuppliedUserAgent": "kubelet/v1.31"})
    assert (read(read_by_node).noise, len(read(read_by_node).coverage)) == (1, 1)
    by_hand = entry(*where, requestMetadata={"callerSuppliedUserAgent": "kubectl/v1.31 (darwin/arm64)"})
    assert row(by_hand)["user"] == "system:node:a"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (entry("io.k8s.get.it", "apps/v1"), "methodName does not name"),
        (entry("", ""), "methodName does not name"),
        (entry(resource="apps/v2/namespaces/shop/deployments/web"), "methodName does not name"),
        (entry(resource="apps/v1/namespaces/shop/pods/web"), "resourceName is not of the method's resource"),
        (entry(resource="apps/v1/namespaces"), "resourceName is not of the method's resource"),
        (entry(serviceName="container.googleapis.com", authorizationInfo="k8s.io"), "an entry of another service than k8s.io"),
        (GKE_ENTRY | {"timestamp": "soon"}, "Invalid RFC3339"),
    ],
)  # fmt: skip
def test_entries_that_are_none_of_kubernetes_say_why(record: Any, reason: str) -> None:
    assert refused(record).startswith(f"not a gke-audit record: {reason}")


def test_secrets_in_an_entry_never_get_into_a_row() -> None:
    secret = {"kind": "Secret", "data": {"password": "cHJldGVuZA=="}, "dryRun": "x"}
    assert "cHJldGVuZA" not in json.dumps(row(entry(request=secret, response=secret)), default=str)


@pytest.mark.parametrize("subresource", SUBRESOURCES)
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_every_subresource_of_every_version_is_told(subresource: str, version: str) -> None:
    target = {"resource": "pods", "namespace": "shop", "name": "web", "subresource": subresource}
    event = AUDIT_EVENT | {"apiVersion": f"audit.k8s.io/{version}", "verb": "create", "objectRef": target}
    assert (row(event)["subresource"], row(event)["code"]) == (subresource, 200)


@pytest.mark.parametrize(
    ("stage", "rank"),
    [("RequestReceived", 0), ("ResponseStarted", 1), ("ResponseComplete", 2), ("Panic", 2)],
)
def test_every_stage_is_told(stage: str, rank: int) -> None:
    assert row(AUDIT_EVENT | {"stage": stage})["stage_rank"] == rank


@pytest.mark.parametrize(
    ("annotations", "truncated"),
    [
        ({"audit.k8s.io/truncated": "true"}, True),
        ({"audit.k8s.io/truncated": "false"}, False),
        ({"authorization.k8s.io/reason": 'said "audit.k8s.io/truncated"'}, False),
        (None, False),
    ],
)
def test_events_from_which_the_server_left_out_the_bodies_are_marked(
    annotations: Any, truncated: bool
) -> None:
    assert row(AUDIT_EVENT | {"annotations": annotations})["truncated"] is truncated


@pytest.mark.parametrize("annotations", [{"audit.k8s.io/truncated": 1}, [], "none"])
def test_annotations_that_are_none_are_refused(annotations: Any) -> None:
    assert refused(AUDIT_EVENT | {"annotations": annotations}).startswith(
        "not a kubernetes-audit record: Expected"
    )


@pytest.mark.parametrize("category", ["kube-audit", "kube-audit-admin"])
@pytest.mark.parametrize("parsed", [True, False])
def test_aks_puts_the_event_below_log_as_text_or_parsed(category: str, parsed: bool) -> None:
    log: Any = AUDIT_EVENT if parsed else json.dumps(AUDIT_EVENT)
    record = {"category": category, "operationName": "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
              "properties": {"log": log, "stream": "stdout", "pod": "kube-apiserver-1"}, "time": "2026-07-01T09:00:00Z"}  # fmt: skip
    for shape in (record, {"records": [record]}):
        found = row(shape)
        assert found | {"evidence": ""} == row(AUDIT_EVENT) | {"evidence": ""}


def test_eks_gives_subscriptions_one_after_the_other_among_other_logs() -> None:
    batch = {"messageType": "DATA_MESSAGE", "logGroup": "/aws/eks/prod/cluster", "logEvents": [
        {"id": "1", "timestamp": 1782900000000, "message": json.dumps(AUDIT_EVENT)},
        {"id": "2", "timestamp": 1782900000000, "message": "I0701 09:00:00.000000 1 trace.go:205] Trace"}]}  # fmt: skip
    parsed = parse_bytes(json.dumps(batch).encode() * 2)
    assert (parsed.records, parsed.kept) == (4, 2)
    assert {why for _, _, why in parsed.quarantined} == {"text that no format knows (item 2)"}
