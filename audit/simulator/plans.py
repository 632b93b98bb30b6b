"""How a change can be reviewed, checked and pushed: every way that is right, and every way that is not.

Each plan names the controls that it violates, by the rules of the controls alone. A step's `when` is a fraction of
the time from opening to merging; 1 is the very moment of the merge, more than 1 is after it. A late push comes at
about 0.9: an approval before it is of an older commit.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Role = Literal["peer", "peer2", "second", "alias", "outsider", "bot", "opener"]
Verb = Literal["approve", "comment", "request", "dismiss"]
Crew = Literal["alone", "trailer", "author", "committer", "stranger", "outsider"]
"""Whose work the change is, besides the opener's: a co-author by trailer, by a commit of their own, as a committer;
`stranger`: a commit bears an address that nobody knows; `outsider`: the opener is not in the roster."""

C2, C3, C4, C5 = "CHG-02", "CHG-03", "CHG-04", "CHG-05"


class Step(NamedTuple):
    """Who does what, when. `dismiss` dismisses that one's latest review."""

    role: Role
    verb: Verb
    when: float


class Plan(NamedTuple):
    """A course of review. `late`: how the branch changes near its end; `kind`: only so can it land."""

    name: str
    breaks: tuple[str, ...]
    steps: tuple[Step, ...]
    crew: Crew = "alone"
    late: Literal["", "push", "update", "force"] = ""
    kind: Literal["", "merge", "squash"] = ""
    evil: bool = False


def _approves(role: Role, when: float = 0.6) -> Step:
    return Step(role, "approve", when)


_PEER = (_approves("peer"),)
_SECOND = (_approves("second"),)

CLEAN = (
    Plan("approved", (), _PEER),
    Plan("approved by two", (), (_approves("peer", 0.55), _approves("peer2", 0.7))),
    Plan("commented on, then approved", (), (Step("peer", "comment", 0.5), _approves("peer", 0.7))),
    Plan("approved, then commented on", (), (_approves("peer", 0.5), Step("peer", "comment", 0.7))),
    Plan("changes requested, then approved", (), (Step("peer", "request", 0.5), _approves("peer", 0.75))),
    Plan(
        "change request dismissed, then approved",
        (),
        (Step("peer2", "request", 0.5), Step("peer2", "dismiss", 0.6), _approves("peer", 0.75)),
    ),
    Plan("approval dismissed after the merge", (), (*_PEER, Step("peer", "dismiss", 1.2))),
    Plan(
        "one asked for changes, another approved", (), (Step("peer2", "request", 0.5), _approves("peer", 0.7))
    ),
    Plan("approved by the author's alias and a colleague", (), (_approves("alias", 0.5), _approves("peer"))),
    Plan("approved again after a push", (), (*_PEER, _approves("peer", 0.95)), late="push"),
    Plan("an old approval, and one of the last commit", (), (*_PEER, _approves("peer2", 0.95)), late="force"),
    Plan("approved after an update from main", (), (_approves("peer", 0.95),), late="update", kind="merge"),
    Plan("approved by a bot and a colleague", (), (_approves("bot", 0.5), _approves("peer"))),
    Plan("changes requested after the merge", (), (*_PEER, Step("peer", "request", 1.1))),
    Plan("approved before and after the merge", (), (*_PEER, _approves("peer", 1.1))),
    Plan(
        "one approval dismissed, another stands",
        (),
        (_approves("peer", 0.5), Step("peer", "dismiss", 0.6), _approves("peer2", 0.7)),
    ),
    Plan("written by two, approved by a third", (), _PEER, crew="trailer"),
    Plan("commits of two, approved by a third", (), _PEER, crew="author"),
    Plan("committed by another, approved by a third", (), _PEER, crew="committer", kind="merge"),
    Plan("co-author and a third approve", (), (_approves("second", 0.5), _approves("peer")), crew="trailer"),
)

