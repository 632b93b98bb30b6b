"""Several pull requests land at once: through the forge's merge queue, or as a batch by a merge robot.

The queue makes a commit for each, one after the other, and moves main over all of them in one operation. The robot
makes one merge commit of them all, "Merge #12 #13"; each has been reviewed by itself, well or badly.
"""

from __future__ import annotations

from datetime import timedelta

from audit.simulator import people, plans
from audit.simulator.casting import Cast, cast, hands
from audit.simulator.desk import Desk, Judged
from audit.simulator.drafts import Branch, merge_message, squash_message
from audit.simulator.hub import MAIN, Pull, Push
from audit.simulator.manifests import merge
from audit.simulator.plans import CheckPlan, Plan
from audit.simulator.repository import Commit, Signature, Tree
from audit.simulator.schedule import Slot
from audit.simulator.world import Actor, Kind

Course = tuple[Plan, CheckPlan]
_TRIES = 12


def fits(plan: Plan, kind: Kind) -> bool:
    """Whether a pull request with this plan can land with others."""
    return not plan.evil and plan.late != "update" and plan.kind in ("", kind)


def queue(desk: Desk, slots: list[Slot], courses: list[Course], kind: Kind) -> None:
    """The merge queue lands the pull requests of `slots`, each as a squash or merge commit of its own."""
    before, at = desk.shop.tip, slots[-1].at
    for slot, (plan, checks) in zip(slots, courses, strict=True):
        roles = cast(desk.world, plan, slot, kind)
        branch = desk.shop.pull_branch(slot, plan, kind, roles, lone=False)
        pull = _opened(desk, slot, branch, roles, people.QUEUE)
        commit = _commit(desk, kind, branch, pull)
        pull.merge = commit
        broken = _acted(desk, pull, plan, checks, roles)
        desk.landed([commit], kind, "merge queue", [Judged(pull.number, people.QUEUE, broken)], at=at)
    tip = desk.shop.tip
    desk.hub.pushes.append(Push(at, MAIN, before.sha, tip.sha, "merge_queue_merge", people.QUEUE.login))


def _commit(desk: Desk, kind: Kind, branch: Branch, pull: Pull) -> Commit:
    shop, at = desk.shop, pull.merged_at
    assert at is not None
    at -= timedelta(seconds=shop.rng.randint(60, 900))  # the queue tests it before main moves
    forge = Signature(*people.FORGE, at)
    if kind == "squash":
        author, parents = shop.web_signature(pull.opener, at), [shop.tip]
        message = squash_message(branch, pull.number, author, pull.opener.emails)
    else:
        author, parents = shop.web_signature(people.QUEUE, at), [shop.tip, pull.head]
        message = merge_message(branch, pull.number)
    return shop.writer.commit(branch.merged, parents, author=author, committer=forge, message=message)


def batch(desk: Desk, slots: list[Slot], courses: list[Course]) -> None:
    """The robot merges the pull requests of `slots` in one commit, and pushes it."""
    shop, at, before = desk.shop, slots[-1].at, desk.shop.tip
    tree, pulls, judged = before.tree, list[Pull](), list[Judged]()
    parts = []
    for slot, (plan, checks) in zip(slots, courses, strict=True):
        roles = cast(desk.world, plan, slot, "merge")
        branch, tree = _mergeable(desk, slot, plan, roles, tree)
        parts.append((_opened(desk, slot, branch, roles, people.BORS), plan, checks, roles))
        pulls.append(parts[-1][0])
    robot = shop.signature(people.BORS, at - timedelta(seconds=shop.rng.randint(300, 1200)))
    commit = shop.writer.commit(
        tree,
        [before, *(pull.head for pull in pulls)],
        author=robot,
        committer=robot,
        message=_message(pulls),
    )
    for place, (pull, plan, checks, roles) in enumerate(parts):
        if place != 1:  # of some the forge names no commit
            pull.merge = commit
        judged.append(Judged(pull.number, people.BORS, _acted(desk, pull, plan, checks, roles)))
    desk.landed([commit], "merge", "batch", judged, at=at)
    desk.hub.pushes.append(Push(at, MAIN, before.sha, commit.sha, "push", people.BORS.login))


def _mergeable(desk: Desk, slot: Slot, plan: Plan, roles: Cast, tree: Tree) -> tuple[Branch, Tree]:
    """A branch that merges onto main and onto what the batch holds so far; and the content then."""
    for _ in range(_TRIES):
        branch = desk.shop.pull_branch(slot, plan, "merge", roles, lone=False)
        after = merge(branch.fork.tree, tree, branch.final[-1].tree)
        if after is not None and after not in (tree, branch.merged if tree != desk.shop.tip.tree else tree):
            return branch, after
    raise AssertionError("some branch always merges with the others")


def _message(pulls: list[Pull]) -> str:
    names = " ".join(f"#{pull.number}" for pull in pulls)
    told = "\n".join(f"{pull.number}: {pull.title} a={pull.opener.login}\n" for pull in pulls)
    return f"Merge {names}\n\n{told}"


def _opened(desk: Desk, slot: Slot, branch: Branch, roles: Cast, merger: Actor) -> Pull:
    pull = desk.open(slot, branch, roles)
    pull.merged_at, pull.closed_at, pull.merged_by = slot.at, slot.at, merger
    desk.delete_branch(pull, slot.at + timedelta(seconds=4), merger.login)
    return pull


def _acted(desk: Desk, pull: Pull, plan: Plan, checks: CheckPlan, roles: Cast) -> dict[str, str]:
    """Reviews and checks a pull request; what it violates."""
    pull.hands = hands(plan, roles)
    desk.review(pull, plan, roles)
    desk.check(pull, checks)
    return plans.broken(plan, checks)
