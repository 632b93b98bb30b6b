"""Files to rows, without settings and without a store: what `audit parse` prints.

Rows and refusals come one by one, in the order of the records; memory does not grow with the file.
"""

from __future__ import annotations

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
from audit.normalise.interface import Context, Parsed, Row
from audit.normalise.reader import AUTO, parts

STDIN = Path("-")


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
        format: name of a format, which every record must then be of; `auto` recognises each by itself.

    Raises:
        UsageError: there is no such format.
    """
    for part in parts(path, context, format=format):
        counts.add(part)
        for table, rows in part.rows.items():
            yield from (Found(table, row) for row in rows)
        yield from (Refused(*refused) for refused in part.quarantined)
