"""Writes a quarter's tables into a folder: a Parquet file each, and `export.json`, which says what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

import audit
from audit import tables as t
from audit.export.folder import put_in_place
from audit.export.pseudonyms import Pseudonyms
from audit.period import Period


@dataclass(frozen=True)
class Exported:
    """An export: its folder, the rows of each table in it, and whether those who are named have pseudonyms."""

    folder: Path
    rows: Mapping[str, int]
    pseudonymised: bool


def export(
    tables: Mapping[str, pd.DataFrame],
    folder: Path,
    *,
    period: Period,
    as_of: datetime,
    pseudonyms: Pseudonyms | None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Exported:
    """Writes the tables, one after the other, beside the folder, and puts it in place when all are there.

    Args:
        progress: told (tables written, tables).

    Raises:
        UsageError: the folder exists and is not empty, or can't be written.
    """
    with put_in_place(folder) as aside:
        rows = {}
        for number, name in enumerate(tables):
            progress(number, len(tables))
            rows[name] = _write(name, tables[name], aside, pseudonyms)
        _say(aside, rows, period, as_of, pseudonymised=pseudonyms is not None)
    progress(len(rows), len(rows))
    return Exported(folder, rows, pseudonyms is not None)


def _write(name: str, rows: pd.DataFrame, folder: Path, pseudonyms: Pseudonyms | None) -> int:
    table = t.TABLES[name]
    if pseudonyms is not None:
        rows = pseudonyms.over(name, rows)
        rows = rows.sort_values(t.key(table), kind="stable", na_position="first", ignore_index=True)
    t.write(table, rows, folder / f"{name}.parquet")
    return len(rows)


def _say(
    folder: Path, rows: Mapping[str, int], period: Period, as_of: datetime, *, pseudonymised: bool
) -> None:
    """`export.json`: of what the tables are, and each file's rows and sha256."""
    said = {
        "quarter": period.label,
        "as_of": as_of.astimezone(UTC).isoformat(),
        "version": audit.__version__,
        "pseudonymised": pseudonymised,
        "tables": {
            name: {
                "rows": count,
                "sha256": hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest(),
            }
            for name, count in rows.items()
        },
    }
    text = json.dumps(said, indent=1, sort_keys=True) + "\n"
    (folder / "export.json").write_text(text, encoding="utf-8")
