"""What people do in clusters with their own hands: mostly look, sometimes change what only Git should change."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from audit.simulator.audit_records import AUTHENTICATED, COMPLETE, PANIC, RECEIVED, STARTED, Request, new_id
from audit.simulator.world import Actor, World, stamp

_KUBECTL = "kubectl/v1.31.1 (darwin/arm64) kubernetes/948afe5"
_AGENTS = (
    _KUBECTL,
    _KUBECTL,
    "kubectl/v1.30.6 (linux/amd64) kubernetes/00f20d4",
    "k9s/0.32.7",
    "Lens/2024.9",
)
_APPS = {"resource": "deployments", "group": "apps"}
_RBAC = {"resource": "rolebindings", "group": "rbac.authorization.k8s.io"}
_ACCESS = {"group": "authorization.k8s.io", "verb": "create", "code": 201}
_BOTH = (RECEIVED, COMPLETE)

# What changes a cluster.
_WRITES: tuple[dict[str, Any], ...] = (
    {"verb": "patch", **_APPS, "name": "api", "query": {"fieldManager": "kubectl-edit"}},
    {"verb": "patch", **_APPS, "name": "api", "query": {"fieldManager": "kubectl-rollout"}},
    {"verb": "patch", **_APPS, "name": "api", "subresource": "scale", "body": {"spec": {"replicas": 5}}},
    {"verb": "update", **_APPS, "name": "worker", "subresource": "scale", "stages": _BOTH},
    {"verb": "delete", "resource": "pods", "name": "api-6d4cf56db6-x7k2p"},
    {"verb": "deletecollection", "resource": "pods", "stages": _BOTH},
    {
        "verb": "create",
        "resource": "pods",
        "name": "api-6d4cf56db6-q2m8z",
        "subresource": "eviction",
        "code": 201,
    },
    {"verb": "create", **_RBAC, "code": 201},
    {"verb": "update", "resource": "configmaps", "name": "api-settings"},
    {"verb": "delete", "resource": "jobs", "group": "batch", "name": "migrate-3", "stages": _BOTH},
    {"verb": "patch", "resource": "ingresses", "group": "networking.k8s.io", "name": "api"},
    {
        "verb": "create",
        "resource": "secrets",
        "code": 201,
        "body": {"kind": "Secret", "metadata": {"name": "api-key"}, "data": {"key": "bm90LWEtcmVhbC1rZXk="}},
    },
    {
        "verb": "patch",
        "resource": "nodes",
        "name": "node-2",
        "namespace": "",
        "body": {"spec": {"unschedulable": True}},
    },
)
# What changes nothing, or nothing that Git declares: reads, and writes that are none.
_HARMLESS: tuple[dict[str, Any], ...] = (
    {"verb": "get", "resource": "pods", "name": "api-6d4cf56db6-x7k2p"},
    {"verb": "list", "resource": "pods"},
    {"verb": "list", **_APPS},
    {"verb": "watch", "resource": "pods", "stages": (STARTED, COMPLETE)},
    {"verb": "get", "resource": "pods", "name": "api-6d4cf56db6-x7k2p", "subresource": "log"},
    {
        "verb": "create",
        "resource": "pods",
        "name": "api-6d4cf56db6-x7k2p",
        "subresource": "exec",
        "code": 101,
    },
    {
        "verb": "create",
        "resource": "pods",
        "name": "api-1",
        "subresource": "attach",
        "code": 101,
        "stages": (STARTED,),
    },
    {"verb": "create", "resource": "pods", "name": "api-1", "subresource": "portforward", "code": 101},
    {"verb": "get", "resource": "pods", "name": "api-2", "subresource": "exec", "code": 101},
    {"verb": "create", "resource": "pods", "name": "api-2", "subresource": "exec", "code": 403},
    {"verb": "create", "resource": "services", "name": "api", "subresource": "proxy"},
    {"verb": "patch", "resource": "pods", "name": "api-1", "subresource": "ephemeralcontainers"},
    {"verb": "create", "resource": "serviceaccounts", "name": "ci", "subresource": "token", "code": 201},
    {"verb": "patch", **_APPS, "name": "api", "code": 403, "stages": _BOTH},
    {"verb": "delete", "resource": "pods", "name": "api-1", "code": 403},
    {"verb": "create", **_RBAC, "code": 403, "stages": _BOTH},
    {"verb": "delete", **_APPS, "name": "gone", "code": 404},
    {"verb": "update", "resource": "configmaps", "name": "api-settings", "code": 409},
    {"verb": "patch", **_APPS, "name": "api", "code": 422},
    {"verb": "patch", **_APPS, "name": "api", "code": 500, "stages": (RECEIVED, PANIC)},
    {
        "verb": "patch",
        **_APPS,
        "name": "api",
        "query": {"dryRun": "All", "fieldManager": "kubectl-client-side-apply"},
    },
    {
        "verb": "create",
        "resource": "configmaps",
        "code": 201,
        "query": {"fieldManager": "kubectl", "dryRun": "All"},
    },
    {"resource": "selfsubjectaccessreviews", "namespace": "", **_ACCESS},
    {"resource": "selfsubjectrulesreviews", "namespace": "", **_ACCESS},
    {"resource": "localsubjectaccessreviews", **_ACCESS},
    {
        "resource": "selfsubjectreviews",
        "group": "authentication.k8s.io",
        "verb": "create",
        "code": 201,
        "namespace": "",
    },
    {"verb": "create", "resource": "events", "code": 201},
    {"verb": "patch", "resource": "events", "group": "events.k8s.io", "name": "api.17f2"},
    {"verb": "delete", "resource": "leases", "group": "coordination.k8s.io", "name": "stuck-leader"},
)
# Ways in which a change is made that are not simply a person with their own name.
_GUISES = ("self", "self", "self", "impersonating", "token", "unanswered", "certificate")


@dataclass(frozen=True)
class Act:
    """A request, and whether it broke CLU-01.

    Attributes:
        person: roster id of who made it; None when no system can tell.
        change: a person changed what Git declares, or nobody knows whether they did.
        unnamed: a machine that nobody names changed it.
    """

    request: Request
    person: str | None
    change: bool
    why: str = ""
    unnamed: bool = False


def acts(world: World, cluster: str, rng: random.Random) -> list[Act]:
    """What people and the organisation's own automation do in one cluster; opens break-glass spans in the world."""
    harmless = max(len(_HARMLESS) + 10, world.log_events // 60)
    writes = max(len(_GUISES) + 2, world.changes // 25)
    found = [_harmless(world, rng, number) for number in range(harmless)]
    found += [_write(world, cluster, rng, _GUISES[number % len(_GUISES)]) for number in range(writes)]
    found += [_machine(world, rng, number) for number in range(max(4, harmless // 20))]
    for number in range(max(1, world.changes // 120)):
        found += _break_glass(world, cluster, rng, number)
    return [act for act in found if world.start <= act.request.at < world.end]


def some_time(world: World, rng: random.Random) -> datetime:
    """A whole second somewhere between start and end."""
    return world.start + timedelta(seconds=rng.randrange(int((world.end - world.start).total_seconds())))


def _someone(world: World, rng: random.Random, at: datetime) -> Actor:
    there = [p for p in world.people if p.kind == "person" and p.kube_user and p.active(at, at)]
    return rng.choice(there)


def _made(world: World, rng: random.Random, actor: Actor, at: datetime, spec: dict[str, Any]) -> Request:
    namespace = rng.choice((*world.apps, "monitoring"))
    chosen: dict[str, Any] = {"namespace": namespace, "agent": rng.choice(_AGENTS), **spec}
    _, team = actor.held(at)
    groups = (f"netbpf:{team}", AUTHENTICATED) if team else (AUTHENTICATED,)
    ip = f"203.0.113.{rng.randint(2, 250)}"
    return Request(at=at, audit_id=new_id(rng), user=actor.kube_user, groups=groups, ip=ip, **chosen)


def _harmless(world: World, rng: random.Random, number: int) -> Act:
    at = some_time(world, rng)
    actor = _someone(world, rng, at)
    spec = _HARMLESS[number] if number < len(_HARMLESS) else rng.choice(_HARMLESS)
    request = _made(world, rng, actor, at, spec)
    if number % 23 == 22:  # someone knocks without a name
        knock: dict[str, Any] = {
            "verb": "list",
            "resource": "secrets",
            "group": "",
            "name": "",
            "subresource": "",
            "code": 403,
            "query": {},
        }
        request = replace(
            request, user="system:anonymous", groups=("system:unauthenticated",), **knock, body=None
        )
    return Act(request, actor.person, change=False)


def _write(world: World, cluster: str, rng: random.Random, guise: str) -> Act:
    at = some_time(world, rng)
    return _write_at(world, cluster, rng, at, actor=_someone(world, rng, at), guise=guise)


def _write_at(
    world: World, cluster: str, rng: random.Random, at: datetime, *, actor: Actor, guise: str
) -> Act:
    """A change, by `actor` in some guise, at `at`."""
    request = _made(world, rng, actor, at, rng.choice(_WRITES))
    person = actor.person
    why = f"{request.verb} of {request.resource} by {request.user}"
    if guise == "impersonating":
        acted_as = rng.choice(("system:admin", "system:serviceaccount:argocd:argocd-application-controller"))
        request, why = replace(request, impersonated=acted_as), f"{why}, acting as {acted_as}"
    elif guise == "token":
        user = rng.choice(
            (
                "system:serviceaccount:argocd:argocd-application-controller",
                "system:serviceaccount:ci:deployer",
            )
        )
        groups = ("system:serviceaccounts", AUTHENTICATED)
        request = replace(request, user=user, groups=groups, agent=_KUBECTL)
        person, why = None, f"{request.verb} of {request.resource} with the token of {user}, from a laptop"
    elif guise == "unanswered":
        request, why = replace(request, code=None, stages=(RECEIVED,)), f"{why}, outcome unknown"
    elif guise == "certificate":
        user = "system:admin" if cluster == "dev" else "kubernetes-admin"
        request = replace(request, user=user, groups=("system:masters", AUTHENTICATED))
        person, why = None, f"{request.verb} of {request.resource} by {user}"
    return Act(request, person, change=True, why=why)


def _machine(world: World, rng: random.Random, number: int) -> Act:
    """Automation writes: by its own service account, by name, or on behalf of a person."""
    at = some_time(world, rng)
    spec = {"namespace": rng.choice(world.apps), **rng.choice(_WRITES), "body": None}
    bots = [p.kube_user for p in world.people if p.kind == "machine" and p.person and p.kube_user]
    user, agent, impersonated = "system:serviceaccount:ci:deployer", "actions-runner/2.320.0", None
    if number % 3 == 1 and bots:
        user, agent = bots[0], "Go-http-client/2.0"
    elif number % 3 == 2:
        user, agent = "system:serviceaccount:oidc-proxy:oidc-proxy", "oidc-proxy/1.0.7"
        impersonated = _someone(world, rng, at).kube_user
    request = Request(at=at, audit_id=new_id(rng), user=user, agent=agent, impersonated=impersonated, **spec)
    return Act(request, None, change=False, unnamed=user not in bots)


def _break_glass(world: World, cluster: str, rng: random.Random, number: int) -> Iterator[Act]:
    """A span in which someone may act, what they do in it, and what should not have been done around it."""
    opened = min(some_time(world, rng), world.end - timedelta(days=5))  # all its steps are due in the run
    closed = opened + timedelta(seconds=rng.randint(1800, 3 * 3600))
    candidates = [
        p
        for p in world.people
        if p.kind == "person" and p.person and p.kube_user and p.active(opened, closed + timedelta(days=1))
    ]
    actor = rng.choice(candidates)
    ticket = f"INC-{1000 + 10 * len(world.break_glass) + number % 10}"
    world.break_glass.append(
        {
            "ticket": ticket,
            "person": str(actor.person),
            "cluster": cluster,
            "opened": stamp(opened),
            "closed": stamp(closed),
        }
    )
    span = int((closed - opened).total_seconds())
    for second in (0, *(rng.randrange(span) for _ in range(rng.randint(1, 4))), span - 1):
        at = opened + timedelta(seconds=second)
        yield _write_at(world, cluster, rng, at, actor=actor, guise="self")
    other = _someone(world, rng, opened)
    yield _write_at(
        world, cluster, rng, opened + timedelta(seconds=rng.randrange(span)), actor=other, guise="self"
    )
    yield _write_at(world, cluster, rng, closed, actor=actor, guise="self")


def excused(world: World, cluster: str, act: Act) -> bool:
    """Whether a break-glass span of the same person and cluster covers it: from its opening until before its close."""
    return bool(ticket(world, cluster, act))


def ticket(world: World, cluster: str, act: Act) -> str:
    """Of the first span that covers it; empty where none does."""
    at = stamp(act.request.at)
    return next(
        (
            glass["ticket"]
            for glass in world.break_glass
            if glass["person"] == act.person
            and glass["cluster"] == cluster
            and glass["opened"] <= at < glass["closed"]
        ),
        "",
    )
