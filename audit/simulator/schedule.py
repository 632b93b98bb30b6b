"""When each change happens, and what becomes of it: laid out before anything is acted."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Literal, TypeVar

from audit.simulator.repository import instant
from audit.simulator.world import World

_T = TypeVar("_T")
_HOUR = 3600
_BLOCK = 28  # changes in which each kind of violation happens once


@dataclass
class Slot:
    """One change to come.

    Attributes:
        at: when it lands, or is closed.
        created: pull request opened. worked: work on it began.
        trouble: control it is to violate, `several`, or empty.
        number: pull request number; 0 for a direct push.
    """

    at: datetime
    created: datetime
    worked: datetime
    what: Literal["pull", "closed", "open", "direct"]
    trouble: str = ""
    number: int = 0


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
    taken = {slot.at for slot in slots}
    for what, count in (("closed", max(1, world.changes // 14)), ("open", 2)):
        for _ in range(count):
            at = _free(rng, taken, *((world.start, world.end) if what == "closed" else _last_days(world)))
            slots.append(_slot(rng, at, "closed" if what == "closed" else "open", ""))
    number = 0
    for slot in sorted(slots, key=lambda slot: (slot.created, slot.at)):
        if slot.what != "direct":
            number += rng.choice((1, 1, 1, 2))  # issues take numbers too
            slot.number = number
    return sorted(slots, key=lambda slot: slot.at)


def _last_days(world: World) -> tuple[datetime, datetime]:
    return world.end - timedelta(days=2), world.end


def _troubles(rng: random.Random, changes: int) -> list[str]:
    troubles: list[str] = []
    while len(troubles) < changes:
        block = ["CHG-01", "CHG-02", "CHG-03", "CHG-04", "CHG-05", "several" if len(troubles) % 56 else ""]
        block += [""] * (_BLOCK - len(block))
        rng.shuffle(block)
        troubles += block
    return troubles[:changes]


def _landing_times(world: World) -> list[datetime]:
    """Distinct times in whole seconds, sorted: first those at the edges of quarters, the rest at random."""
    edges = [world.end - timedelta(seconds=1)]
    boundary = _quarter_start(world.end - timedelta(seconds=1))
    while boundary > world.start:
        edges += [boundary, boundary - timedelta(seconds=1)]
        boundary = _quarter_start(boundary - timedelta(seconds=1))
    edges.append(world.start)
    taken = set(edges[: world.changes // 3])
    while len(taken) < world.changes:
        taken.add(_free(world.rng, taken, world.start, world.end))
    return sorted(taken)


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


def _slot(
    rng: random.Random, at: datetime, what: Literal["pull", "closed", "open", "direct"], trouble: str
) -> Slot:
    open_for = int(math.exp(rng.uniform(math.log(_HOUR), math.log(6 * 24 * _HOUR))))
    created = at - timedelta(seconds=open_for)
    worked = created - timedelta(seconds=rng.randint(_HOUR // 4, 72 * _HOUR))
    return Slot(at, created, worked, what, trouble)
