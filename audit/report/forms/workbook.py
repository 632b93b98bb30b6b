"""The report as a workbook: a sheet for each list, cells typed, nothing that a spreadsheet would compute."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from audit.report import attached

SHEETS = {
    "Findings": ("findings", "What to act on first"),
    "Trends": ("trends", "Values of the charts, quarter by quarter"),
    "Controls": ("controls", "Every control with what it came to"),
    "Exceptions": ("exceptions", "Every item that failed, waived ones included"),
    "Changes": ("landings", "Every change that landed"),
    "Deployments": ("deployments", "Every deployment to production"),
    "Figures": ("figures", "Every figure, with what it is made of"),
    "Outcomes": (
        "reconciled_counts",
        "What landings, deployments and writes to clusters came to, held against each other",
    ),
    "Reconciliation": ("reconciled", "Every item without its counterpart"),
    "Emergencies": ("emergencies", "Every emergency in a cluster, with its steps"),
    "Systems": ("rights_counts", "Rights by system"),
    "Rights": ("rights", "Every right that was held in the quarter"),
    "Revocations": ("revoked", "Every right that had to be gone after an access review"),
    "Waivers": ("waivers", "Every waiver that stood in the quarter"),
    "Clauses": ("clauses", "Every clause of the policy, and the controls that test it"),
    "Gaps": ("gaps", "Evidence that is missing"),
    "Sources": ("sources", "Where evidence came from"),
    "Queries": ("queries", "What each source was asked for, and what was left out"),
    "Coverage": (
        "coverage",
        "Hours with records of each source and cluster, and the days that have fewer than they should",
    ),
    "Counts": ("counts", "Objects and records from the listing to the quarter"),
    "Ties": ("ties", "Rows of each source, from reading to the quarter"),
    "Quarantine": ("quarantine", "What could not be read"),
    "Unresolved": ("unresolved", "Names behind which nobody is known"),
    "Repositories": ("repositories", "Repositories that were read"),
    "Evidence": ("evidence", "Evidence objects, with their sha256"),
    "Samples": ("samples", "How each sample was drawn"),
    "Drawn": ("drawn", "Every item that was drawn"),
    "Settings": ("parameters", "Settings that differ from the defaults"),
    "Restated": ("restated", "What this edition changes in the one before"),
    "Causes": ("causes", "Why it does"),
}
"""Sheets after the first, in order: the list of the results that each prints, and what it is."""

LEFT_OUT = {
    "frameworks": "their names alone: each control of the sheet Controls lists what it is evidence for",
    "signers": "a line of the summary",
}
"""Lists of the results that have no sheet, and where they are instead."""

TIMES = attached.TIMES | {"first_seen", "last_seen", "first", "last"}
"""Columns that are times: no other text is taken for one, whatever it says."""

LONGEST = 32_767
"""Characters that a cell may have."""
_ROWS = 1_048_575
_WIDEST, _NARROWEST = 60, 8
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def make(results: Mapping[str, Any]) -> bytes:
    """The workbook's bytes: the same for the same results.

    Times are those of the organisation's time zone, as the headings say; whole numbers and fractions are numbers; a
    text is a text, whatever it begins with. A text longer than a cell may hold is cut and says so.
    """
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        zone = ZoneInfo(results["time_zone"])
        as_of = _moment(results["as_of"], zone)
        title = f"{results['organisation']} – GitOps audit report {results['quarter']}"
        book.set_properties({"title": text(title), "author": text(results["organisation"]), "created": as_of})
        pen = _Pen(book, zone, results["time_zone"])
        pen.sheet("Summary", _summary(results, zone))
        for name, (key, _) in SHEETS.items():
            pen.sheet(name, list(rows(results, key)))
    return out.getvalue()


class _Pen:
    def __init__(self, book: Any, zone: ZoneInfo, named: str) -> None:
        self._book, self._zone, self._named = book, zone, named
        top = {"valign": "top", "text_wrap": True}
        self._head = book.add_format({"bold": True, "bottom": 1, **top})
        self._plain = book.add_format(top)
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", **top})
        self._count = book.add_format({"num_format": "#,##0.###", **top})

    def sheet(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """One list: its headings frozen, filtered, as wide as its texts."""
        sheet = self._book.add_worksheet(name)
        columns = list(rows[0]) if rows else ["nothing"]
        shown, cut = rows[:_ROWS], len(rows) - _ROWS
        cells = [[self._cell(column, row[column]) for column in columns] for row in shown]
        for place, column in enumerate(columns):
            values = [row[place] for row in cells]
            timed = column in TIMES or any(isinstance(value, datetime) for value in values)
            heading = column.replace("_", " ").capitalize() + (f" ({self._named})" if timed else "")
            longest = max([len(heading), *(len(str(value)) for value in values[:500])])
            sheet.set_column(place, place, min(_WIDEST, max(_NARROWEST, longest + 1)))
            sheet.write_string(0, place, heading, self._head)
        for number, row in enumerate(cells, 1):
            for place, value in enumerate(row):
                self._write(sheet, number, place, value)
        if cut > 0:
            sheet.write_string(_ROWS, 0, f"{cut + 1:,} rows more: all are in results.json", self._head)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(cells), 1), len(columns) - 1)

    def _cell(self, column: str, value: Any) -> datetime | float | str | None:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if value is None or isinstance(value, (int, float, datetime)):
            return value
        if isinstance(value, str):
            return timed(column, value, self._zone) or text(value)
        return text("\n".join(str(item) for item in value))

    def _write(self, sheet: Any, row: int, place: int, value: datetime | float | str | None) -> None:
        if value is None or value == "":
            return
        if isinstance(value, datetime):
            sheet.write_datetime(row, place, value, self._time)
        elif isinstance(value, str):
            sheet.write_string(row, place, value, self._plain)
        else:
            sheet.write_number(row, place, value, self._count)


def _summary(results: Mapping[str, Any], zone: ZoneInfo) -> list[dict[str, Any]]:
    """What the first page says, a line each."""
    names = (
        "organisation",
        "quarter",
        "starts",
        "ends",
        "as_of",
        "status",
        "edition",
        "classification",
        "version",
    )
    rows = [{"what": name, "value": results[name]} for name in names]
    for row in rows:
        if row["what"] in ("starts", "ends", "as_of"):
            row["value"] = _moment(row["value"], zone)
    rows += [{"what": "in words", "value": text} for text in results["summary"]["sentences"]]
    rows += [
        {"what": f"controls: {each['conclusion']}", "value": each["count"]}
        for each in results["summary"]["counts"]
    ]
    rows += [
        {"what": "last manifest", "value": results["last_manifest"]},
        {"what": "manifests", "value": results["manifests"]},
        {"what": "signed by", "value": results["signers"]},
    ]
    rows += [
        {
            "what": f"to act on: {one['id']}",
            "value": f"{one['title']}. → {one['remedy']} (owner: {one['owner'] or 'nobody named'}; due: {one['due'] or '–'})",
        }
        for one in results["summary"]["findings"]
    ]
    return rows + [{"what": f"sheet {name}", "value": said} for name, (_, said) in SHEETS.items()]


def rows(results: Mapping[str, Any], key: str) -> Iterator[dict[str, Any]]:
    """The rows of a list, nested ones as texts."""
    found = _NESTED[key](results) if key in _NESTED else results[key]
    for row in found:
        yield {name: _flat(value) for name, value in row.items() if name not in ("exceptions", "passages")}


def _findings(results: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    names = (
        "id",
        "title",
        "severity",
        "population",
        "exception_count",
        "waived_count",
        "remedy",
        "owner",
        "due",
    )
    for control in results["summary"]["findings"]:
        yield {name: control[name] for name in names}


def _trends(results: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each value of each line or colour."""
    for trend in results["trends"]:
        for series in trend["series"]:
            for label, value in zip(trend["labels"], series["values"], strict=True):
                yield {
                    "metric": trend["id"], "title": trend["title"], "series": series["name"], "label": label, "value": value,
                    "unit": trend["unit"], "note": trend["note"],
                }  # fmt: skip


