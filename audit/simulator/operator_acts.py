"""How one object of an operator fares: an agenda of landings, requests and mishaps, played in order of time."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.simulator.operations import HISTORY_LIMIT, Mainline, Operation, Span, Workload
from audit.simulator.world import Actor, Landed, Spell

_SYNC_FAILURES = (
    "one or more objects failed to apply, reason: Deployment.apps is invalid: spec.selector: field is immutable "
    "(retried 5 times).",
    "one or more synchronization tasks completed unsuccessfully (retried 5 times).",
    'one or more objects failed to apply, reason: admission webhook "validation.gatekeeper.sh" denied the request: '
    "container has no resource limits (retried 5 times).",
)
_RECONCILE_FAILURES = (
    (
        "BuildFailed",
        "kustomize build failed: accumulating resources: accumulation err='missing metadata.name'",
    ),
    ("ReconciliationFailed", "Deployment/grafana dry-run failed: admission webhook denied the request"),
    (
        "HealthCheckFailed",
        "health check failed after 5m0s: timeout waiting for: [Deployment status: 'InProgress']",
    ),
)
_BY_ITSELF = ("landing", "retry", "erased", "drift")  # what the operator does when nobody asks it
_FORCED = (("force",), ("replace",), ("prune",), ("force", "prune"))


@dataclass
class Stage:
    """What the operations of one cluster share.

    Attributes:
        outages: spans in which its operators do nothing.
        last_start: no operation starts at or after it.
        machines: Argo CD's names of the organisation's own automation.
    """

    rng: random.Random
    mainline: Mainline
    environment: str
    outages: list[Span]
    start: datetime
    last_start: datetime
    people: tuple[Actor, ...]
    machines: tuple[str, ...]
    unmerged: list[str]

    def awake(self, at: datetime) -> datetime:
        """`at`, or the end of the outage in which it lies."""
        for begin, end in self.outages:
            if begin <= at < end:
                return end + self.seconds(30, 600)
        return at

    def seconds(self, low: int, high: int) -> timedelta:
        """A random whole number of seconds."""
        return timedelta(seconds=self.rng.randint(low, high))

    def person(self, at: datetime) -> str:
        """Argo CD's name of someone who is there at `at`."""
        there = [p.argocd_user for p in self.people if p.argocd_user and p.active(at, at)]
        return self.rng.choice(there or ["admin"])

    def foreign(self, known: bool) -> str:
        """A commit that never landed: on a branch (`known`), or one that nobody has ever seen."""
        if known and self.unmerged:
            return self.rng.choice(self.unmerged)
        return f"{self.rng.getrandbits(160):040x}"


