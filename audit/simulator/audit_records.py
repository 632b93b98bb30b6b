"""Requests to an API server, and the audit events that it writes of them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

RECEIVED, STARTED, COMPLETE, PANIC = "RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"
AUTHENTICATED = "system:authenticated"

_VERSIONS = {
    "": "v1",
    "apps": "v1",
    "rbac.authorization.k8s.io": "v1",
    "batch": "v1",
    "constraints.gatekeeper.sh": "v1beta1",
    "authorization.k8s.io": "v1",
    "authentication.k8s.io": "v1",
    "coordination.k8s.io": "v1",
    "discovery.k8s.io": "v1",
    "events.k8s.io": "v1",
    "networking.k8s.io": "v1",
    "argoproj.io": "v1alpha1",
    "kustomize.toolkit.fluxcd.io": "v1",
}
_REASONS = {403: "Forbidden", 404: "NotFound", 409: "Conflict", 422: "Invalid", 500: "InternalError"}


@dataclass(frozen=True)
class Request:
    """One request to an API server.

    Attributes:
        at: when it was received, on a whole second.
        user: who authenticated. impersonated: who they acted as.
        group: API group, empty for the core group. name: empty when the URL names no object.
        code: HTTP status; None when no response was ever logged.
        stages: stages that the audit policy logs of it.
        body: request object, where the policy logs it.
    """

    at: datetime
    audit_id: str
    verb: str
    resource: str
    user: str
    agent: str
    group: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    code: int | None = 200
    groups: tuple[str, ...] = (AUTHENTICATED,)
    impersonated: str | None = None
    ip: str = "10.20.0.14"
    query: dict[str, str] = field(default_factory=dict)
    stages: tuple[str, ...] = (COMPLETE,)
    body: dict[str, Any] | None = None

    @property
    def uri(self) -> str:
        """The request's URI, with its query."""
        root = f"/apis/{self.group}/{_VERSIONS[self.group]}" if self.group else "/api/v1"
        parts = [root, f"namespaces/{self.namespace}" if self.namespace else "", self.resource]
        parts += [self.name, self.subresource]
        path = "/".join(part for part in parts if part)
        return f"{path}?{urlencode(self.query)}" if self.query else path


def new_id(rng: random.Random) -> str:
    """A random auditID."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def moment(at: datetime, microsecond: int = 0) -> str:
    """A MicroTime, as in `2026-07-01T09:00:00.000000Z`."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{microsecond:06d}Z"


def body(request: Request, stage: str) -> str:
    """The event of one stage as JSON, without the opening brace, kind, apiVersion and what only v1beta1 has."""
    event: dict[str, Any] = {
        "level": "Metadata" if request.body is None else "Request",
        "auditID": request.audit_id,
        "stage": stage,
        "requestURI": request.uri,
        "verb": request.verb,
        "user": {"username": request.user, "groups": list(request.groups)},
    }
    if request.impersonated is not None:
        event["impersonatedUser"] = {"username": request.impersonated, "groups": [AUTHENTICATED]}
    event |= {"sourceIPs": [request.ip], "userAgent": request.agent}
    reference = {"resource": request.resource, "namespace": request.namespace, "name": request.name}
    reference |= {"apiGroup": request.group, "apiVersion": _VERSIONS[request.group]}
    reference["subresource"] = request.subresource
    event["objectRef"] = {key: value for key, value in reference.items() if value}
    denied = request.code == 403
    if stage != RECEIVED and request.code is not None:
        event["responseStatus"] = _status(request)
        if request.body is not None:
            event["requestObject"] = request.body
    event["requestReceivedTimestamp"] = moment(request.at)
    event["stageTimestamp"] = moment(request.at, 0 if stage == RECEIVED else 4127)
    if stage != RECEIVED:
        event["annotations"] = {
            "authorization.k8s.io/decision": "forbid" if denied else "allow",
            "authorization.k8s.io/reason": "",
        }
    return json.dumps(event, separators=(",", ":"))[1:]


def _status(request: Request) -> dict[str, Any]:
    status: dict[str, Any] = {"metadata": {}}
    if request.code is not None and request.code >= 400:
        reason = _REASONS[request.code]
        message = f'{request.resource} "{request.name}" is {reason.lower()}'
        status |= {"status": "Failure", "message": message, "reason": reason}
    return {**status, "code": request.code}


