"""A write is a person's change exactly when a person authenticated and an object in scope was changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from joins_rows import T0, resolver, settings, shuffled, table

from audit.joins.access import writes as judged
from audit.joins.identity import Resolver
from audit.settings import Settings

SPAN = {
    "ticket": "INC-7",
    "person": "bob",
    "cluster": "prod",
    "opened": T0,
    "closed": T0 + timedelta(hours=1),
}
AGENT = "system:serviceaccount:argocd:argocd-application-controller"


def writes(
    access: pd.DataFrame, who: Resolver, how: Settings, deployments: pd.DataFrame | None = None
) -> pd.DataFrame:
    return judged(access, table("deployments") if deployments is None else deployments, who, how)


def one(values: dict[str, Any], **setting: Any) -> dict[str, Any]:
    found = writes(table("cluster_access", values), resolver(), settings(**setting))
    assert len(found) == 1
    return {str(k): v for k, v in found.iloc[0].items()}


@pytest.mark.parametrize(
    ("values", "outcome", "change"),
    [
        ({}, "done", True),
        ({"verb": "create", "code": 201}, "done", True),
        ({"verb": "patch"}, "done", True),
        ({"verb": "delete"}, "done", True),
        ({"verb": "deletecollection"}, "done", True),
        ({"code": 403}, "denied", False),
        ({"code": 401}, "denied", False),
        ({"code": 409}, "failed", False),
        ({"code": 500}, "failed", False),
        ({"code": None}, "unknown", True),
        ({"dry_run": True}, "dry run", False),
        ({"dry_run": True, "code": 403}, "denied", False),
        ({"dry_run": True, "code": None}, "dry run", False),
        ({"subresource": "scale"}, "done", True),
        ({"subresource": "status"}, "done", True),
        ({"resource": "pods", "api_group": "", "subresource": "eviction", "verb": "create"}, "done", True),
        *(({"subresource": s}, "done", False) for s in ("exec", "attach", "portforward", "proxy", "log", "token", "ephemeralcontainers")),
        *(({"subresource": s, "verb": "get", "resource": "pods", "api_group": ""}, "done", False) for s in ("exec", "attach", "portforward")),
        ({"subresource": "proxy", "verb": "get", "resource": "nodes", "api_group": ""}, "done", False),
        ({"resource": "selfsubjectaccessreviews", "api_group": "authorization.k8s.io"}, "done", False),
        ({"resource": "tokenreviews", "api_group": "authentication.k8s.io"}, "done", False),
        ({"resource": "tokenreviews", "api_group": "films.netbpf.com"}, "done", True),
        ({"resource": "productreviews", "api_group": "shop.netbpf.com"}, "done", True),
        ({"resource": "leases", "api_group": "coordination.k8s.io"}, "done", False),
        ({"resource": "leases", "api_group": "cars.netbpf.com"}, "done", True),
        ({"resource": "events", "api_group": ""}, "done", False),
        ({"resource": "", "api_group": "", "verb": "delete"}, "done", False),
    ],
)  # fmt: skip
def test_what_counts_as_a_change(values: dict[str, Any], outcome: str, change: bool) -> None:
    found = one(values)
    assert (found["outcome"], found["change"]) == (outcome, change)


@pytest.mark.parametrize(
    ("values", "kind", "person"),
    [
        ({}, "person", "bob"),
        ({"user": "oidc:bob@netbpf.com"}, "person", "bob"),
        ({"user": "kubernetes-admin"}, "person", "kubernetes:kubernetes-admin"),
        ({"user": "system:anonymous"}, "person", "kubernetes:system:anonymous"),
        ({"user": None}, "person", "kubernetes:unknown"),
        ({"user": AGENT}, "machine", f"kubernetes:{AGENT}"),
        ({"user": AGENT, "user_agent": "argocd-application-controller/v2.13"}, "machine", f"kubernetes:{AGENT}"),
        ({"user": AGENT, "user_agent": "kubectl/v1.31 (darwin/arm64)"}, "person", f"kubernetes:{AGENT}"),
        ({"user": AGENT, "user_agent": "mykubectl/v1"}, "machine", f"kubernetes:{AGENT}"),
        ({"user": AGENT, "impersonated": "bob@netbpf.com"}, "machine", f"kubernetes:{AGENT}"),
        ({"impersonated": AGENT}, "person", "bob"),
        ({"user": "renovate@netbpf.com"}, "machine", "renovate"),
        ({"user": "renovate@netbpf.com", "user_agent": "k9s/0.32"}, "person", "kubernetes:renovate@netbpf.com"),
        ({"user": "bob@netbpf.com", "user_agent": "kubectl/v1.31"}, "person", "bob"),
    ],
)  # fmt: skip
def test_who_is_a_person(values: dict[str, Any], kind: str, person: str) -> None:
    found = one(values)
    assert (found["principal_kind"], found["person"]) == (kind, person)


@pytest.mark.parametrize(
    "agent",
    [
        "kubectl", "KUBECTL/v1", "kubectl.exe/v1.29.0 (windows/amd64) kubernetes/x", "kubectl-neat/v2", "oc/4.14.0 (linux/amd64)",
        "Helm/3.14", "helm/v3", "k9s", "k9s/0.32", "Lens/2026.1", "OpenLens/6", "Freelens/1", "curl/8.5.0", "Wget/1.21",
        "python-requests/2.31", "PostmanRuntime/7", "Mozilla/5.0 (X11)",
    ],
)  # fmt: skip
def test_a_machines_identity_in_the_hands_of_a_person_is_a_person(agent: str) -> None:
    assert one({"user": AGENT, "user_agent": agent})["principal_kind"] == "person"


@pytest.mark.parametrize(
    "agent",
    [
        "helm-controller/v1.1.0", "kube-controller-manager/v1.31.4 (linux/amd64)", "ocm-agent/1", "Go-http-client/2.0",
        "argocd-application-controller/v2.13.2", "kubelet/v1.31.4 (linux/amd64)", "actions-runner/2.320.0", None,
    ],
)  # fmt: skip
def test_a_machines_own_agent_stays_a_machine(agent: str | None) -> None:
    assert one({"user": AGENT, "user_agent": agent})["principal_kind"] == "machine"


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"user": AGENT, "verb": "get"}, 0),
        ({"user": AGENT, "verb": "create"}, 1),
        ({"user": AGENT, "verb": "get", "user_agent": "kubectl/v1.31 (darwin/arm64)"}, 1),
        ({"verb": "get"}, 1),
        ({"verb": "get", "resource": "pods"}, 0),
    ],
)
def test_what_people_ask_of_nodes_is_kept_and_what_machines_poll_is_not(
    values: dict[str, Any], kept: int
) -> None:
    """A get of `nodes/proxy` may run a command; what collects metrics asks for it all the time."""
    row = {"resource": "nodes", "api_group": "", "subresource": "proxy"} | values
    found = writes(table("cluster_access", row), resolver(), settings())
    assert len(found) == kept


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        ("kubelet", "machine"),
        ("kubelet-ada@netbpf.com", "person"),
        ("aksService", "machine"),
        ("aks-team:bob", "person"),
        ("aksa:bob", "person"),
        ("eks:node-manager", "machine"),
        ("eks:ada@netbpf.com", "person"),
        ("kube-apiserver-kubelet-client", "machine"),
        ("kube-apiserver-ada", "person"),
        ("etcd-ada", "person"),
        ("system:kube-scheduler", "machine"),
        ("system:serviceaccount:ci:deployer", "machine"),
        ("system:serviceaccount:ada", "person"),
        ("system:admin", "person"),
    ],
)
def test_what_looks_like_a_machine_is_none(user: str, kind: str) -> None:
    """Only the very names that the systems themselves give."""
    for agent in ("argocd/v2", None):
        assert one({"user": user, "user_agent": agent})["principal_kind"] == kind


@pytest.mark.parametrize(
    ("values", "ticket"),
    [
        ({}, "INC-7"),
        ({"at": T0 + timedelta(minutes=59)}, "INC-7"),
        ({"at": T0 + timedelta(hours=1)}, None),
        ({"at": T0 - timedelta(seconds=1)}, None),
        ({"user": "carol@netbpf.com"}, None),
        ({"cluster": "staging"}, None),
        ({"user": "carol@netbpf.com", "impersonated": "bob@netbpf.com"}, None),
    ],
)
def test_break_glass_covers_its_person_cluster_and_span(values: dict[str, Any], ticket: str | None) -> None:
    found = one(values, break_glass=[SPAN])["break_glass"]
    assert (None if pd.isna(found) else found) == ticket


def test_the_first_of_overlapping_spans_gives_its_ticket() -> None:
    assert one({}, break_glass=[SPAN, SPAN | {"ticket": "INC-8"}])["break_glass"] == "INC-7"


def test_namespaces_that_git_does_not_declare_are_out_of_scope() -> None:
    scope = {"unmanaged_namespaces": ["sandbox-.*"]}
    assert not one({"namespace": "sandbox-bob"}, scope=scope)["change"]
    assert one({"namespace": "my-sandbox-bob"}, scope=scope)["change"]
    assert one({"namespace": ""}, scope={"unmanaged_namespaces": [".*"]})["change"], (
        "cluster-wide objects are"
    )


def test_reads_are_no_writes_and_rows_name_their_environment() -> None:
    rows = table("cluster_access", {"audit_id": "r", "verb": "get"}, {"audit_id": "w", "cluster": "eu-1"})
    clusters = [{"name": "eu-1", "environment": "prod"}]
    found = writes(rows, resolver(), settings(clusters=clusters))
    assert found[["audit_id", "environment"]].to_numpy().tolist() == [["w", "prod"]]


def test_a_resource_is_named_with_group_and_subresource() -> None:
    assert one({"subresource": "scale"})["resource"] == "deployments.apps/scale"
    assert one({"api_group": "", "resource": "secrets"})["resource"] == "secrets"


def test_no_evidence_gives_no_writes_and_order_does_not_matter() -> None:
    assert writes(table("cluster_access"), resolver(), settings()).empty
    rows = table("cluster_access", *({"audit_id": str(n), "code": 200 + n % 3 * 101} for n in range(30)))
    whole = writes(rows, resolver(), settings())
    pd.testing.assert_frame_equal(writes(shuffled(rows, 3), resolver(), settings()), whole)


@pytest.mark.parametrize(
    ("values", "minutes", "origin"),
    [
        ({"user": AGENT}, -6, "operator"),
        ({"user": AGENT}, -5, "deployment"),
        ({"user": AGENT}, 8, "deployment"),
        ({"user": AGENT}, 9, "operator"),
        ({"user": AGENT}, 34, "deployment"),
        ({"user": AGENT, "cluster": "hub"}, 0, "operator"),
        ({"user": AGENT, "cluster": "eu-1"}, 0, "deployment"),
        ({"user": AGENT, "api_group": "argoproj.io", "resource": "applications"}, -6, "operator's records"),
        (
            {"user": AGENT, "api_group": "shop.argoproj.io.example", "resource": "applications"},
            -6,
            "operator",
        ),
        ({"user": AGENT, "code": 403}, 0, None),
        ({"user": AGENT, "user_agent": "kubectl/v1.31.0"}, 0, "by hand"),
        ({"user": "system:serviceaccount:flux-system:kustomize-controller"}, 0, "operator"),
        ({"user": "system:node:node-1"}, 0, "cluster"),
        ({"user": "system:serviceaccount:kube-system:replicaset-controller"}, 0, "cluster"),
        ({"user": "system:serviceaccount:ci:deployer"}, 0, "other machine"),
        ({"user": "system:serviceaccount:cert-manager:cert-manager"}, 0, "automation"),
        ({"user": "bob@netbpf.com"}, 0, "break-glass"),
        ({"user": "bob@netbpf.com"}, 60, "by hand"),
        ({"user": "carol@netbpf.com"}, 0, "by hand"),
    ],
)
def test_every_change_comes_from_a_deployment_or_from_somebody(
    values: dict[str, Any], minutes: int, origin: str | None
) -> None:
    """A deployment from 9:00 to 9:03, one from 9:25 to 9:30 and one within it; clocks may differ by five minutes."""
    spans = [(0, 3), (25, 30), (26, 27)]
    ran = [
        {"started_at": T0 + timedelta(minutes=start), "finished_at": T0 + timedelta(minutes=end)}
        for start, end in spans
    ]
    access = table("cluster_access", {"at": T0 + timedelta(minutes=minutes)} | values)
    how = settings(
        clusters=[{"name": "eu-1", "environment": "prod"}, {"name": "hub", "environment": "hub"}, {"name": "prod", "environment": "prod"}],
        break_glass=[SPAN],
        machines={"automation": ["system:serviceaccount:cert-manager:.+"]},
    )  # fmt: skip
    found = writes(access, resolver(), how, table("deployments", *ran))["origin"].iloc[0]
    assert (None if pd.isna(found) else found) == origin
