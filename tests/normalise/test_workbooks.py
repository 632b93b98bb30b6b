"""Workbooks that people fill in are read row by row; what shows something else than it holds is told, with sheet, row and cell."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.normalise import raw, workbooks
from audit.normalise.cells import guarded, unguarded
from audit.normalise.interface import Context, Parsed
from audit.normalise.number_formats import shows_another
from audit.normalise.reader import parse

HEADER = ("Review", "Listed", "Reviewer", "Subject", "Right", "Decision", "Decided", "Proof")
ROW = ("Q3", date(2026, 7, 1), "grace", "ada", "edit", "keep", datetime(2026, 7, 5), None)  # noqa: DTZ001
SHEET = "xl/worksheets/sheet1.xml"


def workbook(*rows: tuple[Any, ...], **more: list[tuple[Any, ...]]) -> bytes:
    """A workbook whose first sheet has the header and some rows, and others as they are given."""
    book = openpyxl.Workbook()
    for row in (HEADER, *rows):
        book.active.append(row)
    for title, lines in more.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def changed(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The archive with one part of it changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return out.getvalue()


def read(folder: Path, content: bytes, name: str = "review.xlsx") -> Parsed:
    (folder / name).write_bytes(content)
    parsed = parse(folder / name, Context("records", name))
    assert parsed.records == parsed.kept + parsed.noise + len(parsed.quarantined)
    return parsed


def reasons(folder: Path, content: bytes) -> list[tuple[int, str]]:
    return [(line, why) for line, _, why in read(folder, content).quarantined]


def test_a_row_has_its_own_number_and_cells_are_as_csv_would_have_them(tmp_path: Path) -> None:
    empty = (None,) * len(HEADER)
    parsed = read(tmp_path, workbook(ROW, empty, (*ROW[:3], 1007.0, True, "revoke", ROW[6], "=not text")))
    rows = parsed.rows["access_reviews"]
    assert [row["line"] for row in rows] == [2]
    assert parsed.quarantined[0][0] == 4
    text = io.StringIO(json.dumps(raw.records(tmp_path / "review.xlsx", "review.xlsx", [2])[2].decode()))
    assert '\\"listed\\": \\"2026-07-01\\"' in text.read()
    more = read(tmp_path, workbook((*ROW[:3], 1007.0, True, "revoke", ROW[6], 12)))
    assert [(row["subject"], row["right"], row["proof"]) for row in more.rows["access_reviews"]] == [
        ("1007", "true", "12")
    ]


def test_sheets_are_counted_on_and_the_one_that_explains_is_left_alone(tmp_path: Path) -> None:
    content = workbook(ROW, **{"More": [HEADER, ROW], workbooks.NOTES: [("Fill it in.",), ("Thank you.",)]})
    parsed = read(tmp_path, content)
    assert [row["line"] for row in parsed.rows["access_reviews"]] == [2, 4]
    assert parsed.quarantined == []
    with_more = workbook(ROW, **{workbooks.NOTES: [("Fill it in.",), ("Thank you.", "revoke all")]})
    assert len(read(tmp_path, with_more).quarantined) == 0  # a header, and no row below it
    hidden = workbook(ROW, **{workbooks.NOTES: [HEADER, ROW]})
    assert [row["line"] for row in read(tmp_path, hidden).rows["access_reviews"]] == [2, 4]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ((*ROW[:5], '=IF(1,"keep","")', ROW[6], None), "sheet 'Sheet', row 3: F3 holds a formula"),
        ((*ROW[:5], "#REF!", ROW[6], None), "sheet 'Sheet', row 3: F3 holds an error"),
        ((*ROW, "revoke"), "sheet 'Sheet', row 3: I3 stands under no heading"),
    ],
)
def test_what_a_cell_only_shows_is_not_read(tmp_path: Path, row: tuple[Any, ...], why: str) -> None:
    parsed = read(tmp_path, workbook(ROW, row, ROW))
    assert [(line, text) for line, _, text in parsed.quarantined] == [(3, why)]
    assert [each["line"] for each in parsed.rows["access_reviews"]] == [2, 4]


@pytest.mark.parametrize(
    ("value", "form", "other"),
    [
        ("keep", ';;;"revoke"', True), ("keep", ";;;", True), ("keep", '"revoke"@', True), ("keep", "@", False),
        ("keep", '"revoke"0', False), ("keep", r"0;0;0;\r\e\v\o\k\e", True), ("keep", "_-* 0;-* 0;0;_-@_-", False),
        ("keep", "[Red]@", False), ("keep", '_("$"* #,##0.00_)_("$"* \\(#,##0.00\\)_("$"* "-"??_)_(@_)', False),
        (date(2026, 7, 5), '"2026-01-01"', True), (date(2026, 7, 5), r"yyyy\-mm\-01", True), (date(2026, 7, 5), ";;;", True),
        (date(2026, 7, 5), r'[$-C0A]d\ "de"\ mmmm\ "de"\ yyyy;@', False), (date(2026, 7, 5), "dd/mm/yyyy;@", False),
        (date(2026, 7, 5), "General", False), (42, '"INC-"0', True), (42, "0", False), (1, '[=1]"keep";[=2]"revoke";0', True),
        (1, "[$revoke]", True), (0, "0;-0;;@", True), (-1, r"0_ ;[Red]\-0\ ", False), (0.5, "0%", False), (True, '"no"', False),
        (None, ";;;", False),
    ],
)  # fmt: skip
def test_a_number_format_that_shows_another_text(value: Any, form: str, other: bool) -> None:
    assert shows_another(value, form) is other


def test_a_decision_that_is_shown_as_another_is_refused_and_a_column_that_nobody_reads_is_not(
    tmp_path: Path,
) -> None:
    book = openpyxl.Workbook()
    for row in ((*HEADER, "cost"), (*ROW, 3), (*ROW, 3), (*ROW, 3)):
        book.active.append(row)
    book.active["F3"].number_format = ';;;"revoke"'
    book.active["I4"].number_format = '0 "kr"'
    out = io.BytesIO()
    book.save(out)
    parsed = read(tmp_path, out.getvalue())
    assert [each["line"] for each in parsed.rows["access_reviews"]] == [2, 4]
    ((line, _, why),) = parsed.quarantined
    assert line == 3
    assert (
        "decision (sheet 'Sheet', F3) has a number format that shows another text than the cell holds" in why
    )


def test_a_day_that_has_a_time_without_its_offset_is_refused(tmp_path: Path) -> None:
    ((line, why),) = reasons(tmp_path, workbook((*ROW[:6], datetime(2026, 7, 5, 9, 30), None)))  # noqa: DTZ001
    assert line == 2
    assert "decided is '2026-07-05T09:30:00'" in why


def test_a_hostile_workbook_is_one_unreadable_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = workbook(ROW)
    declared = changed(
        good, SHEET, lambda part: part.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1)
    )
    assert reasons(tmp_path, declared) == [(1, f"'{SHEET}' of the workbook declares a document type")]
    far = changed(good, SHEET, lambda part: re.sub(rb' r="([A-Z]?)2"', rb' r="\g<1>99999999"', part))
    assert "more than" in reasons(tmp_path, far)[0][1]
    twice = changed(good, SHEET, lambda part: part.replace(b"Reviewer", b"Review"))
    assert reasons(tmp_path, twice) == [(1, "sheet 'Sheet', row 1: the header has the column 'review' twice")]
    assert "BadZipFile" in reasons(tmp_path, good[: len(good) // 2])[0][1]
    assert "BadZipFile" in reasons(tmp_path, b"no archive")[0][1]
    assert reasons(tmp_path, b"") == [(1, "the object is empty")]
    assert read(tmp_path, good, "review.bin").quarantined[0][2] == "zip is not read"
    monkeypatch.setattr(workbooks, "_MAX_SIZE", 4 << 20)
    bomb = changed(good, SHEET, lambda part: part + b" " * (5 << 20))
    assert len(bomb) < 1 << 20
    assert reasons(tmp_path, bomb) == [(1, "a workbook of more than 1,000 parts or 4 MiB is not read")]


def renumbered(*changes: tuple[bytes, bytes]) -> Callable[[bytes], bytes]:
    """Changes a sheet's part as who wants a row unread would: each of some texts in it, once, which has to be there."""

    def change(part: bytes) -> bytes:
        for old, new in changes:
            assert old in part
            part = part.replace(old, new, 1)
        return part

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (((b'<row r="2"', b'<row r="9"'), (b'r="A2"', b'r="A9"')), "row 9 has a cell 'B2'"),
        (((b'<row r="3"', b'<row r="2"'),), "row 2 stands behind row 2"),
        (((b'<row r="3"', b'<row r="1"'),), "row 1 stands behind row 2"),
        (((b'<row r="3"', b'<row r="3.0"'),), "a row has the number '3.0'"),
        (((b'r="G3"', b'r="C3"'),), "in row 3 a cell of column 3 stands behind one of column 6"),
        (((b'r="G3"', b'r="F3"'),), "in row 3 a cell of column 6 stands behind one of column 6"),
        (((b'r="G3"', b'r="G2"'),), "row 3 has a cell 'G2'"),
        (
            ((b"<sheetData>", b'<sheetData xmlns="urn:x">'),),
            "'sheetData' is of another vocabulary than a sheet's",
        ),
        (((b'<row r="3"', b'<row xmlns="urn:x" r="3"'),), "'row' is of another vocabulary than a sheet's"),
        (((b'<row r="3"', b'<x/><row r="3"'),), "behind row 2 stands 'x'"),
        (((b"<c ", b"<x/><c "),), "behind row 1 stands 'x'"),
        (((b"<sheetData>", b'<x><row r="1"/></x><sheetData>'),), "a row stands outside of the sheet's rows"),
        (((b"</worksheet>", b""),), "not XML"),
    ],
)
def test_a_sheet_whose_rows_or_cells_would_be_left_out_is_unreadable_and_others_are_read(
    tmp_path: Path, change: tuple[tuple[bytes, bytes], ...], why: str
) -> None:
    content = changed(workbook(ROW, ROW, More=[HEADER, ROW]), SHEET, renumbered(*change))
    parsed = read(tmp_path, content)
    assert [(line, text) for line, _, text in parsed.quarantined] == [
        (1, f"sheet 'Sheet' is not read: {why}")
    ]
    assert [row["line"] for row in parsed.rows["access_reviews"]] == [3]


