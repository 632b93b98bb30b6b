"""Main is moved by force now and then: the forge remembers, Git does not.

Someone pushes to main and takes it back, or mends what they pushed and pushes over it. What was there is gone from the
repository, so only the forge's record of the pushes tells that it ever was, and the operators' records that it ran.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise

from audit.simulator.hub import MAIN, Hub, Push
from audit.simulator.world import CHARTS, REPOSITORY, Actor, Spell, World, stamp

_ONE_IN = 30  # quiet spells between two pushes in which someone takes back what they pushed
_OVER_ONE_IN = 4  # pushes by hand that go over an earlier one
_QUIET = timedelta(hours=3)
_CLEAR = timedelta(minutes=10)  # between what went before and a push that will be gone


def act(world: World, hub: Hub) -> None:
    """Adds such pushes to what the forge saw, fills `world.spells`, and writes CHG-07 and EVD-01 to the truth."""
    rng = random.Random(world.rng.random())
    main = sorted((push for push in hub.pushes if push.ref == MAIN), key=lambda push: push.at)
    for last, following in pairwise(main):
        if last.at < world.start:
            continue
        if following.operation == "push" and not following.login.endswith("[bot]"):
            if rng.randrange(_OVER_ONE_IN) == 0 and following.at - last.at > 2 * _CLEAR:
                _push_over(world, hub, last, following, rng)
        elif following.at - last.at >= _QUIET and not rng.randrange(_ONE_IN):
            _take_back(world, hub, last, following, rng)
    hub.pushes.sort(key=lambda push: (push.at, push.ref, push.operation))


def _take_back(world: World, hub: Hub, last: Push, following: Push, rng: random.Random) -> None:
    """A push that its author undoes: main is what it was before."""
    who = rng.choice(_there(world, last.at, following.at))
    at = last.at + timedelta(seconds=rng.randint(600, 3_600))
    undone = at + timedelta(seconds=rng.randint(60, 3_600))
    what = (rng.choice((*world.apps, *CHARTS)), rng.choice(world.environments))
    spell = Spell(f"{rng.getrandbits(160):040x}", at, undone, frozenset({what}))
    hub.pushes.append(Push(at, MAIN, last.after, spell.head_sha, "push", who.login))
    hub.pushes.append(Push(undone, MAIN, spell.head_sha, last.after, "force_push", who.login))
    _record(world, spell, "pushed to main, then taken back by force")


def _push_over(world: World, hub: Hub, last: Push, push: Push, rng: random.Random) -> None:
    """A push by hand turns out to be the second try, by force: the first one had been on main already."""
    landed = next(one for one in world.landed if one.head_sha == push.after)
    room = int(min(push.at - last.at - _CLEAR, timedelta(hours=1)).total_seconds())
    at = push.at - timedelta(seconds=rng.randint(room // 2, room))
    spell = Spell(f"{rng.getrandbits(160):040x}", at, push.at, landed.targets)
    hub.pushes.remove(push)
    hub.pushes.append(Push(at, MAIN, push.before, spell.head_sha, "push", push.login))
    hub.pushes.append(Push(push.at, MAIN, spell.head_sha, push.after, "force_push", push.login))
    _record(world, spell, "pushed to main, then pushed over by force")


def _there(world: World, since: datetime, until: datetime) -> list[Actor]:
    return [actor for actor in world.people if actor.kind == "person" and actor.active(since, until)]


def _record(world: World, spell: Spell, why: str) -> None:
    world.spells.append(spell)
    truth, gone = world.truth, spell.head_sha
    truth.violation("EVD-01", f"{REPOSITORY}:missing:{gone}", spell.begin, why=why)
    truth.violation("CHG-07", f"{REPOSITORY}:force_push@{stamp(spell.end)}", spell.end, why=why)
