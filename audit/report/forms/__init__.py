"""Other forms of a report, each made from `results.json` alone: what the PDF has attached is enough to make them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.report.forms import markdown, oscal, page, workbook

Results = Mapping[str, Any]

FORMS: dict[str, tuple[str, Callable[[Results], bytes]]] = {
    "xlsx": ("report.xlsx", workbook.make),
    "markdown": ("summary.md", markdown.make),
    "html": ("report.html", page.make),
    "oscal": ("assessment-results.json", oscal.make),
}
"""Name of each form, the file that it is written to, and what makes its bytes."""


def load(path: Path) -> dict[str, Any]:
    """What a `results.json` says.

    Raises:
        UsageError: it is not there, or is none.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path}: can't be read: {error.strerror}", remedy="run 'audit report' for this quarter first"
        ) from None
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON: {error}", remedy="render the report anew") from None
    if not isinstance(found, dict) or not {"quarter", "controls", "summary", "time_zone"} <= found.keys():
        raise UsageError(f"{path}: these are no results of a report", remedy="name a results.json")
    return found


def write(results: Results, form: str, folder: Path) -> Path:
    """Writes one form into a folder, aside and renamed; gives its path. The same results give the same bytes."""
    name, make = FORMS[form]
    data = make(results)
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{name}.part"
    aside.write_bytes(data)
    path = folder / name
    aside.replace(path)
    return path
