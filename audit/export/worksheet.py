"""The worksheet of an access review: every right of a quarter, a line each, for reviewers to decide on.

It is written as a workbook to fill in and as CSV; filled in, either is evidence of the format `access-reviews`. No column may have a name by which that format means something else.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from audit.errors import UsageError
from audit.export.folder import put_in_place
from audit.normalise.cells import guarded
from audit.normalise.workbooks import NOTES
from audit.period import Period
from audit.report.forms.workbook import text
from audit.report.plain import records

NAME = "access-review"
FILLED = ("decision", "reviewer", "decided", "removed", "proof")
"""Columns that are left to fill in."""
DECISIONS = ("keep", "change", "revoke")
COLUMNS = {
    "right_id": 21, "review": 16, "listed": 21, "system_kind": 12, "system": 24, "subject": 30, "right": 30, "scope": 14,
    "how": 26, "who": 26, "standing": 12, "since": 11, "since_basis": 11, "last_used": 11, "usage": 9, "changed": 10,
    "look_at": 44, "decision": 10, "reviewer": 16, "decided": 11, "removed": 11, "proof": 24,
}  # fmt: skip
"""Columns in order, with their widths in characters."""
_DAYS = ("since", "last_used", "decided", "removed")
_ROWS = 1_048_574
_FIRST = 1900
_HOW_TO = (
    "One line is one right. Fill in the yellow cells only; the others say what is known of it.",
    "decision: keep, change (less, or otherwise) or revoke. Leave it empty while nothing is decided.",
    "reviewer: your id, e-mail or login. Neither who holds a right nor who granted it may decide on it.",
    "decided: the day of the decision. removed: the day on which a right was taken away or changed. proof: ticket or change.",
    "since is the latest day on which the right can have been granted; since_basis says how that is known.",
    "usage is told of the last days of the quarter; untold: no log would show it, or the log has gaps.",
    "When all is decided, save this workbook into a source of evidence; save it again when rights are removed.",
    "Of a row with a formula nothing is read: write values.",
)


@dataclass(frozen=True)
class Worksheet:
    """What a worksheet holds.

    Attributes:
        review: its name. listed: when the last list was made that it has rights of (UTC).
        rows: a mapping of `COLUMNS` for each right, sorted.
        builtin: rights of Kubernetes' own that are left out.
    """

    review: str
    listed: datetime
    rows: Sequence[Mapping[str, str]]
    builtin: int

    @property
    def systems(self) -> dict[str, int]:
        """How many rights each system has."""
        names = pd.Series([row["system"] for row in self.rows], dtype="str")
        return {str(name): int(count) for name, count in names.value_counts().sort_index().items()}


def worksheet(tables: Mapping[str, pd.DataFrame], period: Period) -> Worksheet:
    """The worksheet of a checked quarter: the rights that were held, or seen in use, as it ended.

    Raises:
        UsageError: no list of rights was in evidence.
    """
    rights = tables["access_rights"]
    there = rights[rights["held"].fillna(True).astype(bool)]
    own = there[~there["builtin"].astype(bool)]
    listed = own.loc[own["held"].notna(), "listed_at"]
    if listed.empty:
        raise UsageError(
            f"{period.label}: no list of rights is in evidence",
            remedy="collect lists of collaborators, roles and bindings first: see docs/how-to/access-review.md",
        )
    kinds = {name: place for place, name in enumerate(("organisation", "repository", "cluster", "vault"))}
    own = own.assign(_kind=own["system_kind"].map(kinds))
    own = own.sort_values(["_kind", "system", "holder", "right", "scope", "right_id"], kind="stable")
    names = tables["people"].drop_duplicates("person").set_index("person")["name"]
    full = own["person"].map(names).astype("str")
    who = (full + " (" + own["person"] + ")").where(full.notna(), own["person"])
    at = listed.max()
    common = {"review": f"{NAME}-{period.label}", "listed": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    flat = own.assign(
        subject=own["holder"],
        who=who,
        changed=own["change"].where(own["change"].ne("none"), ""),
        since=own["since"].dt.strftime("%Y-%m-%d").astype("str"),
        last_used=own["last_used"].dt.strftime("%Y-%m-%d").astype("str"),
        look_at=_look_at(own),
        **common,
    )
    blank = dict.fromkeys(FILLED, "")
    rows = [{name: str(row[name]) for name in COLUMNS if name not in blank} | blank for row in records(flat)]
    return Worksheet(common["review"], at.to_pydatetime(), rows, len(there) - len(own))


def _look_at(rows: pd.DataFrame) -> pd.Series:
    """Why a reviewer should look twice (str), separated by '; '; empty for nothing."""
    parts = (
        (rows["leaver"], "has left"),
        (rows["standing"].eq("unknown"), "is not in the roster"),
        (rows["dormant"], "not used"),
        (rows["excess"].ne(""), rows["excess"]),
        (rows["change"].eq("added"), "new in this quarter"),
        (rows["change"].eq("changed"), "was " + rows["before"].fillna("")),
    )
    found = pd.Series("", index=rows.index, dtype="str")
    for holds, words in parts:
        said = words if isinstance(words, pd.Series) else pd.Series(words, index=rows.index, dtype="str")
        found = found + (said + "; ").where(holds.fillna(False).astype(bool), "")
    return found.str.removesuffix("; ")


def write(folder: Path, sheet: Worksheet) -> tuple[Path, Path]:
    """Makes the folder with the workbook and the CSV beside its place, and puts it there when both are in it.

    Raises:
        UsageError: the folder exists and is not empty, or can't be written.
    """
    with put_in_place(folder) as aside:
        (aside / f"{NAME}.csv").write_bytes(as_csv(sheet))
        (aside / f"{NAME}.xlsx").write_bytes(as_workbook(sheet))
    return folder / f"{NAME}.csv", folder / f"{NAME}.xlsx"


def as_csv(sheet: Worksheet) -> bytes:
    """UTF-8. A cell that a spreadsheet would take for a formula is led by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in sheet.rows:
        writer.writerow([guarded(row[name]) for name in COLUMNS])
    return out.getvalue().encode("utf-8", "backslashreplace")


