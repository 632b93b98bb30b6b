"""Cells of tables that spreadsheets open: what a header's cells mean, and text that must not become a formula."""

from __future__ import annotations

import re

OURS = "right_id"
"""A column of the worksheet that `audit access-review` writes, which guards texts against being taken for formulas."""
_OTHER = "shows another text than it holds"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def guarded(text: str) -> str:
    """A text as a cell of CSV: what a spreadsheet would take for a formula is led by an apostrophe, and so is what looks as
    if it were led by one already."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """The text that `guarded` made a cell of: it takes off what that puts on, and nothing else."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell


def header_of(cells: list[str]) -> list[str] | str:
    """The names of a header's columns, in lower case and with `_` for spaces; why there are none, as text."""
    names = ["_".join(cell.lower().split()) for cell in cells]
    if not all(names):
        return "the header has a column without a name"
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"the header has the column {twice[0][:40]!r} twice" if twice else names


def other_text(cell: str) -> dict[str, str]:
    """What stands in a record for a cell that shows another text than it holds; the cell's place is told."""
    return {_OTHER: cell}


def told_other(value: object) -> str | None:
    """The place of the cell for which a value stands, if it is what `other_text` gives."""
    place = value.get(_OTHER) if isinstance(value, dict) and len(value) == 1 else None
    return place if isinstance(place, str) else None
