"""The command that writes settings to begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.options import DEFAULT_SETTINGS, AsJson, out
from audit.errors import UsageError
from audit.settings.examples import ROSTER
from audit.settings_template import commented


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
