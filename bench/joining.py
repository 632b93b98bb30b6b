"""Joins, metrics and controls over a large quarter: seconds of each, and of all against the limit.

`python -m bench.joining [--writes N] [--landings N] [--deployments N]`. The tables are made by `bench.organisation`;
what is timed is what `audit check` does with them. Both seconds by the clock and of the processor are told: on a
machine that does other work, the clock's say more about that work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from audit.controls.interface import Context
from audit.controls.registry import CONTROLS
from audit.git import environments, landings
from audit.joins import access, build, deployments, images, reviews, states
from audit.joins.continuity import continuity
from audit.joins.reconciling import reconciled
from audit.metrics import compute
from bench import organisation

WRITES, LANDINGS, DEPLOYMENTS = 1_000_000, 50_000, 20_000
LIMIT = 60.0
"""Seconds, on two processors."""

_JOINS: tuple[tuple[ModuleType, str], ...] = (
    (landings, "find"),
    (environments, "attribute"),
    (images, "image_changes"),
    (images, "promotions"),
    (reviews, "changes"),
    (deployments, "deployments"),
    (deployments, "carried"),
    (states, "spans"),
    (access, "writes"),
)


@dataclass
class Watch:
    """Seconds by the clock and of the processor, by name, in the order in which they began."""

    clock: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Adds what is done within to `name`."""
        clock, processor = time.perf_counter(), time.process_time()
        yield
        self.clock[name] = self.clock.get(name, 0.0) + time.perf_counter() - clock
        self.processor[name] = self.processor.get(name, 0.0) + time.process_time() - processor

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, watched."""

        @wraps(function)
        def watched(*given: Any, **named: Any) -> Any:
            with self.on(name):
                return function(*given, **named)

        return watched

    def show(self, title: str, names: list[str]) -> None:
        """Prints what took how long, longest first."""
        print(f"\n{title}: {sum(self.clock[name] for name in names):.2f} s, of which the processor's "
              f"{sum(self.processor[name] for name in names):.2f}")  # fmt: skip
        for name in sorted(names, key=lambda one: -self.processor[one]):
            print(f"  {name:<28} {self.clock[name]:7.2f} s  {self.processor[name]:7.2f} s")


def measure(writes: int, landed: int, deployed: int) -> Watch:
    """Joins, counts and judges a quarter of that size."""
    settings, tables = organisation.settings(), organisation.make(writes, landed, deployed)
    period = settings.quarter("2026Q3")
    as_of = period.end
    watch = Watch()
    with ExitStack() as stack:
        for module, name in _JOINS:
            join = watch.around(f"{module.__name__.rpartition('.')[2]}.{name}", getattr(module, name))
            stack.enter_context(patch.object(module, name, join))
        with watch.on("all joins"):
            tables |= build.join(tables, settings, as_of=as_of)
    with watch.on("continuity"):
        tables |= continuity(tables, settings, period, as_of=as_of)
    with watch.on("reconciliation"):
        tables |= reconciled(tables, settings, period, as_of=as_of)
    with watch.on("metrics"):
        tables["metrics"] = compute(tables, settings, period, as_of=as_of)
    context = Context(settings, period, as_of)
    for control in CONTROLS:
        with watch.on(control.id):
            control.judge(tables, context)
    return watch


def run(_folder: Path, _repository: Path | None) -> None:
    """Measures and prints the quarter of the limit."""
    report(WRITES, LANDINGS, DEPLOYMENTS)


def report(writes: int, landed: int, deployed: int) -> None:
    """Measures and prints a quarter."""
    watch = measure(writes, landed, deployed)
    joins = [name for name in watch.clock if "." in name]
    controls = [control.id for control in CONTROLS]
    stages = ["all joins", "continuity", "reconciliation", "metrics", *controls]
    print(f"\n{writes:,} cluster writes, {landed:,} landings, {deployed:,} deployments (clock, processor)")
    watch.show("Joins", joins)
    watch.show("Controls", controls)
    watch.show("Everything", ["all joins", "continuity", "reconciliation", "metrics"])
    clock, processor = (sum(seconds[name] for name in stages) for seconds in (watch.clock, watch.processor))
    print(f"\n  limit: {LIMIT:.0f} s; this is {clock:.1f} s by the clock, {processor:.1f} s of the processor")


def main() -> None:
    """Reads the sizes, then measures."""
    parser = argparse.ArgumentParser(prog="python -m bench.joining", description=__doc__)
    parser.add_argument("--writes", type=int, default=WRITES)
    parser.add_argument("--landings", type=int, default=LANDINGS)
    parser.add_argument("--deployments", type=int, default=DEPLOYMENTS)
    chosen = parser.parse_args()
    report(chosen.writes, chosen.landings, chosen.deployments)


if __name__ == "__main__":
    main()
