"""What production got too early, and images whose tags move: written into the truth from what landed and was deployed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.simulator.arriving import first_at, placed
from audit.simulator.lasting import late
from audit.simulator.operations import Workload
from audit.simulator.world import REPOSITORY, Landed, World

_EARLIER, _PRODUCTION = ("dev", "staging"), "prod"
_SOAK = timedelta(minutes=30)
_MUTABLE = "latest"
_Turns = dict[tuple[str, str, str], list[tuple[int, str | None]]]
"""By app, environment and image: from which place of main on it has which version; before the first change from -1 on."""


def record(world: World, workloads: dict[str, list[Workload]]) -> None:
    """DEP-03 of what production got, and CLU-02 of what Git asked for."""
    landed = {landing.head_sha: landing for landing in world.landed}
    _mutable(world, landed)
    before = {(w.app, w.cluster): w for cluster in _EARLIER for w in workloads[cluster] if placed(w)}
    told = _Told(world, before, _turns(world, landed))
    for workload in workloads[_PRODUCTION]:
        seen: set[str] = set()
        for operation in workload.operations:
            for head in operation.carried:
                why = "" if head in seen else told.too_early(workload.app, landed[head], operation.started)
                seen.add(head)
                if why:
                    subject = f"{REPOSITORY}@{head}>{workload.cluster}/{workload.id}"
                    world.truth.violation("DEP-03", subject, operation.started, why=why)


def _turns(world: World, landed: dict[str, Landed]) -> _Turns:
    turns: _Turns = defaultdict(list)
    for each in world.truth.images:
        key = (str(each["app"]), str(each["environment"]), str(each["image"]))
        if not landed[str(each["head_sha"])].position:
            continue  # what set the repository up: no landing changed it, and nothing says what it changed
        if not turns[key]:
            turns[key].append((-1, each["before"]))
        turns[key].append((landed[str(each["head_sha"])].position, each["after"]))
    return turns


@dataclass
class _Told:
    """What tells whether something had run before: `before` are earlier environments' objects, by app and cluster."""

    world: World
    before: dict[tuple[str, str], Workload]
    turns: _Turns

    def too_early(self, app: str, landing: Landed, start: datetime) -> str:
        """Why `landing` should not have been in production at `start`; empty when it should."""
        for cluster in _EARLIER:
            stage = self.before.get((app, cluster))
            if stage is None:
                continue
            if (app, cluster) in landing.targets and _young(first_at(stage, landing.position), start):
                return f"it had not run in {cluster}"
            for image, version in self._got(app, landing):
                its = self.turns.get((app, cluster, image))
                if its and _young(_ran(stage, its, version), start):
                    return f"{image} {version} had not run in {cluster}"
        return ""

    def _got(self, app: str, landing: Landed) -> list[tuple[str, str]]:
        """Image versions that `landing` set in production."""
        wanted = (landing.head_sha, app, _PRODUCTION)
        return [
            (str(each["image"]), each["after"])
            for each in self.world.truth.images
            if (each["head_sha"], each["app"], each["environment"]) == wanted and each["after"] is not None
        ]


def _young(ran: datetime | None, start: datetime) -> bool:
    return ran is None or ran + _SOAK > start


def _ran(stage: Workload, turns: list[tuple[int, str | None]], version: str | None) -> datetime | None:
    """When an environment first ran a version of an image."""
    done = [
        o.finished
        for o in placed(stage)
        if [after for place, after in turns if place <= (o.position or 0)][-1] == version
    ]
    return min(done, default=None)


def _mutable(world: World, landed: dict[str, Landed]) -> None:
    """CLU-02: a tag that moves, from the landing that asked for it to the one that asked for something else."""
    asked: dict[tuple[str, str, str, str], str] = {}
    for each in [*world.truth.images]:
        key = (str(each["path"]), str(each["app"]), str(each["environment"]), str(each["image"]))
        head = asked.pop(key, None)
        if head is not None:
            _late(world, key, landed[head], landed[str(each["head_sha"])].landed_at)
        if each["after"] == _MUTABLE:
            asked[key] = str(each["head_sha"])
    for key, head in asked.items():
        _late(world, key, landed[head], world.end)


def _late(world: World, key: tuple[str, str, str, str], landing: Landed, end: datetime) -> None:
    path, app, environment, image = key
    subject = f"{REPOSITORY}@{landing.head_sha}:{path}:{app}/{environment}:{image}:{_MUTABLE}"
    late(world, "CLU-02", subject, landing.landed_at, end, why="its tag moves", limit=timedelta(0))
