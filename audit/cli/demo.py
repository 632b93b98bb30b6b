"""The command that shows the product at work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit import demo as demonstration
from audit import narrate, screen
from audit.cli.options import AsEvery, AsJson, out
from audit.terminal import Terminal, tell

_BEFORE = (
    "This takes one to three minutes where two processors are free, and 150 MB of disk; less when it is run again. "
    "Nothing leaves this machine."
)
_AFTERWARDS = (
    "The S3 server of the demonstration has stopped: check, report, trace, convert and verify work on what was collected; "
    "collect, run and doctor's look at the sources need it. Run audit demo again to collect once more."
)


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for everything it makes.")] = Path(
        "build/demo"
    ),
    seed: Annotated[int, typer.Option(help="Which organisation: the same seed acts the same.")] = 1,
    changes: Annotated[int, typer.Option(min=20, help="Changes that land, about.")] = 240,
    log_events: Annotated[int, typer.Option(min=1000, help="Cluster log events, about.")] = 40_000,
    *,
    every: AsEvery = False,
    as_json: AsJson = False,
) -> None:
    """Act out a demonstration organisation, and report on it.

    Its evidence is served from a real S3 server on loopback, and collected from there. Findings are expected: it ends with 0 when the report is there. Example: audit demo --seed 7
    """
    if not as_json:
        tell(Terminal(stderr=True), _BEFORE)
    with narrate.Narrator() as progress:
        done = demonstration.run(output, seed=seed, changes=changes, log_events=log_events, progress=progress)
    screen.show_run(out, done, as_json=as_json, every=every)
    if not as_json:
        settings = done.folder.parents[2] / "audit.toml"
        said = f"\nWhere does a number come from? audit trace lead_time --quarter {done.period.label} --settings {settings}"
        tell(out, said)
        tell(out, _AFTERWARDS)
