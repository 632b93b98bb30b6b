"""Commands that make other forms of a report, and compare two."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.options import DEFAULT_SETTINGS, AsJson, Quarter, SettingsPath, out, period_of
from audit.report import forms
from audit.report.compared import Comparison, compare
from audit.report.publish import reported
from audit.report.words import figure
from audit.settings import load
from audit.terminal import one_line, tell


class Form(StrEnum):
    """Forms of a report."""

    XLSX = "xlsx"
    MARKDOWN = "markdown"
    HTML = "html"
    OSCAL = "oscal"
    CSV = "csv"
    PARQUET = "parquet"


def convert(
    quarter: Quarter,
    to: Annotated[list[Form], typer.Option(help="Form to make; may be repeated.")],
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder; the quarter's own when not given.", metavar="FOLDER"),
    ] = None,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_json: AsJson = False,
) -> None:
    """Make a workbook, a summary, a web page, OSCAL or tables of a reported quarter.

    Each is made from its results.json, and says what the report says. CSV and Parquet are folders with a file for each
    population: the very bytes that the PDF has attached.
    Example: audit convert --quarter 2026Q3 --to xlsx --to markdown
    """
    chosen = load(settings)
    period = period_of(chosen, quarter)
    folder = chosen.store_path / "quarters" / period.label
    given = folder if (folder / "results.json").is_file() else reported(chosen, period)
    results = forms.load(given / "results.json", period.label)
    made = {form.value: str(forms.write(results, form.value, output or folder)) for form in dict.fromkeys(to)}
    if as_json:
        print(json.dumps(made, indent=1, sort_keys=True))
        return
    for path in made.values():
        tell(out, path)


def diff(
    before: Annotated[str, typer.Argument(help="Earlier quarter.", metavar="BEFORE")],
    after: Annotated[str, typer.Argument(help="Later quarter.", metavar="AFTER")],
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_json: AsJson = False,
) -> None:
    """Compare two reported quarters: conclusions, counts, exceptions, figures, sources.

    Of each the edition that was frozen last, or the draft where there is none: the first line says which.
    Example: audit diff 2026Q2 2026Q3
    """
    chosen = load(settings)
    periods = [chosen.quarter(name) for name in (before, after)]
    found = compare(*(forms.load(reported(chosen, one) / "results.json", one.label) for one in periods))
    if as_json:
        print(json.dumps(asdict(found), indent=1, sort_keys=True))
        return
    for line in _lines(found):
        tell(out, one_line(line))


def _lines(found: Comparison) -> list[str]:
    lines = [f"{found.before} ({found.before_is}) → {found.after} ({found.after_is})"]
    lines += [
        f"  {control}: {old or 'not there'} → {new or 'not there'}" for control, old, new in found.conclusions
    ]
    lines += [f"  {control} {name}: {_told(old)} → {_told(new)}" for control, name, old, new in found.aspects]
    lines.append(
        f"  exceptions: {len(found.new):,} new, {len(found.gone):,} gone, {len(found.repeated):,} repeated"
    )
    lines += [f"  repeated: {name}" for name in found.repeated]
    lines += [
        f"  {title}: {_number(old, unit)} → {_number(new, unit)}"
        for _, title, unit, old, new in found.figures
    ]
    return lines + [f"  source {name} {what}" for name, what in found.sources]


def _told(value: str | int | None) -> str:
    return "not known" if value is None else f"{value:,}" if isinstance(value, int) else value


def _number(value: float | None, unit: str) -> str:
    """As the report has it: times in days and hours, shares in percent, thousands separated."""
    return "not determined" if value is None else figure(value, unit)
