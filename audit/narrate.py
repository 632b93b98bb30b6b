"""What a person at a terminal sees while it works: progress, logs, errors. Never part of a result."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

STAGES = {
    "simulate": "Making the demonstration organisation",
    "serve": "Serving its evidence",
    "collect": "Collecting evidence",
    "mine": "Mining repositories",
    "build": "Reading evidence",
    "check": "Testing controls",
    "report": "Rendering the report",
}


def set_up_logging(verbose: bool) -> None:
    """Logs to stderr: warnings, or everything of ours with `verbose`."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=Console(stderr=True), show_path=False, rich_tracebacks=False)],
    )
    logging.getLogger("audit").setLevel(logging.DEBUG if verbose else logging.WARNING)


class Narrator:
    """Shows progress on stderr: bars on a terminal, one plain line a finished stage elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = sys.stderr.isatty()
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._finished: set[str] = set()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` units of a stage are done."""
        name, _, detail = stage.partition(" ")
        label = f"{STAGES[name]} {detail}".rstrip()
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(f"{label:<40}", total=total)
            self._started[stage] = time.monotonic()
        self._bars.update(self._tasks[stage], completed=done, total=total)
        if done >= total and stage not in self._finished:
            self._finished.add(stage)
            if not self._live:
                took = time.monotonic() - self._started[stage]
                self._console.print(f"{label}: {total:,} done, {took:.1f} s", highlight=False)