def as_workbook(sheet: Worksheet) -> bytes:
    """The workbook's bytes: the same for the same rights. Text is text, days are days, a decision is one of three."""
    out = io.BytesIO()
    plain = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    with xlsxwriter.Workbook(out, {"in_memory": True, **plain}) as book:
        book.set_properties({"title": text(sheet.review), "created": sheet.listed.replace(tzinfo=None)})
        _fill(book, book.add_worksheet("Rights"), sheet)
        how = book.add_worksheet(NOTES)
        how.set_column(0, 0, 120)
        for number, line in enumerate(_HOW_TO):
            how.write_string(number, 0, line)
    return out.getvalue()


def _fill(book: Any, page: Any, sheet: Worksheet) -> None:
    """The sheet of rights: headings frozen, what is known locked, what is to be filled in checked."""
    base = {"valign": "top", "text_wrap": True}
    head = book.add_format({"bold": True, "bottom": 1, **base})
    known = book.add_format(base)
    known_day = book.add_format({"num_format": "yyyy-mm-dd", **base})
    asked = book.add_format({"locked": False, "bg_color": "#FFF7D6", **base})
    asked_day = book.add_format({"locked": False, "bg_color": "#FFF7D6", "num_format": "yyyy-mm-dd", **base})
    rows = sheet.rows[:_ROWS]
    last = max(len(rows), 1)
    for place, (name, width) in enumerate(COLUMNS.items()):
        page.set_column(place, place, width)
        page.write_string(0, place, name, head)
        if name == "decision":
            page.data_validation(1, place, last, place, _one_of(DECISIONS))
        elif name in FILLED and name in _DAYS:
            page.data_validation(1, place, last, place, _a_day())
    for number, row in enumerate(rows, 1):
        for place, name in enumerate(COLUMNS):
            if name in FILLED:
                page.write_blank(number, place, None, asked_day if name in _DAYS else asked)
            elif (day := _day(row[name]) if name in _DAYS else None) is not None:
                page.write_datetime(number, place, day, known_day)
            else:
                page.write_string(number, place, text(row[name]), known)
    if len(sheet.rows) > _ROWS:
        page.write_string(_ROWS + 1, 0, f"{len(sheet.rows) - _ROWS:,} rights more: all are in the CSV", head)
    page.freeze_panes(1, list(COLUMNS).index("system"))
    page.autofilter(0, 0, last, len(COLUMNS) - 1)
    page.protect("", {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True})


def _one_of(words: Sequence[str]) -> dict[str, Any]:
    return {
        "validate": "list",
        "source": list(words),
        "error_title": "Decision",
        "error_message": f"Write one of: {', '.join(words)}.",
    }


def _a_day() -> dict[str, Any]:
    return {
        "validate": "date",
        "criteria": ">=",
        "value": date(2000, 1, 1),
        "error_title": "Day",
        "error_message": "Write a day, as in 2026-07-01.",
    }


def _day(value: str) -> datetime | None:
    """A day as cells have it; None for none, and for one that no cell can hold."""
    if not value:
        return None
    found = datetime.strptime(value, "%Y-%m-%d")  # noqa: DTZ007  # cells know no zone
    return found if found.year >= _FIRST else None
