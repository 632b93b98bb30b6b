"""Every quarter but the first, somebody goes through all rights: ACC-03, what went wrong in it; ACC-04, what is left unused."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.simulator import binding, learning
from audit.simulator.binding import Grant
from audit.simulator.entitling import List
from audit.simulator.keeping import quarters
from audit.simulator.trail import Trail
from audit.simulator.world import REPOSITORY, World, quarter_of

_DAY = timedelta(days=1)
_DECIDE, _REMOVE = timedelta(days=30), timedelta(days=14)
_REVIEWER, _SECOND = "jmbeki", "alindqvist"
_ORG = REPOSITORY.split("/", maxsplit=1)[0]
_READS = ("pull",)


@dataclass
class Line:
    """A right in a review.

    Attributes:
        grant: in a cluster. wrong: it should not be there.
    """

    system: str
    holder: str
    right: str
    grant: Grant | None = None
    wrong: bool = False
    decision: str = "keep"
    reviewer: str = _REVIEWER
    decided: datetime | None = None
    removed: datetime | None = None

    def key(self, review: str) -> str:
        """The key of a finding about it."""
        return f"{review}:{self.system}:{self.holder}:{self.right}"


def act(world: World, trail: Trail, lists: list[List]) -> None:
    """Writes the lists of rights in clusters, and the records of reviews into `people-records`."""
    made = [one.made for one in lists]
    names = list(binding.sources(world))
    spans = list(quarters(world))
    held = {cluster: binding.usual(world, cluster) for cluster in world.environments}
    open_reviews: list[tuple[int, list[Line]]] = []
    for number, (start, end) in enumerate(spans):
        label = f"AR-{quarter_of(start)}"
        if number:
            lines = _lines(lists[number - 1], held, number - 1)
            _decide(world, label, lines, start)
            gone = _carried_out(world, label, lines)
            held = {name: [one for one in grants if id(one) not in gone] for name, grants in held.items()}
            open_reviews.append((number, lines))
        else:
            subject = f"review:{quarter_of(start)}"
            world.truth.violation("ACC-03", subject, end - timedelta(seconds=1), why="nobody reviewed access yet")
        for cluster in world.environments:
            held[cluster] = held[cluster] + binding.added(world, cluster, number, start, end)
        for source, cluster, moment in names:
            if source.endswith(quarter_of(start)):
                binding.write(world, number, source, moment, held[cluster])
        _unused(world, trail, lists, held, number, end=end, made=made)
    for number, lines in open_reviews:
        start, end = spans[number]
        _removals(world, trail, f"AR-{quarter_of(start)}", lines, lists, held=_bound(lines), number=number, end=end)


def _bound(lines: list[Line]) -> dict[str, set[str]]:
    """By cluster: the groups that had a right there as it was reviewed."""
    found: dict[str, set[str]] = {}
    for line in lines:
        if line.grant is not None and line.grant.holder.startswith("group:"):
            found.setdefault(line.system, set()).add(line.grant.holder)
    return found


def _lines(listed: List, held: dict[str, list[Grant]], number: int) -> list[Line]:
    """Every right of the lists, as a reviewer gets it."""
    found = [
        Line(REPOSITORY, login.lower(), level, wrong=login in listed.wrong)
        for login, level in sorted(listed.held.items())
    ]
    found += [Line(_ORG, login.lower(), "member") for login in sorted(listed.members)]
    found += [
        Line(cluster, grant.name, grant.right, grant, wrong=grant.binding.startswith("urgent-"))
        for cluster, grants in held.items()
        for grant in grants
        if number in grant.listed and not grant.builtin
    ]
    return found


def _decide(world: World, label: str, lines: list[Line], start: datetime) -> None:
    """Writes the review; ACC-03: late, open, by the holder themselves, a right left out."""
    rng = world.dice(f"certifying {label}")
    due = start + _DECIDE
    people = {one.login.lower(): one.person for one in world.people if one.person}
    people |= {one.kube_user: one.person for one in world.people if one.person and one.kube_user}
    for line in lines:
        line.decided = start + timedelta(days=rng.randint(3, 30))
        if people.get(line.holder) == _REVIEWER:
            line.reviewer = _SECOND
        if line.wrong and rng.random() < 0.8:
            line.decision = "change" if line.right == "admin" else "revoke"
    kept = [line for line in lines if line.decision == "keep"]
    left, undecided, own, late = rng.sample([one for one in kept if people.get(one.holder) != _REVIEWER], 4)
    written = list(lines)
    if rng.random() < 0.35:
        written.remove(left)
        world.truth.violation("ACC-03", left.key(label), due, why="the review left it out")
    if rng.random() < 0.4:
        undecided.decision, undecided.decided, undecided.reviewer = "open", None, ""
        world.truth.violation("ACC-03", undecided.key(label), due, why="nobody decided")
    if rng.random() < 0.35:
        late.decided = due + timedelta(days=rng.randint(1, 10))
        world.truth.violation("ACC-03", f"review:{label}", due, why="decided late")
    mine = [one for one in kept if people.get(one.holder) == _REVIEWER]
    if rng.random() < 0.3:
        own = rng.choice(mine)
        own.reviewer = _REVIEWER
        at = own.decided or due
        world.truth.violation("ACC-03", own.key(label), at, why="reviewed by its own holder")
    _removed(rng, lines)
    rows = ["review,listed,reviewer,subject,system,right,decision,decided,removed,proof"]
    rows += [_row(label, start, line) for line in written]
    text = "\n".join(rows) + "\n"
    world.evidence.write(learning.SOURCE, f"{world.end:%Y-%m-%d}/access-review-{label}.csv", text.encode())


def _removed(rng: random.Random, lines: list[Line]) -> None:
    """When what was revoked was taken away, as the review says: mostly in time."""
    for line in lines:
        if line.decision in ("revoke", "change") and line.decided is not None:
            days = rng.randint(15, 25) if rng.random() < 0.2 else rng.randint(1, 14)
            line.removed = line.decided + timedelta(days=days) if rng.random() < 0.8 else None


def _row(label: str, start: datetime, line: Line) -> str:
    day = f"{start:%Y-%m-%d}"
    decided, removed = (f"{at:%Y-%m-%d}" if at else "" for at in (line.decided, line.removed))
    proof = f"ACCESS-{abs(hash_of(line.key(label))) % 9000 + 1000}" if removed else ""
    cells = (label, day, line.reviewer, line.holder, line.system, line.right, line.decision, decided, removed, proof)
    return ",".join(cells)


def hash_of(text: str) -> int:
    """A number of a text's own, the same every time."""
    return random.Random(text).getrandbits(32)


