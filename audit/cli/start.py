"""Commands to begin with: settings, the catalogue of controls, the demonstration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from audit import demo as demonstration
from audit import narrate, screen
from audit.cli.options import DEFAULT_SETTINGS, AsJson, out
from audit.controls import examples, own, registry
from audit.errors import ExitCode, UsageError
from audit.settings import load
from audit.settings_template import ROSTER, commented


def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = DEFAULT_SETTINGS,
    show: Annotated[bool, typer.Option("--print", help="Print it instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a commented audit.toml, and roster.yaml beside it. Never overwrites one.

    Example: audit init
    """
    if show:
        print(json.dumps({"settings": commented()}) if as_json else commented())
        return
    roster = path.with_name("roster.yaml")
    _write_new(path, commented())
    written = [str(path)]
    if not roster.exists():
        _write_new(roster, ROSTER)
        written.append(str(roster))
    if as_json:
        print(json.dumps({"written": written}, indent=1))
        return
    out.print(
        f"Wrote {' and '.join(written)}. Fill in repositories, sources and people, then: audit run --quarter 2026Q3",
        highlight=False,
        soft_wrap=True,
    )


def _write_new(path: Path, text: str) -> None:
    """Writes a file that is not there yet."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path}: exists already", remedy="name another file, or use --print") from None
    except OSError as error:
        raise UsageError(
            f"{path}: can't be written: {error.strerror}", remedy="name a folder that exists"
        ) from None


def controls(
    control: Annotated[str | None, typer.Argument(help="Explain this control, such as CHG-03.")] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", "-s", help="Settings file, for controls of your own.", metavar="FILE"),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="Run the examples of these controls: each is a test of its rule.")
    ] = False,
    as_json: AsJson = False,
) -> ExitCode:
    """List the controls, explain one, or test them by their examples. With --settings, your own are among them.

    Ends with 1 when an example comes to something else. Examples: audit controls CHG-03, audit controls --test
    """
    every = own.controls(load(settings)) if settings else registry.CONTROLS
    if not test:
        screen.show_controls(out, registry.catalogue(every), control, as_json=as_json)
        return ExitCode.CLEAN
    chosen = [each for each in every if control is None or each.id == control.upper()]
    wrong = [text for each in chosen for text in examples.failures(each)]
    screen.show_tested(out, {each.id: len(each.examples) for each in chosen}, wrong, as_json=as_json)
    return ExitCode.FINDINGS if wrong else ExitCode.CLEAN


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for everything it makes.")] = Path(
        "build/demo"
    ),
    seed: Annotated[int, typer.Option(help="Which organisation: the same seed acts the same.")] = 1,
    changes: Annotated[int, typer.Option(min=20, help="Changes that land, about.")] = 240,
    log_events: Annotated[int, typer.Option(min=1000, help="Cluster log events, about.")] = 40_000,
    as_json: AsJson = False,
) -> None:
    """Act out a demonstration organisation, serve its evidence from S3 on loopback, and report on it.

    Findings are expected: it ends with 0 when the report is there. Example: audit demo --seed 7
    """
    with narrate.Narrator() as progress:
        done = demonstration.run(output, seed=seed, changes=changes, log_events=log_events, progress=progress)
    screen.show_run(out, done, as_json=as_json)
