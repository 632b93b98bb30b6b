"""The organisation that acts: its people, its systems, and the truth it writes down as it acts.

One direction: `history` acts out what happened in Git and hands on `Landed`; `forge` tells it as the forge would;
`operators` deploy what landed; `clusters` log who did what. Whoever commits a violation records it in `Truth`
at that moment, never from the evidence.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from audit.simulator.audit_records import Request

REPOSITORY = "netbpf/netbpf-gitops"
ENVIRONMENTS = ("dev", "staging", "prod")
COMPONENTS = ("networking", "databases", "monitoring", "security")
RUNS_IN = {
    "networking": ENVIRONMENTS,
    "databases": ("staging", "prod"),
    "monitoring": ENVIRONMENTS,
    "security": ("prod",),
}
"""Environments in which each component runs: there Flux deploys it."""
WAIVERS_FROM = 5_000
"""Pull requests with waivers are numbered from here on; nobody takes them back or copies them."""
CHARTS = ("pricing",)
"""Applications that are Helm charts of the repository; Argo CD deploys them in every environment."""


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds: `2026-07-01T09:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def quarter_of(moment: datetime) -> str:
    """The calendar quarter in UTC, as in 2026Q3: NETBPF's fiscal year is the calendar year."""
    moment = moment.astimezone(UTC)
    return f"{moment.year}Q{(moment.month - 1) // 3 + 1}"


@dataclass(frozen=True)
class Actor:
    """Someone who acts: a person with several names, or a bot.

    Attributes:
        person: roster id; None for someone who is not in the roster.
        emails: addresses under which they commit; the first is the usual one.
        login: forge login. kube_user: name in the clusters' logs. argocd_user: name in Argo CD.
        joined, left: first day, and first day no longer there; None for always.
        aliases: other forge logins of theirs.
        role, team: what they hold. earlier: until when they held which other role and team; None for always the same.
    """

    person: str | None
    name: str
    emails: tuple[str, ...]
    login: str
    kube_user: str
    argocd_user: str
    team: str
    kind: Literal["person", "machine"] = "person"
    joined: datetime | None = None
    left: datetime | None = None
    aliases: tuple[str, ...] = ()
    role: str = ""
    earlier: tuple[datetime, str, str] | None = None

    def held(self, at: datetime) -> tuple[str, str]:
        """Role and team at a moment."""
        if self.earlier is not None and at < self.earlier[0]:
            return self.earlier[1:]
        return self.role, self.team

    def active(self, since: datetime, until: datetime) -> bool:
        """Whether they belong to the organisation all the time from `since` to `until`."""
        return (self.joined is None or self.joined <= since) and (self.left is None or until < self.left)


Kind = Literal["merge", "squash", "rebase", "direct"]
Via = Literal["pull request", "merge queue", "batch", "branch merge", "push"]


@dataclass
class Landed:
    """One arrival on main, as it happened.

    Attributes:
        via: what put it there. pr_numbers: every pull request that it lands; none for a push.
        targets: (app or component, environment) pairs in which it takes effect.
        broken: controls that it violates, of CHG-01 to CHG-05.
        reverts: head of the landing it reverts. reinstates: of the first of a chain of reverts, back with it.
        picks: head of the landing that it copies.
    """

    head_sha: str
    position: int
    kind: Kind
    via: Via
    pr_numbers: tuple[int, ...]
    landed_at: datetime
    targets: frozenset[tuple[str, str]]
    broken: frozenset[str] = frozenset()
    reverts: str | None = None
    reinstates: str | None = None
    picks: str | None = None

    @property
    def pr_number(self) -> int | None:
        """The first pull request that it lands."""
        return self.pr_numbers[0] if self.pr_numbers else None


@dataclass(frozen=True)
class Spell:
    """A while in which main stood at a commit that was then taken from it by force.

    Attributes:
        begin, end: from the push that brought it to the one that took it away; half-open.
        targets: (app or component, environment) pairs in which it took effect.
        position: none: it is on the mainline no more.
    """

    head_sha: str
    begin: datetime
    end: datetime
    targets: frozenset[tuple[str, str]]
    position: None = None


