"""What Gatekeeper's audit finds in each cluster: violations that open, stay a while and are mended."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.simulator.world import World, stamp

_CONSTRAINTS = (
    ("K8sContainerLimits", "container-must-have-limits", "deny", "container <{app}> has no resource limits"),
    ("K8sRequiredLabels", "all-must-have-owner", "warn", 'you must provide labels: {{"owner"}}'),
    ("K8sDisallowedTags", "no-latest-tag", "deny", "container <{app}> uses a disallowed tag <{app}:latest>"),
    ("K8sPSPPrivilegedContainer", "no-privileged", "dryrun", "Privileged container is not allowed: {app}"),
)


@dataclass(frozen=True)
class _Violation:
    """An object that breaks a constraint, from `opened` until `mended`."""

    constraint: tuple[str, str, str, str]
    app: str
    kind: str
    name: str
    opened: datetime
    mended: datetime


def audit_policies(world: World) -> None:
    """Writes the log of Gatekeeper's audit, a few runs a week, into sources `<environment>-gatekeeper`."""
    rng = random.Random(world.rng.random())
    for cluster in world.environments:
        violations = _violations(world, rng)
        at = world.start + timedelta(seconds=rng.randint(600, 86400))
        while at < world.end - timedelta(minutes=5):
            found = [v for v in violations if v.opened <= at < v.mended]
            key = f"{at:%Y/%m/%d}/gatekeeper-audit-{at:%H%M%S}.log.gz"
            world.evidence.lines(f"{cluster}-gatekeeper", key, _run(at, found, rng))
            world.truth.counts["policy results"] += len(found)
            world.truth.counts["policy audits"] += 1
            at += timedelta(seconds=rng.randint(36 * 3600, 60 * 3600))


def _violations(world: World, rng: random.Random) -> list[_Violation]:
    """Each breaks out once; no two are of the same object and constraint."""
    days = (world.end - world.start).days
    chosen: dict[tuple[str, str], _Violation] = {}
    for _ in range(max(4, days // 15)):
        constraint, app = rng.choice(_CONSTRAINTS), rng.choice(world.apps)
        name = f"{app}-{rng.getrandbits(32):08x}"
        opened = world.start + timedelta(seconds=rng.randrange(days * 86400))
        mended = opened + timedelta(seconds=rng.randint(3 * 86400, 40 * 86400))
        kind = rng.choice(("Pod", "Deployment"))
        chosen[constraint[1], name] = _Violation(constraint, app, kind, name, opened, mended)
    return list(chosen.values())


def _run(at: datetime, found: list[_Violation], rng: random.Random) -> list[dict[str, Any]]:
    """The log lines of one audit run; its id is the time at which it started."""
    common = {"process": "audit", "audit_id": stamp(at)}

    def line(seconds: float, message: str, event: str, **values: Any) -> dict[str, Any]:
        moment = round(at.timestamp() + seconds, 7)
        head = {"level": "info", "ts": moment, "logger": "controller", "msg": message}
        return {**head, **common, "event_type": event, **values}

    lines = [line(0.0127, "auditing constraints and violations", "audit_started")]
    for number, violation in enumerate(found):
        message = violation.constraint[3].format(app=violation.app)
        lines.append(line(2.5 + number * 0.0031, message, "violation_audited", **_details(violation)))
    for kind, name, action, _ in _CONSTRAINTS:
        count = sum(1 for v in found if v.constraint[1] == name)
        values = {
            **_constraint(kind, name, action),
            "constraint_status": "enforced",
            "constraint_violations": str(count),
        }
        lines.append(line(4.0, "audit results for constraint", "constraint_audited", **values))
    lines.append(line(4.2 + rng.random(), "auditing is complete", "audit_finished"))
    return lines


def _constraint(kind: str, name: str, action: str) -> dict[str, Any]:
    return {
        "constraint_group": "constraints.gatekeeper.sh",
        "constraint_api_version": "v1beta1",
        "constraint_kind": kind,
        "constraint_name": name,
        "constraint_namespace": "",
        "constraint_action": action,
        "constraint_enforcement_actions": [],
    }


def _details(violation: _Violation) -> dict[str, Any]:
    kind, name, action, _ = violation.constraint
    return {
        **_constraint(kind, name, action),
        "constraint_annotations": {},
        "resource_group": "" if violation.kind == "Pod" else "apps",
        "resource_api_version": "v1",
        "resource_kind": violation.kind,
        "resource_namespace": violation.app,
        "resource_name": violation.name,
        "resource_labels": {"app": violation.app},
    }
