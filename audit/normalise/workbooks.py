"""Workbooks (XLSX) that people fill in, to records of JSON, as `audit.normalise.sheets` gives those of CSV.

Every sheet is a table with a header, but one that is there to be read (`NOTES`). A record's number is its row in the first
sheet; rows of further ones are counted on from there. What a cell shows may differ from what it holds: a formula, an error,
or a cell under no heading makes its row unreadable; a number format that shows another text (`audit.normalise.number_formats`) does so where the cell is
of a column that is read. Hidden sheets, rows and columns are read as all others are; of a sheet
whose rows or cells stand in another order than a spreadsheet writes them (`audit.normalise.sheet_order`), nothing is. A worksheet of ours that came
as CSV, and has no sheet that explains it, is without the apostrophes that guard its cells, as the CSV itself is.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Generator, Iterator
from datetime import date, datetime
from typing import Any
from xml.parsers.expat import ExpatError

from openpyxl.reader.excel import ExcelReader

from audit.normalise.cells import OURS, header_of, other_text, unguarded
from audit.normalise.decompress import Broken
from audit.normalise.number_formats import shows_another
from audit.normalise.records import Record
from audit.normalise.sheet_order import Order

NOTES = "How to fill it in"
"""The sheet of a workbook of ours that explains it: one column of text, and no table."""
_MAX_PARTS = 1_000
_MAX_SIZE = 128 << 20
"""Bytes of all parts of a workbook, uncompressed."""
_MAX_ROWS = 1 << 20
_MAX_CELLS = 16 << 20
"""Of a sheet, empty ones that stand before others included: what one far to the right takes with it."""
_XML = (".xml", ".rels", ".vml")
_FORMULA, _ERROR = "f", "e"


class Workbook:
    """The records of a workbook, as `Splitter` gives those of JSON."""

    def __init__(self, content: bytes, broken: Broken | None) -> None:
        self._content, self._broken = content, broken
        self._before = 0  # rows of the sheets before this one
        self._explained = False  # the workbook that we write is, and guards nothing

    def reject(self) -> None:
        """Never asked for: every record is whole."""

    def __iter__(self) -> Iterator[Record]:
        last = 0
        try:
            if self._broken is not None:
                raise self._broken
            for record in self._records():
                last = record.number
                yield record
        except Broken as error:
            yield self._failed(last + 1, str(error))
        except Exception as error:  # the library raises whatever a damaged part makes it trip over
            yield self._failed(last + 1, f"not a workbook that can be read: {type(error).__name__}")

    def _records(self) -> Iterator[Record]:
        _bounded(self._content)
        reader = ExcelReader(io.BytesIO(self._content), read_only=True, keep_links=False)
        reader.read()
        try:
            self._explained = NOTES in reader.wb.sheetnames
            for sheet, part in _sheets(reader):
                yield from self._sheet(sheet, reader.archive.read(part))
        finally:
            reader.wb.close()

    def _sheet(self, sheet: Any, part: bytes) -> Iterator[Record]:
        """The records of a sheet, all of whose rows are there; else why they are not, and none of them."""
        where, first = f"sheet {sheet.title[:40]!r}", self._before + 1
        try:
            last = Order(part).last
        except (Broken, ExpatError) as error:
            why = str(error) if isinstance(error, Broken) else "not XML"
            self._before = first
            yield self._failed(first, f"{where} is not read: {why}")
            return
        read = yield from self._table(sheet)
        self._before += last
        if read not in (None, last):
            self._before += 1
            yield self._failed(self._before, f"{where} has {last:,} rows, but {read:,} were read")

    def _table(self, sheet: Any) -> Generator[Record, None, int | None]:
        """Rows below a sheet's header, and how many rows it has (None when its header tells why they are not read).

        Rows without any cell are left out.
        """
        names: list[str] | None = None
        number = self._before
        for number, cells in enumerate(_rows(sheet), self._before + 1):
            where = f"sheet {sheet.title[:40]!r}, row {number - self._before}"
            filled = [cell for cell in cells if cell.value not in (None, "")]
            if not filled or (sheet.title == NOTES and [cell.column for cell in filled] == [1]):
                continue
            if names is None:
                found = header_of([_text(cell.value) or "" for cell in cells[: filled[-1].column]])
                if not isinstance(found, list):
                    yield self._failed(number, f"{where}: {found}")
                    return None
                names = found
            else:
                yield self._row(number, where, names, filled)
        return number - self._before

    def _row(self, number: int, where: str, names: list[str], filled: list[Any]) -> Record:
        for cell in filled:
            why = "holds a formula" if cell.data_type == _FORMULA else "stands under no heading"
            why = "holds an error" if cell.data_type == _ERROR else why
            if cell.data_type in (_FORMULA, _ERROR) or cell.column > len(names):
                return self._failed(number, f"{where}: {cell.coordinate} {why}")
        guarded = OURS in names and not self._explained
        told = {names[cell.column - 1]: _told(cell, guarded=guarded) for cell in filled}
        data = json.dumps({name: told.get(name) for name in names}, ensure_ascii=False)
        return Record(number, 0, data.encode("utf-8", "backslashreplace"), None, True)

    def _failed(self, number: int, reason: str) -> Record:
        """Of a part of a compressed file there are no bytes to show: it is placed behind the last."""
        return Record(number, len(self._content), b"", reason, True)


def _bounded(content: bytes) -> None:
    """Makes sure that no part is larger than honest ones are or there twice, and that none declares entities.

    Raises:
        Broken: it is so.
        zipfile.BadZipFile: it is no archive.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > _MAX_SIZE:
            raise Broken(f"a workbook of more than {_MAX_PARTS:,} parts or {_MAX_SIZE >> 20} MiB is not read")
        if len({part.filename.lower() for part in parts}) < len(parts):
            raise Broken("the workbook has two parts of the same name")
        for part in parts:
            if part.filename.lower().endswith(_XML) and b"<!DOCTYPE" in archive.read(part).replace(
                b"\0", b""
            ):
                raise Broken(f"{part.filename[:80]!r} of the workbook declares a document type")