def constrained(rng: random.Random, at: datetime, *, verb: str, kind: str, name: str) -> Request:
    """What Flux's controller does to a constraint of Gatekeeper."""
    who = _service("flux-system", "kustomize-controller", "kustomize-controller/v1.4.0")
    what: dict[str, Any] = {
        "verb": verb,
        "resource": kind.lower(),
        "group": "constraints.gatekeeper.sh",
        "name": name,
    }
    code = 201 if verb == "create" else 200
    return Request(at=at, audit_id=new_id(rng), code=code, **what, **who)


_ID, _AT, _NODE = "00000000-0000-4000-8000-000000000000", datetime(2000, 1, 1), "node-placeholder"  # noqa: DTZ001


class Template:
    """A request that machines repeat without end: its event, with places for id, time and node."""

    def __init__(self, **request: Any) -> None:
        made = Request(at=_AT, audit_id=_ID, **request)
        self._text = body(made, COMPLETE)
        self._received, self._completed = moment(_AT), moment(_AT, 4127)

    def fill(self, rng: random.Random, at: datetime, node: str) -> str:
        """The event's body, as `body` gives it."""
        text = self._text.replace(_ID, new_id(rng)).replace(_NODE, node)
        text = text.replace(self._received, moment(at))
        return text.replace(self._completed, moment(at, rng.randrange(10**6)))


def heartbeats() -> list[tuple[int, Template]]:
    """What an idle cluster does all day, with weights."""
    nodes = ("system:nodes", AUTHENTICATED)
    kubelet = {"user": f"system:node:{_NODE}", "groups": nodes, "agent": "kubelet/v1.31.4 (linux/amd64)"}
    manager = {
        "user": "system:kube-controller-manager",
        "agent": "kube-controller-manager/v1.31.4 (linux/amd64)",
    }
    scheduler = {"user": "system:kube-scheduler", "agent": "kube-scheduler/v1.31.4 (linux/amd64)"}
    lease = {"resource": "leases", "group": "coordination.k8s.io", "verb": "update"}
    slices = {"resource": "endpointslices", "group": "discovery.k8s.io"}
    argo = _service("argocd", "argocd-application-controller", "argocd-application-controller/v2.13.2")
    flux = _service("flux-system", "kustomize-controller", "kustomize-controller/v1.4.0")
    return [
        (30, Template(**kubelet, **lease, namespace="kube-node-lease", name=_NODE)),
        (12, Template(**kubelet, verb="patch", resource="nodes", subresource="status", name=_NODE)),
        (
            6,
            Template(
                **kubelet, verb="patch", resource="pods", subresource="status", namespace="web", name="web-1"
            ),
        ),
        (3, Template(**kubelet, verb="create", resource="events", namespace="web", code=201)),
        (10, Template(**manager, **lease, namespace="kube-system", name="kube-controller-manager")),
        (8, Template(**scheduler, **lease, namespace="kube-system", name="kube-scheduler")),
        (4, Template(**manager, **slices, verb="update", namespace="web", name="web-x7k2p")),
        (10, Template(**argo, verb="list", resource="deployments", group="apps")),
        (8, Template(**argo, verb="watch", resource="applications", group="argoproj.io", namespace="argocd")),
        (4, Template(**flux, verb="get", resource="kustomizations", group="kustomize.toolkit.fluxcd.io")),
        (
            4,
            Template(
                user="system:apiserver", agent="kube-apiserver/v1.31.4", verb="list", resource="namespaces"
            ),
        ),
        (1, Template(**flux, verb="create", resource="events", namespace="flux-system", code=201)),
    ]


def _service(namespace: str, name: str, agent: str) -> dict[str, Any]:
    user = f"system:serviceaccount:{namespace}:{name}"
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return {"user": user, "groups": groups, "agent": agent}


def applied(rng: random.Random, at: datetime, *, operator: str, app: str) -> Request:
    """What an operator's controller does to the cluster when it deploys."""
    if operator == "argocd":
        who = _service("argocd", "argocd-application-controller", "argocd-application-controller/v2.13.2")
    else:
        who = _service("flux-system", "kustomize-controller", "kustomize-controller/v1.4.0")
    name = "cluster-config" if app == "*" else app
    what: dict[str, Any] = {
        "verb": "patch",
        "resource": "deployments",
        "group": "apps",
        "namespace": name,
        "name": name,
    }
    query = {"fieldManager": "kustomize-controller", "force": "true"} if operator == "flux" else {}
    return Request(at=at, audit_id=new_id(rng), query=query, **what, **who)
