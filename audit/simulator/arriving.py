"""What arrived late, went back, or was switched off: written into the truth from what the operators did."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from audit.simulator.clusters import quarter_starts
from audit.simulator.lasting import late
from audit.simulator.operations import Mainline, Operation, Workload
from audit.simulator.world import REPOSITORY, Landed, World, quarter_of, stamp

DEPLOY_LIMIT = timedelta(hours=24)
REVERT_LIMIT = timedelta(hours=24)


def record(world: World, mainline: Mainline, workload: Workload) -> None:
    """DEP-05, DEP-06 and EVD-03 of one object."""
    _numbered_on(world, workload)
    _undeployed(world, mainline, workload)
    _rolled_back(world, mainline, workload)


def first_at(workload: Workload, position: int) -> datetime | None:
    """When a mainline place, or a later one, was first deployed; None while it never was."""
    done = [o.finished for o in placed(workload) if (o.position or 0) >= position]
    return min(done, default=None)


def placed(workload: Workload) -> list[Operation]:
    """Operations that succeeded in deploying a place of main."""
    return [o for o in workload.operations if o.status == "succeeded" and o.position is not None]


def _undeployed(world: World, mainline: Mainline, workload: Workload) -> None:
    """DEP-06: what landed after the first deployment, and came too late or not at all."""
    done = placed(workload)
    if not done:
        return
    for _, landing in mainline.touching(workload.app, workload.cluster):
        if landing.position > (done[0].position or 0):
            end = first_at(workload, landing.position) or world.end
            subject = f"{REPOSITORY}@{landing.head_sha}>{workload.cluster}/{workload.id}"
            why = "it was not deployed"
            late(world, "DEP-06", subject, landing.landed_at, end, why=why, limit=DEPLOY_LIMIT)


def _rolled_back(world: World, mainline: Mainline, workload: Workload) -> None:
    """DEP-05: going back to an older place, where main does not revert all that was taken back."""
    before: int | None = None
    for operation in placed(workload):
        position = operation.position or 0
        if before is not None and position < before:
            taken = {
                landing.head_sha
                for _, landing in mainline.touching(workload.app, workload.cluster)
                if position < landing.position <= before
            }
            if not _reverted(world.landed, taken, before, operation.started + REVERT_LIMIT):
                subject = f"{workload.cluster}/{workload.id}@{stamp(operation.started)}"
                why = f"from place {before} back to {position}"
                world.truth.violation("DEP-05", subject, operation.started, why=why)
        before = position


def _reverted(landed: list[Landed], taken: set[str], after: int, until: datetime) -> bool:
    made = {one.reverts for one in landed if one.position > after and one.landed_at <= until}
    return bool(taken) and taken <= made


def _numbered_on(world: World, workload: Workload) -> None:
    """EVD-03: numbers of the history of which no record is left, in each quarter in which they may have been given."""
    kept = [(o.history_id, o.finished) for o in workload.operations if o.history_id is not None]
    for (number, begin), (following, end) in pairwise(kept):
        if following - number == 1:
            continue
        subject = f"{workload.cluster}/{workload.id}:history:{number + 1}–{following - 1}"
        for first, after in pairwise(quarter_starts(world)):
            if end >= first and begin < after:
                at = max(begin, first)
                why = "a sync left no record"
                world.truth.violation("EVD-03", subject, at, why=why, quarter=quarter_of(first))


def switched_off(world: World, workload: Workload, looked: list[tuple[str, datetime]]) -> None:
    """CLU-03: each time that somebody looked and automated sync or self-heal was off, as long as it stayed so; by quarters.

    Args:
        looked: the newest time that each snapshot tells, and when it was taken.
    """
    for first, after in pairwise(quarter_starts(world)):
        inside = [(told, at) for told, at in looked if stamp(first) <= told < stamp(after)]
        healed = [workload.heals(at) for _, at in inside]
        for (told, at), heals, before in zip(inside, healed, [True, *healed], strict=False):
            if before and not heals:
                world.truth.violation(
                    "CLU-03",
                    f"{workload.cluster}/{workload.id}@{told}",
                    at,
                    why="it does not heal itself",
                    quarter=quarter_of(first),
                )
