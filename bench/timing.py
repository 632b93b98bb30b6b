"""Times things the same way everywhere: several runs, the median, and what it spread over."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timed:
    """Seconds of several runs of one thing, and how much work one run was."""

    name: str
    seconds: tuple[float, ...]
    work: float
    unit: str

    @property
    def median(self) -> float:
        """Median seconds of a run."""
        return statistics.median(self.seconds)

    @property
    def rate(self) -> float:
        """Work a second, by the median."""
        return self.work / self.median


def timed(name: str, function: Callable[[], object], *, work: float, unit: str, runs: int = 3) -> Timed:
    """Runs `function` so many times."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return Timed(name, tuple(seconds), work, unit)


def show(title: str, ours: Timed, *others: Timed) -> None:
    """Prints a table: each thing's median, spread and rate, and our time as a multiple of its time."""
    print(f"\n{title}")
    for each in (ours, *others):
        ratio = (
            ""
            if each is ours
            else f"  ours takes {ours.median / ours.work / (each.median / each.work):6.2f} of it"
        )
        spread = f"{min(each.seconds):.2f}–{max(each.seconds):.2f}"
        print(f"  {each.name:<52} {each.median:7.2f} s ({spread})  {each.rate:12,.0f} {each.unit}/s{ratio}")
