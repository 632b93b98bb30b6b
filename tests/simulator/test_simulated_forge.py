"""What the simulated forge tells: GitHub's shapes, two exports, a stream with late and repeated records."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit.simulator import forge, history, people
from audit.simulator.world import REPOSITORY, Evidence, Truth, World

START, END = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    folder = tmp_path_factory.mktemp("forge")
    rng = random.Random("forge")
    staff = people.hire(rng, START, END)
    world = World(rng, START, END, 150, 1, ("checkout",), staff, Truth(), Evidence(folder / "evidence"))
    forge.tell(world, history.act(world, folder / "r.git"))
    return folder / "evidence", world


def _load(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def _exports(folder: Path) -> list[Path]:
    return sorted((folder / "github-exports").iterdir())


def _pulls(export: Path) -> dict[int, dict[str, Any]]:
    pages = sorted((export / "repos" / REPOSITORY / "pulls").glob("page-*.json.gz"))
    return {pull["number"]: pull for page in pages for pull in _load(page)}


def test_an_earlier_export_is_superseded_by_a_later_one(told: tuple[Path, World]) -> None:
    earlier, later = (_pulls(export) for export in _exports(told[0]))
    assert set(earlier) < set(later)
    changed = {number for number in earlier if earlier[number] != later[number]}
    assert changed
    assert changed < set(earlier)  # some are exported twice, the same
    for number in changed:
        assert earlier[number]["updated_at"] < later[number]["updated_at"]
    assert any(earlier[n]["state"] == "open" and later[n]["merged"] for n in changed)


def test_the_last_export_knows_every_landing(told: tuple[Path, World]) -> None:
    folder, world = told
    pulls = _pulls(_exports(folder)[-1])
    merged = {n: p["merge_commit_sha"] for n, p in pulls.items() if p["merged"]}
    wanted = {number: x.head_sha for x in world.landed for number in x.pr_numbers}
    unnamed = {number for number, sha in merged.items() if sha is None}
    assert unnamed <= {number for x in world.landed if x.via == "batch" for number in x.pr_numbers}
    assert {n: sha for n, sha in merged.items() if n not in unnamed} == {
        n: sha for n, sha in wanted.items() if n not in unnamed
    }
    activity = [
        entry
        for page in sorted((_exports(folder)[-1] / "repos" / REPOSITORY / "activity").iterdir())
        for entry in _load(page)
    ]
    on_main = [entry for entry in activity if entry["ref"] == "refs/heads/main"]
    queued = [x for x, after in itertools.pairwise(world.landed) if x.landed_at == after.landed_at]
    assert [entry["after"] for entry in on_main] == [
        x.head_sha for x in reversed(world.landed) if x not in queued
    ]
    assert all(new["before"] == old["after"] for new, old in itertools.pairwise(on_main))


def test_reviews_have_the_forges_fields(told: tuple[Path, World]) -> None:
    for path in _exports(told[0])[-1].rglob("reviews.json.gz"):
        number = int(path.parent.name)
        for review in _load(path):
            assert review["pull_request_url"] == f"https://api.github.com/repos/{REPOSITORY}/pulls/{number}"
            assert review["state"] in {"APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"}
            assert len(review["commit_id"]) == 40


def test_every_dismissed_review_has_its_event(told: tuple[Path, World]) -> None:
    export = _exports(told[0])[-1]
    dismissed = {
        review["id"]
        for path in export.rglob("reviews.json.gz")
        for review in _load(path)
        if review["state"] == "DISMISSED"
    }
    events = {
        event["dismissed_review"]["review_id"]: event["dismissed_review"]["state"]
        for page in (export / "repos" / REPOSITORY / "issues" / "events").iterdir()
        for event in _load(page)
        if event["event"] == "review_dismissed"
    }
    assert dismissed
    assert set(events) == dismissed
    assert set(events.values()) == {"approved", "changes_requested"}


def test_the_stream_is_late_at_times_and_repeats_itself(told: tuple[Path, World]) -> None:
    ids, late, forms = Counter[str](), 0, set[type]()
    root = told[0] / "github-audit-log"
    for path in root.rglob("*.json.log.gz"):
        written = datetime(*(int(part) for part in path.relative_to(root).parts[:5]), tzinfo=UTC)
        for line in gzip.decompress(path.read_bytes()).splitlines():
            record = json.loads(line)
            ids[record["_document_id"]] += 1
            forms.add(type(record["created_at"]))
            age = written.timestamp() - record["@timestamp"] / 1000
            assert age > -60
            late += age > 24 * 3600
    assert late
    assert max(ids.values()) == 2
    assert forms == {int, str, float}
