"""The normalised tables as they lie in the store: read when they are asked for, each once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from audit import tables as t
from audit.evidence import sealed
from audit.evidence.store import Store
from audit.period import Period


def normalised() -> Iterator[tuple[str, type[t.Table]]]:
    """The tables that parsing gives rows of, by name."""
    return ((name, table) for name, table in t.TABLES.items() if t.meta(table)["stage"] == "normalised")


class Stored(Mapping[str, pd.DataFrame]):
    """Frames by table name, of every period, in key order; read from the folder's partitions when asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = [name for name, _ in normalised()]
        self._read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            table = t.TABLES[name]
            rows = t.read(table, partitions(self._folder, name))
            self._read[name] = rows.sort_values(
                t.key(table), kind="stable", na_position="first", ignore_index=True
            )
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass
class Built:
    """Every normalised table: deduplicated, of every period.

    Attributes:
        folder: where they lie: `<table>/source=…/month=…/part-….parquet`.
        tables: frames by table name; each is read when it is first asked for.
        parsed: source_name, table, rows, duplicates (int64): what parsing gave, and how many of those rows
            repeat another row's key and were left out.
    """

    folder: Path
    tables: Mapping[str, pd.DataFrame]
    parsed: pd.DataFrame

    def sizes(self) -> dict[str, int]:
        """Rows of each table, none of which is read."""
        return {
            name: sum(pq.ParquetFile(path).metadata.num_rows for path in partitions(self.folder, name))
            for name in self.tables
        }

    def counted(self, period: Period) -> pd.DataFrame:
        """Rows by source and table: `source_name`, `table`, `kept` (of the period, or of no time) and `out_of_period`.

        Nothing but times is read.
        """
        counts: dict[tuple[str, str], list[int]] = {}
        for name, table in normalised():
            time = t.meta(table).get("time")
            for path in partitions(self.folder, name):
                file = pq.ParquetFile(path)
                inside = every = file.metadata.num_rows
                if time is not None:
                    times = file.read([time]).to_pandas()[time]
                    inside = int((period.holds(times) | times.isna()).sum())
                found = counts.setdefault((path.parts[-3].removeprefix("source="), name), [0, 0])
                found[0] += inside
                found[1] += every - inside
        rows = [(*where, *found) for where, found in sorted(counts.items())]
        return pd.DataFrame(rows, columns=["source_name", "table", "kept", "out_of_period"])


def partitions(folder: Path, name: str) -> list[Path]:
    """A table's files, in order."""
    return sorted((folder / name).rglob("*.parquet"))


def load(store: Store) -> Built | None:
    """What `build` left in the store; None when it was never run.

    Raises:
        IntegrityError: it is not what `build` left.
    """
    folder = store.root / "tables"
    if not sealed.is_sealed(folder):
        return None
    sealed.require(folder)
    return opened(folder)


def opened(folder: Path) -> Built:
    """What lies in a folder of tables, whose seal was looked at."""
    return Built(folder, Stored(folder), pd.read_parquet(folder / "parsed.parquet"))
