"""What happens around every change: a pull request is opened, reviewed and checked, and what lands is written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from audit.simulator import leaks, people, plans
from audit.simulator.ages import Ages
from audit.simulator.branches import Workshop
from audit.simulator.casting import Cast
from audit.simulator.drafts import Branch
from audit.simulator.hub import ZEROS, Check, Hub, Pull, Push, Review
from audit.simulator.keeping import Kept
from audit.simulator.layout import Target
from audit.simulator.manifests import changed
from audit.simulator.plans import CheckPlan, Plan
from audit.simulator.repository import Commit, Tree
from audit.simulator.schedule import Slot
from audit.simulator.world import REPOSITORY, Actor, Kind, Landed, Via, World, quarter_of, stamp

REQUIRED_CHECKS = ("validate", "policy")
_VERDICTS: dict[str, Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED"]] = {
    "approve": "APPROVED",
    "request": "CHANGES_REQUESTED",
    "comment": "COMMENTED",
}


class Judged(NamedTuple):
    """What landed: a pull request, or (without number) a push; who put it there, and controls it breaks, each with why."""

    number: int | None
    who: Actor
    broken: Mapping[str, str]


@dataclass
class Desk:
    """Everything that the acts share."""

    world: World
    shop: Workshop
    hub: Hub = field(default_factory=Hub)
    refs: dict[str, Commit] = field(default_factory=dict)
    ages: Ages = field(default_factory=Ages)
    kept: Kept = field(default_factory=Kept)
    _landed: set[str] = field(default_factory=set)

    def open(self, slot: Slot, branch: Branch, roles: Cast) -> Pull:
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

    def delete_branch(self, pull: Pull, at: datetime, login: str) -> None:
        """The branch of a pull request is gone."""
        ref = f"refs/heads/{pull.branch}"
        self.hub.pushes.append(Push(at, ref, pull.head.sha, ZEROS, "branch_deletion", login))

    def review(self, pull: Pull, plan: Plan, roles: Cast) -> None:
        """Acts out the reviews of a plan, from the opening to the merge."""
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

    def check(self, pull: Pull, plan: CheckPlan) -> None:
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

    def landed(
        self,
        commits: Sequence[Commit],
        kind: Kind,
        via: Via,
        judged: Sequence[Judged],
        *,
        at: datetime,
        branch: Branch | None = None,
    ) -> None:
        """Writes down one landing, with what each pull request of it (or the push) violates."""
        world = self.world
        before = commits[0].parents[0].tree if commits[0].parents else {}
        self.shop.advance(commits, at)
        landed = Landed(
            commits[-1].sha,
            self.shop.position,
            kind,
            via,
            tuple(sorted(each.number for each in judged if each.number is not None)),
            at,
            self._targets(commits),
            frozenset(control for each in judged for control in each.broken),
            reverts=branch.reverts if branch else None,
            picks=branch.picks if branch else None,
        )
        landed.reinstates = self._reinstated(landed.reverts)
        world.landed.append(landed)
        for number, who, broken in judged:
            subject = f"{REPOSITORY}@{landed.head_sha}" if number is None else f"{REPOSITORY}#{number}"
            for control, reason in sorted(broken.items()):
                world.truth.violation(control, subject, at, why=f"{reason} ({who.login})")
        self._signed(commits, at)
        self._leaked(commits, at)
        for commit in commits:
            self.ages.note(commit)
            self.kept.changed(commit.parents[0].tree if commit.parents else {}, commit.tree, at)
        self.kept.note(commits[-1].tree, at)
        self._tagged(landed.head_sha, before, commits[-1].tree)
        world.truth.landings.append(_row(landed))
        world.truth.counts[f"landings: {kind}"] += 1

    def _reinstated(self, reverts: str | None) -> str | None:
        """The first of a chain of landings that each take the one before it back, if its change is there again."""
        links = {one.head_sha: one.reverts for one in self.world.landed}
        length, first = 0, reverts
        while first is not None and links.get(first) is not None:
            length, first = length + 1, links[first]
        return first if length % 2 else None

    def _signed(self, commits: Sequence[Commit], at: datetime) -> None:
        """Signatures of the commits that came with a landing; CHG-08: those that fail, and authors nobody knows."""
        waiting, position = list(commits), self.shop.position - len(commits) + 1
        truth = self.world.truth
        while waiting:
            commit = waiting.pop()
            if commit.sha in self._landed:
                continue
            self._landed.add(commit.sha)
            waiting += commit.parents
            why = []
            if commit.seal:
                state, key, _ = commit.seal
                truth.signatures.append(
                    {"sha": commit.sha, "state": state, "key": key, "landed_by": position}
                )
                why += [f"signature: {state}"] if state not in ("good", "forge") else []
            if people.unknown(commit.author.email, self.world.people):
                why.append(f"written by {commit.author.email}")
            if why:
                truth.violation("CHG-08", f"{REPOSITORY}@{commit.sha}", at, why="; ".join(why))

    def _leaked(self, commits: Sequence[Commit], at: datetime) -> None:
        """SEC-01: each secret in the clear that a commit of the mainline adds, of which some are waived."""
        for commit in commits:
            for leak in leaks.added(commit):
                self.world.truth.counts[f"secrets: {'waived' if leak.waived else 'in the clear'}"] += 1
                mark = leaks.fingerprint(leak.value)[:12]
                subject = f"{REPOSITORY}@{commit.sha}:{leak.path}:{leak.rule}:{mark}"
                waiver = leaks.WAIVERS if leak.waived else ""
                self.world.truth.violation(
                    "SEC-01", subject, at, why=f"{leak.path} in the clear", waiver=waiver
                )

    def _tagged(self, head: str, before: Tree, after: Tree) -> None:
        """Which versions of which images the landing changed, and where."""
        old, new = self.shop.layout.tags(before), self.shop.layout.tags(after)
        for what in sorted(old.keys() | new.keys()):
            if old.get(what) != new.get(what):
                app, environment, image = what
                self.world.truth.images.append(
                    {
                        "head_sha": head,
                        "path": self.shop.layout.tag_files()[what],
                        "app": app,
                        "environment": environment,
                        "image": image,
                        "before": old.get(what),
                        "after": new.get(what),
                    }
                )

    def _targets(self, commits: Iterable[Commit]) -> frozenset[Target]:
        """Where what they changed takes effect."""
        found = set[Target]()
        for commit in commits:
            before = commit.parents[0].tree if commit.parents else {}
            found |= self.shop.layout.reached(changed(before, commit.tree), before, commit.tree)
        return frozenset(found)


def _row(landed: Landed) -> dict[str, object]:
    """A landing as the truth tells it."""
    return {
        "repo": REPOSITORY,
        "head_sha": landed.head_sha,
        "kind": landed.kind,
        "via": landed.via,
        "pr_number": landed.pr_number,
        "pr_numbers": list(landed.pr_numbers),
        "landed_at": stamp(landed.landed_at),
        "targets": sorted(list(target) for target in landed.targets),
        "quarter": quarter_of(landed.landed_at),
        "position": landed.position,
        "reverts": landed.reverts,
        "reinstates": landed.reinstates,
        "picks": landed.picks,
    }


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