@dataclass(frozen=True)
class Incident:
    """Something of which somebody should have been told: drift, failure, resources or vulnerability.

    Attributes:
        subject: the key that a finding must have. name: by which an alert speaks of what it befell.
    """

    kind: str
    subject: str
    cluster: str | None
    name: str
    begin: datetime


@dataclass(frozen=True)
class Relaxed:
    """A while (half-open) in which a constraint of a cluster was relaxed: set to `dryrun`, `widened` or `deleted`."""

    cluster: str
    constraint: str
    how: str
    begin: datetime
    until: datetime


@dataclass
class Truth:
    """What really happened. Written apart from the evidence; the pipeline never reads it."""

    violations: list[dict[str, str]] = field(default_factory=list)
    landings: list[dict[str, Any]] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, str | None]] = field(default_factory=list)
    signatures: list[dict[str, str | int]] = field(default_factory=list)
    references: list[dict[str, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def violation(
        self,
        control: str,
        subject: str,
        at: datetime,
        *,
        why: str,
        quarter: str | None = None,
        waiver: str = "",
    ) -> None:
        """Records one violation as it is committed. `subject` is the key that a finding must have; `waiver` covers it."""
        self.violations.append(
            {
                "control": control,
                "subject": subject,
                "at": stamp(at),
                "quarter": quarter or quarter_of(at),
                "why": why,
                "waiver": waiver,
            }
        )

    def write(self, path: Path) -> None:
        """As JSON with sorted keys."""
        content = {
            "violations": sorted(self.violations, key=lambda v: (v["control"], v["subject"], v["quarter"])),
            "landings": self.landings,
            "deployments": self.deployments,
            "images": self.images,
            "signatures": self.signatures,
            "references": self.references,
            "counts": dict(sorted(self.counts.items())),
        }
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@dataclass
class Evidence:
    """Writes evidence objects under a folder, one sub-folder a source, as the real systems lay out their keys."""

    folder: Path

    def write(self, source: str, key: str, data: bytes) -> None:
        """One object, as it is."""
        path = self.folder / source / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def lines(self, source: str, key: str, records: Iterable[Any], *, compress: bool = True) -> None:
        """One object of JSON lines; gzip without a time stamp, so that the same records give the same bytes."""
        data = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records).encode()
        self.write(source, key, gzip.compress(data, 6, mtime=0) if compress else data)


@dataclass
class World:
    """The stage on which everything happens.

    Attributes:
        start, end: from the first act to the last (whole quarters; half-open), UTC.
        changes: how many landings to act out over all quarters, about.
        log_events: how many cluster log events to write over all quarters, about.
        apps: names of applications (deployed by Argo CD, `apps/<app>/overlays/<env>`); so are `CHARTS`
            (`charts/<chart>`); `COMPONENTS` are deployed by Flux (`infrastructure/<component>`), where `RUNS_IN` says.
        landed: filled by `history`, in mainline order. unmerged: commits on branches that never landed.
        spells: filled by `force`, in order of time; no two at once.
        relaxed: filled by `enforcing`, cluster by cluster, in order of time.
        incidents: filled by `lasting`, `scanning` and `alerting`.
        acted: changes that were made in each of those spans, and logged, by its ticket.
        break_glass: spans in which someone may change a cluster by hand: ticket, person, cluster, opened, closed.
        requests: what people asked of each cluster's API server, as far as its log has it.
        holes: cluster and span in which its log is silent, or can't be read.
        label: what tells this run from others.
    """

    rng: random.Random
    start: datetime
    end: datetime
    changes: int
    log_events: int
    apps: tuple[str, ...]
    people: tuple[Actor, ...]
    truth: Truth
    evidence: Evidence
    landed: list[Landed] = field(default_factory=list)
    unmerged: list[str] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    break_glass: list[dict[str, str]] = field(default_factory=list)
    acted: Counter[str] = field(default_factory=Counter)
    relaxed: list[Relaxed] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    requests: list[tuple[str, Request]] = field(default_factory=list)
    holes: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    label: str = ""

    def dice(self, theme: str) -> random.Random:
        """Dice of a theme's own: what it draws moves nothing that others draw."""
        return random.Random(f"{self.label} {theme}")

    @property
    def environments(self) -> tuple[str, ...]:
        """Environments, in promotion order; each has one cluster, of the same name."""
        return ENVIRONMENTS