def _coverage(results: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in results["coverage"]:
        days = list(zip(row["days"], row["hours"], row["expected"], strict=True))
        yield {
            **{name: row[name] for name in ("source", "cluster", "records", "first", "last")},
            "hours": sum(row["hours"]),
            "expected": sum(row["expected"]),
            "short_days": [
                f"{day}: {hours} of {expected} hours" for day, hours, expected in days if hours < expected
            ],
        }


_NESTED: dict[str, Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]]] = {
    "exceptions": lambda results: chain.from_iterable(one["exceptions"] for one in results["controls"]),
    "findings": _findings,
    "trends": _trends,
    "coverage": _coverage,
    "samples": lambda results: (
        {name: value for name, value in sheet.items() if name != "rows"} for sheet in results["samples"]
    ),
    "drawn": lambda results: chain.from_iterable(sheet["rows"] for sheet in results["samples"]),
    "restated": lambda results: (results["restates"] or {}).get("rows", ()),
    "causes": lambda results: (results["restates"] or {}).get("causes", ()),
}
"""What makes the rows of lists that are not plain ones of the results."""


def _flat(value: Any) -> Any:
    """A list of mappings as a list of texts; anything else as it is."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ["; ".join(f"{name} {_words(item)}" for name, item in each.items()) for each in value]
    return value


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def text(value: str) -> str:
    """What a cell can hold of a text."""
    said = _SURROGATE.sub("�", value)
    if len(said) <= LONGEST:
        return said
    note = f" … cut: {len(said):,} characters, whole in results.json"
    return said[: LONGEST - len(note)] + note


def _moment(value: str, zone: ZoneInfo) -> datetime:
    """A time of the results in the organisation's time zone, as cells have them: without the zone."""
    return datetime.fromisoformat(value).astimezone(zone).replace(tzinfo=None)


def timed(column: str, value: str, zone: ZoneInfo) -> datetime | None:
    """The time in a column of times, as cells have it; None for any other, and for one before 1900, which no cell can hold."""
    if column not in TIMES or not _TIME.fullmatch(value):
        return None
    try:
        found = _moment(value, zone)
    except (ValueError, OverflowError):
        return None
    return found if found.year >= 1900 else None
