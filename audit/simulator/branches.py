"""Work on branches: who takes part, what they commit and when, and how it fits onto main."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from audit.simulator import leaks, people, returns, themes
from audit.simulator.casting import Cast
from audit.simulator.drafts import Branch, Draft
from audit.simulator.layout import Layout
from audit.simulator.manifests import merge
from audit.simulator.plans import Plan
from audit.simulator.repository import Commit, Signature, Tree, Writer
from audit.simulator.schedule import Deck, Slot
from audit.simulator.themes import Theme
from audit.simulator.world import Actor, World

_STRANGER = "root@laptop.local"
_TRIES = 8


@dataclass
class Workshop:
    """Where branches are made: main as it stands, and the hands that write."""

    world: World
    writer: Writer
    layout: Layout
    mainline: list[Commit] = field(default_factory=list)
    _landed: list[datetime] = field(default_factory=list)
    _serial: int = 0

    def __post_init__(self) -> None:
        self._kinds = Deck(self.rng, leaks.KINDS)

    @property
    def rng(self) -> random.Random:
        """The run's dice."""
        return self.world.rng

    @property
    def tip(self) -> Commit:
        """Last commit of main."""
        return self.mainline[-1]

    @property
    def position(self) -> int:
        """Place of the tip on the mainline, 0 for the root."""
        return len(self.mainline) - 1

    def advance(self, commits: Iterable[Commit], at: datetime) -> None:
        """Main moves on to `commits` at `at`."""
        for commit in commits:
            self.mainline.append(commit)
            self._landed.append(at)

    def main_at(self, moment: datetime) -> Commit:
        """What main was then."""
        return self.mainline[max(bisect_right(self._landed, moment) - 1, 0)]

    def serial(self) -> int:
        """A number not used before."""
        self._serial += 1
        return self._serial

    def person(self, since: datetime, until: datetime) -> Actor:
        """Someone of the roster who is there all the time."""
        staff = [a for a in self.world.people if a.kind == "person" and a.person and a.active(since, until)]
        return self.rng.choice(staff)

    def signature(self, actor: Actor, at: datetime, *, old: bool = True) -> Signature:
        """How someone signs a commit: under any of their addresses; `old`: one that only `.mailmap` explains too."""
        known = [email for email in actor.emails if old or not email.endswith(f"@{people.OLD_DOMAIN}")]
        email = known[0] if self.rng.random() < 0.6 else self.rng.choice(known)
        return Signature(actor.name, email, at, people.login_id(actor.login) % 5 * 60 - 60)

    def web_signature(self, actor: Actor, at: datetime) -> Signature:
        """How the forge signs for someone."""
        return Signature(actor.name, self.rng.choice(actor.emails[:2]), at)

    def begin(self, tree: Tree, theme: Theme) -> Tree:
        """`tree` with the first commit of a theme done."""
        serial = self.serial()
        self._serial += len(theme.paths)
        return themes.begin(self.rng, self.layout, theme, tree, serial)

    def go_on(self, tree: Tree, theme: Theme) -> Tree:
        """`tree` with one more commit of a theme done."""
        return themes.go_on(self.rng, tree, self.rng.choice(theme.paths), self.serial())

    def theme(self, who: Actor) -> Theme:
        """Something to change, as fits who changes it."""
        return themes.choose(self.rng, self.layout, who, self.serial())

    def branch(self, slot: Slot, crew: Sequence[Actor], most: int) -> Branch:
        """A branch of one person's commits, never pushed by itself."""
        for attempt in range(_TRIES):
            base = self.tip if attempt > _TRIES // 2 else self.main_at(slot.worked)
            theme = self.theme(crew[0])
            branch = Branch(f"hotfix/{self._slug(theme)}", theme.subject, base, [], [], base, theme=theme)
            for number in range(self.rng.randint(1, most)):
                tree = self.go_on(branch.drafts[-1].tree, theme) if number else self.begin(base.tree, theme)
                who = self.signature(crew[0], slot.worked + timedelta(minutes=3 * number))
                branch.drafts.append(Draft(tree, who, who, f"{theme.subject}\n"))
            if self._settle(branch, "merge"):
                return branch
        raise AssertionError("a branch from main's tip always merges")

    def pull_branch(self, slot: Slot, plan: Plan, kind: str, roles: Cast, *, lone: bool = True) -> Branch:
        """The branch of a pull request: what its plan asks for, and what merges onto main by itself.

        `lone`: no others land with it; only then may it take back, bring back or copy what landed before.
        """
        leak = self._leak() if slot.trouble == "SEC-01" else None
        plain = (
            lone and leak is None and plan.crew == "alone" and not plan.late and roles.opener.kind == "person"
        )
        for attempt in range(_TRIES):
            branch = returns.draw(self, slot, roles) if plain and attempt < 2 else None
            if branch is None:
                branch = self._feature(slot, plan, kind, roles, fresh=attempt > _TRIES // 2, theme=leak)
            if self._settle(branch, kind):
                branch.by_hand = lone and kind == "merge" and self.rng.random() < 0.06
                return branch
        raise AssertionError("a branch from main's tip always merges")

    def _slug(self, theme: Theme) -> str:
        return f"{'-'.join(''.join(c if c.isalnum() else ' ' for c in theme.subject.lower()).split())}-{self.serial()}"

    def _leak(self) -> Theme:
        serial = self.serial()
        where = leaks.path(self.rng, self.layout.apps, self._kinds.draw(), serial)
        return Theme(f"Add settings {serial}", (where,))

    def _feature(
        self, slot: Slot, plan: Plan, kind: str, roles: Cast, *, fresh: bool, theme: Theme | None = None
    ) -> Branch:
        rng, base = self.rng, self.tip if fresh else self.main_at(slot.worked)
        theme = theme or self.theme(roles.opener)
        count = rng.choice((1, 1, 2, 2, 3, 4)) if plan.crew == "alone" else rng.randint(2, 4)
        early = rng.randint(1, count)
        branch = Branch(f"feature/{self._slug(theme)}", theme.subject, base, [], [], base)
        span = (slot.at - slot.created).total_seconds()
        for number in range(count):
            if number < early:
                share = (number + rng.random() * 0.8) / early
                at = slot.worked + (slot.created - slot.worked - timedelta(minutes=2)) * share
            else:
                at = slot.created + timedelta(
                    seconds=int(span * (0.1 + 0.3 * (number - early + 1) / (count - early)))
                )
            branch.drafts.append(
                self._draft(branch, theme, number, at=at.replace(microsecond=0), roles=roles, kind=kind)
            )
            if number == early - 1:
                branch.pushes.append((slot.created - timedelta(seconds=rng.randint(20, 50)), early))
            elif number >= early:
                branch.pushes.append((at.replace(microsecond=0) + timedelta(seconds=9), number + 1))
        self._cast_crew(branch, plan, roles, kind)
        if plan.late:
            at = slot.created + timedelta(seconds=int(span * rng.uniform(0.88, 0.92)))
            self._late(branch, theme, plan.late, at=at, roles=roles, kind=kind)
        elif kind != "rebase" and rng.random() < 0.12 and early < count:
            self._update(branch, branch.pushes[-1][0] + timedelta(seconds=30), roles)
        return branch

    def _draft(
        self, branch: Branch, theme: Theme, number: int, *, at: datetime, roles: Cast, kind: str
    ) -> Draft:
        rng = self.rng
        tree = self.go_on(branch.drafts[-1].tree, theme) if number else self.begin(branch.base.tree, theme)
        author = self.signature(roles.opener, at, old=kind != "squash")
        committer = author
        if rng.random() < 0.1 or roles.opener is people.DEPENDABOT:
            committer = Signature(*people.FORGE, at)  # committed in the browser
        elif rng.random() < 0.05:
            author = replace(author, at=at - timedelta(days=rng.randint(30, 900)))
        elif rng.random() < 0.03:
            author = committer = replace(author, at=at + timedelta(days=rng.randint(-40, 3)))
        subject = theme.subject if number == 0 else f"{theme.subject}, part {number + 1}"
        body = "\n\nDiscussed in #12, see also (#12).\n" if rng.random() < 0.08 else "\n"
        return Draft(tree, author, committer, subject + body)

    def _cast_crew(self, branch: Branch, plan: Plan, roles: Cast, kind: str) -> None:
        """Gives one of the branch's commits to whom the plan names."""
        index = self.rng.randrange(len(branch.drafts))
        draft = branch.drafts[index]
        at = draft.author.at
        second = self.signature(roles.second, at, old=kind != "squash")
        if plan.crew == "trailer":
            email = self.rng.choice(roles.second.emails[:2])
            trailer = f"\nCo-authored-by: {roles.second.name} <{email}>\n"
            draft = replace(draft, message=draft.message + trailer)
        elif plan.crew == "author":
            draft = replace(draft, author=second, committer=second)
        elif plan.crew == "committer":
            draft = replace(draft, committer=second)
        elif plan.crew == "stranger":
            unknown = replace(draft.author, email=_STRANGER)
            draft = replace(draft, author=unknown, committer=unknown)
        branch.drafts[index] = draft

    def _late(self, branch: Branch, theme: Theme, how: str, *, at: datetime, roles: Cast, kind: str) -> None:
        """The branch changes once more, shortly before it is merged."""
        if how == "update" and self._update(branch, at, roles):
            return
        last = branch.drafts[-1]
        who = self.signature(roles.opener, at - timedelta(seconds=5), old=kind != "squash")
        tree = self.go_on(last.tree, theme)
        if how == "force":
            branch.drafts.append(replace(last, tree=tree, committer=who, amends=True))
        else:
            branch.drafts.append(Draft(tree, who, who, f"{theme.subject}, after review\n"))
        branch.pushes.append((at, len(branch.drafts)))

    def _update(self, branch: Branch, at: datetime, roles: Cast) -> bool:
        """Merges main into the branch, as the forge's button does; False where there is nothing to merge."""
        main, tree = self.main_at(at), None
        if main.mark > branch.fork.mark:  # main has moved on
            tree = merge(branch.fork.tree, main.tree, branch.drafts[-1].tree)
        if tree is None:
            return False
        author = self.web_signature(roles.opener, at)
        committer = Signature(*people.FORGE, at)
        message = f"Merge branch 'main' into {branch.name}\n"
        branch.drafts.append(Draft(tree, author, committer, message, other=main))
        branch.pushes.append((at, len(branch.drafts)))
        branch.fork = main
        return True

    def _settle(self, branch: Branch, kind: str) -> bool:
        """Works out what merging (or replaying) the branch onto main's tip gives; False where git could not, by itself."""
        final = branch.final
        merged = merge(branch.fork.tree, self.tip.tree, final[-1].tree)
        if merged is None or merged == self.tip.tree:
            return False
        branch.merged = merged
        if kind != "rebase":
            return True
        before, current = branch.base.tree, self.tip.tree
        for draft in final:
            after = merge(before, current, draft.tree)
            if after is None or after == current:
                return False
            branch.replayed.append(after)
            before, current = draft.tree, after
        return True

    def write(self, branch: Branch) -> list[Commit]:
        """Writes the branch's commits; all that were ever made, in order."""
        written = list[Commit]()
        for draft in branch.drafts:
            parent = written[-1] if written else branch.base
            parent = parent.parents[0] if draft.amends else parent
            parents = [parent, *([draft.other] if draft.other else [])]
            written.append(
                self.writer.commit(
                    draft.tree, parents, author=draft.author, committer=draft.committer, message=draft.message
                )
            )
        return written

    def write_pushes(self, branch: Branch) -> list[tuple[datetime, Commit]]:
        """Writes the branch's commits; its head after each push."""
        written = self.write(branch)
        return [(at, written[count - 1]) for at, count in branch.pushes]

    def replay(self, branch: Branch, committer: Signature) -> list[Commit]:
        """Writes the branch's commits anew onto main: authors and their dates stay, the committer is who merges.

        The forge does it, and signs for nobody.
        """
        written = list[Commit]()
        for draft, tree in zip(branch.final, branch.replayed, strict=True):
            parent = written[-1] if written else self.tip
            written.append(
                self.writer.commit(
                    tree,
                    [parent],
                    author=draft.author,
                    committer=committer,
                    message=draft.message,
                    plain=True,
                )
            )
        return written
