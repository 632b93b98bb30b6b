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


class Kept:
    """Since when files that must be there are missing."""

    def __init__(self) -> None:
        self._gone: dict[str, datetime] = {}
        self._spans: list[tuple[str, datetime, datetime | None]] = []

    def note(self, tree: Tree, at: datetime) -> None:
        """Main holds `tree` from `at` on."""
        for path in map(workflow, WORKFLOWS):
            if path not in tree:
                self._gone.setdefault(path, at)
            elif path in self._gone:
                self._spans.append((path, self._gone.pop(path), at))

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
    """SEC-02: plain Secrets, in every quarter since they landed. SEC-03: sealed and encrypted ones that are too old."""
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
            elif (
                row["kind"] != "ExternalSecret"
                and changed < end
                and end - changed > timedelta(days=ROTATION_DAYS)
            ):
                world.truth.violation(
                    "SEC-03", subject, changed, why="not rotated", quarter=quarter_of(start)
                )
