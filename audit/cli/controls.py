"""The command that lists, explains and tests controls."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from audit import screen
from audit.cli.options import AsJson, out
from audit.controls import examples, own, registry
from audit.errors import ExitCode, UsageError
from audit.settings import load


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
    if control is not None and control.upper() not in {each.id for each in every}:
        like = difflib.get_close_matches(control.upper(), [each.id for each in every], n=1)
        raise UsageError(
            f"there is no control '{control}'" + (f"; did you mean '{like[0]}'?" if like else ""),
            remedy="'audit controls' lists them; --settings adds your own",
        )
    if not test:
        screen.show_controls(out, registry.catalogue(every), control, as_json=as_json)
        return ExitCode.CLEAN
    chosen = [each for each in every if control is None or each.id == control.upper()]
    wrong = [text for each in chosen for text in examples.failures(each)]
    screen.show_tested(out, {each.id: len(each.examples) for each in chosen}, wrong, as_json=as_json)
    return ExitCode.FINDINGS if wrong else ExitCode.CLEAN
