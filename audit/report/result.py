"""The report's model as files for machines: `results.json`, and `exceptions.csv` for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, fields
from pathlib import Path

from audit.report.shapes import ExceptionRow, Report

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(report: Report, path: Path) -> None:
    """`results.json`: everything the report says, sorted keys, written aside and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(to_json(report))
    aside.replace(path)


def to_json(report: Report) -> bytes:
    """The same report always gives the same bytes (UTF-8, lone surrogates escaped)."""
    text = json.dumps(asdict(report), sort_keys=True, indent=1, ensure_ascii=True, allow_nan=False)
    return f"{text}\n".encode()


def exceptions_csv(report: Report) -> bytes:
    """Every exception, one a row. A cell that a spreadsheet would take for a formula is led by an apostrophe."""
    out = io.StringIO()
    columns = [field.name for field in fields(ExceptionRow)]
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for control in report.controls:
        for row in control.exceptions:
            writer.writerow([_cell(getattr(row, name)) for name in columns])
    return out.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: str | list[str]) -> str:
    text = value if isinstance(value, str) else " ".join(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
