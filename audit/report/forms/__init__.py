"""Other forms of a report, each made from `results.json` alone: what the PDF has attached is enough to make them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.report import attached, result
from audit.report.forms import markdown, oscal, page, workbook

Results = Mapping[str, Any]

FORMS: dict[str, tuple[str, Callable[[Results], bytes]]] = {
    "xlsx": ("report.xlsx", workbook.make),
    "markdown": ("summary.md", markdown.make),
    "html": ("report.html", page.make),
    "oscal": ("assessment-results.json", oscal.make),
}
"""Name of each form, the file that it is written to, and what makes its bytes."""

POPULATIONS = ("csv", "parquet")
"""Forms that are a folder of that name, with a file for each population: the very bytes that the PDF has attached."""


def load(path: Path, quarter: str) -> dict[str, Any]:
    """What a `results.json` says.

    Args:
        quarter: whose report it is, as `2026Q3`: a remedy names it.

    Raises:
        UsageError: it is not there, or is none.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path}: can't be read: {error.strerror}",
            remedy=f"{quarter} must be reported first: audit check --quarter {quarter}, then audit report --quarter {quarter}",
        ) from None
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON: {error}", remedy="render the report anew") from None
    if not isinstance(found, dict) or not {"quarter", "controls", "summary", "time_zone"} <= found.keys():
        raise UsageError(f"{path}: these are no results of a report", remedy="name a results.json")
    return found


def write(results: Results, form: str, folder: Path) -> Path:
    """Writes one form into a folder; gives the path of its file, or of the folder of its files. The same results give the
    same bytes.

    Raises:
        IntegrityError: populations are asked for, and these are the results of another version.
    """
    if form in POPULATIONS:
        for name, data in attached.populations(result.of_plain(results)).items():
            if name.endswith(f".{form}"):
                _put(folder / form / name, data)
        return folder / form
    name, make = FORMS[form]
    return _put(folder / name, make(results))


def _put(path: Path, data: bytes) -> Path:
    """Writes a file aside and renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(data)
    aside.replace(path)
    return path