class Play:
    """Acts out one object's operations. `wake` puts something on its agenda; `run` plays it in order of time."""

    def __init__(self, stage: Stage, workload: Workload) -> None:
        self.stage, self.workload, self.rng = stage, workload, stage.rng
        self._agenda: list[tuple[datetime, int, str, Landed | None]] = []
        self._sequence = 0
        self._position: int | None = None  # mainline place of what is deployed; None for a foreign revision
        self._policy_on = True
        self._lost_ids = 0  # numbers that syncs took since the last one of which a record is left
        self._acts: dict[str, Callable[[datetime, Landed | None], None]] = {
            "landing": self._landing,
            "retry": self._landing,
            "erased": self._erased,
            "requested": self._requested,
            "manual": self._manual,
            "forced": self._manual,
            "rollback": self._rollback,
            "unmerged": self._foreign,
            "unknown": self._foreign,
            "drift": self._drift,
            "release": self._release,
            "hold": self._hold,
            "lost": self._lost,
        }
        self._act = ""

    def wake(self, at: datetime, act: str, landing: Landed | None = None) -> None:
        """Puts an act on the agenda."""
        heapq.heappush(self._agenda, (at, self._sequence, act, landing))
        self._sequence += 1

    def run(self) -> None:
        """Deploys what is there at the start, then plays the agenda."""
        first = max(self.stage.start, self.stage.mainline.times[0]) + self.stage.seconds(120, 900)
        self._deploy(first, self.stage.mainline.tip(first))
        while self._agenda:
            at, _, self._act, landing = heapq.heappop(self._agenda)
            free = self.workload.operations[-1].finished + self.stage.seconds(90, 150)
            start = self.stage.awake(max(at, free))
            held = self.workload.held_until(start) if self._act in _BY_ITSELF else None
            if held is not None and self._act != "erased":
                self.wake(held + self.stage.seconds(30, 600), self._act, landing)
            elif held is None and start < self.stage.last_start:
                self._acts[self._act](start, landing)

    def _landing(self, start: datetime, landing: Landed | None) -> None:
        """The operator sees a revision that it has not deployed; sometimes it fails, and tries again later."""
        if landing is None:
            behind = not self._policy_on or self._position is None
        else:
            behind = self._position is None or self._position < landing.position
        if not behind:
            return
        failed = self._act == "landing" and self.rng.random() < 0.05
        self._policy_on = True
        self._deploy(start, self.stage.mainline.tip(start), failed=failed)
        if failed:
            self.wake(start + self.stage.seconds(900, 7200), "retry", landing)
        elif self._may_fall_ill() and self.rng.random() < 0.08:
            self._degrade()

    def _may_fall_ill(self) -> bool:
        """Only of Argo CD's objects in production the evidence says how they fare after they were deployed."""
        return self.stage.environment == "prod" and self.workload.operator == "argocd"

    def _erased(self, start: datetime, _: Landed | None) -> None:
        """The operator sees what was pushed to main, before it is taken back."""
        tip = self.stage.mainline.tip(start)
        if isinstance(tip, Spell) and self.workload.operations[-1].revision != tip.head_sha:
            self._deploy(start, tip)

    def _degrade(self) -> None:
        """The new version is not healthy. Sometimes someone rolls it back."""
        begin = self.workload.operations[-1].finished + self.stage.seconds(120, 400)
        self.workload.degraded.append((begin, begin + self.stage.seconds(600, 4 * 3600)))
        if self.rng.random() < 0.3:
            self.wake(begin + self.stage.seconds(300, 2400), "rollback")

    def _requested(self, start: datetime, landing: Landed | None) -> None:
        """Someone does not wait for Flux's interval: `flux reconcile kustomization`."""
        if landing is None or (self._position is not None and self._position >= landing.position):
            return
        recent = [o.requested_at for o in self.workload.operations if o.requested_at is not None]
        if recent and start - recent[-1] < timedelta(hours=26):
            return  # the object remembers only the last request: a snapshot must have seen it
        operation = self._deploy(start, self.stage.mainline.tip(start))
        operation.requested_at = start - self.stage.seconds(2, 20)
        operation.options = ("requested",)

    def _manual(self, start: datetime, _: Landed | None) -> None:
        """Someone presses the button."""
        options = self.rng.choice(_FORCED) if self._act == "forced" else ()
        failed = self.rng.random() < 0.08
        user = self.stage.person(start)
        self._deploy(start, self.stage.mainline.tip(start), failed=failed, username=user, options=options)

    def _release(self, start: datetime, _: Landed | None) -> None:
        """The organisation's own automation asks for a sync: by name, yet by no person."""
        if self.stage.machines:
            operation = self._deploy(start, self.stage.mainline.tip(start), username=self.stage.machines[0])
            operation.machine = True

    def _rollback(self, start: datetime, _: Landed | None) -> None:
        """Someone goes back to an older revision, which needs automated sync off; later it is switched on again."""
        kept = [o for o in self.workload.operations if o.history_id is not None][-HISTORY_LIMIT["argocd"] :]
        older = [
            o
            for o in kept
            if None not in (o.position, self._position) and (o.position or 0) < (self._position or 0)
        ]
        if not older:
            self._manual(start, None)
            return
        target = older[-1] if self.rng.random() < 0.7 else self.rng.choice(older)
        self._policy_on = False
        operation = self._add(start, target.revision, target.position, username=self.stage.person(start))
        operation.rollback_to, operation.options = target.history_id, ("rollback",)
        self._come_back(start, always=False)

    def _hold(self, start: datetime, _: Landed | None) -> None:
        """Someone switches automated sync off, for days, and on again: nothing that lands is deployed meanwhile."""
        end = start + self.stage.seconds(2 * 86400, 12 * 86400)
        if self._policy_on and end < self.stage.last_start:
            self.workload.held.append((start, end))

    def _lost(self, _start: datetime, _: Landed | None) -> None:
        """The operator syncs what is there already, and every record of it is lost, but for the number it took."""
        self._lost_ids += 1

    def _foreign(self, start: datetime, _: Landed | None) -> None:
        """A revision that is not on main: in Argo CD someone asks for it, in Flux the source follows another branch."""
        revision = self.stage.foreign(self._act == "unmerged")
        argo = self.workload.operator == "argocd"
        self._policy_on = not argo
        self._add(start, revision, None, username=self.stage.person(start) if argo else None)
        self._come_back(start, always=True)

    def _come_back(self, start: datetime, *, always: bool) -> None:
        if always or self.rng.random() < 0.5:
            self.wake(start + self.stage.seconds(2 * 3600, 30 * 3600), "retry")

    def _drift(self, start: datetime, _: Landed | None) -> None:
        """Something changed in the cluster; self-heal puts it right, at once or long after."""
        last = self.workload.operations[-1]
        stuck = self.rng.random() < 0.4
        healed = start + (self.stage.seconds(3600, 8 * 3600) if stuck else self.stage.seconds(20, 3000))
        if (
            not self._policy_on
            or self._position is None
            or last.status == "failed"
            or healed >= self.stage.last_start
        ):
            return
        operation = self._add(self.stage.awake(healed), last.revision, last.position)
        operation.partial, operation.history_id = True, None
        self.workload.drifted.append((start, operation.finished))

    def _deploy(
        self,
        start: datetime,
        tip: Landed | Spell,
        *,
        failed: bool = False,
        username: str | None = None,
        options: tuple[str, ...] = (),
    ) -> Operation:
        operation = self._add(start, tip.head_sha, tip.position, username=username, failed=failed)
        operation.options = options
        if isinstance(tip, Spell):
            operation.erased = True
            self.wake(tip.end + self.stage.seconds(90, 420), "retry")
        return operation

    def _add(
        self,
        start: datetime,
        revision: str,
        position: int | None,
        *,
        username: str | None = None,
        failed: bool = False,
    ) -> Operation:
        """Carries out an operation: it ends well unless `failed`."""
        argo = self.workload.operator == "argocd"
        operation = Operation(
            started=start,
            finished=start + self.stage.seconds(4, 240) if argo else start,
            revision=revision,
            position=position,
            status="failed" if failed else "succeeded",
            automated=username is None,
            username=username,
            policy_on=self._policy_on,
            message="successfully synced (all tasks run)",
            reason="ReconciliationSucceeded",
            settling=self.stage.seconds(3, 50),
        )
        if failed and argo:
            operation.message = self.rng.choice(_SYNC_FAILURES)
        elif failed:
            operation.reason, operation.message = self.rng.choice(_RECONCILE_FAILURES)
        if not failed:
            self._position = position
            if argo:
                operation.history_id = self._next_id()
        self.workload.operations.append(operation)
        return operation

    def _next_id(self) -> int:
        used = (o.history_id for o in self.workload.operations if o.history_id is not None)
        number, self._lost_ids = 1 + max(used, default=-1) + self._lost_ids, 0
        return number


def play_chart(stage: Stage, workload: Workload) -> None:
    """A HelmRelease follows a range of chart versions: a release now and then, from no commit at all."""
    at = stage.start + stage.seconds(300, 1200)
    minor = stage.rng.randint(2, 9)
    while at < stage.last_start:
        version = f"58.{minor}.{stage.rng.randint(0, 4)}"
        first = not workload.operations
        if not first and stage.rng.random() < 0.1:
            workload.operations.append(
                Operation(
                    at,
                    at,
                    version,
                    None,
                    "failed",
                    reason="UpgradeFailed",
                    message="context deadline exceeded",
                )
            )
            at += stage.seconds(600, 1800)
        reason = "InstallSucceeded" if first else "UpgradeSucceeded"
        workload.operations.append(Operation(at, at, version, None, reason=reason))
        minor += 1
        at = stage.awake(at + stage.seconds(20 * 86400, 45 * 86400))
