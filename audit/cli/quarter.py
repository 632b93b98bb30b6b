"""Commands that judge a quarter, report on it, and show what it rests on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from audit import narrate, pipeline, screen, telemetry
from audit.cli import planned
from audit.cli.options import (
    DEFAULT_SETTINGS,
    AsDraft,
    AsEvery,
    AsJson,
    AsOf,
    Quarter,
    SettingsPath,
    moment_of,
    out,
    period_of,
)
from audit.errors import AuditError, ExitCode, code_of
from audit.evidence.plan import plan
from audit.settings import load
from audit.sources import repository
from audit.terminal import Terminal, tell


def run(
    quarter: Quarter,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_of: AsOf = None,
    draft: AsDraft = False,
    *,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what would be pulled, its size, and what would be cloned; do nothing."
        ),
    ] = False,
    metrics_file: Annotated[
        Path | None,
        typer.Option(help="Write what the run came to for Prometheus, as a whole file.", metavar="FILE"),
    ] = None,
    every: AsEvery = False,
    as_json: AsJson = False,
) -> ExitCode:
    """Do the whole job: collect, mine, build, check and report one quarter.

    What is reported of a quarter that is over is frozen: later evidence leads to a restatement that says what it
    changes. Example: audit run --quarter 2026Q3
    """
    if dry_run:
        chosen = load(settings)
        period_of(chosen, quarter, as_of)
        return planned.show(plan(chosen, as_of=moment_of(as_of)), repository.plan(chosen), as_json=as_json)
    started = time.monotonic()
    label = quarter
    try:
        chosen = load(settings)
        with narrate.Narrator() as progress:
            period = period_of(chosen, quarter, as_of)
            label = period.label
            done = pipeline.run(chosen, period, moment_of(as_of), progress, draft=draft)
    except BaseException as error:  # also what stops it and a defect: no success of before may stay
        if metrics_file is not None:
            failed = telemetry.of_failure(label, code_of(error), finished=moment_of(None))
            try:
                telemetry.write(metrics_file, failed)
            except AuditError as other:  # the first error is the one that ends the command
                narrate.tell_error(other)
        raise
    if metrics_file is not None:
        took = time.monotonic() - started
        telemetry.write(metrics_file, telemetry.of_run(done, seconds=took, finished=moment_of(None)))
    screen.show_run(out, done, as_json=as_json, every=every)
    return done.exit_code


def check(
    quarter: Quarter,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_of: AsOf = None,
    every: AsEvery = False,
    as_json: AsJson = False,
) -> ExitCode:
    """Join and judge one quarter from what was collected, mined and built.

    Example: audit check --quarter 2026Q3
    """
    chosen = load(settings)
    moment = moment_of(as_of) if as_of else pipeline.last_as_of(chosen)
    with narrate.Narrator() as progress:
        done = pipeline.check(chosen, period_of(chosen, quarter, as_of), moment, progress)
    screen.show_run(out, done, as_json=as_json, every=every)
    return done.exit_code


def report(
    quarter: Quarter,
    settings: SettingsPath = DEFAULT_SETTINGS,
    draft: AsDraft = False,
    as_json: AsJson = False,
) -> None:
    """Render a checked quarter: results.json and report.pdf.

    Once the quarter is over, they are frozen as an edition; --draft freezes nothing.
    Example: audit report --quarter 2026Q3
    """
    chosen = load(settings)
    with narrate.Narrator() as progress:
        checked = pipeline.checked(chosen, period_of(chosen, quarter))
        done = pipeline.report(chosen, checked, progress, draft=draft)
    screen.show_published(out, done, as_json=as_json)
    for problem in checked.problems:
        tell(Terminal(stderr=True), f"Missing: {problem}", style="red")


def trace(
    finding: Annotated[str, typer.Argument(help="What to trace: see below.", metavar="FINDING")],
    quarter: Quarter,
    settings: SettingsPath = DEFAULT_SETTINGS,
    limit: Annotated[
        int, typer.Option(min=0, help="Raw lines and commits to print at most; 0 for all of them.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Print what a number or finding rests on, down to raw lines and commits.

    FINDING is an exception (CHG-03-0123456789), a control (CHG-03), a figure (lead_time, or lead_time:app=web), a gap (G1), a row of
    annex A, B or E (A12, B7, E3), a record as exceptions print it (E3:17), a row of the reconciliation (R5) or the access review
    (AR9, or a right's id), a waiver's id, an emergency's ticket, a change (owner/name@commit), a pull request (owner/name#7),
    a deployment (cluster/application@time), a line of evidence (sha256:line), an object (its sha256) or a source. Raw lines are
    printed as they were collected, the first 2,000 characters of each record or commit (--json: all), of one that can't be read
    its first 1,000 bytes: they may hold what systems should not have logged.
    Example: audit trace CHG-03 --quarter 2026Q3
    """
    chosen = load(settings)
    found = pipeline.trace(chosen, period_of(chosen, quarter), finding, limit=limit or None)
    screen.show_trace(out, found, as_json=as_json)
