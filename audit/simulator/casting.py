"""Who plays which part in a pull request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from audit.simulator import people
from audit.simulator.plans import Plan, Role
from audit.simulator.schedule import Slot
from audit.simulator.world import Actor, World

_AFTER = timedelta(days=4)  # how long after a landing its people are still asked about it


@dataclass(frozen=True)
class Cast:
    """Who plays which part in one pull request. `merger`: who merges it, and who dismisses reviews."""

    opener: Actor
    second: Actor
    peer: Actor
    peer2: Actor
    merger: Actor
    bot: str

    def login(self, role: Role) -> str:
        """The login under which a part is played."""
        if role == "bot":
            return self.bot
        if role == "outsider":
            return people.OUTSIDER.login
        if role == "alias":
            return self.opener.aliases[0]
        actor: Actor = getattr(self, role)
        return actor.login


def cast(world: World, plan: Plan, slot: Slot, kind: str) -> Cast:
    """Players for a plan: everyone is there all the time, and whoever approves has no other part in it."""
    rng, roles = world.rng, {step.role for step in plan.steps}
    staff = [a for a in world.people if a.kind == "person" and a.person]
    staff = [a for a in staff if a.active(slot.worked, slot.at + _AFTER)]
    rng.shuffle(staff)
    if "alias" in roles:
        staff.sort(key=lambda actor: not actor.aliases)
    opener, second, peer, peer2, third = staff[:5]
    merger = rng.choice((opener, opener, third))
    if not plan.evil and rng.random() < 0.4:
        merger = peer  # whoever merges what others wrote is not its author
    if plan.crew == "outsider":
        opener, merger = people.OUTSIDER, third
    elif plan.crew == "alone" and not plan.evil and "alias" not in roles and rng.random() < 0.13:
        opener = rng.choice((people.DEPENDABOT, people.RELEASE))
        merger = people.RELEASE if kind == "squash" and rng.random() < 0.4 else third
    bot = rng.choice(("github-actions[bot]", people.RELEASE.login))
    return Cast(
        opener, second, peer, peer2, merger, bot if opener is not people.RELEASE else "github-actions[bot]"
    )


def hands(plan: Plan, roles: Cast) -> tuple[Actor, ...]:
    """Who of the roster wrote a part of the change beside its opener."""
    return (roles.second,) if plan.crew in ("trailer", "author", "committer") else ()
