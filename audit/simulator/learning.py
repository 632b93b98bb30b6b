"""What people record: trainings completed, renewed in time, late or never; reviews of documents that changed nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from audit.simulator.hub import MAIN, Hub
from audit.simulator.keeping import quarters
from audit.simulator.world import Actor, World, quarter_of

SOURCE = "people-records"
TRAININGS = (
    "GitOps principles and practices",
    "Kubernetes and GitOps tools",
    "Security best practices",
    "Incident response procedures",
)
_VALID, _GRACE = timedelta(days=365), timedelta(days=30)


class _Held(NamedTuple):
    """A training that was completed; `expires`: where its record says so."""

    completed: datetime
    expires: datetime | None

    @property
    def until(self) -> datetime:
        """First moment at which it holds no more."""
        limit = self.completed + _VALID
        return limit if self.expires is None else min(limit, self.expires)


def act(world: World, hub: Hub) -> None:
    """Writes the records of trainings into `people-records`; TRN-01: who landed or approved without one that holds."""
    rng = random.Random(f"learning {world.landed[-1].head_sha}")
    staff = [one for one in world.people if one.kind == "person" and one.person]
    held = {(one.person, training): _learnt(rng, world, one) for one in staff for training in TRAININGS}
    lines = ["person,training,completed,expires,status"]
    for one in staff:
        called = rng.choice((one.person, one.emails[0], one.login))
        for training in TRAININGS:
            for done in held[one.person, training]:
                expires = f"{done.expires:%Y-%m-%d}" if done.expires else ""
                lines.append(
                    f"{called},{rng.choice((training, training.upper()))},{done.completed:%Y-%m-%d},{expires},Passed"
                )
            if rng.random() < 0.1:
                failed = world.start + timedelta(days=rng.randint(1, 80))
                lines.append(f"{called},{training},{failed:%Y-%m-%d},,failed")
    text = "\n".join(lines) + "\n"
    world.evidence.write(SOURCE, f"{world.end:%Y-%m-%d}/trainings.csv", text.encode())
    joined = {one.person: one.joined for one in staff}
    seen = set[tuple[str, str, str]]()
    for person, at in sorted(_acts(world, hub, staff)):
        first = joined[person]
        if not world.start <= at < world.end or (first is not None and at < first + _GRACE):
            continue
        for training in TRAININGS:
            fits = any(done.completed <= at < done.until for done in held[person, training])
            what = (person, training, quarter_of(at))
            if not fits and what not in seen:
                seen.add(what)
                world.truth.violation("TRN-01", f"{person}:{training}", at, why="not held at a change")


def _learnt(rng: random.Random, world: World, who: Actor) -> list[_Held]:
    """When somebody completed one training: again and again, mostly before it expires."""
    if rng.random() < 0.05:
        return []
    at = _day(world.start - timedelta(days=rng.randint(1, 300)))
    if who.joined is not None and who.joined > world.start:
        at = _day(who.joined + timedelta(days=60 if rng.random() < 0.3 else rng.randint(3, 25)))
    found = []
    while at < world.end:
        done = _Held(at, at + timedelta(days=180) if rng.random() < 0.1 else None)
        found.append(done)
        late = rng.random() < 0.2
        at = done.until + timedelta(days=rng.randint(5, 50) if late else -rng.randint(0, 30))
    return found


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _acts(world: World, hub: Hub, staff: list[Actor]) -> Iterator[tuple[str, datetime]]:
    """Who landed or approved something, when."""
    logins = {login: str(one.person) for one in staff for login in (one.login, *one.aliases)}
    for pull in hub.pulls:
        if pull.merged_at is None:
            continue
        for one in (pull.opener, pull.merged_by, *pull.hands):
            if one is not None and one.login in logins:
                yield logins[one.login], pull.merged_at
        for review in pull.reviews:
            if review.verdict == "APPROVED" and review.dismissed_at is None and review.login in logins:
                yield logins[review.login], review.at
    direct = {one.head_sha: one.landed_at for one in world.landed if not one.pr_numbers}
    for push in hub.pushes:
        if push.ref == MAIN and push.after in direct and push.login in logins:
            yield logins[push.login], direct[push.after]


def reviews(rng: random.Random, world: World, documents: tuple[str, ...]) -> list[tuple[str, datetime]]:
    """Writes the records of reviews into `people-records`: now and then somebody finds nothing to change."""
    found = []
    for start, _ in quarters(world):
        for document in documents:
            if rng.random() < 0.25:
                found.append((document, _day(start + timedelta(days=rng.randint(1, 85)))))
    lines = ["document,reviewed,reviewer,outcome"]
    lines += [
        f"{document},{at:%Y-%m-%d},{world.people[0].person},nothing to change" for document, at in found
    ]
    text = "\n".join(lines) + "\n"
    world.evidence.write(SOURCE, f"{world.end:%Y-%m-%d}/document-reviews.csv", text.encode())
    return found
