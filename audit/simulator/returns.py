"""Branches that take back what landed, bring back what was taken back, or copy it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol

from audit.simulator import people
from audit.simulator.casting import Cast
from audit.simulator.drafts import Branch, Draft
from audit.simulator.manifests import changed
from audit.simulator.repository import Commit, Signature, Tree
from audit.simulator.schedule import Slot
from audit.simulator.world import WAIVERS_FROM, Actor, Landed, World

_REVERTS, _RETURNS = 0.09, 0.35  # of the branches that could: take something back; bring it back, once it was
_BACK = 12  # landings that one looks back


class Shop(Protocol):
    """What is needed of the workshop."""

    world: World
    mainline: list[Commit]

    @property
    def rng(self) -> random.Random:
        """The run's dice."""
        ...

    def main_at(self, moment: datetime) -> Commit:
        """What main was then."""
        ...

    def serial(self) -> int:
        """A number not used before."""
        ...

    def signature(self, actor: Actor, at: datetime, *, old: bool = True) -> Signature:
        """How someone signs a commit."""
        ...


def draw(shop: Shop, slot: Slot, roles: Cast) -> Branch | None:
    """Such a branch, now and then; None mostly, and where there is nothing to take or bring back."""
    base, landed = shop.main_at(slot.created), shop.world.landed
    single = [
        one
        for before, one in pairwise(landed)
        if one.landed_at < slot.created
        and one.position == before.position + 1
        and (one.pr_number or 0) < WAIVERS_FROM
    ]
    recent = single[-_BACK:][::-1]
    chance = shop.rng.random()
    if chance >= _RETURNS:
        return None
    back = {one.head_sha: one for one in recent if one.reverts}
    if back and chance >= _REVERTS:
        copied = [one for one in single if one.head_sha in {revert.reverts for revert in back.values()}]
        branch = _copy(shop, slot, roles, base, copied) if shop.rng.random() < 0.5 else None
        return branch or _revert(shop, slot, roles, base, list(back.values()))
    return _revert(shop, slot, roles, base, recent) if chance < _REVERTS else None


def _revert(shop: Shop, slot: Slot, roles: Cast, base: Commit, recent: list[Landed]) -> Branch | None:
    """Takes back the latest of `recent` that can be taken back by itself."""
    for one in recent:
        bad = shop.mainline[one.position]
        good = bad.parents[0]
        tree = _moved(base.tree, bad.tree, good.tree)
        if tree is None:
            continue
        again = one.reverts is not None and bad.subject.startswith('Revert "')
        title = bad.subject.replace("Revert", "Reapply", 1) if again else f'Revert "{bad.subject}"'
        extra = f", reversing\nchanges made to {good.sha}" if len(bad.parents) > 1 else ""
        who = shop.signature(roles.opener, slot.created - timedelta(seconds=40), old=False)
        draft = Draft(tree, who, who, f"{title}\n\nThis reverts commit {bad.sha}{extra}.\n")
        name = f"revert-{one.pr_number or 'push'}-{shop.serial()}"
        return Branch(name, title, base, [draft], _pushed(slot), base, reverts=one.head_sha)
    return None


def _copy(shop: Shop, slot: Slot, roles: Cast, base: Commit, landed: list[Landed]) -> Branch | None:
    """Copies the latest of `landed`, as `git cherry-pick -x` does: whose work it was stays its author."""
    for one in reversed(landed):
        origin = shop.mainline[one.position]
        tree = _moved(base.tree, origin.parents[0].tree, origin.tree)
        author = _author(shop.world, origin)
        others = (roles.peer, roles.peer2, roles.second)
        said = ("Co-authored-by: ", "This reverts commit", "(cherry picked from")
        if tree is None or author is None or author in others or any(word in origin.message for word in said):
            continue
        who = shop.signature(roles.opener, slot.created - timedelta(seconds=40), old=False)
        email = next(e for e in author.emails if e.lower() == origin.author.email.lower())
        message = f"{origin.message.rstrip()}\n\n(cherry picked from commit {origin.sha})\n"
        draft = Draft(tree, Signature(author.name, email, origin.author.at), who, message)
        name = f"pick-{one.pr_number or 'push'}-{shop.serial()}"
        return Branch(name, origin.subject, base, [draft], _pushed(slot), base, picks=one.head_sha)
    return None


def _author(world: World, commit: Commit) -> Actor | None:
    """Whoever of the roster wrote it, under an address that the roster or the forge explains."""
    email = commit.author.email.lower()
    if email.endswith(f"@{people.OLD_DOMAIN}"):
        return None  # a trailer with it would say nothing to the roster
    known = (a for a in world.people if a.person and a.kind == "person")
    return next((a for a in known if email in {each.lower() for each in a.emails}), None)


def _moved(tree: Tree, before: Tree, after: Tree) -> Tree | None:
    """`tree` with what differs between `before` and `after` as it is after; None where it is not as before."""
    paths = changed(before, after)
    if any(tree.get(path) != before.get(path) for path in paths):
        return None
    kept = {path: content for path, content in tree.items() if path not in paths}
    return dict(sorted((kept | {path: after[path] for path in paths if path in after}).items()))


def _pushed(slot: Slot) -> list[tuple[datetime, int]]:
    return [(slot.created - timedelta(seconds=20), 1)]
