"""Rows of many tables to Parquet files, of which no more is in memory than a group of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow
import pyarrow.parquet as pq

from audit import tables as t
from audit.normalise.interface import Row

GROUP = 20_000
"""Rows in a group, about."""


class Spool:
    """One file a table in a folder, written group by group. The same rows in the same order give the same bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, list[Row]] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Writes what waits, unless something failed, and closes every file."""
        try:
            if kind is None:
                for name in sorted(self._waiting):
                    self._flush(name)
        finally:
            for writer in self._writers.values():
                writer.close()

    def add(self, rows: Mapping[str, Iterable[Row]]) -> None:
        """Rows by table."""
        for name, found in rows.items():
            waiting = self._waiting.setdefault(name, [])
            waiting.extend(found)
            if len(waiting) >= GROUP:
                self._flush(name)

    def _flush(self, name: str) -> None:
        rows = self._waiting.pop(name)
        if rows:
            self.write(name, t.to_arrow(t.TABLES[name], t.frame(t.TABLES[name], rows)))

    def write(self, name: str, rows: pyarrow.Table) -> None:
        """A group of rows of a table, as `to_arrow` gives them."""
        if name not in self._writers:
            self._writers[name] = pq.ParquetWriter(
                self._folder / f"{name}.parquet", rows.schema, compression="zstd"
            )
        self._writers[name].write_table(rows)