def _carried_out(world: World, label: str, lines: list[Line]) -> set[int]:
    """Ids of the grants in clusters that were really taken away."""
    rng = world.dice(f"taking away {label}")
    return {
        id(line.grant)
        for line in lines
        if line.grant is not None and line.decision == "revoke" and rng.random() < 0.75
    }


def _removals(
    world: World,
    trail: Trail,
    label: str,
    lines: list[Line],
    lists: list[List],
    *,
    held: dict[str, set[str]],
    number: int,
    end: datetime,
) -> None:
    """ACC-03: what was revoked or changed and is still there, was used since, or went too late."""
    for line in lines:
        if line.decision not in ("revoke", "change") or line.decided is None:
            continue
        due = line.decided + _REMOVE
        there = _there(line, lists[number], number)
        since = min(line.removed or due, due) + _DAY
        used = None if _otherwise(world, line, lists, held, number) else _first_use(trail, line, since, end)
        late = line.removed is not None and line.removed > due and not there
        why = [
            text
            for holds, text in ((there, "still there"), (used, "used since"), (late, "taken away late"))
            if holds
        ]
        if why:
            world.truth.violation("ACC-03", f"{line.key(label)}:revoked", due, why=", ".join(why))


def _there(line: Line, after: List, number: int) -> bool:
    """Whether the list after the review has the right still."""
    if line.grant is not None:
        return number in line.grant.listed
    return {login.lower(): level for login, level in after.held.items()}.get(line.holder) == line.right


def _otherwise(world: World, line: Line, lists: list[List], held: dict[str, set[str]], number: int) -> bool:
    """Whether the holder had another right there, so that nobody can tell by which one they acted."""
    if line.grant is None:
        levels = {
            {login.lower(): level for login, level in lists[place].held.items()}.get(line.holder)
            for place in (number - 1, number)
        }
        return bool(levels - {None, line.right})
    raise NotImplementedError


def _first_use(trail: Trail, line: Line, since: datetime, end: datetime) -> datetime | None:
    return trail.used(line.system, line.holder, since, end)
