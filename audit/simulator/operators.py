"""Deploys what lands: Argo CD and Flux in every cluster, on their own and by people's hands.

`operations` acts out what each object goes through; here it is planned who disturbs it, the truth is written down,
and `operator_objects` and `operator_events` tell it as the operators would.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from audit.simulator import arriving, lasting, operator_events, operator_objects, promoting, strangers
from audit.simulator.operations import Mainline, Operation, Span, Workload, account, declare, settle
from audit.simulator.operator_acts import Play, Stage, play_chart
from audit.simulator.world import REPOSITORY, Landed, World, quarter_of, stamp

# How often people and chance disturb the operators, for each landing that an object sees; each happens at least once.
_ARGO_ACTS = {
    "manual": 0.02,
    "forced": 0.01,
    "rollback": 0.01,
    "unmerged": 0.006,
    "unknown": 0.004,
    "drift": 0.05,
    "hold": 0.008,
    "lost": 0.006,
}
_FLUX_ACTS = {"requested": 0.04, "unmerged": 0.003}


def deploy(world: World) -> None:
    """Deploys everything that landed, in every cluster, from `world.start` until just before `world.end`.

    Writes the evidence of sources `<environment>-operators`, and DEP-01, DEP-02, DEP-04, DEP-03, DEP-05, DEP-06, CLU-02 to CLU-07, EVD-03,
    CHG-07 (what was deployed and is gone) and the deployments to the truth.

    Raises:
        ValueError: nothing has landed.
    """
    rng = random.Random(world.rng.random())
    mainline = Mainline(world.landed, world.spells)
    workloads: dict[str, list[Workload]] = {}
    for cluster in world.environments:
        stage = Stage(
            rng=rng,
            mainline=mainline,
            environment=cluster,
            outages=_outages(world, rng),
            start=world.start,
            last_start=world.end - timedelta(hours=1),
            people=tuple(p for p in world.people if p.kind == "person"),
            machines=tuple(
                p.argocd_user for p in world.people if p.kind == "machine" and p.person and p.argocd_user
            ),
            unmerged=world.unmerged,
        )
        workloads[cluster] = declare(world, cluster)
        _act(stage, workloads[cluster])
    for cluster, its in workloads.items():
        for workload in its:
            settle(workload)
            account(mainline, workload)
            _record(world, workload)
            lasting.record(world, mainline, workload)
            arriving.record(world, mainline, workload)
        for operator in ("argocd", "flux"):
            same = [w for w in its if w.operator == operator]
            looked = operator_objects.snapshot_times(world, same)
            if (cluster, operator) == (strangers.CLUSTER, "argocd"):
                strangers.record(world, looked)
        told = operator_objects.write(world, cluster, its, random.Random(rng.random()))
        for workload in its:
            arriving.switched_off(world, workload, told[workload.operator])
        operator_events.write(world, cluster, its, random.Random(rng.random()))
    _record_erased(
        world, [operation for its in workloads.values() for w in its for operation in w.operations]
    )
    _blast_radius(world, workloads["prod"])
    promoting.record(world, workloads)


def _outages(world: World, rng: random.Random) -> list[Span]:
    """Spans in which the operators of a cluster stand still: about one in six weeks."""
    days = (world.end - world.start).days
    outages = []
    for first in range(7, days - 7, 42):
        begin = world.start + timedelta(days=first, seconds=rng.randint(0, 35 * 86400))
        outages.append((begin, begin + timedelta(seconds=rng.randint(2 * 3600, 14 * 3600))))
    return [(a, b) for a, b in outages if b < world.end - timedelta(days=1)]


def _act(stage: Stage, workloads: list[Workload]) -> None:
    plays = {w.id: Play(stage, w) for w in workloads if w.kind != "HelmRelease"}
    for operator, acts in (("argocd", _ARGO_ACTS), ("flux", _FLUX_ACTS)):
        its = [w for w in workloads if w.operator == operator and w.id in plays]
        later = _expect(stage, its, plays)
        for act, share in acts.items():
            for _ in range(max(1, round(share * len(later)))):
                if act not in ("requested", "hold"):
                    plays[stage.rng.choice(its).id].wake(_some_time(stage), act)
                elif later:
                    workload, at, landing = stage.rng.choice(later)
                    begin = stage.seconds(30, 85) if act == "requested" else -stage.seconds(60, 3600)
                    plays[workload.id].wake(max(at + begin, stage.start), act, landing)
    for workload in workloads:
        if workload.kind == "HelmRelease":
            play_chart(stage, workload)
        else:
            plays[workload.id].run()


def _expect(
    stage: Stage, workloads: list[Workload], plays: dict[str, Play]
) -> list[tuple[Workload, datetime, Landed]]:
    """Puts on the agenda what main brings; gives back each landing with the object that it reaches and its time."""
    seen = [(w, at, landing) for w in workloads for at, landing in stage.mainline.touching(w.app, w.cluster)]
    later = [entry for entry in seen if entry[1] > stage.start]
    for workload, at, landing in later:
        soaks = stage.environment == "prod" and stage.rng.random() < 0.8
        seen_after = stage.seconds(45 * 60, 3 * 3600) if soaks else stage.seconds(90, 420)
        plays[workload.id].wake(at + seen_after, "landing", landing)
        if workload.operator == "argocd" and landing.reverts and stage.rng.random() < 0.3:
            back = at - stage.seconds(600, 7200)  # someone goes back at once, and reverts on main after it
            plays[workload.id].wake(max(back, stage.start), "rollback")
    for workload in workloads:
        for spell in stage.mainline.seen(workload):
            plays[workload.id].wake(spell.begin + stage.seconds(90, 420), "erased")
    return later


def _some_time(stage: Stage) -> datetime:
    """A time at least two days after the start, on the same terms day and night: people are called at night too."""
    begin = stage.start + timedelta(days=2)
    return begin + timedelta(seconds=stage.rng.randrange(int((stage.last_start - begin).total_seconds())))


def _record(world: World, workload: Workload) -> None:
    """Every operation of `workload`, and the violations among them, into the truth."""
    truth = world.truth
    for operation in workload.operations:
        started = stamp(operation.started)
        subject = f"{workload.cluster}/{workload.id}@{started}"
        chart = workload.kind == "HelmRelease"
        if not chart and operation.position is None:
            why = "its revision is not on main"
            truth.violation("DEP-01", subject, operation.started, why=why)
        if operation.by_hand:
            who = operation.username or "someone who asked Flux for it"
            truth.violation("DEP-02", subject, operation.started, why=f"started by {who}")
        truth.counts["deployments"] += 1
        truth.counts[f"deployments {operation.status}"] += 1
        truth.deployments.append(
            {
                "cluster": workload.cluster,
                "application": workload.id,
                "app": workload.app,
                "environment": workload.cluster,
                "operator": workload.operator,
                "started_at": started,
                "finished_at": stamp(operation.finished),
                "status": operation.status,
                "revision": operation.revision,
                "revision_kind": "chart" if chart else "git",
                "position": operation.position,
                "automated": operation.automated,
                "by_hand": operation.by_hand,
                "initiated_by": operation.username,
                "options": list(operation.options),
                "quarter": quarter_of(operation.started),
                "carried": operation.carried,
            }
        )
    truth.counts["drift spans"] += len(workload.drifted)
    truth.counts["degraded spans"] += len(workload.degraded)


def _record_erased(world: World, operations: list[Operation]) -> None:
    """CHG-07: each revision that was deployed from main and that main no longer holds."""
    first: dict[str, datetime] = {}
    for operation in operations:
        if operation.erased and operation.status == "succeeded":
            first[operation.revision] = min(
                operation.started, first.get(operation.revision, operation.started)
            )
    for revision, at in sorted(first.items()):
        why = "deployed from main, then taken from it by force"
        world.truth.violation("CHG-07", f"{REPOSITORY}:deployed:{revision}", at, why=why)


def _blast_radius(world: World, workloads: list[Workload]) -> None:
    """DEP-04: what production carries of landings that broke a rule, once for each landing and quarter."""
    broken = {x.head_sha: x.broken for x in world.landed if x.broken}
    seen: set[tuple[str, str]] = set()
    operations = sorted(
        (o.started, w.id, head)
        for w in workloads
        for o in w.operations
        for head in o.carried
        if head in broken
    )
    for started, _, head in operations:
        if (head, quarter_of(started)) not in seen:
            seen.add((head, quarter_of(started)))
            why = f"production carries it, and it broke {', '.join(sorted(broken[head]))}"
            world.truth.violation("DEP-04", f"{REPOSITORY}@{head}", started, why=why)
