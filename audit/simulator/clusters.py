"""Logs who asked each cluster's API server for what: machines without end, people now and then."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from audit.simulator import cluster_people, enforcing, entitling, in_place, privileged
from audit.simulator.audit_delivery import again, deliver
from audit.simulator.audit_records import RECEIVED, Request, applied, body, heartbeats
from audit.simulator.operations import Span
from audit.simulator.trail import span_of
from audit.simulator.world import World, quarter_of, stamp

_SPARSEST = 85 * 60  # seconds between two heartbeats, at most (before jitter)
_SKEW = timedelta(seconds=300)
_NODES = ("node-1", "node-2", "node-3", "node-4")


def log_access(world: World) -> None:
    """Writes the audit log of every cluster over [world.start, world.end), into sources `<environment>-audit`.

    Violations of CLU-01, CLU-09, ACC-02, EVD-02, EVD-04 and POL-01 go to the truth, and break-glass spans to `world.break_glass`. No two records are
    more than 170 minutes apart except around a deliberate silence.
    """
    rng = random.Random(world.rng.random())
    silent = rng.choice(world.environments)
    for cluster in world.environments:
        silences = _silences(world, rng, at_least=1 if cluster == silent else 0)
        _log_cluster(world, cluster, silences, random.Random(rng.random()))


def quarter_starts(world: World) -> list[datetime]:
    """The start of each quarter in the world, and its end."""
    moment, found = world.start, []
    while moment < world.end:
        found.append(moment)
        year, month = divmod(moment.year * 12 + moment.month - 1 + 3, 12)
        moment = datetime(year, month + 1, 1, tzinfo=UTC)
    return [*found, world.end]


def _silences(world: World, rng: random.Random, *, at_least: int) -> list[Span]:
    """Spans of 4 to 30 hours in which nothing is logged, well inside a quarter and well apart."""
    edges = quarter_starts(world)
    found: list[Span] = []
    for _ in range(max(at_least, rng.randint(0, 2))):
        index = rng.randrange(len(edges) - 1)
        length = timedelta(seconds=rng.randint(4 * 3600, 30 * 3600))
        margin = timedelta(hours=8)
        room = int((edges[index + 1] - edges[index] - length - 2 * margin).total_seconds())
        begin = edges[index] + margin + timedelta(seconds=rng.randrange(room))
        if all(begin > b + margin or begin + length < a - margin for a, b in found):
            found.append((begin, begin + length))
    return sorted(found)


def _log_cluster(world: World, cluster: str, silences: list[Span], rng: random.Random) -> None:
    """One cluster's log: everything that happens, less what falls silent, delivered as the cluster delivers."""
    slots: dict[int, list[str]] = defaultdict(list)  # by number of the object that will hold it
    width = _slot_width(world)
    times: list[int] = []
    for act in cluster_people.acts(world, cluster, rng):
        if _silent(silences, act.request.at):
            continue
        times.append(int(act.request.at.timestamp()))
        _put(world, slots, width, act.request, rng)
        entitling.visited(world, cluster, act.request)
        if act.unnamed:
            _unexplained(world, cluster, act.request, why="nobody names the machine")
        if not cluster_people.excused(world, cluster, act):
            in_place.record(world, cluster, act)
            privileged.record(world, cluster, act)
        if not act.change:
            world.truth.counts["cluster acts harmless"] += 1
        elif cluster_people.excused(world, cluster, act):
            world.truth.counts["cluster acts in break-glass"] += 1
            world.acted[cluster_people.ticket(world, cluster, act)] += 1
        else:
            subject = f"{cluster}/{act.request.audit_id}"
            world.truth.violation("CLU-01", subject, act.request.at, why=act.why)
    for request in _after_deployments(world, cluster, rng):
        if not _silent(silences, request.at):
            times.append(int(request.at.timestamp()))
            _put(world, slots, width, request, rng)

    def silent(at: datetime) -> bool:
        return _silent(silences, at)

    relaxing = enforcing.relax(world, cluster, silent)
    for request in relaxing:
        if not _deploying(world, cluster, "flux", request.at):
            _unexplained(world, cluster, request, why="the operator wrote outside its deployments")
    returning = entitling.returns(world, cluster, silent)
    for request in (*relaxing, *returning, *privileged.reads(world, cluster, silent)):
        times.append(int(request.at.timestamp()))
        _put(world, slots, width, request, world.dice(f"delivering {request.audit_id}"))
    privileged.tell(world, cluster)
    times += _beat(world, slots, width, silences, rng=rng)
    _record_silences(world, cluster, silences, sorted(times))
    _write(world, cluster, slots, width, rng)


def _unexplained(world: World, cluster: str, request: Request, *, why: str) -> None:
    """CLU-09: a machine changed something that no deployment explains; once for each machine, cluster and quarter."""
    world.truth.violation("CLU-09", f"{cluster}/{request.user}", request.at, why=why)


def _deploying(world: World, cluster: str, operator: str, at: datetime) -> bool:
    """Whether an operator deploys at that time, give or take what clocks may differ by the settings."""
    return any(
        datetime.fromisoformat(told["started_at"]) - _SKEW
        <= at
        <= datetime.fromisoformat(told["finished_at"]) + _SKEW
        for told in world.truth.deployments
        if (told["cluster"], told["operator"]) == (cluster, operator)
    )


def _silent(silences: list[Span], at: datetime) -> bool:
    return any(begin <= at < end for begin, end in silences)


