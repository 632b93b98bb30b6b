"""Alerts of incidents: each that came in time, late or never, and the quarter in which Grafana was dark."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from audit.simulator import alerting
from audit.simulator.world import Incident
from tests.simulator.stage import START, all_bytes, objects, violations, world


def _incidents(folder: Path, count: int = 60) -> tuple[list[Incident], set[str], list[dict[str, object]]]:
    """Drift of as many applications; the subjects that went without an alert in time, and the messages."""
    made = world(folder, quarters=2)
    told = [
        Incident("drift", f"drift:{n}", "prod", f"argocd/a{n}", START + timedelta(hours=5 * n))
        for n in range(count)
    ]
    made.incidents.extend(told)
    alerting.tell(made)
    messages = [
        json.loads(line) for _, data in objects(folder / "alerts") for line in data.splitlines() if line
    ]
    return told, violations(made, "CLU-08"), messages


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        _incidents(tmp_path / name)
    assert all_bytes(tmp_path / "a") == all_bytes(tmp_path / "b") != {}


def test_what_was_told_within_a_quarter_of_an_hour_is_no_violation_and_all_else_is(tmp_path: Path) -> None:
    told, failed, messages = _incidents(tmp_path)
    fired = {
        alert["labels"]["name"]: datetime.fromisoformat(alert["startsAt"])
        for message in messages
        for alert in message["alerts"]  # type: ignore[attr-defined]
        if "name" in alert["labels"]
    }
    late = {
        one.subject
        for one in told
        if one.name not in fired or fired[one.name] - one.begin > timedelta(minutes=15)
    }
    assert {subject for subject in failed if subject.startswith("drift:")} == late
    assert 0 < len(late) < len(told)


def test_grafana_is_dark_for_one_quarter_and_heard_of_in_the_other(tmp_path: Path) -> None:
    made = world(tmp_path, quarters=2)
    alerting.tell(made)
    assert violations(made, "STR-02") == {"tool:grafana"}
    dark = {each["quarter"] for each in made.truth.violations if each["control"] == "STR-02"}
    heard = {
        "2025Q4" if key < "2026" else "2026Q1"
        for key, data in objects(tmp_path / "alerts")
        if b'"orgId"' in data
    }
    assert len(dark) == 1
    assert heard == {"2025Q4", "2026Q1"} - dark
