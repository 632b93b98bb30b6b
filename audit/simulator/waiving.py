"""Waivers that people ask for in the last quarter: one that holds, and every way in which one does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from audit.simulator import people, plans
from audit.simulator.casting import Cast, cast
from audit.simulator.desk import Desk, Judged
from audit.simulator.drafts import Branch, Draft, squash_message
from audit.simulator.hub import MAIN, Push
from audit.simulator.repository import Signature
from audit.simulator.schedule import Slot
from audit.simulator.world import REPOSITORY, WAIVERS_FROM, Actor, Landed

FILE = ".gitops-audit/waivers.yaml"
_ASIDE = timedelta(hours=2)
_WAIVABLE = ("CHG-05", "CHG-02", "CHG-04", "CHG-03")


class Waiving:
    """Asks for waivers between other changes, once something has happened that they are for.

    Whatever it does is decided by dice of its own: nobody else's fall otherwise for it.
    """

    def __init__(self, desk: Desk, slots: Sequence[Slot]) -> None:
        self._desk, self._waived = desk, 0
        start = _last_quarter(desk.world.end)
        days = (desk.world.end - start).days
        self._due = [start + timedelta(days=days * share) for share in (0.55, 0.7)]
        self._next = dict(zip((slot.at for slot in slots), (slot.at for slot in slots[1:]), strict=False))
        self._start = start

    def after(self, slot: Slot) -> None:
        """What is due once a change has landed, if there is time before the next."""
        following = self._next.get(slot.at)
        if not self._due or slot.at < self._due[0] or following is None or following - slot.at < 2 * _ASIDE:
            return
        world = self._desk.world
        kept, world.rng = world.rng, world.dice(f"waivers {self._waived}")
        try:
            if self._waived:
                self._ask_badly(slot.at + _ASIDE)
            elif not self._ask(slot.at + _ASIDE):
                return
        finally:
            world.rng = kept
        self._due.pop(0)
        self._waived += 1

    def _ask(self, at: datetime) -> bool:
        """A waiver without a flaw, of something that landed before in the quarter; whether there was any."""
        found = self._to_waive()
        if found is None:
            return False
        landed, control = found
        subject = f"{REPOSITORY}#{landed.pr_number}"
        slot, roles = self._begin(at, 0)
        entry = _entry(
            "W-1",
            control,
            roles.opener,
            roles.peer,
            landed.landed_at.date().isoformat(),
            _day(at, 60),
            subject,
        )
        self._land(slot, roles, entry)
        landed.broken -= {control}
        for violation in self._desk.world.truth.violations:
            if (violation["control"], violation["subject"]) == (control, subject):
                violation["waiver"] = "W-1"
        return True

    def _to_waive(self) -> tuple[Landed, str] | None:
        for landed in self._desk.world.landed:
            if landed.landed_at >= self._start and len(landed.pr_numbers) == 1:
                for control in _WAIVABLE:
                    if control in landed.broken:
                        return landed, control
        return None

    def _ask_badly(self, at: datetime) -> None:
        """Waivers that hold for nothing, each for a reason of its own; and one that has come to its end."""
        slot, roles = self._begin(at, 1)
        opener, peer, other = roles.opener, roles.peer, roles.peer2
        today, later, soon = _day(at, 0), _day(at, 40), _day(at, 2)
        ended = soon < _day(self._desk.world.end, 0)
        entries = {
            "W-2": (_entry("W-2", "CHG-05", opener, opener, today, later, "anything"), "self-approved"),
            "W-3": (_entry("W-3", "CHG-05", opener, peer, today, later, ""), "no scope"),
            "W-4": (_entry("W-4", "CHG-05", opener, peer, today, "", "anything"), "no end"),
            "W-5": (
                _entry("W-5", "CHG-05", opener, other, today, later, "anything"),
                "granted by someone who did not approve it",
            ),
            "W-6": (
                _entry("W-6", "CHG-05", opener, peer, _day(at, -20), soon, "anything"),
                "ended, still listed" if ended else "",
            ),
            "W-7": (_entry("W-7", "CHG-05", opener, peer, today, _day(at, 200), "anything"), "too long"),
            "W-8": (_entry("W-8", "CHG-05", opener, peer, today, later, "anything"), ""),
        }
        self._land(slot, roles, "".join(text for text, _ in entries.values()))
        for name, (_, why) in entries.items():
            if why:
                self._desk.world.truth.violation("WVR-01", f"waiver:{REPOSITORY}:{name}", at, why=why)

    def _begin(self, at: datetime, place: int) -> tuple[Slot, Cast]:
        slot = Slot(
            at, at - timedelta(minutes=90), at - timedelta(minutes=100), "pull", number=WAIVERS_FROM + place
        )
        while True:
            roles = cast(self._desk.world, plans.CLEAN[0], slot, "squash")
            if roles.opener.kind == "person":
                return slot, roles

    def _land(self, slot: Slot, roles: Cast, text: str) -> None:
        """A pull request that adds to the file is opened, approved, checked and squashed onto main."""
        desk, shop = self._desk, self._desk.shop
        base = shop.tip
        tree = dict(sorted({**base.tree, FILE: base.tree.get(FILE, "") + text}.items()))
        at = slot.created - timedelta(minutes=1)
        who = shop.signature(roles.opener, at, old=False)
        title = "Ask for a waiver"
        branch = Branch(f"waivers/{slot.number}", title, base, [], [], base, merged=tree)
        branch.drafts.append(Draft(tree, who, who, f"{title}\n"))
        branch.pushes.append((slot.created - timedelta(seconds=30), 1))
        pull = desk.open(slot, branch, roles)
        pull.merged_at, pull.closed_at, pull.merged_by = slot.at, slot.at, roles.merger
        author = shop.web_signature(roles.opener, slot.at)
        message = squash_message(branch, pull.number, author, roles.opener.emails)
        forge = Signature(*people.FORGE, slot.at)
        commit = shop.writer.commit(tree, [base], author=author, committer=forge, message=message)
        pull.merge = commit
        desk.review(pull, plans.CLEAN[0], roles)
        desk.check(pull, plans.CHECKS_CLEAN[0])
        judged = Judged(pull.number, roles.merger, {})
        desk.landed([commit], "squash", "pull request", [judged], at=slot.at, branch=branch)
        desk.hub.pushes.append(Push(slot.at, MAIN, base.sha, commit.sha, "pr_merge", roles.merger.login))
        desk.delete_branch(pull, slot.at + timedelta(seconds=4), roles.merger.login)


def _entry(  # noqa: PLR0917  # in the order in which the file has them
    name: str, control: str, requester: Actor, approver: Actor, starts: str, expires: str, subject: str
) -> str:
    lines = [
        f"- id: {name}",
        f"  control: {control}",
        f"  requester: {requester.login}",
        f"  approver: {approver.emails[0]}",
        "  reason: the check waited for a service that was moving",
        "  compensating_control: gone through by hand",
        f"  starts: {starts}",
    ]
    if expires:
        lines.append(f"  expires: {expires}")
    if subject:
        lines.append(f'  scope:\n    subject: "{subject}"')
    return "\n".join(lines) + "\n"


def _day(at: datetime, days: int) -> str:
    return (at + timedelta(days=days)).date().isoformat()


def _last_quarter(end: datetime) -> datetime:
    month = end.year * 12 + end.month - 1 - 3
    return end.replace(year=month // 12, month=month % 12 + 1)
