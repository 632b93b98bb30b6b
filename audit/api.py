"""The product for people who write Python: a store is opened, a quarter chosen, its tables are pandas frames.

    import audit

    quarter = audit.open("audit.toml").quarter("2026Q3")
    quarter.controls                    # what each control came to
    quarter.table("landings")           # any table, with the dtypes of the data dictionary
    quarter.trace("lead_time").items    # what a number is made of

Everything is read, nothing is judged anew and nothing in the store is changed; `Quarter.judge` runs a control of one's
own over the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import pandas as pd

from audit import pipeline
from audit import tables as t
from audit.controls import runner
from audit.controls.interface import Control
from audit.errors import UsageError
from audit.export import Exported, Pseudonyms, export
from audit.period import Period
from audit.settings import Settings, load
from audit.trace import Trace
from audit.trace import trace as find_trace

__all__ = ["Audit", "Judgement", "Quarter", "Tables", "Trace", "open"]

SETTINGS = "audit.toml"


def open(place: str | Path) -> Audit:
    """An organisation's audit, by its settings or its store.

    Args:
        place: the settings file, the folder that holds `audit.toml`, or the evidence store of the `audit.toml` beside it.

    Raises:
        UsageError: there are no settings at that place, they can't be used, or they name another store.
    """
    path = Path(place)
    if path.is_dir() and not (path / SETTINGS).exists():
        return _by_store(path)
    return Audit(load(path / SETTINGS if path.is_dir() else path))


def _by_store(store: Path) -> Audit:
    """The audit whose settings lie beside its store."""
    beside = store.resolve().parent / SETTINGS
    if not beside.exists():
        raise UsageError(
            f"{store}: no {SETTINGS} lies in this folder or beside it",
            remedy="name the settings file: a quarter is cut by the calendar that it gives",
        )
    found = Audit(load(beside))
    if found.settings.store_path != store.resolve():
        raise UsageError(
            f"{beside} names another store: {found.settings.store_path}",
            remedy="name the settings file of this store",
        )
    return found


class Audit:
    """One organisation: its settings, and the quarters that were checked."""

    def __init__(self, settings: Settings) -> None:
        """Args: settings, as `audit.settings.load` gives them."""
        self.settings = settings

    def __repr__(self) -> str:
        return f"<Audit of {self.settings.organisation.name}: {', '.join(self.quarters) or 'no quarter checked'}>"

    @property
    def quarters(self) -> list[str]:
        """Labels of the quarters that were checked, oldest first."""
        found = (self.settings.store_path / "quarters").glob("*/checked.json")
        return sorted(path.parent.name for path in found)

    def quarter(self, label: str) -> Quarter:
        """A quarter that was checked, such as `2026Q3`.

        Raises:
            UsageError: the label names no quarter, or `audit check` never judged it.
        """
        period = self.settings.quarter(label)
        folder, as_of = pipeline.stands(self.settings, period)
        return Quarter(self.settings, period, as_of, folder)


class Tables(Mapping[str, pd.DataFrame]):
    """A quarter's tables by name, each read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        """Args: folder, where the quarter's results lie."""
        self._folder = folder
        self._read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The table, which the caller may change: others see it as it was.

        Raises:
            KeyError: there is no such table.
            UsageError: another version checked the quarter, which did not know it.
        """
        if name not in t.TABLES:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = pipeline.table_of(self._folder, name)
        return self._read[name].copy(deep=False)

    def __iter__(self) -> Iterator[str]:
        return iter(t.TABLES)

    def __len__(self) -> int:
        return len(t.TABLES)

    def __repr__(self) -> str:
        return f"<Tables: {', '.join(self)}>"


@dataclass(frozen=True)
class Judgement:
    """What a control of one's own came to.

    Attributes:
        conclusion: effective, exceptions, not tested or not applicable.
        population: items tested.
        exceptions: rows of the table `exceptions`.
        gaps: evidence that is missing, each in words.
    """

    conclusion: str
    population: int
    exceptions: pd.DataFrame
    gaps: tuple[str, ...]


