"""What the GitOps operators do in the course of time: operations, one after the other, for each of their objects.

Argo CD runs one Application per app, Flux one Kustomization per component, one for the cluster's own configuration,
and a HelmRelease. An operation starts because something landed, because the state drifted, or because a person asked
for it. Operations of one object never overlap, start at least a minute apart, and begin and end on whole seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from audit.simulator.layout import source, value_files
from audit.simulator.world import CHARTS, COMPONENTS, RUNS_IN, Landed, Spell, World

HISTORY_LIMIT = {"argocd": 10, "flux": 5}  # entries that the operator keeps of an object's history
Span = tuple[datetime, datetime]


@dataclass
class Operation:
    """One sync or reconciliation, from its start to its end.

    Attributes:
        revision: commit id, or a chart version. position: its mainline place; None when it has none.
        automated: the operator itself started it. username: who did, otherwise (Argo CD's name of them).
        machine: that name is a machine's.
        partial: self-heal of single resources: Argo CD does not keep it in the object's history.
        history_id: Argo CD's id of it; None when it is not in the history.
        rollback_to: the history id that it went back to.
        policy_on: automated sync is on in the object's spec, from this operation on.
        requested_at: when a person asked Flux for it.
        erased: its revision was on main then, and was taken from it by force.
        reason: Flux's word for how it ended.
        settling: how long after its end what it deployed was healthy.
    """

    started: datetime
    finished: datetime
    revision: str
    position: int | None
    status: Literal["succeeded", "failed"] = "succeeded"
    automated: bool = True
    username: str | None = None
    options: tuple[str, ...] = ()
    message: str = ""
    reason: str = ""
    machine: bool = False
    partial: bool = False
    history_id: int | None = None
    rollback_to: int | None = None
    policy_on: bool = True
    requested_at: datetime | None = None
    erased: bool = False
    carried: list[str] = field(default_factory=list)
    settling: timedelta = timedelta(seconds=30)

    @property
    def settled(self) -> datetime:
        """When what it deployed was healthy."""
        return self.finished + self.settling

    @property
    def astray(self) -> bool:
        """It deployed what main does not ask for: an older revision, or one that never was on main."""
        return self.rollback_to is not None or (self.position is None and not self.erased)

    @property
    def by_hand(self) -> bool:
        """A person asked for it."""
        return not (self.automated or self.machine) or self.requested_at is not None


@dataclass
class Workload:
    """An object of an operator, and what happened to it.

    Attributes:
        app: application or component that its path belongs to; `*` for the cluster's own configuration.
        values: files of values with which it is deployed, where its path is a chart.
        drifted: spans in which the live state differed from Git for no reason in Git.
        degraded: spans in which it was not healthy.
        held: spans in which somebody had switched its automated sync off.
        watched: it heals what was changed in the cluster, as far as it is set to.
    """

    cluster: str
    operator: Literal["argocd", "flux"]
    kind: Literal["Application", "Kustomization", "HelmRelease"]
    namespace: str
    name: str
    app: str
    path: str
    values: tuple[str, ...] = ()
    operations: list[Operation] = field(default_factory=list)
    drifted: list[Span] = field(default_factory=list)
    degraded: list[Span] = field(default_factory=list)
    held: list[Span] = field(default_factory=list)
    watched: bool = True

    @property
    def id(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    def held_until(self, at: datetime) -> datetime | None:
        """When automated sync, off at `at`, is switched on again; None where nobody switched it off."""
        return next((end for begin, end in self.held if begin <= at < end), None)

    def heals(self, at: datetime) -> bool:
        """Whether automated sync and self-heal are on at `at`, as its spec has it."""
        done = [o for o in self.operations if o.started <= at]
        return self.watched and self.held_until(at) is None and (not done or done[-1].policy_on)


class Mainline:
    """Main as the operators see it: which landing is its tip at a time."""

    def __init__(self, landed: list[Landed], spells: Sequence[Spell] = ()) -> None:
        if not landed:
            raise ValueError("nothing has landed: there is nothing to deploy")
        self.landed, self.spells = landed, spells
        self.times: list[datetime] = []  # when each became visible, never going back
        for landing in landed:
            at = landing.landed_at.replace(microsecond=0)
            self.times.append(max(at, self.times[-1]) if self.times else at)
        self._touching: dict[tuple[str, str], list[int]] = {}
        for index, landing in enumerate(landed):
            for target in landing.targets:
                self._touching.setdefault(target, []).append(index)

    def tip(self, at: datetime) -> Landed | Spell:
        """What main is at `at`: the last landing, or the first one when none has landed by then."""
        for spell in self.spells:
            if spell.begin <= at < spell.end:
                return spell
        return self.landed[max(0, bisect_right(self.times, at) - 1)]

    def seen(self, workload: Workload) -> list[Spell]:
        """What was on main for a while and takes effect in `workload`."""
        return [spell for spell in self.spells if (workload.app, workload.cluster) in spell.targets]

    def touching(self, app: str, environment: str) -> list[tuple[datetime, Landed]]:
        """Landings that take effect in (app, environment), each with its time, in mainline order."""
        return [(self.times[i], self.landed[i]) for i in self._touching.get((app, environment), [])]

    def carried(self, app: str, environment: str, after: int, until: int) -> list[str]:
        """Heads of the landings that touch (app, environment) with `after` < position <= `until`."""
        indices = self._touching.get((app, environment), [])
        begin, end = (bisect_right(indices, p, key=lambda i: self.landed[i].position) for p in (after, until))
        return [self.landed[i].head_sha for i in indices[begin:end]]


def declare(world: World, cluster: str) -> list[Workload]:
    """The objects that the operators of one cluster hold; the cluster is named after its environment."""
    applications = [
        Workload(
            cluster,
            "argocd",
            "Application",
            "argocd",
            f"{app}-{cluster}",
            app,
            source(app, cluster),
            values=value_files(app, cluster),
        )
        for app in (*world.apps, *CHARTS)
    ]
    kustomizations = [
        Workload(
            cluster, "flux", "Kustomization", "flux-system", f"infrastructure-{c}", c, f"./infrastructure/{c}"
        )
        for c in COMPONENTS
        if cluster in RUNS_IN[c]
    ]
    config = Workload(
        cluster, "flux", "Kustomization", "flux-system", "cluster-config", "*", f"./clusters/{cluster}"
    )
    chart = Workload(
        cluster, "flux", "HelmRelease", "monitoring", "prometheus", "prometheus", "", watched=cluster != "dev"
    )
    return [*applications, *kustomizations, config, chart]


def settle(workload: Workload) -> None:
    """Cuts spells of ill health short where a later operation heals them, and drops those that never began."""
    kept = []
    for begin, end in workload.degraded:
        if any(o.started <= begin <= o.finished + timedelta(seconds=60) for o in workload.operations[1:]):
            continue
        later = [o.settled for o in workload.operations if o.started > begin and o.status == "succeeded"]
        kept.append((begin, min([end, *later[:1]])))
    workload.degraded = kept


def account(mainline: Mainline, workload: Workload) -> None:
    """Says which landings each operation carried.

    The first success only sets the baseline. A revision that is not on main carries nothing and leaves the baseline;
    going back carries nothing and takes the baseline along.
    """
    baseline: int | None = None
    for operation in workload.operations:
        if operation.status != "succeeded" or operation.position is None:
            continue
        if baseline is not None:
            operation.carried = mainline.carried(workload.app, workload.cluster, baseline, operation.position)
        baseline = operation.position
