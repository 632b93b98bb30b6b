"""Emergency changes: labelled, with a ticket or without, and reviewed before, in time, too late or never."""

from __future__ import annotations

import random
from datetime import timedelta

from audit.simulator.casting import Cast
from audit.simulator.desk import Desk
from audit.simulator.hub import Pull, Review
from audit.simulator.plans import Plan
from audit.simulator.world import REPOSITORY

_LIMIT = timedelta(days=3)
_LAGS = (timedelta(hours=5), _LIMIT, _LIMIT + timedelta(seconds=1), None)


def act(desk: Desk, pull: Pull, plan: Plan, roles: Cast) -> None:
    """Makes some pull requests emergencies; CHG-09: those without a ticket, or whose review came too late or never."""
    rng = random.Random(f"emergency {pull.head.sha}")
    at, unreviewed = pull.merged_at, plan.name == "never reviewed"
    assert at is not None
    if at > desk.world.end - timedelta(days=2) or not (
        unreviewed or (plan.crew == "alone" and not plan.breaks)
    ):
        return
    if rng.random() > (0.8 if unreviewed else 0.3):
        return
    pull.labels += (rng.choice(("emergency", "Break-Glass")),)
    ticketed = rng.random() < 0.6
    if ticketed:
        pull.title = f"{pull.title} [OPS-{rng.randint(100, 999)}]"
    why = [] if ticketed else ["no ticket"]
    if unreviewed:
        lag = rng.choice(_LAGS)
        if lag is not None:
            login = roles.peer.login
            pull.reviews.append(Review(desk.hub.next_id(), login, "APPROVED", at + lag, pull.head))
        if lag is None or lag > _LIMIT:
            why.append("not reviewed in time")
    if why:
        desk.world.truth.violation("CHG-09", f"{REPOSITORY}#{pull.number}", at, why="; ".join(why))
