"""What the repository must hold all the time, and what the organisation really kept: layout and secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from audit.simulator.repository import Tree
from audit.simulator.world import REPOSITORY, World, quarter_of, stamp

ROTATION_DAYS = 90
WORKFLOWS = ("sync", "validate")


def workflow(name: str) -> str:
    """The file of a workflow."""
    return f".github/workflows/{name}.yaml"


LAYOUT = (
    "apps/{app}/base/",
    "apps/{app}/overlays/{environment}/",
    "infrastructure/networking/",
    "infrastructure/databases/",
    "infrastructure/monitoring/",
    "infrastructure/security/",
    "clusters/{environment}/",
    *map(workflow, WORKFLOWS),
)
"""The layout that the settings ask for. Only workflows are ever taken away: the rest runs."""


def quarters(world: World) -> Iterator[tuple[datetime, datetime]]:
    """Start and end of every quarter of the run."""
    months = range(world.start.year * 12 + world.start.month - 1, world.end.year * 12 + world.end.month, 3)
    yield from pairwise(
        datetime(month // 12, month % 12 + 1, 1, tzinfo=world.start.tzinfo) for month in months
    )


DOCUMENTS = {
    "architecture": "docs/architecture.md",
    "runbooks": "docs/runbook.md",
    "troubleshooting": "docs/troubleshooting.md",
    "rollback": "docs/rollback.md",
    "policy": "docs/gitops-policy.md",
}
REVIEW_DAYS = 100


class Kept:
    """Since when files that must be there are missing, and when documents were looked at."""

    def __init__(self) -> None:
        self._looks: dict[str, list[tuple[datetime, bool]]] = {name: [] for name in DOCUMENTS}
        self._gone: dict[str, datetime] = {}
        self._spans: list[tuple[str, datetime, datetime | None]] = []

    def note(self, tree: Tree, at: datetime) -> None:
        """Main holds `tree` from `at` on."""
        for path in map(workflow, WORKFLOWS):
            if path not in tree:
                self._gone.setdefault(path, at)
            elif path in self._gone:
                self._spans.append((path, self._gone.pop(path), at))

    def changed(self, before: Tree, after: Tree, at: datetime) -> None:
        """A commit of main made `after` of `before`."""
        for name, path in DOCUMENTS.items():
            if before.get(path) != after.get(path):
                self._looks[name].append((at, path in after))

    def judge_documents(self, world: World, recorded: Iterable[tuple[str, datetime]]) -> None:
        """DOC-01: documents that are missing or stale at a quarter's end. DOC-02: quarters without a look at the policy."""
        for start, end in quarters(world):
            for name, looks in self._looks.items():
                seen = [(at, there) for at, there in looks if at < end]
                there = bool(seen) and seen[-1][1]
                last = max(
                    [at for at, _ in seen] + [at for what, at in recorded if what == name and at < end]
                )
                if name == "policy":
                    wrong = last < start
                else:
                    wrong = not there or end - last > timedelta(days=REVIEW_DAYS)
                if wrong:
                    control = "DOC-02" if name == "policy" else "DOC-01"
                    why = "not looked at" if there else "missing"
                    world.truth.violation(
                        control, f"document:{name}", last, why=why, quarter=quarter_of(start)
                    )

    def judge(self, world: World) -> None:
        """STR-01: each span in which a file was missing, in every quarter that it reaches into."""
        for path, since, until in [*self._spans, *((path, at, None) for path, at in self._gone.items())]:
            for start, end in quarters(world):
                if since < end and (until is None or (until > start and until != since)):
                    world.truth.violation(
                        "STR-01",
                        f"{REPOSITORY}:{path}@{stamp(since)}",
                        since,
                        why=f"until {stamp(until) if until else 'the end'}",
                        quarter=quarter_of(start),
                    )


def judge_secrets(world: World, rows: Iterable[Mapping[str, str]]) -> None:
    """SEC-02: plain Secrets, in every quarter since they landed. SEC-03: others that are too old."""
    landed = {one.head_sha: one.landed_at for one in world.landed}
    for row in rows:
        subject = f"{REPOSITORY}:{row['path']}:{row['kind']}/{row['namespace']}/{row['name']}"
        created = landed.get(row["created_sha"], datetime.fromisoformat(row["changed_at"]))
        changed = datetime.fromisoformat(row["changed_at"])
        for start, end in quarters(world):
            if row["kind"] == "Secret":
                if created < end:
                    world.truth.violation(
                        "SEC-02", subject, created, why="never sealed", quarter=quarter_of(start)
                    )
            elif changed < end and end - changed > timedelta(days=ROTATION_DAYS):
                world.truth.violation(
                    "SEC-03", subject, changed, why="not rotated", quarter=quarter_of(start)
                )
