"""Acts out Git: people work on branches, merge, squash, rebase, push and revert, well and badly.

Every violation is written into the truth as it is committed, from the plan that it follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from audit.simulator import people, plans
from audit.simulator.branches import Workshop
from audit.simulator.casting import Cast, cast
from audit.simulator.drafts import Branch, merge_message, squash_message
from audit.simulator.hub import MAIN, ZEROS, Check, Hub, Pull, Push, Review
from audit.simulator.layout import Layout, Target
from audit.simulator.manifests import changed, edit, editable
from audit.simulator.plans import CheckPlan, Plan
from audit.simulator.repository import Commit, Signature, Tree, Writer
from audit.simulator.schedule import Deck, Slot
from audit.simulator.schedule import plan as schedule
from audit.simulator.world import REPOSITORY, Actor, Landed, World, quarter_of, stamp

REQUIRED_CHECKS = ("validate", "policy")
_BOOTSTRAP = timedelta(days=40)  # how long before the first quarter the repository was made

_VERDICTS: dict[str, Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED"]] = {
    "approve": "APPROVED",
    "request": "CHANGES_REQUESTED",
    "comment": "COMMENTED",
}
_Kind = Literal["merge", "squash", "rebase", "direct"]


def act(world: World, repository: Path) -> Hub:
    """Writes the bare repository, fills `world.landed` and `world.unmerged`, and gives what the forge saw."""
    slots = schedule(world)
    with Writer(repository) as writer:
        history = _History(world, Workshop(world, writer, Layout(world.apps)))
        history.bootstrap()
        for slot in slots:
            {
                "direct": history.push_directly,
                "pull": history.land,
                "closed": history.close,
                "open": history.leave_open,
            }[slot.what](slot)
        writer.refs |= history.refs | {MAIN: history.shop.tip}
    history.hub.pulls.sort(key=lambda pull: pull.number)
    history.hub.pushes.sort(key=lambda push: (push.at, push.ref, push.operation))
    return history.hub


@dataclass
class _History:
    world: World
    shop: Workshop
    hub: Hub = field(default_factory=Hub)
    refs: dict[str, Commit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = self.world.rng
        self._plans = {
            "": Deck(rng, plans.CLEAN),
            "CHG-05": Deck(rng, plans.CLEAN),
            "several": Deck(rng, plans.SEVERAL),
        } | {control: Deck(rng, found) for control, found in plans.BREAKING.items()}
        self._red = Deck(rng, plans.CHECKS_BREAKING)
        self._green = Deck(rng, plans.CHECKS_CLEAN)
        self._direct = Deck(rng, plans.DIRECT)
        kinds: tuple[_Kind, ...] = ("merge",) * 4 + ("squash",) * 4 + ("rebase",) * 3
        self._kinds = Deck(rng, kinds)

    def bootstrap(self) -> None:
        """The first commit, pushed before the first quarter by whoever set the repository up."""
        world = self.world
        at = world.start - _BOOTSTRAP
        founder = world.people[0]
        who = Signature(founder.name, founder.emails[0], at, 60)
        tree = self.shop.layout.first_tree(people.mailmap(world.people))
        root = self.shop.writer.commit(tree, [], author=who, committer=who, message="Set up the repository\n")
        self._landed(
            [root], "direct", None, at=at, who=founder, broken={"CHG-01": "the repository's first commit"}
        )
        self.hub.pushes.append(Push(at, MAIN, ZEROS, root.sha, "branch_creation", founder.login))

    def push_directly(self, slot: Slot) -> None:
        """Someone pushes to main, past every pull request."""
        variant = self._direct.draw()
        shop, before = self.shop, self.shop.tip
        who = people.RELEASE if "bot" in variant else shop.person(slot.worked, slot.at)
        forged = self._forged_subject(variant)
        if variant in plans.DIRECT_MERGES:
            commits = [self._merge_locally(slot, who, forged, faked="forge" in variant)]
        else:
            count = shop.rng.randint(2, 3) if variant == "several commits" else 1
            commits = self._commit_on_main(slot, who, count, forged, faked="forge" in variant)
        self._landed(
            commits, "direct", None, at=slot.at, who=who, broken={"CHG-01": f"pushed directly: {variant}"}
        )
        self.hub.pushes.append(Push(slot.at, MAIN, before.sha, commits[-1].sha, "push", who.login))

    def _forged_subject(self, variant: str) -> str | None:
        numbers = [pull.number for pull in self.hub.pulls] or [3]
        number = self.shop.rng.choice([*numbers[-6:], 90_000 + numbers[-1]])
        if "squash subject" in variant:
            return f"Tidy overlays (#{number})"
        if "merge subject" in variant:
            return f"Merge pull request #{number} from netbpf/tidy-overlays"
        if "mention" in variant:
            return f"Follow up on #{number}: tidy overlays"
        return None

    def _commit_on_main(
        self, slot: Slot, who: Actor, count: int, subject: str | None, *, faked: bool
    ) -> list[Commit]:
        shop, commits = self.shop, list[Commit]()
        at = slot.at - timedelta(seconds=shop.rng.randint(20 * count, 1200))
        for number in range(count):
            tip = commits[-1] if commits else shop.tip
            theme = shop.theme(who)
            tree = shop.begin(tip.tree, theme)
            author = shop.signature(who, at + timedelta(seconds=10 * number))
            committer = Signature(*people.FORGE, author.at) if faked else author
            message = f"{subject or theme.subject}\n"
            commits.append(
                shop.writer.commit(tree, [tip], author=author, committer=committer, message=message)
            )
        return commits

    def _merge_locally(self, slot: Slot, who: Actor, subject: str | None, *, faked: bool) -> Commit:
        """A branch that never was a pull request, merged on someone's machine."""
        shop = self.shop
        branch = shop.branch(slot, [who], 2)
        at = slot.at - timedelta(seconds=shop.rng.randint(5, 600))
        commits = shop.write(branch)
        author = shop.signature(who, at)
        committer = Signature(*people.FORGE, at) if faked else author
        message = f"{subject or f'Merge branch {branch.name!r}'}\n"
        return shop.writer.commit(
            branch.merged, [shop.tip, commits[-1]], author=author, committer=committer, message=message
        )

    def land(self, slot: Slot) -> None:
        """A pull request is opened, reviewed, checked and merged, by some plan."""
        plan = self._plans[slot.trouble].draw()
        red = slot.trouble == "CHG-05" or (slot.trouble and self.shop.rng.random() < 0.2)
        checks = (self._red if red else self._green).draw()
        kind = plan.kind or self._kinds.draw()
        roles = cast(self.world, plan, slot, kind)
        branch = self.shop.pull_branch(slot, plan, kind, roles)
        pull = self._open(slot, branch, roles)
        pull.merged_at, pull.closed_at, pull.merged_by = slot.at, slot.at, roles.merger
        before = self.shop.tip
        commits = self._merge(kind, plan, branch, pull, roles)
        pull.merge = commits[-1]
        self._review(pull, plan, roles)
        self._check(pull, checks)
        broken = {
            **dict.fromkeys(plan.breaks, plan.name),
            **dict.fromkeys(checks.breaks, f"check {checks.name}"),
        }
        self._landed(
            commits, kind, pull.number, at=slot.at, who=roles.merger, broken=broken, reverts=branch.reverts
        )
        by_hand = plan.evil or branch.by_hand
        self.hub.pushes += [
            Push(
                slot.at,
                MAIN,
                before.sha,
                commits[-1].sha,
                "push" if by_hand else "pr_merge",
                roles.merger.login,
            ),
            Push(
                slot.at + timedelta(seconds=4),
                f"refs/heads/{pull.branch}",
                pull.head.sha,
                ZEROS,
                "branch_deletion",
                roles.merger.login,
            ),
        ]

    def close(self, slot: Slot) -> None:
        """A pull request is closed without being merged; its commits never land."""
        pull = self._unmerged(slot)
        pull.closed_at = slot.at
        deletion = Push(
            slot.at,
            f"refs/heads/{pull.branch}",
            pull.head.sha,
            ZEROS,
            "branch_deletion",
            pull.opener.login,
        )
        self.hub.pushes.append(deletion)

    def leave_open(self, slot: Slot) -> None:
        """A pull request is still open at the end."""
        pull = self._unmerged(slot)
        pull.draft = self.shop.rng.random() < 0.5
        self.refs[f"refs/heads/{pull.branch}"] = pull.head

    def _unmerged(self, slot: Slot) -> Pull:
        plan = self.shop.rng.choice((plans.BREAKING["CHG-02"][0], plans.CLEAN[0]))
        roles = cast(self.world, plan, slot, "squash")
        pull = self._open(slot, self.shop.pull_branch(slot, plan, "squash", roles), roles)
        pull.merged_at = slot.at  # for the times of its reviews alone
        self._review(pull, plan, roles)
        self._check(pull, plans.CHECKS_CLEAN[0])
        pull.merged_at = None
        self.world.unmerged.append(pull.head.sha)
        self.world.truth.counts["pull requests not merged"] += 1
        return pull

    def _open(self, slot: Slot, branch: Branch, roles: Cast) -> Pull:
        """Writes the branch's commits, and opens its pull request."""
        heads = self.shop.write_pushes(branch)
        labels = ("dependencies",) if roles.opener is people.DEPENDABOT else ()
        pull = Pull(
            slot.number, branch.title, branch.name, roles.opener, slot.created, branch.base,
            heads, len(branch.final), labels,
        )  # fmt: skip
        self.hub.pulls.append(pull)
        self.refs[f"refs/pull/{pull.number}/head"] = pull.head
        before = ZEROS
        for at, commit in heads:
            operation = "push" if before != ZEROS else "branch_creation"
            if before != ZEROS and not _descends(commit, before):
                operation = "force_push"
            login = roles.opener.login
            self.hub.pushes.append(
                Push(at, f"refs/heads/{pull.branch}", before, commit.sha, operation, login)
            )
            before = commit.sha
        return pull

    def _merge(self, kind: str, plan: Plan, branch: Branch, pull: Pull, roles: Cast) -> list[Commit]:
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

    def _review(self, pull: Pull, plan: Plan, roles: Cast) -> None:
        ended = pull.merged_at
        assert ended is not None
        for step in plan.steps:
            at, login = _between(pull.created_at, ended, step.when), roles.login(step.role)
            if step.verb == "dismiss":
                review = next(r for r in reversed(pull.reviews) if r.login == login)
                review.dismissed_at, review.dismissed_by = at, roles.merger.login
                continue
            verdict = _VERDICTS[step.verb]
            pull.reviews.append(Review(self.hub.next_id(), login, verdict, at, pull.head_at(at)))

    def _check(self, pull: Pull, plan: CheckPlan) -> None:
        """Runs the checks of every push; those of the last one go by `plan`. Main is checked after the merge too."""
        rng, ended = self.shop.rng, pull.merged_at
        assert ended is not None
        affected, green = rng.choice(REQUIRED_CHECKS), plans.CHECKS_CLEAN[0].runs
        ends = [*(at for at, _ in pull.heads[1:]), ended]
        for (pushed, commit), end in zip(pull.heads, ends, strict=True):
            for name in REQUIRED_CHECKS:
                runs = plan.runs if commit is pull.head and name == affected else green
                self._runs(pull, commit, name, runs, (pushed, end))
            if rng.random() < 0.3:
                self._runs(pull, commit, "links", plans.CHECKS_BREAKING[0].runs, (pushed, end))
        if pull.merge is not None:
            for name in REQUIRED_CHECKS:
                self._runs(pull, pull.merge, name, green, (ended, ended + timedelta(hours=1)))

    def _runs(
        self,
        pull: Pull,
        commit: Commit,
        name: str,
        runs: Iterable[plans.Run],
        between: tuple[datetime, datetime],
    ) -> None:
        for run in runs:
            done = None if run.completed is None else _between(*between, run.completed)
            began = _between(*between, run.started)
            pull.checks.append(Check(self.hub.next_id(), commit, name, run.conclusion, began, done))

    def _landed(
        self,
        commits: list[Commit],
        kind: _Kind,
        number: int | None,
        *,
        at: datetime,
        who: Actor,
        broken: Mapping[str, str],
        reverts: str | None = None,
    ) -> None:
        """Writes down one landing, with what it violates."""
        world, head = self.world, commits[-1].sha
        targets = self._targets(commits)
        self.shop.advance(commits, at)
        landed = Landed(head, self.shop.position, kind, number, at, targets, frozenset(broken), reverts)
        world.landed.append(landed)
        subject = f"{REPOSITORY}@{head}" if number is None else f"{REPOSITORY}#{number}"
        for control, reason in sorted(broken.items()):
            world.truth.violation(control, subject, at, why=f"{reason} ({who.login})")
        world.truth.landings.append(
            {
                "repo": REPOSITORY,
                "head_sha": head,
                "kind": kind,
                "pr_number": number,
                "landed_at": stamp(at),
                "targets": sorted(list(target) for target in landed.targets),
                "quarter": quarter_of(at),
                "position": landed.position,
                "reverts": reverts,
            }
        )
        world.truth.counts[f"landings: {kind}"] += 1

    def _targets(self, commits: list[Commit]) -> frozenset[Target]:
        """Where what they changed takes effect."""
        found = set[Target]()
        for commit in commits:
            before = commit.parents[0].tree if commit.parents else {}
            found |= self.shop.layout.reached(changed(before, commit.tree), before, commit.tree)
        return frozenset(found)


def _between(start: datetime, end: datetime, share: float) -> datetime:
    """A time in whole seconds: a share of the way from `start` to `end`, or, above 1, some time after `end`."""
    if share >= 1:
        return end + timedelta(seconds=int((share - 1) * 200_000))
    return start + timedelta(seconds=int((end - start).total_seconds() * share))


def _descends(commit: Commit, sha: str) -> bool:
    """Whether `sha` is among the ancestors of `commit` by its first parents, ten deep at most."""
    for _ in range(10):
        if commit.sha == sha:
            return True
        if not commit.parents:
            return False
        commit = commit.parents[0]
    return False