def test_rows_and_sheets_that_are_hidden_are_read_and_gaps_between_rows_are_none(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (HEADER, ROW, ROW):
        book.active.append(row)
    book.active.row_dimensions[2].hidden = True
    book.active.column_dimensions["F"].hidden = True
    for state in ("hidden", "veryHidden"):
        sheet = book.create_sheet(state)
        sheet.sheet_state = state
        sheet.append(HEADER)
        for column, value in enumerate(ROW, 1):
            sheet.cell(4, column, value)
    out = io.BytesIO()
    book.save(out)
    parsed = read(tmp_path, out.getvalue())
    assert [row["line"] for row in parsed.rows["access_reviews"]] == [2, 3, 7, 11]
    assert parsed.quarantined == []


def test_rows_that_the_library_leaves_out_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = workbooks._rows
    monkeypatch.setattr(workbooks, "_rows", lambda sheet: list(every(sheet))[:-1])
    content = workbook(ROW, ROW)
    assert reasons(tmp_path, content) == [(4, "sheet 'Sheet' has 3 rows, but 2 were read")]


def test_a_sheet_that_is_named_and_not_there_or_there_twice_is_told(tmp_path: Path) -> None:
    good = workbook(ROW, More=[HEADER, ROW])
    relations = "xl/_rels/workbook.xml.rels"
    gone = changed(good, relations, renumbered((b"sheet2.xml", b"sheet7.xml")))
    assert reasons(tmp_path, gone) == [(1, "the workbook names a sheet that is not in it")]
    out = io.BytesIO(good)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(SHEET.replace("sheet1", "Sheet1"), "<worksheet/>")
    assert reasons(tmp_path, out.getvalue()) == [(1, "the workbook has two parts of the same name")]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1 << 30), st.binary(min_size=1, max_size=40))
