"""Roles and bindings of each cluster, listed after each quarter; ACC-04: rights that nobody uses, that name everything, new administrators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audit.simulator.keeping import quarters
from audit.simulator.world import Actor, World, quarter_of, stamp

Json = dict[str, Any]
DORMANT = timedelta(days=60)
_LATER = timedelta(hours=6)
_API = "rbac.authorization.k8s.io"
_CLOSED = {"data": ("prod",)}  # teams that no binding lets into a cluster
_EVERYTHING, _ADMIN = "everything", "cluster-admin"
_READS = ["get", "list", "watch"]
_RULES: dict[str, list[Json]] = {
    "view-netbpf": [{"apiGroups": ["*"], "resources": ["*"], "verbs": _READS}],
    "edit-apps": [
        {
            "apiGroups": ["", "apps"],
            "resources": ["configmaps", "deployments", "pods"],
            "verbs": [*_READS, "patch"],
        }
    ],
    "deployer": [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": [*_READS, "create", "patch"]}
    ],
    _EVERYTHING: [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    _ADMIN: [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ],
}


@dataclass
class Grant:
    """A right in a cluster.

    Attributes:
        binding: name of the binding; the identity's ARN for one of aws-auth.
        holder: user, `group:NAME` or service account `NAMESPACE:NAME`; of aws-auth the user as whom it acts.
        role: name of the ClusterRole; of aws-auth the group.
        listed: numbers of the lists that have it.
        builtin: Kubernetes' own.
    """

    cluster: str
    binding: str
    holder: str
    role: str
    created_at: datetime
    scope: str = ""
    kind: str = "user"
    builtin: bool = False
    listed: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The holder, as the list of rights names them."""
        if self.kind == "aws":
            return self.binding
        return (
            f"system:serviceaccount:{self.holder}"
            if self.kind == "account"
            else self.holder.removeprefix("group:")
        )

    @property
    def right(self) -> str:
        """The right, with its namespace."""
        if self.kind == "aws":
            return f"group/{self.role}"
        return f"ClusterRole/{self.role}" + (f"@{self.scope}" if self.scope else "")

    @property
    def subject(self) -> str:
        """The key that a finding must have."""
        return f"{self.cluster}:{self.name}:{self.right}"


def sources(world: World) -> Iterator[tuple[str, str, datetime]]:
    """Name, cluster and moment of each list of rights in a cluster."""
    for start, end in quarters(world):
        for cluster in world.environments:
            yield f"{cluster}-rights-{quarter_of(start)}", cluster, end + _LATER


def usual(world: World, cluster: str) -> list[Grant]:
    """What is always there: teams look, two people may repair, machines deploy."""
    since = world.start - timedelta(days=200)
    teams = sorted({one.team for one in world.people if one.person and one.kind == "person"})
    found = [
        Grant(cluster, f"view-{team}", f"group:netbpf:{team}", "view-netbpf", since)
        for team in teams
        if cluster not in _CLOSED.get(team, ())
    ]
    found += [
        Grant(cluster, f"repair-{one.person}", one.kube_user, "edit-apps", since) for one in _repairers(world)
    ]
    found.append(Grant(cluster, "deployer", "ci:deployer", "deployer", since, kind="account"))
    found.append(Grant(cluster, _ADMIN, "group:system:masters", _ADMIN, since, builtin=True))
    if cluster == "prod":
        who = world.people[1]
        arn = f"arn:aws:iam::111122223333:user/{who.person}"
        found.append(Grant(cluster, arn, who.kube_user, "netbpf:platform", since, kind="aws"))
    return found


def _repairers(world: World) -> list[Actor]:
    """An engineer of platform and one of storefront, who are always there."""
    return [one for one in world.people if one.person in ("bokafor", "ehaddad")]


