"""Whether a sheet's rows and cells stand as a spreadsheet writes them: one after the other, each once, in one vocabulary.

The library that reads workbooks leaves out, without a word, rows that go back, cells behind a row's last one, and whatever is
of another vocabulary. A spreadsheet writes none of these; who writes them wants a row shown to one reader and not to another.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from openpyxl.utils import column_index_from_string

from audit.normalise.decompress import Broken

_SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_ROW, _CELL = 3, 4
_MEANT = {_ROW: "row", _CELL: "c"}
"""What the elements of a sheet's data are, by how deep they stand."""
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_PLACE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,8})")


class Order:
    """What a sheet's part says of its rows.

    Attributes:
        last: the number of its last row, 0 for none.
    """

    def __init__(self, part: bytes) -> None:
        """Goes through all of the part.

        Raises:
            Broken: rows or cells go back or stand twice, or something in a row is of another vocabulary.
            xml.parsers.expat.ExpatError: it is no XML.
        """
        self.last = 0
        self._column = 0
        self._path: list[str] = []
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._end
        parser.StartDoctypeDeclHandler = _declared
        parser.Parse(part, True)

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        space, _, name = tag.rpartition(" ")
        self._path.append(name)
        inside, depth = self._path[1:2] == ["sheetData"], len(self._path)
        if space != _SPACE and (inside or name == "sheetData"):
            raise Broken(f"{name[:40]!r} is of another vocabulary than a sheet's")
        if space == _SPACE and name == "row" and self._path[1:] != ["sheetData", "row"]:
            raise Broken("a row stands outside of the sheet's rows")
        if inside and depth in _MEANT and name != _MEANT[depth]:
            raise Broken(f"behind row {self.last} stands {name[:40]!r}")
        if inside and depth == _ROW:
            self._row(attributes.get("r"))
        elif inside and depth == _CELL:
            self._cell(attributes.get("r"))

    def _end(self, _: str) -> None:
        self._path.pop()

    def _row(self, given: str | None) -> None:
        if given is not None and not _NUMBER.fullmatch(given):
            raise Broken(f"a row has the number {given[:20]!r}")
        number = self.last + 1 if given is None else int(given)
        if number <= self.last:
            raise Broken(f"row {number} stands behind row {self.last}")
        self.last, self._column = number, 0

    def _cell(self, given: str | None) -> None:
        found = None if given is None else _PLACE.fullmatch(given)
        if given is not None and (found is None or int(found[2]) != self.last):
            raise Broken(f"row {self.last} has a cell {given[:20]!r}")
        column = self._column + 1 if found is None else column_index_from_string(found[1])
        if column <= self._column:
            raise Broken(
                f"in row {self.last} a cell of column {column} stands behind one of column {self._column}"
            )
        self._column = column


def _declared(*_: object) -> None:
    raise Broken("it declares a document type")