def test_whatever_is_written_into_a_workbook_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, place: int, part: bytes
) -> None:
    good = workbook(ROW)
    at = place % len(good)
    read(tmp_path_factory.mktemp("b"), good[:at] + part + good[at + len(part) :])


@given(st.text(alphabet="'=+-@\t\rab", max_size=6))
def test_what_keeps_a_text_from_being_a_formula_is_taken_off_again(text: str) -> None:
    cell = guarded(text)
    assert unguarded(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_cell_of_other_sheets_keeps_its_apostrophe(tmp_path: Path) -> None:
    """Only the worksheet of ours guards its cells."""
    lines = "listed,reviewer,subject,right,decision{0}\n2026-07-01,grace,'=x,edit,keep{1}\n"
    for extra, subject in ((("", ""), "'=x"), ((",right_id", ",R-1"), "=x")):
        rows = read(tmp_path, lines.format(*extra).encode(), "review.csv").rows["access_reviews"]
        assert [row["subject"] for row in rows] == [subject]


@pytest.mark.parametrize("explained", [False, True])
def test_the_csv_worksheet_as_a_workbook_loses_its_apostrophes_and_the_workbook_of_ours_none(
    tmp_path: Path, explained: bool
) -> None:
    book = openpyxl.Workbook()
    book.active.append((*HEADER, "right_id"))
    book.active.append((*ROW[:3], guarded("@netbpf/ops"), *ROW[4:], "R-1"))
    book.active.append((*ROW[:3], "ada", *ROW[4:], "R-2"))
    if explained:
        book.create_sheet(workbooks.NOTES)["A1"] = "One line is one right."
    out = io.BytesIO()
    book.save(out)
    rows = read(tmp_path, out.getvalue()).rows["access_reviews"]
    assert [row["subject"] for row in rows] == ["'@netbpf/ops" if explained else "@netbpf/ops", "ada"]
