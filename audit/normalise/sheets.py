"""Tables and lists that people keep, CSV, workbooks and YAML, to records of JSON, so that every format can be read from them.

Of CSV, each row is an object with the header's names, in lower case and with `_` for spaces; an empty cell is null. Of
a workbook (see `audit.normalise.workbooks`) it is so, too. Of YAML, each document is a record, or each item of the list that it is or that its only key names.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator

from audit.normalise import remote_read
from audit.normalise.cells import OURS, header_of, unguarded
from audit.normalise.decompress import ENDINGS, WORKBOOKS, Broken
from audit.normalise.plainyaml import NotPlain, items
from audit.normalise.records import Record, Splitter
from audit.normalise.workbooks import Workbook

MAX_SIZE = 16 << 20
_BOM = b"\xef\xbb\xbf"
_CSV, _YAML = (".csv", ".tsv"), (".yaml", ".yml")
_DOCUMENT = re.compile(rb"---\r?\n[A-Za-z_][\w.-]*:[ \r\n]")
"""How documents of YAML begin that a program prints, as `gcloud` does, whatever name they were given."""
_SEPARATORS = ",;\t"
_SAID = re.compile(r"\ufeff?sep=(.)\s*", re.IGNORECASE)
"""A line before the header that spreadsheets write to say what stands between the cells."""
_RESAVE = "not UTF-8: save it as CSV UTF-8"


class Sheet:
    """The records of a sheet, as `Splitter` gives those of JSON."""

    def __init__(self, name: str, content: bytes, broken: Broken | None) -> None:
        self._name, self._content, self._broken = name, content.removeprefix(_BOM), broken
        self._start = len(content) - len(self._content)
        self._number = 0

    def reject(self) -> None:
        """Never asked for: every record is whole."""

    def __iter__(self) -> Iterator[Record]:
        yield from self._rows() if self._name.endswith(_CSV) else self._items()
        if self._broken is not None:
            yield self._failed(len(self._content), str(self._broken))

    def _record(self, offset: int, data: bytes) -> Record:
        self._number += 1
        return Record(self._number, self._start + offset, data, None, True)

    def _failed(self, offset: int, reason: str) -> Record:
        self._number += 1
        return Record(self._number, self._start + offset, b"", reason, True)

    def _items(self) -> Iterator[Record]:
        """Documents or items; of what breaks off nothing, for what is left of a document may say another thing."""
        if self._broken is not None:
            return
        starts = [0, *(found.end() for found in re.finditer(b"\n", self._content))]
        try:
            for item in items(self._content):
                yield self._record(starts[min(item.line, len(starts)) - 1], item.data)
        except NotPlain as error:
            yield self._failed(starts[min(error.line, len(starts)) - 1], str(error))

    def _rows(self) -> Iterator[Record]:
        """Rows below the header; rows without any cell are left out, as empty lines of JSON are."""
        lines = _Lines(self._content, whole=self._broken is None)
        try:
            first = next((line for line in lines if line.strip()), "")
            said = said_separator(first)
            first = first if said is None else next((line for line in lines if line.strip()), "")
        except UnicodeDecodeError:
            yield self._failed(0, f"the header is {_RESAVE}")
            return
        between = said or separator(first)
        names = header_names(first, between)
        if not isinstance(names, list):
            if first:
                yield self._failed(0, names)
            return
        rows = csv.reader(lines, delimiter=between, strict=True)
        while True:
            lines.begin()
            try:
                row = next(rows, None)
            except (csv.Error, UnicodeDecodeError) as error:
                why = f"not CSV: {error}" if isinstance(error, csv.Error) else _RESAVE
                yield self._failed(lines.began, f"line {lines.number}: {why}")
                rows = csv.reader(lines, delimiter=between, strict=True)
                continue
            if row is None:
                return
            if not any(cell.strip() for cell in row):
                continue
            while len(row) > len(names) and not row[-1].strip():
                row.pop()  # spreadsheets end lines with as many separators as the widest has
            if len(row) != len(names):
                why = f"line {lines.number}: {len(row)} cells, where the header has {len(names)}"
                yield self._failed(lines.began, why)
                continue
            if OURS in names:
                row = [unguarded(cell) for cell in row]
            cells = {name: cell.strip() or None for name, cell in zip(names, row, strict=True)}
            yield self._record(lines.began, json.dumps(cells, ensure_ascii=False).encode())


class _Lines:
    """Lines of text, with the place of the record that they make up.

    Attributes:
        number: of the line given last, counted from 1.
        began: where the record that they make up begins, in bytes.
    """

    def __init__(self, content: bytes, *, whole: bool) -> None:
        *ended, rest = content.split(b"\n")
        self._lines = [line + b"\n" for line in ended] + [rest] * bool(whole and rest)
        self._place = 0
        self.number = 0
        self.began = 0

    def begin(self) -> None:
        """Says that what comes next is a new record."""
        self.began = self._place

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.number >= len(self._lines):
            raise StopIteration
        line = self._lines[self.number]
        self._place += len(line)
        self.number += 1
        return line.decode()


def said_separator(line: str) -> str | None:
    """What stands between the cells, where a line before the header says so; None for any other line."""
    found = _SAID.fullmatch(line)
    return found[1] if found is not None else None


def separator(header: str) -> str:
    """What stands between the cells: the one of the known ones that the header has most of."""
    return max(_SEPARATORS, key=header.count)


def header_names(header: str, between: str | None = None) -> list[str] | str:
    """The header's names, those of empty columns at its end left out; why there are none, as text.

    Args:
        between: what stands between the cells, where that is said.
    """
    try:
        (row,) = csv.reader([header], delimiter=between or separator(header), strict=True)
    except (csv.Error, ValueError, TypeError):
        return "not CSV: the first line is no header"
    while len(row) > 1 and not row[-1].strip():
        row.pop()
    return header_of(row)


def splitter(key: str, blocks: Iterator[bytes]) -> Splitter | Sheet | Workbook | remote_read.Series:
    """The records of an object: of a sheet or workbook when its name says so and it does not begin as JSON does, of documents of
    YAML also when it begins so, of an answer of remote
    read when its name says so, else of JSON.

    Args:
        key: its name; what names a compression at its end is left out of account.
        blocks: its uncompressed content; may end with `Broken`.
    """
    name = _bare(key)
    if name.endswith(remote_read.ENDINGS):
        return remote_read.Series(blocks)
    if not name.endswith(_CSV + _YAML + WORKBOOKS):
        first, blocks = _peeked(blocks)
        if _DOCUMENT.match(first) is None:
            return Splitter(blocks)
        name += _YAML[0]
    content, broken = b"", None
    try:
        for block in blocks:
            content += block
            if content.removeprefix(_BOM).lstrip()[:1] in (b"{", b"["):
                return Splitter(_followed(content, blocks))
            if len(content) > MAX_SIZE:
                raise Broken(f"a sheet of more than {MAX_SIZE >> 20} MiB is not read")
    except Broken as error:
        broken = error
    return Workbook(content, broken) if name.endswith(WORKBOOKS) else Sheet(name, content, broken)


def _bare(key: str) -> str:
    """A name in lower case, without what names a compression at its end."""
    name = key.lower()
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name


def is_table(key: str) -> bool:
    """Whether a name says that the object is a table, whose columns decide what its rows are."""
    return _bare(key).endswith(_CSV + WORKBOOKS)


def _peeked(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first block, and all of them."""
    try:
        first = next(blocks, b"")
    except Broken as error:
        return b"", _followed(b"", blocks, error)
    return first, _followed(first, blocks)


def _followed(first: bytes, blocks: Iterator[bytes], broken: Broken | None = None) -> Iterator[bytes]:
    yield first
    if broken is not None:
        raise broken
    yield from blocks
