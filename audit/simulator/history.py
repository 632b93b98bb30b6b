"""Acts out Git: people work on branches, merge, squash, rebase, push and revert, well and badly.

Every violation is written into the truth as it is committed, from the plan that it follows.
"""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from audit.simulator import emergencies, keeping, learning, people, plans, together
from audit.simulator.branches import Workshop
from audit.simulator.casting import Cast, cast, hands
from audit.simulator.desk import Desk, Judged
from audit.simulator.direct import Pushes
from audit.simulator.drafts import Branch, merge_message, squash_message
from audit.simulator.hub import MAIN, ZEROS, Hub, Pull, Push
from audit.simulator.layout import Layout
from audit.simulator.manifests import changed, edit, editable
from audit.simulator.plans import CheckPlan, Plan
from audit.simulator.repository import Commit, Signature, Tree, Writer
from audit.simulator.schedule import Deck, Slot
from audit.simulator.schedule import plan as schedule
from audit.simulator.seals import Ring
from audit.simulator.waiving import Waiving
from audit.simulator.world import Kind, World

_BOOTSTRAP = timedelta(days=40)  # how long before the first quarter the repository was made


def act(world: World, repository: Path) -> Hub:
    """Writes the bare repository, fills `world.landed` and `world.unmerged`, and gives what the forge saw."""
    slots = schedule(world)
    with Writer(repository, Ring.of(world)) as writer:
        desk = Desk(world, Workshop(world, writer, Layout(world.apps)))
        history, pushes, waiving = _History(desk), Pushes(desk), Waiving(desk, slots)
        history.bootstrap()
        for slot in slots:
            {
                "direct": pushes.push,
                "pull": history.land,
                "queue": history.land_together,
                "batch": history.land_together,
                "closed": history.close,
                "open": history.leave_open,
            }[slot.what](slot)
            waiving.after(slot)
        writer.refs |= desk.refs | {MAIN: desk.shop.tip}
    world.truth.references += desk.ages.rows()
    keeping.judge_secrets(world, desk.ages.rows())
    desk.kept.judge(world)
    dice = random.Random(f"reviews {desk.shop.tip.sha}")
    desk.kept.judge_documents(world, learning.reviews(dice, world, tuple(keeping.DOCUMENTS)))
    desk.hub.pulls.sort(key=lambda pull: pull.number)
    desk.hub.pushes.sort(key=lambda push: (push.at, push.ref, push.operation))
    return desk.hub


