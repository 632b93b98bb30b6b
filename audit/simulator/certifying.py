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
GRANTOR = "josiem"  # the reviewer's login
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
    spans = list(quarters(world))
    held = {cluster: binding.usual(world, cluster) for cluster in world.environments}
    every = [grant for grants in held.values() for grant in grants]
    reviews: list[list[Line]] = []
    for number, (start, end) in enumerate(spans):
        label = f"AR-{quarter_of(start)}"
        lines: list[Line] = []
        if number:
            lines = _lines(lists[number - 1], held, number - 1)
            _decide(world, label, lines, start, lists[number - 1].granted)
            gone = _carried_out(world, label, lines)
            held = {name: [one for one in grants if id(one) not in gone] for name, grants in held.items()}
        else:
            subject, at = f"review:{quarter_of(start)}", end - timedelta(seconds=1)
            world.truth.violation("ACC-03", subject, at, why="nobody reviewed access yet")
        reviews.append(lines)
        for cluster in world.environments:
            new = binding.added(world, cluster, number, start, end)
            held[cluster], every = held[cluster] + new, every + new
        for source, cluster, made in binding.sources(world):
            if source.endswith(quarter_of(start)):
                binding.write(world, number, source, made, held[cluster])
        _unused(world, trail, lists, held, number, start=start, end=end)
    for number, lines in enumerate(reviews):
        _removals(world, trail, lines, lists, every, number=number, span=spans[number])


def _unused(
    world: World,
    trail: Trail,
    lists: list[List],
    held: dict[str, list[Grant]],
    number: int,
    *,
    start: datetime,
    end: datetime,
) -> None:
    """ACC-04: rights of a list that nobody used for so long, that name everything, or are new and give all."""
    made, cut, at = [one.made for one in lists], end - binding.DORMANT, end - timedelta(seconds=1)
    for login, level in lists[number].held.items():
        first = number
        while first and lists[first - 1].level(login) == level:
            first -= 1
        if level not in _READS and made[first] <= cut and not trail.used(REPOSITORY, login.lower(), cut, end):
            subject = f"{REPOSITORY}:{login.lower()}:{level}"
            world.truth.violation("ACC-04", subject, at, why="nobody used it")
    for grant in (one for grants in held.values() for one in grants):
        why = binding.judged(grant, number, start)
        old = binding.since(grant, number, made) <= cut and grant.kind != "account" and not grant.builtin
        if old and trail.whole(grant.cluster, cut, end):
            used = trail.used(grant.cluster, grant.holder, cut, end, grant.scope)
            why += [] if used else ["nobody used it"]
        if why:
            world.truth.violation("ACC-04", grant.subject, at, why=", ".join(why))


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


def _decide(world: World, label: str, lines: list[Line], start: datetime, granted: dict[str, str]) -> None:
    """Writes the review; ACC-03: late, open, by the holder themselves or by who granted it, a right left out."""
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
    _vouched(
        world,
        label,
        [line for line in written if granted.get(line.holder) and line.system == REPOSITORY],
        due,
    )
    _removed(rng, lines)
    rows = ["review,listed,reviewer,subject,system,right,decision,decided,removed,proof"]
    rows += [_row(label, start, line) for line in written]
    text = "\n".join(rows) + "\n"
    world.evidence.write(learning.SOURCE, f"{world.end:%Y-%m-%d}/access-review-{label}.csv", text.encode())


def _vouched(world: World, label: str, lines: list[Line], due: datetime) -> None:
    """Another than the reviewer decides on what the reviewer granted; ACC-03: but for one right now and then."""
    rng = world.dice(f"vouching {label}")
    decided = [line for line in lines if line.decided is not None and line.reviewer == _REVIEWER]
    for line in decided:
        line.reviewer = _SECOND
    if decided and rng.random() < 0.75:
        line = rng.choice(decided)
        line.reviewer = _REVIEWER
        at = min(line.decided or due, due)
        world.truth.violation("ACC-03", line.key(label), at, why="reviewed by who granted it")


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
    cells = (
        label,
        day,
        line.reviewer,
        line.holder,
        line.system,
        line.right,
        line.decision,
        decided,
        removed,
        proof,
    )
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
    lines: list[Line],
    lists: list[List],
    every: list[Grant],
    *,
    number: int,
    span: tuple[datetime, datetime],
) -> None:
    """ACC-03: what was revoked or changed and is still there, was used since, or went too late."""
    start, end = span
    for line in lines:
        if line.decision not in ("revoke", "change") or line.decided is None:
            continue
        due = line.decided + _REMOVE
        there = _there(line, lists[number], every, number)
        since = min(line.removed or due, due) + _DAY
        used = not _otherwise(world, line, lists, every, number) and trail.used(
            line.system, line.holder, since, end
        )
        late = line.removed is not None and line.removed > due and not there
        found = ((there, "still there"), (used, "used since"), (late, "taken away late"))
        why = [text for holds, text in found if holds]
        if why:
            subject = f"{line.key(f'AR-{quarter_of(start)}')}:revoked"
            world.truth.violation("ACC-03", subject, due, why=", ".join(why))


def _there(line: Line, after: List, every: list[Grant], number: int) -> bool:
    """Whether the list after the review has the right still."""
    if line.grant is None:
        return after.level(line.holder) == line.right
    same = (
        one for one in every if (one.cluster, one.name, one.right) == (line.system, line.holder, line.right)
    )
    return any(number in one.listed for one in same)


def _otherwise(world: World, line: Line, lists: list[List], every: list[Grant], number: int) -> bool:
    """Whether the holder had another right there, so that nobody can tell by which one they acted."""
    if line.grant is None:
        levels = {lists[place].level(line.holder) for place in (number - 1, number)}
        return bool(levels - {None, line.right})
    team = next((one.team for one in world.people if one.kube_user == line.holder), "")
    return any(
        (one.name == line.holder and one.right != line.right) or one.holder == f"group:netbpf:{team}"
        for one in every
        if one.cluster == line.system and one.listed & {number - 1, number}
    )
