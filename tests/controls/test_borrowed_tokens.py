"""Whoever holds a machine's token and reads from a laptop is found by the controls, from the log's bytes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit import settings as s
from audit import tables as t
from audit.controls import acc_02, acc_05
from audit.controls.examples import AS_OF, PERIOD, frames
from audit.controls.runner import run
from audit.normalise.interface import Context
from audit.normalise.registry import FORMATS

_TOKEN = "system:serviceaccount:argocd:argocd-server"
_EVENT = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "stage": "ResponseComplete",
    "verb": "list",
    "requestURI": "/api/v1/secrets",
    "user": {"username": _TOKEN, "groups": ["system:serviceaccounts"]},
    "objectRef": {"resource": "secrets", "apiVersion": "v1"},
    "responseStatus": {"code": 200},
    "requestReceivedTimestamp": "2026-08-20T10:00:00Z",
}


def _entry(agent: str) -> dict[str, Any]:
    """The same request as GKE writes it."""
    return {
        "insertId": f"i-{agent}",
        "timestamp": "2026-08-20T10:00:00Z",
        "protoPayload": {
            "serviceName": "k8s.io",
            "methodName": "io.k8s.core.v1.secrets.list",
            "resourceName": "core/v1/secrets",
            "authenticationInfo": {"principalEmail": _TOKEN},
            "requestMetadata": {"callerSuppliedUserAgent": agent},
        },
    }


def _found(name: str, *records: dict[str, Any]) -> set[tuple[str, str, str]]:
    read = FORMATS[name].read
    context = Context("audit", "1", cluster="prod")
    made = [
        row | {"evidence": "0" * 64, "line": line}
        for line, record in enumerate(records, 1)
        for _, row in read(json.dumps(record).encode(), context).rows
    ]
    known = frames("people\n| person |\n| ada |")
    tables = known | {"cluster_access": t.conform(t.ClusterAccess, t.frame(t.ClusterAccess, made))}
    settings = s.validate(
        {"organisation": {"name": "N"}, "clusters": [{"name": "prod", "environment": "prod"}]},
        where=Path("audit.toml"),
    )
    judged = run(tables, settings, PERIOD, as_of=AS_OF, controls=(acc_02.CONTROL, acc_05.CONTROL))
    rows = judged["exceptions"]
    return set(zip(rows["control"], rows["subject"], rows["found"], strict=True))


@pytest.mark.parametrize("name", ["kubernetes-audit", "gke-audit"])
def test_a_token_that_is_used_from_a_laptop_is_a_persons_doing(name: str) -> None:
    agents = ["argocd-server/v2.13 (linux/amd64) kubernetes/9", "kubectl/v1.31 (darwin/arm64) kubernetes/9"]
    records = (
        [_entry(agent) for agent in agents]
        if name == "gke-audit"
        else [_EVENT | {"auditID": agent, "userAgent": agent} for agent in agents]
    )
    assert _found(name, *records) == {
        ("ACC-02", f"prod/{_TOKEN}", "list secrets: is not in the roster"),
        ("ACC-05", f"prod/{_TOKEN}: Secrets read", "list of the Secrets of all namespaces"),
    }
    assert _found(name, *records[:1]) == set()