class _History:
    """The courses that pull requests take."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.world, self.shop = desk, desk.world, desk.shop
        rng = self.world.rng
        self._plans = {
            "": Deck(rng, plans.CLEAN),
            "CHG-05": Deck(rng, plans.CLEAN),
            "several": Deck(rng, plans.SEVERAL),
            "SEC-01": Deck(rng, plans.CLEAN),
        } | {control: Deck(rng, found) for control, found in plans.BREAKING.items()}
        self._red = Deck(rng, plans.CHECKS_BREAKING)
        self._green = Deck(rng, plans.CHECKS_CLEAN)
        kinds: tuple[Kind, ...] = ("merge",) * 4 + ("squash",) * 4 + ("rebase",) * 3
        self._kinds = Deck(rng, kinds)
        queued: tuple[Kind, ...] = ("squash", "merge")
        self._queued = Deck(rng, queued)

    def bootstrap(self) -> None:
        """The first commit, pushed before the first quarter by whoever set the repository up."""
        world = self.world
        at = world.start - _BOOTSTRAP
        founder = world.people[0]
        who = Signature(founder.name, founder.emails[0], at, 60)
        tree = self.shop.layout.first_tree(people.mailmap(world.people))
        root = self.shop.writer.commit(tree, [], author=who, committer=who, message="Set up the repository\n")
        judged = Judged(None, founder, {"CHG-01": "the repository's first commit"})
        self.desk.landed([root], "direct", "push", [judged], at=at)
        self.desk.hub.pushes.append(Push(at, MAIN, ZEROS, root.sha, "branch_creation", founder.login))

    def _checks(self, trouble: str) -> CheckPlan:
        red = trouble == "CHG-05" or (trouble and self.shop.rng.random() < 0.2)
        return (self._red if red else self._green).draw()

    def land(self, slot: Slot) -> None:
        """A pull request is opened, reviewed, checked and merged, by some plan."""
        plan = self._plans[slot.trouble].draw()
        checks = self._checks(slot.trouble)
        kind = plan.kind or self._kinds.draw()
        roles = cast(self.world, plan, slot, kind)
        branch = self.shop.pull_branch(slot, plan, kind, roles)
        pull = self.desk.open(slot, branch, roles)
        pull.merged_at, pull.closed_at, pull.merged_by = slot.at, slot.at, roles.merger
        pull.hands = hands(plan, roles)
        before = self.shop.tip
        commits = self._merge(kind, plan, branch, pull, roles)
        pull.merge = commits[-1]
        self.desk.review(pull, plan, roles)
        emergencies.act(self.desk, pull, plan, roles)
        self.desk.check(pull, checks)
        judged = Judged(pull.number, roles.merger, plans.broken(plan, checks))
        self.desk.landed(commits, kind, "pull request", [judged], at=slot.at, branch=branch)
        operation = "push" if plan.evil or branch.by_hand else "pr_merge"
        self.desk.hub.pushes.append(
            Push(slot.at, MAIN, before.sha, commits[-1].sha, operation, roles.merger.login)
        )
        self.desk.delete_branch(pull, slot.at + timedelta(seconds=4), roles.merger.login)

    def land_together(self, slot: Slot) -> None:
        """Several pull requests are merged at once."""
        slots, kind = [slot, *slot.mates], self._queued.draw() if slot.what == "queue" else "merge"
        courses = [(self._fitting(each.trouble, kind), self._checks(each.trouble)) for each in slots]
        if slot.what == "queue":
            together.queue(self.desk, slots, courses, kind)
        else:
            together.batch(self.desk, slots, courses)

    def _fitting(self, trouble: str, kind: Kind) -> Plan:
        while not together.fits(plan := self._plans[trouble].draw(), kind):
            pass
        return plan

    def close(self, slot: Slot) -> None:
        """A pull request is closed without being merged; its commits never land."""
        pull = self._unmerged(slot)
        pull.closed_at = slot.at
        self.desk.delete_branch(pull, slot.at, pull.opener.login)

    def leave_open(self, slot: Slot) -> None:
        """A pull request is still open at the end."""
        pull = self._unmerged(slot)
        pull.draft = self.shop.rng.random() < 0.5
        self.desk.refs[f"refs/heads/{pull.branch}"] = pull.head

    def _unmerged(self, slot: Slot) -> Pull:
        plan = self.shop.rng.choice((plans.BREAKING["CHG-02"][0], plans.CLEAN[0]))
        roles = cast(self.world, plan, slot, "squash")
        pull = self.desk.open(slot, self.shop.pull_branch(slot, plan, "squash", roles), roles)
        pull.merged_at = slot.at  # for the times of its reviews alone
        self.desk.review(pull, plan, roles)
        self.desk.check(pull, plans.CHECKS_CLEAN[0])
        pull.merged_at = None
        self.world.unmerged.append(pull.head.sha)
        self.world.truth.counts["pull requests not merged"] += 1
        return pull

    def _merge(self, kind: Kind, plan: Plan, branch: Branch, pull: Pull, roles: Cast) -> list[Commit]:
        """Puts the pull request on main in one of the forge's three ways, or by hand; the new mainline commits."""
        shop, at = self.shop, pull.merged_at
        assert at is not None
        forge = Signature(*people.FORGE, at)
        if kind == "squash":
            author = shop.web_signature(roles.opener, at)
            message = squash_message(branch, pull.number, author, roles.opener.emails)
            return [
                shop.writer.commit(branch.merged, [shop.tip], author=author, committer=forge, message=message)
            ]
        if kind == "rebase":
            return shop.replay(branch, shop.web_signature(roles.merger, at))
        author = shop.web_signature(roles.merger, at)
        committer = author if plan.evil or branch.by_hand else forge
        tree = self._own_content(branch) if plan.evil else branch.merged
        message = merge_message(branch, pull.number)
        return [
            shop.writer.commit(
                tree, [shop.tip, pull.head], author=author, committer=committer, message=message
            )
        ]

    def _own_content(self, branch: Branch) -> Tree:
        """The merged tree with one more change, in a file that neither side touched."""
        fork = branch.fork.tree
        touched = changed(fork, self.shop.tip.tree) | changed(fork, branch.merged)
        free = [path for path in editable(branch.merged) if path not in touched]
        return edit(self.shop.rng, branch.merged, self.shop.rng.choice(free), self.shop.serial())
