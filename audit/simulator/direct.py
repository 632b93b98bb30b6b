"""Pushes to main, past every pull request: commits, and merges of branches that never were one."""

from __future__ import annotations

from datetime import timedelta

from audit.simulator import people, plans
from audit.simulator.desk import Desk, Judged
from audit.simulator.hub import MAIN, Push
from audit.simulator.layout import tag_in
from audit.simulator.manifests import merge
from audit.simulator.repository import Commit, Signature
from audit.simulator.schedule import Deck, Slot
from audit.simulator.themes import Theme
from audit.simulator.world import Actor


class Pushes:
    """Whoever pushes to main directly, in every way that there is."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._shop = desk, desk.shop
        self._variants = Deck(desk.shop.rng, plans.DIRECT)

    def push(self, slot: Slot) -> None:
        """Someone pushes to main."""
        variant = self._variants.draw()
        shop, before = self._shop, self._shop.tip
        who = people.RELEASE if "bot" in variant else shop.person(slot.worked, slot.at)
        merges = variant in plans.DIRECT_MERGES
        if merges:
            commits = [self._merge(slot, who, variant)]
        else:
            count = shop.rng.randint(2, 3) if variant == "several commits" else 1
            commits = self._commit(slot, who, count, variant)
        judged = Judged(None, who, {"CHG-01": f"pushed directly: {variant}"})
        self._desk.landed(commits, "direct", "branch merge" if merges else "push", [judged], at=slot.at)
        self._desk.hub.pushes.append(Push(slot.at, MAIN, before.sha, commits[-1].sha, "push", who.login))

    def _forged_subject(self, variant: str) -> str | None:
        numbers = [pull.number for pull in self._desk.hub.pulls] or [3]
        number = self._shop.rng.choice([*numbers[-6:], 90_000 + numbers[-1]])
        if "squash subject" in variant:
            return f"Tidy overlays (#{number})"
        if "merge subject" in variant:
            return f"Merge pull request #{number} from netbpf/tidy-overlays"
        if "mention" in variant:
            return f"Follow up on #{number}: tidy overlays"
        return None

    def _commit(self, slot: Slot, who: Actor, count: int, variant: str) -> list[Commit]:
        shop, commits = self._shop, list[Commit]()
        subject = self._forged_subject(variant)
        at = slot.at - timedelta(seconds=shop.rng.randint(20 * count, 1200))
        for number in range(count):
            tip = commits[-1] if commits else shop.tip
            theme = shop.theme(who)
            tree = shop.begin(tip.tree, theme)
            author = shop.signature(who, at + timedelta(seconds=10 * number))
            committer = Signature(*people.FORGE, author.at) if "forge" in variant else author
            commits.append(
                shop.writer.commit(
                    tree,
                    [tip],
                    author=author,
                    committer=committer,
                    message=f"{subject or theme.subject}\n",
                    plain="forge" in variant,
                )
            )
        return commits

    def _merge(self, slot: Slot, who: Actor, variant: str) -> Commit:
        """Branches that never were a pull request, merged on someone's machine."""
        shop = self._shop
        branch = shop.branch(slot, [who], 1 if who is people.RELEASE else 2)
        names, tree, heads = [branch.name], branch.merged, [shop.write(branch)[-1]]
        for _ in range(10 if variant == plans.OCTOPUS else 0):
            other = shop.branch(slot, [who], 2)
            both = merge(other.fork.tree, tree, other.final[-1].tree)
            if both is not None and both not in (tree, other.merged):
                names, tree, heads = [*names, other.name], both, [*heads, shop.write(other)[-1]]
                break
        at = slot.at - timedelta(seconds=shop.rng.randint(5, 600))
        author = shop.signature(who, at)
        committer = Signature(*people.FORGE, at) if "forge" in variant else author
        subject = self._forged_subject(variant) or _subject(branch.theme, tree, names, who)
        return shop.writer.commit(
            tree,
            [shop.tip, *heads],
            author=author,
            committer=committer,
            message=f"{subject}\n",
            plain="forge" in variant,
        )


def _subject(theme: Theme | None, tree: dict[str, str], names: list[str], who: Actor) -> str:
    """What git says of a local merge, and the release bot of its own."""
    if who is people.RELEASE and theme and theme.promoted:
        app, environment = theme.promoted
        return f"Merge update-image-tag/{app}/{environment}/v{tag_in(tree[theme.paths[0]])} into main"
    if len(names) > 1:
        return f"Merge branches {' and '.join(repr(name) for name in names)}"
    return f"Merge branch {names[0]!r}"
