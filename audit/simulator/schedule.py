"""When each change happens, and what becomes of it: laid out before anything is acted."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Literal, TypeVar

from audit.simulator.repository import instant
from audit.simulator.world import World

_T = TypeVar("_T")
_HOUR = 3600
_BLOCK = 28  # changes in which each kind of violation happens once
_MATES = 3  # pull requests that land together, at most


What = Literal["pull", "closed", "open", "direct", "queue", "batch"]


@dataclass
class Slot:
    """One change to come.

    Attributes:
        at: when it lands, or is closed.
        created: pull request opened. worked: work on it began.
        trouble: control it is to violate, `several`, or empty.
        number: pull request number; 0 for a direct push.
        mates: other pull requests that land at the same moment, after it.
    """

    at: datetime
    created: datetime
    worked: datetime
    what: What
    trouble: str = ""
    number: int = 0
    mates: list[Slot] = field(default_factory=list)


class Deck(Generic[_T]):
    """Draws from cards in shuffled order, and shuffles anew when all were drawn: everything comes up."""

    def __init__(self, rng: random.Random, cards: tuple[_T, ...]) -> None:
        self._rng, self._cards, self._left = rng, cards, list[_T]()

    def draw(self) -> _T:
        """The next card."""
        if not self._left:
            self._left = self._rng.sample(self._cards, len(self._cards))
        return self._left.pop()


def plan(world: World) -> list[Slot]:
    """Every change of the run, in the order of landing or closing, pull requests numbered by their opening."""
    rng = world.rng
    troubles = _troubles(rng, world.changes)
    slots = [
        _slot(rng, at, "direct" if trouble == "CHG-01" else "pull", trouble)
        for at, trouble in zip(_landing_times(world), troubles, strict=True)
    ]
    slots = _together(rng, slots, _edges(world))
    taken = {slot.at for slot in slots}
    for what, count in (("closed", max(1, world.changes // 14)), ("open", 2)):
        for _ in range(count):
            at = _free(rng, taken, *((world.start, world.end) if what == "closed" else _last_days(world)))
            slots.append(_slot(rng, at, "closed" if what == "closed" else "open", ""))
    number = 0
    every = [each for slot in slots for each in (slot, *slot.mates)]
    for slot in sorted(every, key=lambda slot: (slot.created, slot.at)):
        if slot.what != "direct":
            number += rng.choice((1, 1, 1, 2))  # issues take numbers too
            slot.number = number
    return sorted(slots, key=lambda slot: slot.at)


def _together(rng: random.Random, slots: list[Slot], edges: list[datetime]) -> list[Slot]:
    """The same changes, some of which land together: in each block a queue's or a batch's."""
    kept, place = list[Slot](), 0
    due = [first + rng.randrange(_BLOCK // 2, _BLOCK - _MATES) for first in range(0, len(slots), _BLOCK)]
    for number, start in enumerate(due):
        while place < min(start, len(slots)):
            kept.append(slots[place])
            place += 1
        group = slots[place : place + rng.randint(2, _MATES)]
        if len(group) < 2 or any(each.what != "pull" or each.at in edges for each in group):
            if number + 1 < len(due):
                due[number + 1] = min(due[number + 1], start + 1)
            continue
        leader = group[-1]
        leader.what = "queue" if number % 2 else "batch"
        leader.mates = [_slot(rng, leader.at, "pull", each.trouble) for each in group[:-1]]
        kept.append(leader)
        place += len(group)
    return kept + slots[place:]


def _last_days(world: World) -> tuple[datetime, datetime]:
    return world.end - timedelta(days=2), world.end


def _troubles(rng: random.Random, changes: int) -> list[str]:
    troubles: list[str] = []
    while len(troubles) < changes:
        block = [
            "CHG-01",
            "CHG-02",
            "CHG-03",
            "CHG-04",
            "CHG-05",
            "SEC-01",
            "several" if len(troubles) % 56 else "",
        ]
        block += [""] * (_BLOCK - len(block))
        rng.shuffle(block)
        troubles += block
    return troubles[:changes]


def _landing_times(world: World) -> list[datetime]:
    """Distinct times in whole seconds, sorted: first those at the edges of quarters, the rest at random."""
    taken = set(_edges(world)[: world.changes // 3])
    while len(taken) < world.changes:
        taken.add(_free(world.rng, taken, world.start, world.end))
    return sorted(taken)


def _edges(world: World) -> list[datetime]:
    """The first and the last second of every quarter, the last first."""
    edges = [world.end - timedelta(seconds=1)]
    boundary = _quarter_start(world.end - timedelta(seconds=1))
    while boundary > world.start:
        edges += [boundary, boundary - timedelta(seconds=1)]
        boundary = _quarter_start(boundary - timedelta(seconds=1))
    edges.append(world.start)
    return edges


def _quarter_start(moment: datetime) -> datetime:
    return moment.replace(
        month=(moment.month - 1) // 3 * 3 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )


def _free(rng: random.Random, taken: set[datetime], start: datetime, end: datetime) -> datetime:
    """A time that is not taken (and now is), mostly on working days."""
    first, last = int(start.timestamp()), int(end.timestamp()) - 2
    while True:
        at = instant(rng.randint(first, last))
        office = at.weekday() < 5 and 7 <= at.hour < 19
        if at not in taken and (office or rng.random() < 0.15):
            taken.add(at)
            return at


def _slot(rng: random.Random, at: datetime, what: What, trouble: str) -> Slot:
    open_for = int(math.exp(rng.uniform(math.log(_HOUR), math.log(6 * 24 * _HOUR))))
    created = at - timedelta(seconds=open_for)
    worked = created - timedelta(seconds=rng.randint(_HOUR // 4, 72 * _HOUR))
    return Slot(at, created, worked, what, trouble)
