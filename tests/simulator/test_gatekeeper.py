"""Gatekeeper's audit log tells each run, and what it found."""

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from audit.simulator import gatekeeper
from tests.simulator.stage import all_bytes, objects, world


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        gatekeeper.audit_policies(world(tmp_path / name, 9))
    assert all_bytes(tmp_path / "a") == all_bytes(tmp_path / "b")


def test_runs_are_whole_and_regular(tmp_path: Path) -> None:
    made = world(tmp_path)
    gatekeeper.audit_policies(made)
    found = 0
    for environment in made.environments:
        runs = []
        for key, data in objects(tmp_path / f"{environment}-gatekeeper"):
            lines = [json.loads(line) for line in data.splitlines()]
            kinds = Counter(line["event_type"] for line in lines)
            assert (kinds["audit_started"], kinds["audit_finished"]) == (1, 1)
            assert len({line["audit_id"] for line in lines}) == 1
            runs.append(datetime.fromisoformat(lines[0]["audit_id"]))
            assert key.startswith(f"{runs[-1]:%Y/%m/%d}/")
            told = sum(
                int(line["constraint_violations"]) for line in lines if "constraint_violations" in line
            )
            assert told == kinds["violation_audited"]
            found += told
        assert all(b - a <= timedelta(hours=60) for a, b in pairwise(runs))
        assert made.start <= runs[0] <= runs[-1] < made.end
    assert found == made.truth.counts["policy results"] > 0


def test_violations_open_and_are_mended(tmp_path: Path) -> None:
    made = world(tmp_path, quarters=2)
    gatekeeper.audit_policies(made)
    seen: Counter[tuple[str, str]] = Counter()
    runs = 0
    for _, data in objects(tmp_path / "prod-gatekeeper"):
        runs += 1
        for line in map(json.loads, data.splitlines()):
            if line["event_type"] == "violation_audited":
                seen[line["constraint_name"], line["resource_name"]] += 1
                assert line["logger"] == "controller"
                assert line["constraint_action"] in ("deny", "warn", "dryrun")
    assert seen
    assert all(count < runs for count in seen.values())