def _slot_width(world: World) -> int:
    """Seconds that one object covers: a day; an hour where a day would hold too much."""
    days = (world.end - world.start).days
    return 3600 if world.log_events / len(world.environments) / days > 3000 else 86400


def _put(world: World, slots: dict[int, list[str]], width: int, request: Request, rng: random.Random) -> None:
    """Hands a request's events over for delivery, stage by stage: some late, some out of order, some twice."""
    for stage in request.stages:
        slot = int((request.at - world.start).total_seconds()) // width
        chance = rng.random()
        if chance < 0.15 or (stage == RECEIVED and len(request.stages) > 1 and chance < 0.5):
            slot += rng.randint(1, 3)
            world.truth.counts["audit events late"] += 1
        text = body(request, stage)
        slots[slot].append(text)
        if chance > 0.95:
            slots[slot + rng.randint(0, 1)].append(text)
            world.truth.counts["audit events twice"] += 1


def _after_deployments(world: World, cluster: str, rng: random.Random) -> list[Request]:
    """What the operators' controllers apply when they deploy."""
    return [
        applied(
            rng,
            datetime.fromisoformat(told["started_at"]) + timedelta(seconds=2),
            operator=told["operator"],
            app=told["app"],
        )
        for told in world.truth.deployments
        if told["cluster"] == cluster and told["status"] == "succeeded"
    ]


def _beat(
    world: World, slots: dict[int, list[str]], width: int, silences: list[Span], *, rng: random.Random
) -> list[int]:
    """Hands over what the cluster's machines do all the time; returns when (seconds since 1970)."""
    templates = heartbeats()
    population = [template for weight, template in templates for _ in range(weight)]
    beats = [at for at in _beat_times(world, rng) if not _silent(silences, at)]
    begin = world.start
    for at in beats:
        slot = int((at - begin).total_seconds()) // width
        text = rng.choice(population).fill(rng, at, rng.choice(_NODES))
        chance = rng.random()
        if chance < 0.004:
            slot += rng.randint(1, 3)
            world.truth.counts["audit events late"] += 1
        slots[slot].append(text)
        if chance > 0.997:
            slots[slot + 1].append(text)
            world.truth.counts["audit events twice"] += 1
    return [int(at.timestamp()) for at in beats]


def _beat_times(world: World, rng: random.Random) -> list[datetime]:
    """Whole seconds, never more than about 100 minutes apart, from just after the start until just before the end."""
    span = (world.end - world.start).total_seconds()
    share = world.log_events / len(world.environments)
    step = min(_SPARSEST, span / max(share, 1))
    offset, offsets = float(rng.randint(5, 100)), set()
    while offset < span:
        offsets.add(int(offset))
        offset += step * rng.uniform(0.8, 1.15)
    times = {world.start + timedelta(seconds=second) for second in offsets}
    for edge in quarter_starts(world):
        for near in (
            edge - timedelta(seconds=rng.randint(5, 100)),
            edge + timedelta(seconds=rng.randint(5, 100)),
        ):
            if world.start <= near < world.end:
                times.add(near)
    return sorted(times)


def _record_silences(world: World, cluster: str, silences: list[Span], times: list[int]) -> None:
    """EVD-02: from the last record before each silence to the first one after it."""
    for begin, end in silences:
        before = times[bisect_left(times, int(begin.timestamp())) - 1]
        after = times[bisect_right(times, int(end.timestamp()) - 1)]
        last, first = (datetime.fromtimestamp(second, UTC) for second in (before, after))
        subject = f"{cluster}:{stamp(last)}/{stamp(first)}"
        world.truth.violation("EVD-02", subject, last, why="the API server logged nothing")
        world.holes.append((cluster, last, first))


def _write(world: World, cluster: str, slots: dict[int, list[str]], width: int, rng: random.Random) -> None:
    """Every slot as an object of its own."""
    legacy_until = {"dev": 0.35, "staging": 0.2, "prod": 0.0}[cluster]
    last = int((world.end - world.start).total_seconds()) // width
    for slot, bodies in sorted(slots.items()):
        until = world.start + timedelta(seconds=(slot + 1) * width - rng.randint(1, 50))
        if rng.random() < 0.3:
            rng.shuffle(bodies)
        garbage = 1 if cluster == "dev" and rng.random() < 0.05 else 0
        if garbage:
            world.holes.append((cluster, *span_of(bodies)))
        delivery = deliver(cluster, until, bodies, rng, legacy=slot < legacy_until * last, garbage=garbage)
        deliveries = [delivery]
        if not garbage and rng.random() < 0.02:
            deliveries.append(again(cluster, delivery, timedelta(seconds=rng.randint(60, 7200)), until))
            world.truth.counts["audit objects twice"] += 1
        for key, data, cut in deliveries:
            world.evidence.write(f"{cluster}-audit", key, data)
            world.truth.counts["audit objects"] += 1
            world.truth.counts["audit events"] += len(bodies)
            world.truth.counts["garbage"] += cut
            if cut:
                _spoilt(world, f"{cluster}-audit:{key}:quarantined", bodies)


def _spoilt(world: World, subject: str, bodies: list[str]) -> None:
    """EVD-04: lines that nobody can read, in each quarter of which their object speaks."""
    first, last = span_of(bodies)
    for quarter, at in {quarter_of(last): last, quarter_of(first): first}.items():
        world.truth.violation("EVD-04", subject, at, why="a line was cut short", quarter=quarter)
