"""Laying out a report whose annexes have 10,000 rows: how long it takes, and how much memory all of its processes together.

`python -m bench lay-out`. The limits are a minute and 1.5 GB, on two processors that do nothing else.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
import time
from pathlib import Path

from audit import pipeline
from audit.report import pdf, result
from audit.report.shapes import LandingRow, Report
from audit.settings import load
from audit.simulator.organisation import simulate
from bench.memory import resident
from bench.timing import show, timed
from bench.whole import AS_OF

ROWS = 10_000
SECONDS, MEGABYTES = 60, 1500


def run(folder: Path, _repository: Path | None) -> None:
    """Lays out the report of an organisation with 200 changes, and the same with 10,000 of them in annex A."""
    simulate(folder, seed=1, changes=200, log_events=5_000)
    settings = load(folder / "audit.toml")
    pipeline.collect(settings, AS_OF)
    pipeline.mine(settings, AS_OF)
    pipeline.build(settings)
    done = pipeline.check(settings, settings.quarter("2026Q3"), AS_OF)
    pipeline.report(settings, done)
    path = settings.store_path / "quarters" / "2026Q3" / "results.json"
    small, _ = result.from_json(path.read_bytes())
    large = dataclasses.replace(small, landings=[_again(small, number) for number in range(ROWS)])
    watch = _Watch()
    watch.start()
    few = timed(
        "a few hundred rows", lambda: pdf.render(small, folder / "small.pdf"), work=1, unit="reports", runs=1
    )
    watch.most = 0.0
    many = timed(
        f"{ROWS:,} changes", lambda: pdf.render(large, folder / "large.pdf"), work=1, unit="reports", runs=1
    )
    show("Lay out the report", many, few)
    print(
        f"  {many.median:.0f} s, {many.median / SECONDS:.2f} of the limit; all processes that lay out together "
        f"{watch.most:,.0f} MB, {watch.most / MEGABYTES:.2f} of the limit"
    )


def _again(report: Report, number: int) -> LandingRow:
    """A change of the report once more, with a number and a commit of its own."""
    row = report.landings[number % len(report.landings)]
    return dataclasses.replace(
        row, number=number + 1, head_sha=hashlib.sha1(f"{number}".encode(), usedforsecurity=False).hexdigest()
    )


class _Watch(threading.Thread):
    """Looks ten times a second at all processes that come from this one (Linux)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0

    def run(self) -> None:
        while True:
            self.most = max(self.most, sum(resident(child) for child in _below(os.getpid())))
            time.sleep(0.1)


def _below(process: int) -> list[int]:
    """The processes that come from one."""
    found = []
    for each in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(child) for child in each.read_text(encoding="ascii").split()]
        except OSError:  # a thread that has ended
            continue
        found += [one for child in children for one in (child, *_below(child))]
    return found