BREAKING: dict[str, tuple[Plan, ...]] = {
    C2: (
        Plan("never reviewed", (C2,), ()),
        Plan("only commented on", (C2,), (Step("peer", "comment", 0.6),)),
        Plan("approved only after the merge", (C2,), (_approves("peer", 1.05),)),
        Plan("approved at the very moment of the merge", (C2,), (_approves("peer", 1.0),)),
        Plan("approved only by a bot", (C2,), (_approves("bot"),)),
        Plan(
            "approved, then changes requested", (C2,), (_approves("peer", 0.5), Step("peer", "request", 0.7))
        ),
        Plan(
            "change request dismissed, never approved",
            (C2,),
            (Step("peer", "request", 0.5), Step("peer", "dismiss", 0.6)),
        ),
    ),
    C3: (
        Plan("approved only by a co-author", (C3,), _SECOND, crew="trailer"),
        Plan("approved only by the author of one of its commits", (C3,), _SECOND, crew="author"),
        Plan("approved only by the committer of its commits", (C3,), _SECOND, crew="committer", kind="merge"),
        Plan("approved only by the author's second login", (C3,), (_approves("alias"),)),
        Plan("approved only by someone not in the roster", (C3,), (_approves("outsider"),)),
        Plan("approved, but an author is unknown", (C3,), _PEER, crew="stranger"),
        Plan("approved, but opened by someone not in the roster", (C3,), _PEER, crew="outsider"),
        Plan(
            "the colleague's approval dismissed, the author's alias stands",
            (C3,),
            (_approves("peer", 0.5), Step("peer", "dismiss", 0.6), _approves("alias", 0.7)),
        ),
    ),
    C4: (
        Plan("pushed to after the approval", (C4,), _PEER, late="push"),
        Plan("amended after the approval", (C4,), _PEER, late="force"),
        Plan("updated from main after the approval", (C4,), _PEER, late="update", kind="merge"),
        Plan("approval dismissed before the merge", (C4,), (*_PEER, Step("peer", "dismiss", 0.8))),
        Plan(
            "a colleague's old approval, and a fresh one of the author's alias",
            (C4,),
            (*_PEER, _approves("alias", 0.95)),
            late="push",
        ),
        Plan(
            "one approval dismissed, the other of an older commit",
            (C4,),
            (_approves("peer2", 0.5), *_PEER, Step("peer2", "dismiss", 0.7)),
            late="push",
        ),
        Plan("merged by hand with content of its own", (C4,), _PEER, kind="merge", evil=True),
    ),
}
SEVERAL = (
    Plan("co-author's approval of an older commit", (C3, C4), _SECOND, crew="author", late="push"),
    Plan("never reviewed, merged with content of its own", (C2, C4), (), kind="merge", evil=True),
    Plan(
        "only a co-author approved, merged with content of its own",
        (C3, C4),
        _SECOND,
        crew="trailer",
        kind="merge",
        evil=True,
    ),
    Plan("unknown author, and pushed to after the approval", (C3, C4), _PEER, crew="stranger", late="push"),
)


class Run(NamedTuple):
    """A run of a required check on the last commit. Times are fractions from its push to the merge, as in `Step`."""

    conclusion: str
    started: float
    completed: float | None


class CheckPlan(NamedTuple):
    """How the runs of one required check went; of the others all succeed."""

    name: str
    breaks: tuple[str, ...]
    runs: tuple[Run, ...]


_GREEN = Run("success", 0.02, 0.1)

CHECKS_CLEAN = (
    CheckPlan("succeeded", (), (_GREEN,)),
    CheckPlan("failed, then succeeded", (), (Run("failure", 0.02, 0.1), Run("success", 0.2, 0.3))),
    CheckPlan("cancelled, then succeeded", (), (Run("cancelled", 0.02, 0.1), Run("success", 0.2, 0.3))),
    CheckPlan("succeeded, failed after the merge", (), (_GREEN, Run("failure", 1.1, 1.2))),
)
CHECKS_BREAKING = (
    CheckPlan("failed", (C5,), (Run("failure", 0.02, 0.1),)),
    CheckPlan("missing", (C5,), ()),
    CheckPlan("skipped", (C5,), (Run("skipped", 0.02, 0.1),)),
    CheckPlan("neutral", (C5,), (Run("neutral", 0.02, 0.1),)),
    CheckPlan("cancelled", (C5,), (Run("cancelled", 0.02, 0.1),)),
    CheckPlan("timed out", (C5,), (Run("timed_out", 0.02, 0.1),)),
    CheckPlan("still running", (C5,), (Run("success", 0.5, None),)),
    CheckPlan("succeeded, run again across the merge", (C5,), (_GREEN, Run("failure", 0.5, 1.2))),
    CheckPlan("completed after the merge", (C5,), (Run("success", 0.5, 1.05),)),
    CheckPlan("completed at the very moment of the merge", (C5,), (Run("success", 0.5, 1.0),)),
    CheckPlan("succeeded, then failed", (C5,), (_GREEN, Run("failure", 0.2, 0.3))),
)

OCTOPUS = "a merge of two branches"
DIRECT = (
    "one commit",
    "several commits",
    "a local merge",
    "the release bot's commit",
    "a mention of a pull request",
    "a squash subject",
    "a merge subject",
    "a squash subject and the forge as committer",
    "a merge subject on a merge and the forge as committer",
    OCTOPUS,
    "the release bot's merge of a branch",
)
"""Ways to push to main directly: each violates CHG-01."""
DIRECT_MERGES = (
    "a local merge",
    "a merge subject on a merge and the forge as committer",
    OCTOPUS,
    "the release bot's merge of a branch",
)


def broken(plan: Plan, checks: CheckPlan) -> dict[str, str]:
    """What a pull request violates, and why."""
    return {
        **dict.fromkeys(plan.breaks, plan.name),
        **dict.fromkeys(checks.breaks, f"check {checks.name}"),
    }
