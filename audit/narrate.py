"""What is told on stderr while it works: progress, logs, errors; for people, or as JSON lines. Never part of a result."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Self, TextIO

from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from audit.errors import AuditError
from audit.terminal import Terminal, harmless, tell

STAGES = {
    "simulate": "Making the demonstration organisation",
    "serve": "Serving its evidence",
    "collect": "Collecting evidence",
    "mine": "Mining repositories",
    "build": "Reading evidence",
    "check": "Testing controls",
    "report": "Rendering the report",
    "verify": "Reading stored objects",
    "hold": "Holding the report against itself",
    "again": "Making its results anew",
    "export": "Writing tables",
    "read": "Reading the quarter's tables",
    "pseudonyms": "Looking for names",
    "packets": "Writing packets of evidence",
    "rights": "Writing the worksheet",
}
UNITS = {
    "collect": "objects",
    "mine": "repositories",
    "build": "batches of objects",
    "check": "steps",
    "verify": "objects",
    "export": "tables",
    "read": "tables",
    "packets": "packets",
}
"""What a stage is counted in."""
_LABEL = 34  # characters of what a bar is about: with rate and times beside it, 80 columns hold it
EVERY = 10.0
"""Seconds after which a stage that goes on is told of again, where there is no terminal."""
_LOOK = 1.0
"""Seconds between two looks at whether that is due."""

progress_log = logging.getLogger("audit.progress")
error_log = logging.getLogger("audit.error")


class LogFormat(StrEnum):
    """How logs, progress and errors are written."""

    TEXT = "text"
    JSON = "json"


class _Json(logging.Formatter):
    """A record as one line: time (UTC), level, logger, message, and the facts it was logged with."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            said["exception"] = "".join(traceback.format_exception(record.exc_info[1])).rstrip()
        return json.dumps(said | getattr(record, "facts", {}), default=str)


class _Plain(logging.Formatter):
    """A record as a terminal may show it."""

    def format(self, record: logging.LogRecord) -> str:
        return harmless(super().format(record))


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is at that moment."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        """It stays stderr."""


_ours: list[logging.Handler] = []


def set_up_logging(verbose: bool, log_format: LogFormat = LogFormat.TEXT) -> None:
    """Logs to stderr: warnings, or everything of ours with `verbose`. As JSON, progress and errors are logs too."""
    handler: logging.Handler
    if log_format is LogFormat.JSON:
        handler = _Stderr()
        handler.setFormatter(_Json())
    else:
        handler = RichHandler(console=Terminal(stderr=True), show_path=False, rich_tracebacks=False)
        handler.setFormatter(_Plain("%(message)s"))
    root = logging.getLogger()
    for before in _ours:
        root.removeHandler(before)
    _ours[:] = [handler]
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("audit").setLevel(logging.DEBUG if verbose else logging.WARNING)
    progress_log.setLevel(logging.INFO if log_format is LogFormat.JSON else logging.CRITICAL)


def _as_json() -> bool:
    return any(isinstance(one.formatter, _Json) for one in _ours)


def tell_error(error: AuditError) -> None:
    """An error that ends the command, with its remedy."""
    if _as_json():
        facts = {"remedy": error.remedy, "exit_code": int(error.exit_code)}
        error_log.error("%s", error.problem, extra={"facts": facts})
        return
    tell(Terminal(stderr=True), f"Error: {error}", style="red")


class _Rate(ProgressColumn):
    """Units a second, over the last of them."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s" if speed >= 1 else f"{speed:.2f}/s")


class Narrator:
    """Shows progress on stderr: bars with rate and estimate on a terminal; elsewhere plain lines, one when a stage ends
    and one every ten seconds while it goes on, also where it is one long step; or JSON."""

    def __init__(self) -> None:
        self._console = Terminal(stderr=True)
        self._live = sys.stderr.isatty() and not _as_json()
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._units: dict[str, dict[str, tuple[int, int]]] = {}
        self._started: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._finished: set[str] = set()
        self._open: dict[
            str, tuple[int, int]
        ] = {}  # stages that go on, the one that began first before others
        self._lock, self._over = threading.Lock(), threading.Event()
        self._beat = threading.Thread(target=self._beats, daemon=True)

    def __enter__(self) -> Self:
        self._bars.start()
        if not self._live:
            self._beat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._beat.is_alive():
            self._beat.join()
        self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` units of a stage are done."""
        with self._lock:
            self._heard(stage, done, total)

    def _heard(self, stage: str, done: int, total: int) -> None:
        name, _, detail = stage.partition(" ")
        label = f"{STAGES[name]} {detail}".rstrip()
        now = time.monotonic()
        if done < total:
            self._open[stage] = done, total
        else:
            self._open.pop(stage, None)
        if stage not in self._started:
            self._started[stage] = self._told[stage] = now
        self._show(name, stage, label, done, total)
        took = now - self._started[stage]
        if done >= total and stage not in self._finished:
            self._finished.add(stage)
            what = f"{total:,} {UNITS.get(name, '')}".rstrip() + " " if total > 1 else ""
            self._tell(f"{label}: {what}done, {took:.1f} s", stage, done, total, took)
        elif done < total and now - self._told[stage] >= EVERY:
            self._told[stage] = now
            self._tell(f"{label}: {_so_far(done, total, took)}", stage, done, total, took)

    def _beats(self) -> None:
        """Tells again of what goes on in silence, until all of it is over."""
        while not self._over.wait(_LOOK):
            with self._lock:
                for stage, (done, total) in list(self._open.items())[:1]:
                    self._heard(stage, done, total)

    def _show(self, name: str, stage: str, label: str, done: int, total: int) -> None:
        """Moves the bar of a stage, which is one for all its sources: as many as there may be, they fit on a terminal."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task("", total=None)
        units = self._units.setdefault(name, {})
        units[stage] = (done, total)
        self._bars.update(
            self._tasks[name],
            description=f"{label[:_LABEL]:<{_LABEL}}",
            completed=sum(each[0] for each in units.values()),
            total=sum(each[1] for each in units.values()),
        )

    def _tell(self, text: str, stage: str, done: int, total: int, took: float) -> None:
        if _as_json():
            facts = {"stage": stage, "done": done, "total": total, "seconds": round(took, 1)}
            progress_log.info("%s", text, extra={"facts": facts})
        elif not self._live:
            tell(self._console, text)


def _so_far(done: int, total: int, took: float) -> str:
    """How far a stage is, how fast, and how long it may still take at that rate."""
    if done == 0 or took <= 0:
        return f"0 of {total:,} so far, {took:.0f} s" if total > 1 else f"goes on, {took:.0f} s so far"
    rate = done / took
    return f"{done:,} of {total:,} so far, {took:.0f} s, {rate:,.1f}/s, about {(total - done) / rate:,.0f} s to go"
