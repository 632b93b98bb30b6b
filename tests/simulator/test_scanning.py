"""Trivy's sweeps reach every image that Git asks for, but those that are forgotten; the truth says which."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from audit.simulator import scanning
from audit.simulator.world import World
from tests.simulator.stage import all_bytes, objects, violations, world


def _with_images(folder: Path) -> World:
    """Each landing sets one application's image anew."""
    made = world(folder, quarters=2)
    before: dict[str, str] = {}
    for landing in made.landed:
        app = made.apps[landing.position % len(made.apps)]
        after = f"1.{landing.position}.0"
        named = {"app": app, "environment": "prod", "image": f"ghcr.io/netbpf/{app}"}
        made.truth.images.append(
            {"head_sha": landing.head_sha, **named, "before": before.get(app), "after": after}
        )
        before[app] = after
    return made


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        scanning.scan(_with_images(tmp_path / name))
    assert all_bytes(tmp_path / "a") == all_bytes(tmp_path / "b") != {}


def test_sweeps_come_within_the_cadence_and_scan_only_what_git_asks_for(tmp_path: Path) -> None:
    made = _with_images(tmp_path)
    scanning.scan(made)
    sweeps = [
        [json.loads(line) for line in data.splitlines()] for _, data in objects(tmp_path / "scans" / "sweeps")
    ]
    times = [datetime.fromisoformat(sweep[0]["CreatedAt"]) for sweep in sweeps if sweep]
    assert all(after - before < timedelta(days=7) for before, after in pairwise(times))
    wanted = {landing.landed_at: f"1.{landing.position}.0" for landing in made.landed}
    for sweep in sweeps:
        for report in sweep:
            if report["ArtifactType"] == "container_image":
                version = report["ArtifactName"].rsplit(":", 1)[1]
                began = next(at for at, tag in wanted.items() if tag == version)
                assert began <= datetime.fromisoformat(report["CreatedAt"])


def test_a_repository_that_was_forgotten_is_a_violation(tmp_path: Path) -> None:
    made = _with_images(tmp_path)
    scanning.scan(made)
    assert any(subject.startswith("repository:") for subject in violations(made, "SCN-01"))
    assert violations(made, "SCN-02")
