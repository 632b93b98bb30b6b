"""What lasted longer than the policy lets it: drift, failed syncs and ill health, written into the truth."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from audit.simulator import statuses
from audit.simulator.clusters import quarter_starts
from audit.simulator.operations import Mainline, Operation, Workload
from audit.simulator.world import Incident, World, quarter_of, stamp

LIMIT = timedelta(minutes=60)
_ALERT = timedelta(minutes=15)  # drift that is mended sooner needs no alert
_SKEW = timedelta(seconds=300)
_PRODUCTION = "prod"


def record(world: World, mainline: Mainline, workload: Workload) -> None:
    """CLU-04, CLU-05 and CLU-06 of one object."""
    name = f"{workload.cluster}/{workload.id}"
    for begin, end in statuses.spans(workload, "sync", ("OutOfSync",), ("Synced",)):
        if not _waiting(mainline, workload, begin):
            subject = f"{name}:sync@{stamp(begin)}"
            late(world, "CLU-04", subject, begin, end, why="it drifted")
            if end - begin > _ALERT:
                told = Incident("drift", f"drift:{subject}", workload.cluster, workload.id, begin)
                world.incidents.append(told)
    first: Operation | None = None
    for operation in workload.operations:
        if first is None and operation.status == "failed":
            first = operation
        elif first is not None and operation.status == "succeeded":
            _failed(world, workload, first, operation.finished)
            first = None
    if first is not None:
        _failed(world, workload, first, world.end)
    if workload.cluster == _PRODUCTION:
        for begin, end in statuses.spans(workload, "health", ("Degraded", "Missing"), ("Healthy",)):
            late(world, "CLU-06", f"{name}:health@{stamp(begin)}", begin, end, why="it was not healthy")


def _failed(world: World, workload: Workload, first: Operation, end: datetime) -> None:
    subject = f"{workload.cluster}/{workload.id}@{stamp(first.started)}"
    told = Incident("failure", f"failure:{subject}", workload.cluster, workload.id, first.finished)
    world.incidents.append(told)
    late(world, "CLU-05", subject, first.finished, end, why="its syncs failed")


def _waiting(mainline: Mainline, workload: Workload, moment: datetime) -> bool:
    """Whether main holds something for `workload` that it never deployed, or nothing was deployed yet."""
    deployed = [
        o.position
        for o in workload.operations
        if o.status == "succeeded" and o.position is not None and o.finished <= moment
    ]
    if not deployed and workload.kind != "HelmRelease":
        return True
    return any(
        landing.landed_at <= moment + _SKEW and landing.position > max(deployed)
        for _, landing in mainline.touching(workload.app, workload.cluster)
        if deployed
    )


def late(
    world: World,
    control: str,
    subject: str,
    begin: datetime,
    end: datetime,
    *,
    why: str,
    limit: timedelta = LIMIT,
) -> None:
    """One violation for each quarter in which something was over its limit that lasted from `begin` to `end`."""
    edges = quarter_starts(world)
    for first, after in pairwise(edges):
        if max(begin + limit, first) < min(end, after):
            at = max(begin, first)
            world.truth.violation(
                control, subject, at, why=f"{why} from {stamp(begin)}", quarter=quarter_of(at)
            )