def added(world: World, cluster: str, number: int, start: datetime, end: datetime) -> list[Grant]:
    """What is granted in a quarter and should not be: a role that names everything, an administrator."""
    rng = world.dice(f"binding {cluster} {number}")
    staff = [one for one in world.people if one.person and one.kind == "person" and one.active(start, end)]
    found = []
    for role, chance in ((_EVERYTHING, 0.35), (_ADMIN, 0.3)):
        at = start + timedelta(seconds=rng.randrange(86400, int((end - start).total_seconds())))
        who, scope = rng.choice(staff), rng.choice(world.apps) if role == _EVERYTHING else ""
        if rng.random() < chance:
            found.append(Grant(cluster, f"urgent-{number}-{role}", who.kube_user, role, at, scope=scope))
    return found


def write(world: World, number: int, source: str, made: datetime, held: list[Grant]) -> None:
    """One list: roles and bindings as `kubectl get -o json` prints them, and aws-auth where there is one."""
    cluster = held[0].cluster
    items = [
        _object("ClusterRole", cluster, name, world.start, rules=rules) for name, rules in _RULES.items()
    ]
    items += [_binding(grant) for grant in held if grant.kind != "aws"]
    listed = {"apiVersion": "v1", "kind": "List", "items": items, "metadata": {"resourceVersion": ""}}
    _put(world, source, f"rbac-{made:%Y-%m-%d}.json", listed)
    aws = [grant for grant in held if grant.kind == "aws"]
    if aws:
        _put(world, source, f"aws-auth-{made:%Y-%m-%d}.json", _aws_auth(aws))
    for grant in held:
        grant.listed.add(number)


def _put(world: World, source: str, key: str, content: Json) -> None:
    world.evidence.write(source, key, (json.dumps(content, indent=1) + "\n").encode())


def _object(
    kind: str, cluster: str, name: str, created: datetime, *, namespace: str = "", **more: Any
) -> Json:
    metadata = {
        "name": name,
        "creationTimestamp": stamp(created),
        "annotations": {"netbpf.com/cluster": cluster},
    }
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": f"{_API}/v1", "kind": kind, "metadata": metadata, **more}


def _binding(grant: Grant) -> Json:
    kind = {"group": "Group", "account": "ServiceAccount"}.get(
        "group" if grant.holder.startswith("group:") else grant.kind, "User"
    )
    subject: Json = {"kind": kind, "apiGroup": _API, "name": grant.holder.removeprefix("group:")}
    if kind == "ServiceAccount":
        namespace, name = grant.holder.split(":")
        subject = {"kind": kind, "name": name, "namespace": namespace}
    return _object(
        "RoleBinding" if grant.scope else "ClusterRoleBinding",
        grant.cluster,
        grant.binding,
        grant.created_at,
        namespace=grant.scope,
        roleRef={"apiGroup": _API, "kind": "ClusterRole", "name": grant.role},
        subjects=[subject],
    )


def _aws_auth(grants: list[Grant]) -> Json:
    users = "".join(
        f"- userarn: {one.binding}\n  username: {one.holder}\n  groups:\n  - {one.role}\n" for one in grants
    )
    nodes = (
        "- rolearn: arn:aws:iam::111122223333:role/nodes\n  username: system:node:{{EC2PrivateDNSName}}\n"
        "  groups:\n  - system:bootstrappers\n  - system:nodes\n"
    )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": nodes, "mapUsers": users},
    }


def since(grant: Grant, number: int, made: list[datetime]) -> datetime:
    """The latest moment at which a right of list `number` can have been granted, by the lists alone."""
    first = number
    while first - 1 in grant.listed:
        first -= 1
    if grant.kind == "aws":
        return made[first]
    return grant.created_at if first == 0 or grant.created_at > made[first - 1] else made[first]


def judged(grant: Grant, number: int, start: datetime) -> list[str]:
    """Why a right of list `number`, which closes the quarter that began at `start`, breaks ACC-04, but for its use."""
    if grant.builtin:
        return []
    why = []
    if grant.role == _EVERYTHING:
        why.append("its role names everything")
    new = number - 1 not in grant.listed if number else grant.created_at >= start
    if grant.role == _ADMIN and new:
        why.append("a new administrator of the cluster")
    return why
