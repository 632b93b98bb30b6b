"""The command that mines repositories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit import narrate, pipeline, screen
from audit.cli.options import DEFAULT_SETTINGS, AsJson, AsOf, SettingsPath, moment_of, out
from audit.period import Period
from audit.settings import load


def mine(
    path: Annotated[Path | None, typer.Argument(help="A repository, mined alone, without settings.")] = None,
    *,
    quarter: Annotated[
        str | None,
        typer.Option(
            "--quarter",
            "-q",
            help="Only this quarter; without PATH: contents are read for it.",
            metavar="QUARTER",
        ),
    ] = None,
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="With PATH: the history alone, without build graph, images and secrets."
        ),
    ] = False,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Mine the repositories of the settings; with PATH, one alone, without settings.

    Of one alone it prints how each change landed, what was built from it, images, secrets in the clear.
    Example: audit mine ../netbpf-gitops --quarter 2026Q3
    """
    if path is not None:
        period = Period.quarter(quarter) if quarter else None
        screen.show_mined(out, pipeline.mine_alone(path, period, contents=not history), as_json=as_json)
        return
    chosen = load(settings)
    wanted = chosen.quarter(quarter) if quarter else None
    with narrate.Narrator() as progress:
        tables = pipeline.mine(chosen, moment_of(as_of), progress, period=wanted)
    screen.show_repositories(out, tables["repositories"], as_json=as_json)
