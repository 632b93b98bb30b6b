"""The whole job on a simulated organisation, and the same again with everything immutable kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from audit import pipeline
from audit.settings import load
from audit.simulator.organisation import simulate
from bench.timing import show, timed

AS_OF = datetime(2026, 10, 5, 6, tzinfo=UTC)


def run(folder: Path, _repository: Path | None) -> None:
    """Runs 2026Q3 of an organisation with 2,000 changes and 200,000 log events, twice."""
    simulate(folder, seed=1, changes=2_000, log_events=200_000)
    settings = load(folder / "audit.toml")
    quarter = settings.quarter("2026Q3")
    first = timed("first run", lambda: _to_tables(settings), work=200_000, unit="events", runs=1)
    second = timed("second run: nothing new", lambda: _to_tables(settings), work=200_000, unit="events")
    show("Collect, mine and build", second, first)
    checked = timed(
        "check", lambda: pipeline.check(settings, quarter, AS_OF), work=2_000, unit="changes", runs=1
    )
    done = pipeline.check(settings, quarter, AS_OF)
    rendered = timed("report", lambda: pipeline.report(settings, done), work=2_000, unit="changes", runs=1)
    show("Check and report", rendered, checked)


def _to_tables(settings: pipeline.Settings) -> None:
    pipeline.collect(settings, AS_OF)
    pipeline.mine(settings, AS_OF)
    pipeline.build(settings)
