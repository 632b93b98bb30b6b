"""Files to rows, without settings and without a store: what `audit parse` prints.

Rows and refusals come one by one, in the order of the records; memory does not grow with the file.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from audit.errors import UsageError
from audit.normalise import roster
from audit.normalise.interface import Context, Parsed, Row
from audit.normalise.reader import AUTO, parts

STDIN = Path("-")
ROSTER = "roster"
_PLACE = re.compile(r"^.*?:(?P<line>\d+): (?P<problem>.*)$", re.DOTALL)


class Found(NamedTuple):
    """A row, as the format gave it, with the table it is of."""

    table: str
    row: Row


class Refused(NamedTuple):
    """A record that could not be read: its number from 1, its place in the uncompressed file (bytes), and why."""

    line: int
    offset: int
    reason: str


@dataclass
class Counts:
    """What became of the records; `records == kept + noise + quarantined` always holds."""

    records: int = 0
    kept: int = 0
    noise: int = 0
    quarantined: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    envelopes: Counter[str] = field(default_factory=Counter)

    def add(self, part: Parsed) -> None:
        """Counts what became of some more records."""
        self.records += part.records
        self.kept += part.kept
        self.noise += part.noise
        self.quarantined += len(part.quarantined)
        self.formats.update(part.by_format)
        self.envelopes.update(part.by_envelope)


def require_files(paths: list[Path]) -> None:
    """Makes sure that every one is a file that can be read.

    Raises:
        UsageError: one is not.
    """
    for path in paths:
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            raise UsageError(
                f"{path}: can't be read: {error.strerror}", remedy="name files that exist, or - for stdin"
            ) from None


@contextmanager
def spooled(path: Path) -> Iterator[Path]:
    """The file itself, or a copy of stdin on disk: what is compressed may have to be read twice."""
    if path != STDIN:
        yield path
        return
    with tempfile.NamedTemporaryFile() as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def read(path: Path, context: Context, counts: Counts, *, format: str = AUTO) -> Iterator[Found | Refused]:
    """The rows and refused records of one file, counted in `counts` as they come.

    Args:
        path: plain or compressed, whatever it is.
        context: its key is the name of the file, by which sheets and compressions are known.
        format: name of a format, which every record must then be of; `auto` recognises each by itself. `roster` reads who is
            who, which is no evidence but a file of the settings: whole, or not at all.

    Raises:
        UsageError: there is no such format.
    """
    if format == ROSTER or (format == AUTO and roster.looks(path)):
        yield from _of_roster(path, counts)
        return
    for part in parts(path, context, format=format):
        counts.add(part)
        for table, rows in part.rows.items():
            yield from (Found(table, row) for row in rows)
        yield from (Refused(*refused) for refused in part.quarantined)


def _of_roster(path: Path, counts: Counts) -> Iterator[Found | Refused]:
    """The rows of a roster, in which each person is a record; the one reason for which it can't be read."""
    try:
        rows = roster.rows(path)
    except UsageError as error:
        counts.records += 1
        counts.quarantined += 1
        told = _PLACE.match(error.problem)
        line = int(told["line"]) if told is not None else 1
        problem = told["problem"] if told is not None else error.problem
        before = path.read_bytes().split(b"\n")[: line - 1]
        yield Refused(line, sum(map(len, before)) + len(before), f"not a roster: {problem} ({error.remedy})")
        return
    people = sum(table == "people" for table, _ in rows)
    counts.records += people
    counts.kept += people
    counts.formats[ROSTER] += people
    yield from (Found(table, row) for table, row in rows)
