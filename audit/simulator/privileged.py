"""What people do to rights and Secrets in clusters with their own hands, and which of it breaks ACC-05."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from audit.simulator import cluster_people, entitling
from audit.simulator.audit_records import AUTHENTICATED, Request, new_id
from audit.simulator.cluster_people import Act
from audit.simulator.keeping import quarters
from audit.simulator.world import Actor, World, quarter_of

_RBAC = "rbac.authorization.k8s.io"
_MANY, _REFUSED, _WITHIN = 10, 5, timedelta(hours=1)  # as the settings have them
_APART = timedelta(minutes=4)
_DENIED = (401, 403)
_LAPTOP = "kubectl/v1.31.1 (linux/amd64) kubernetes/948afe5"
_STOLEN = "system:serviceaccount:monitoring:reporter"
_POD = "system:serviceaccount:storefront:web"
_KINDS = {
    "many": (_MANY, 200),
    "one too few": (_MANY - 1, 200),
    "everything": (1, 200),
    "refused": (_REFUSED, 403),
    "refused, one too few": (_REFUSED - 1, 403),
    "token": (_REFUSED + 2, 403),
}
"""Ways in which Secrets are asked for: how many requests, and what comes of each."""
_CHANCE = 0.45  # of each way, in each quarter and cluster


def record(world: World, cluster: str, act: Act) -> None:
    """ACC-05: what `act`, which no break-glass span covers, changes of rights and Secrets; and tokens that it takes."""
    request = act.request
    if (request.resource, request.subresource) == ("serviceaccounts", "token") and (
        request.code or 200
    ) < 400:
        subject = f"{cluster}/{request.audit_id}"
        world.truth.violation("ACC-05", subject, request.at, why="took a token by hand")
    if act.change and (request.group == _RBAC or (request.group, request.resource) == ("", "secrets")):
        subject = f"{cluster}/{request.audit_id}"
        why = f"{request.verb} of {request.resource} by hand"
        world.truth.violation("ACC-05", subject, request.at, why=why)


def reads(world: World, cluster: str, silent: Callable[[datetime], bool]) -> list[Request]:
    """People ask for Secrets, few or many, and somebody tries a token from a pod."""
    rng = world.dice(f"privileged {cluster}")
    asked = []
    for start, end in quarters(world):
        for kind, (number, code) in _KINDS.items():
            begin = start + timedelta(
                seconds=rng.randrange(86400, int((end - start).total_seconds()) - 86400)
            )
            actor = _someone(world, rng, begin)
            times = [begin + place * _APART for place in range(number)]
            if rng.random() > _CHANCE or any(map(silent, times)):
                continue
            burst = [_request(world, rng, at, actor=actor, kind=kind, code=code) for at in times]
            for request in burst:
                entitling.visited(world, cluster, request)
            asked += burst
    return asked + _stolen(world, cluster, silent)


def _stolen(world: World, cluster: str, silent: Callable[[datetime], bool]) -> list[Request]:
    """Once a quarter at most, somebody lists all Secrets with a service account's token: with kubectl (ACC-02 and ACC-05), or
    with a program that can't be told from a machine's."""
    rng = world.dice(f"stolen token {cluster}")
    asked = []
    for start, end in quarters(world):
        at = start + timedelta(seconds=rng.randrange(86400, int((end - start).total_seconds()) - 86400))
        by_hand = rng.random() < _CHANCE
        if silent(at):
            continue
        request = Request(
            at=at,
            audit_id=new_id(rng),
            verb="list",
            resource="secrets",
            user=_STOLEN,
            agent=_LAPTOP if by_hand else "reporter/v0.4.1 (linux/amd64)",
            groups=("system:serviceaccounts", AUTHENTICATED),
            ip="203.0.113.79",
        )
        entitling.visited(world, cluster, request)
        asked.append(request)
    return asked


def _someone(world: World, rng: random.Random, at: datetime) -> Actor:
    until = at + _WITHIN
    there = [p for p in world.people if p.kind == "person" and p.kube_user and p.active(at, until)]
    return rng.choice(there)


def _request(
    world: World, rng: random.Random, at: datetime, *, actor: Actor, kind: str, code: int
) -> Request:
    one = kind != "everything"
    _, team = actor.held(at)
    token = kind == "token"
    return Request(
        at=at,
        audit_id=new_id(rng),
        verb="get" if one else "list",
        resource="secrets",
        user=_POD if token else actor.kube_user,
        agent="curl/8.5.0" if token and at.second % 2 else "Go-http-client/2.0" if token else _LAPTOP,
        namespace=rng.choice(world.apps) if one else "",
        name=f"{rng.choice(('database', 'session', 'mail'))}-{rng.randrange(9)}" if one else "",
        code=code,
        groups=(f"netbpf:{team}", AUTHENTICATED) if team else (AUTHENTICATED,),
        ip="203.0.113.78",
    )


def tell(world: World, cluster: str) -> None:
    """ACC-05: whoever read Secrets of a cluster in bulk, or was refused them again and again."""
    seen: dict[tuple[str, str, str], list[datetime]] = defaultdict(list)
    told = set()
    requests = [request for where, request in world.requests if where == cluster]
    for request in sorted(requests, key=lambda each: each.at):
        if request.resource != "secrets" or request.verb not in ("get", "list", "watch"):
            continue
        name, kind = entitling.acting(world, request)
        refused = request.code in _DENIED
        if not refused and (
            kind == "machine" or _excused(world, cluster, request, name) or (request.code or 0) >= 400
        ):
            continue
        what, limit = ("refused", _REFUSED) if refused else ("read", _MANY)
        key = (quarter_of(request.at), name, what)
        seen[key] = [at for at in seen[key] if request.at - at < _WITHIN] + [request.at]
        whole = not refused and request.verb != "get" and not request.namespace
        if (whole or len(seen[key]) >= limit) and key not in told:
            told.add(key)
            subject = f"{cluster}/{name}: Secrets {what}"
            world.truth.violation("ACC-05", subject, request.at, why=f"{len(seen[key])} times within an hour")


def _excused(world: World, cluster: str, request: Request, name: str) -> bool:
    person = next((one.person for one in world.people if one.kube_user == name), None)
    return cluster_people.excused(world, cluster, Act(request, person, change=False))
