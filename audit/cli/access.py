"""The command that hands the rights of a quarter to those who review them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from audit import narrate, pipeline
from audit.cli.options import DEFAULT_SETTINGS, AsJson, Quarter, SettingsPath, out, period_of
from audit.export import worksheet as sheets
from audit.export.folder import refuse
from audit.settings import load
from audit.terminal import tell


def access_review(
    quarter: Quarter,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make.", metavar="FOLDER")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be in it; write nothing.")
    ] = False,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_json: AsJson = False,
) -> None:
    """Write the worksheet of an access review: every right of a checked quarter.

    A line for each right that was held, or seen in use, as the quarter ended.

    The folder gets access-review.xlsx to fill in and access-review.csv. Decision, reviewer, day, day of removal and its
    proof are left blank; with either filled in and saved into a source of evidence, the next quarter's ACC-03 is judged.
    Example: audit access-review --quarter 2026Q3 --output access-review
    """
    chosen = load(settings)
    period = period_of(chosen, quarter)
    with narrate.Narrator() as progress:
        done = pipeline.checked(chosen, period, progress)
        progress("rights", 0, 1)
        sheet = sheets.worksheet(done.tables, period)
        refuse(output)
        files = [] if dry_run else [str(path) for path in sheets.write(output, sheet)]
        progress("rights", 1, 1)
    if as_json:
        said = {
            "review": sheet.review,
            "listed": sheet.listed.isoformat(),
            "rights": len(sheet.rows),
            "systems": sheet.systems,
            "left_out": sheet.builtin,
            "files": files,
        }
        print(json.dumps(said, indent=1, sort_keys=True))
        return
    lines = [f"{sheet.review}: {len(sheet.rows):,} rights, listed {sheet.listed:%Y-%m-%d %H:%M} UTC"]
    lines += [f"  {name}: {count:,}" for name, count in sheet.systems.items()]
    lines.append(f"  left out: {sheet.builtin:,} of Kubernetes' own")
    lines += files or ["nothing was written"]
    for line in lines:
        tell(out, line)
