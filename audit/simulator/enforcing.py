"""Gatekeeper's constraints in each cluster: what they are set to, who writes them, and when one is relaxed for a while."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from audit.simulator.audit_records import Request, constrained
from audit.simulator.keeping import quarters
from audit.simulator.world import Relaxed, World, quarter_of, stamp

CONSTRAINTS = (
    ("K8sContainerLimits", "container-must-have-limits", "deny", "container <{app}> has no resource limits"),
    ("K8sRequiredLabels", "all-must-have-owner", "warn", 'you must provide labels: {{"owner"}}'),
    ("K8sDisallowedTags", "no-latest-tag", "deny", "container <{app}> uses a disallowed tag <{app}:latest>"),
    ("K8sPSPPrivilegedContainer", "no-privileged", "dryrun", "Privileged container is not allowed: {app}"),
)
"""Kind, name, enforcement and message. Those that do not deny are advisory by the settings."""
SETTINGS = """[policies]
advisory = ["all-must-have-owner", "no-privileged"]

[policies.severities]
container-must-have-limits = "high"
no-privileged = "critical"
"""
LIMITS = {
    "container-must-have-limits": 14,
    "all-must-have-owner": 30,
    "no-latest-tag": 30,
    "no-privileged": 7,
}
"""Days within which a violation must be closed, by the settings above."""
_LAPSE, _WIDER, _GONE = "dryrun", "widened", "deleted"
_CHANCE = 0.85  # that a cluster relaxes a constraint in a quarter


def relax(world: World, cluster: str, silent: Callable[[datetime], bool]) -> list[Request]:
    """Now and then a constraint is relaxed, deleted or widened, by way of the operator; what the API server saw of it.

    POL-01: each lapse, in every quarter that it reaches into. No lapse begins or ends while the log is silent.
    """
    rng = world.dice(f"enforcing {cluster}")
    asked = []
    spans = list(quarters(world))
    for number, (start, end) in enumerate(spans):
        kind, name, action, _ = CONSTRAINTS[(number + world.environments.index(cluster)) % len(CONSTRAINTS)]
        how = rng.choice((_LAPSE, _WIDER, _GONE) if action == "deny" else (_WIDER, _GONE))
        length = rng.choice((3600, 5 * 86400, 20 * 86400))
        days = (end - start).days - (30 if end >= world.end else 6)
        begin = start + timedelta(seconds=rng.randrange(5 * 86400, days * 86400))
        until = begin + timedelta(seconds=length)
        if rng.random() > _CHANCE or silent(begin) or silent(until):
            continue
        lapse = Relaxed(cluster, name, how, begin, until)
        world.relaxed.append(lapse)
        verbs = ("delete", "create") if how == _GONE else ("patch", "patch")
        asked += [
            constrained(rng, at, verb=verb, kind=kind, name=name)
            for at, verb in zip((begin, until), verbs, strict=True)
        ]
        for quarter, (first, after) in zip(map(quarter_of, (s for s, _ in spans)), spans, strict=True):
            if begin < after and until > first:
                subject = f"{cluster}/{kind}/{name}@{stamp(begin)}"
                world.truth.violation("POL-01", subject, begin, why=how, quarter=quarter)
    return asked


def snapshot(world: World, cluster: str, at: datetime, counts: dict[str, int]) -> None:
    """Writes the constraints of a cluster as the audit that ended at `at` left them, into `<environment>-constraints`.

    Args:
        counts: violations of each constraint, by name; the state lists none, as with a limit of 0.
    """
    made = []
    for kind, name, action, _ in CONSTRAINTS:
        acts = [
            one
            for one in world.relaxed
            if (one.cluster, one.constraint) == (cluster, name) and one.begin <= at
        ]
        now = next((one.how for one in acts if at < one.until), "")
        if now != _GONE:
            made.append(
                _object(world, kind, name, action, acts=acts, now=now, at=at, count=counts.get(name, 0))
            )
    key = f"{at:%Y/%m/%d}/constraints-{at:%H%M%S}.json.gz"
    world.evidence.lines(f"{cluster}-constraints", key, made)


def _object(
    world: World,
    kind: str,
    name: str,
    action: str,
    *,
    acts: list[Relaxed],
    now: str,
    at: datetime,
    count: int,
) -> dict[str, Any]:
    """One constraint, with its generation and the day on which it was made."""
    again = [one.until for one in acts if one.how == _GONE and one.until <= at]
    created = max(again, default=world.start - timedelta(days=200))
    writes = [
        time for one in acts if one.how != _GONE for time in (one.begin, one.until) if created < time <= at
    ]
    excluded = ["kube-system", "legacy"] if now == _WIDER else ["kube-system"]
    return {
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": kind,
        "metadata": {
            "name": name,
            "generation": 1 + len(writes),
            "creationTimestamp": stamp(created),
        },
        "spec": {
            "enforcementAction": "dryrun" if now == _LAPSE else action,
            "match": {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}], "excludedNamespaces": excluded},
        },
        "status": {
            "auditTimestamp": stamp(at),
            "totalViolations": count,
            "byPod": [
                {"enforced": True, "id": f"gatekeeper-audit-{random.Random(name).getrandbits(20):05x}"}
            ],
        },
    }
