"""A small organisation for tests of what happens after landing: a few people, a bot, landings with made-up commits."""

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from audit.simulator import forge, history, people, seals
from audit.simulator.hub import Hub
from audit.simulator.world import COMPONENTS, Actor, Evidence, Landed, Truth, World

START = datetime(2025, 10, 1, tzinfo=UTC)
ENDS = {1: datetime(2026, 1, 1, tzinfo=UTC), 2: datetime(2026, 4, 1, tzinfo=UTC)}
APPS = ("payments", "web")


def actor(number: int) -> Actor:
    """A person; number 0 is in no roster."""
    name = f"p{number}"
    person = name if number else None
    return Actor(
        person, name, (f"{name}@netbpf.com",), name, f"{name}@netbpf.com", f"argo-{name}", "platform"
    )


BOT = Actor("bot", "bot", ("bot@netbpf.com",), "bot[bot]", "netbpf-bot", "netbpf-bot", "", kind="machine")


def world(
    folder: Path, seed: int = 1, *, landings: int = 30, quarters: int = 1, log_events: int = 300
) -> World:
    """A world in which `landings` commits landed, one at the very start, with targets drawn from the seed."""
    rng = random.Random(seed)
    end = ENDS[quarters]
    seconds = int((end - START).total_seconds())
    times = [0, *sorted(rng.randrange(3600, seconds) for _ in range(landings - 1))]
    made = World(
        rng=rng,
        start=START,
        end=end,
        changes=landings,
        log_events=log_events,
        apps=APPS,
        people=(*(actor(number) for number in range(5)), BOT),
        truth=Truth(),
        evidence=Evidence(folder),
        unmerged=[f"{rng.getrandbits(160):040x}" for _ in range(3)],
    )
    names = (*APPS, *COMPONENTS, "*")
    for position, second in enumerate(times):
        targets = {
            (app, env)
            for app in rng.sample(names, 2)
            for env in rng.sample(made.environments, rng.randint(1, 3))
        }
        broken = frozenset({"CHG-01"}) if position % 4 == 3 else frozenset[str]()
        at = START + timedelta(seconds=second)
        sha = f"{rng.getrandbits(160):040x}"
        made.landed.append(
            Landed(sha, position, "merge", "pull request", (position,), at, frozenset(targets), broken)
        )
    return made


def acted_history(folder: Path, seed: int, changes: int) -> tuple[World, Hub]:
    """A year of history and what the forge tells of it, nothing else, laid out as a whole run is."""
    rng = random.Random(f"test {seed}")
    start, end = START, datetime(2026, 10, 1, tzinfo=UTC)
    staff = people.hire(rng, start, end)
    made = World(
        rng, start, end, changes, 1, ("checkout", "ledger"), staff, Truth(), Evidence(folder / "evidence")
    )  # fmt: skip
    hub = history.act(made, folder / "repositories" / "netbpf-gitops.git")
    forge.tell(made, hub)
    (folder / seals.SIGNERS).write_text(seals.Ring.of(made).signers(), encoding="utf-8")
    (folder / "roster.yaml").write_text(people.roster(staff), encoding="utf-8")
    return made, hub


def objects(folder: Path, pattern: str = "**/*.gz") -> list[tuple[str, bytes]]:
    """Key and uncompressed content of each object below `folder`, in order of key."""
    return [
        (path.relative_to(folder).as_posix(), gzip.decompress(path.read_bytes()))
        for path in sorted(folder.glob(pattern))
    ]


def values(data: bytes) -> list[Any]:
    """The JSON values in `data`, one after the other, whatever stands between them; a broken line is left out."""
    text, found, place = data.decode(), [], 0
    decoder = json.JSONDecoder()
    while (place := _skip(text, place)) < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
            found.append(value)
        except json.JSONDecodeError:
            place = text.index("\n", place)
    return found


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def all_bytes(folder: Path) -> dict[str, bytes]:
    """Everything that was written."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def violations(made: World, control: str) -> set[str]:
    """Subjects of the violations of one control."""
    return {v["subject"] for v in made.truth.violations if v["control"] == control}