def _sheets(reader: ExcelReader) -> Iterator[tuple[Any, str]]:
    """Each sheet that holds cells, hidden or not, and the name of its part.

    Raises:
        Broken: the library would leave one out.
    """
    told = list(reader.parser.find_sheets())
    if len(told) < len(reader.parser.sheets) or any(at.target not in reader.valid_files for _, at in told):
        raise Broken("the workbook names a sheet that is not in it")
    charts = {at.target for _, at in told if "chartsheet" in at.Type}
    if any(Order(reader.archive.read(part)).last for part in sorted(charts)):
        raise Broken("a chart of the workbook has rows")
    parts = [at.target for _, at in told if at.target not in charts]
    return zip(reader.wb.worksheets, parts, strict=True)


def _rows(sheet: Any) -> Iterator[Any]:
    """The rows of a sheet, whatever it says of its size.

    Raises:
        Broken: it has more than a sheet can hold.
    """
    sheet.reset_dimensions()
    cells = 0
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells += len(row)
        if number > _MAX_ROWS or cells > _MAX_CELLS:
            raise Broken(f"sheet {sheet.title[:40]!r} has more than {_MAX_CELLS >> 20} Mi cells")
        yield row


def _told(cell: Any, *, guarded: bool) -> object:
    """What a cell holds, without our guard; what says so where it shows another text, which nobody who reads it takes for one."""
    if shows_another(cell.value, str(cell.number_format or "")):
        return other_text(f"sheet {cell.parent.title[:40]!r}, {cell.coordinate}")
    text = _text(cell.value)
    return unguarded(text) if guarded and text is not None else text


def _text(value: object) -> str | None:
    """What a cell holds, as CSV would have it: a day as in 2026-07-01, a whole number without its point."""
    if value is None:
        return None
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        value = value.date()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value).strip() or None
