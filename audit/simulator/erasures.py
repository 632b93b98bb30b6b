"""Now and then someone pushes to main and takes it back by force: the forge remembers, Git does not.

The commit is gone from the repository, so only the forge's record of both pushes tells that it was ever there.
"""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import pairwise

from audit.simulator.hub import MAIN, Hub, Push
from audit.simulator.world import REPOSITORY, World

_ONE_IN = 30  # quiet spells between two pushes in which it happens
_QUIET = timedelta(hours=3)


def act(world: World, hub: Hub) -> None:
    """Adds such pushes to what the forge saw, and each erased commit to the truth."""
    rng = random.Random(world.rng.random())
    people = [actor for actor in world.people if actor.kind == "person"]
    main = sorted((push for push in hub.pushes if push.ref == MAIN), key=lambda push: push.at)
    for last, following in pairwise(main):
        if last.at < world.start or following.at - last.at < _QUIET or rng.randrange(_ONE_IN):
            continue
        who = rng.choice([actor for actor in people if actor.active(last.at, following.at)])
        erased = f"{rng.getrandbits(160):040x}"
        at = last.at + timedelta(seconds=rng.randint(600, 3_600))
        undone = at + timedelta(seconds=rng.randint(60, 3_600))
        hub.pushes.append(Push(at, MAIN, last.after, erased, "push", who.login))
        hub.pushes.append(Push(undone, MAIN, erased, last.after, "force_push", who.login))
        world.truth.violation(
            "EVD-01", f"{REPOSITORY}:missing:{erased}", at, why="pushed to main, then taken back by force"
        )
    hub.pushes.sort(key=lambda push: (push.at, push.ref, push.operation))