class Quarter:
    """One quarter as it was checked.

    Attributes:
        label: such as `2026Q3`.
        period: its first instant and the first after it (UTC), and the time zone in which its days are counted.
        as_of: up to when events count (UTC).
        tables: every table by name, as `audit.tables` declares it.
    """

    def __init__(self, settings: Settings, period: Period, as_of: datetime, folder: Path) -> None:
        """Args: folder, where the quarter's results lie."""
        self._settings = settings
        self._folder = folder
        self.label = period.label
        self.period = period
        self.as_of = as_of
        self.tables = Tables(folder)

    def __repr__(self) -> str:
        return f"<Quarter {self.label} of {self._settings.organisation.name}, as of {self.as_of:%Y-%m-%d %H:%M} UTC>"

    def table(self, name: str) -> pd.DataFrame:
        """A table, of all time: rows in the order of its key, dtypes as declared.

        Raises:
            UsageError: there is no such table; names those that sound like it.
        """
        _require_table(name)
        return self.tables[name]

    def within(self, name: str) -> pd.DataFrame:
        """The rows of a table that speak of a time in this quarter.

        Raises:
            UsageError: there is no such table, or its rows speak of no time.
        """
        rows = self.table(name)
        time = t.meta(t.TABLES[name]).get("time")
        if time is None:
            raise UsageError(f"'{name}' has no time column", remedy=f"take all of it: table('{name}')")
        return rows[self.period.holds(rows[time])].reset_index(drop=True)

    def describe(self, name: str) -> pd.DataFrame:
        """The columns of a table: column, dtype, unit, optional, meaning.

        Raises:
            UsageError: there is no such table.
        """
        return t.describe(t.TABLES[_require_table(name)])

    def parquet(self, name: str) -> Path:
        """The file of a table, for DuckDB, Polars, Arrow and whatever else reads Parquet.

        Raises:
            UsageError: there is no such table.
        """
        return self._folder / "tables" / f"{_require_table(name)}.parquet"

    @property
    def controls(self) -> pd.DataFrame:
        """What each control came to: the table `conclusions`."""
        return self.tables["conclusions"]

    @property
    def exceptions(self) -> pd.DataFrame:
        """Everything that failed a control, with pointers to raw evidence: the table `exceptions`."""
        return self.tables["exceptions"]

    @property
    def metrics(self) -> pd.DataFrame:
        """Every figure with numerator, denominator and what could not be determined: the table `metrics`."""
        return self.tables["metrics"]

    @property
    def gaps(self) -> pd.DataFrame:
        """Spans of which evidence is missing: the table `evidence_gaps`."""
        return self.tables["evidence_gaps"]

    def trace(self, finding: str, *, limit: int | None = 20) -> Trace:
        """What a number or finding rests on, down to raw lines and commits; as `audit trace` prints it.

        Args:
            finding: an exception's id, a control, a figure, a change, a deployment, a line of evidence, …
            limit: raw lines and commits to read at most; None for all.

        Raises:
            UsageError: the quarter has nothing of this name.
            IntegrityError: an object is gone from the store.
        """
        return find_trace(finding, self._whole, self._settings, self.period, as_of=self.as_of, limit=limit)

    def judge(self, control: Control) -> Judgement:
        """Runs a control of one's own over this quarter, as the product's own are run. Nothing is stored."""
        done = runner.run(self._whole, self._settings, self.period, as_of=self.as_of, controls=[control])
        row = done["conclusions"].iloc[0]
        gaps = tuple(gap for gap in str(row["gaps"]).split("; ") if gap)
        return Judgement(str(row["conclusion"]), int(row["population"]), done["exceptions"], gaps)

    def export(self, folder: str | Path, *, key_file: str | Path | None = None) -> Exported:
        """Writes every table as a Parquet file into a new folder, for people who may not see the store.

        Args:
            folder: to make; it may be there already when it is empty.
            key_file: key of 32 bytes at least under which whoever is named gets a pseudonym; the same key gives the same.

        Raises:
            UsageError: the folder exists and is not empty or can't be written, or the key can't be used.
        """
        pseudonyms = None
        if key_file is not None:
            pseudonyms = Pseudonyms.of(self.tables, self._settings.machines, key_file=Path(key_file))
        return export(self.tables, Path(folder), period=self.period, as_of=self.as_of, pseudonyms=pseudonyms)

    @cached_property
    def _whole(self) -> dict[str, pd.DataFrame]:
        """Every table, read."""
        return dict(self.tables)


def _require_table(name: str) -> str:
    if name not in t.TABLES:
        like = [known for known in t.TABLES if name[:4].lower() in known] or list(t.TABLES)
        raise UsageError(f"there is no table '{name}'", remedy=f"name one of: {', '.join(like)}")
    return name
