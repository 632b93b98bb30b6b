"""What Gatekeeper's audit finds in each cluster: violations that open, stay a while and are mended."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.simulator.enforcing import CONSTRAINTS, LIMITS, snapshot
from audit.simulator.keeping import quarters
from audit.simulator.world import World, quarter_of, stamp

_FOUND = timedelta(seconds=2.5)
"""From the start of a run until it tells of the first violation."""


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
    """Writes the log of Gatekeeper's audit, a few runs a week, into sources `<environment>-gatekeeper`.

    After each run it writes the constraints, too. POL-02: violations that stayed longer than they may.
    """
    rng = random.Random(world.rng.random())
    for cluster in world.environments:
        violations = _violations(world, rng)
        at = world.start + timedelta(seconds=rng.randint(600, 86400))
        runs = []
        while at < world.end - timedelta(minutes=5):
            found = [v for v in violations if v.opened <= at < v.mended]
            key = f"{at:%Y/%m/%d}/gatekeeper-audit-{at:%H%M%S}.log.gz"
            world.evidence.lines(f"{cluster}-gatekeeper", key, _run(at, found, rng))
            world.truth.counts["policy results"] += len(found)
            world.truth.counts["policy audits"] += 1
            counts = Counter(violation.constraint[1] for violation in found)
            snapshot(world, cluster, at, counts)
            runs.append(at)
            at += timedelta(seconds=rng.randint(36 * 3600, 60 * 3600))
        _judge(world, cluster, violations, runs)


def _judge(world: World, cluster: str, violations: list[_Violation], runs: list[datetime]) -> None:
    """POL-02: each violation in every quarter in which it was open for longer than it may."""
    for violation in violations:
        kind, name, _, _ = violation.constraint
        subject = f"{cluster}/{kind}/{name}/{violation.kind}/{violation.app}/{violation.name}"
        for start, end in quarters(world):
            past = [at for at in runs if at < end]
            seen = [at for at in past if violation.opened <= at < violation.mended]
            if not seen:
                continue
            first = seen[0] + _FOUND
            until = end if seen[-1] == past[-1] else seen[-1] + _FOUND
            if max(first + timedelta(days=LIMITS[name]), start) < until:
                world.truth.violation(
                    "POL-02",
                    f"{subject}@{stamp(first)}",
                    first,
                    why=f"seen from {stamp(first)} until {stamp(until)}",
                    quarter=quarter_of(start),
                )


def _violations(world: World, rng: random.Random) -> list[_Violation]:
    """Each breaks out once; no two are of the same object and constraint."""
    days = (world.end - world.start).days
    chosen: dict[tuple[str, str], _Violation] = {}
    for _ in range(max(4, days // 15)):
        constraint, app = rng.choice(CONSTRAINTS), rng.choice(world.apps)
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
        lines.append(
            line(
                _FOUND.total_seconds() + number * 0.0031, message, "violation_audited", **_details(violation)
            )
        )
    for kind, name, action, _ in CONSTRAINTS:
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
