"""How a table is declared, built, checked, written and read.

A table is a pandera model. Its columns carry dtype, nullability, constraints, description, unit and source; its
`Config.unique` is both its key and its sort order, so that the same rows always give the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast

import pandas as pd
import pandera.pandas as pa
import pandera.typing
import pyarrow
import pyarrow.parquet as pq

UTC = Annotated[pd.DatetimeTZDtype, "us", "UTC"]
Int = pd.Int64Dtype
Float = pd.Float64Dtype
Bool = pd.BooleanDtype


class Meta(TypedDict):
    """Where a table's rows come from, which step makes it, and which column says what time a row speaks of."""

    source: str
    stage: Literal["git", "normalised", "joined", "result"]
    time: NotRequired[str]


def column(
    description: str, *, unit: str | None = None, optional: bool = False, **checks: Any
) -> Any:  # pandera's Field is untyped by design
    """One column: what it means, its unit, whether a value may be missing, and pandera checks."""
    return pa.Field(description=description, nullable=optional, metadata={"unit": unit}, **checks)


class Table(pa.DataFrameModel):
    """Base of every table. Strict: no column more, none less, dtypes exact."""

    class Config:
        strict = True
        ordered = True


def _without_dask() -> None:
    """Has pandera look for its index types now, once, as if Dask's data frames were not installed: no table is one,
    and where the engine's Dask is, their import takes longer than pandas'."""
    absent = "dask.dataframe" not in sys.modules
    if absent:
        sys.modules["dask.dataframe"] = None  # type: ignore[assignment]  # the import system's "not to be found"
    try:
        pandera.typing.get_index_types()
    finally:
        if absent:
            del sys.modules["dask.dataframe"]


_without_dask()


@cache
def columns(table: type[Table]) -> Mapping[str, Any]:
    """The pandera columns of `table` by name, in order."""
    return MappingProxyType(table.to_schema().columns)


@cache
def _key(table: type[Table]) -> tuple[str, ...]:
    unique = table.to_schema().unique
    if not unique:
        raise TypeError(f"{table.__name__} declares no key: set Config.unique")
    return tuple(unique)


def key(table: type[Table]) -> list[str]:
    """The columns that identify a row, which are also its sort order."""
    return list(_key(table))


@cache
def _dtypes(table: type[Table]) -> Mapping[str, Any]:
    """The pandas dtype of each column, in order."""
    names = {name: str(col.dtype) for name, col in columns(table).items()}
    return MappingProxyType(
        {
            name: pd.api.types.pandas_dtype("str" if dtype.startswith("string") else dtype)
            for name, dtype in names.items()
        }
    )


def meta(table: type[Table]) -> Meta:
    """Where the rows of `table` come from, which step makes it, and its time column if it has one."""
    return cast("Meta", cast("Any", table.Config).metadata)


def describe(table: type[Table]) -> pd.DataFrame:
    """The columns of `table` for people: column, dtype, unit, optional, meaning (one row a column)."""
    rows = [
        {
            "column": name,
            "dtype": str(_dtypes(table)[name]),
            "unit": col.metadata["unit"] or "",
            "optional": bool(col.nullable),
            "meaning": col.description,
        }
        for name, col in columns(table).items()
    ]
    return pd.DataFrame(rows)


def empty(table: type[Table]) -> pd.DataFrame:
    """`table` with no rows and every dtype right."""
    return _empty(table).copy(deep=False)


@cache
def _empty(table: type[Table]) -> pd.DataFrame:
    return frame(table, [])


def frame(table: type[Table], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows (mappings that hold every column) as a typed frame, in the order given; not yet deduplicated.

    Raises:
        KeyError: a row lacks a column: what is missing must be said with None, never left out.
    """
    rows = list(rows)
    return pd.DataFrame(
        {name: _column([row[name] for row in rows], dtype) for name, dtype in _dtypes(table).items()}
    )


def _column(values: list[Any], dtype: Any) -> pd.Series:
    """Values (times: aware, or ISO 8601 texts in UTC) as a column."""
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.Series(pd.to_datetime(values, utc=True)).astype(cast("Any", dtype))
    return cast("pd.Series", pd.Series(values, dtype=dtype))


def conform(table: type[Table], data: pd.DataFrame) -> pd.DataFrame:
    """`data` cut to the table's columns, cast to its dtypes, sorted by its key and validated.

    Raises:
        pandera.errors.SchemaErrors: a value breaks a declared constraint: a defect of this product, not of
            the evidence, so it is not translated into a user's error.
    """
    result = _typed(table, data)
    if len(result) > 1:
        result = result.sort_values(key(table), kind="stable", na_position="first")
    result = result.reset_index(drop=True)
    return result if _holds(table, result) else cast("pd.DataFrame", table.validate(result, lazy=True))


def _typed(table: type[Table], data: pd.DataFrame) -> pd.DataFrame:
    """`data` cut to the table's columns, in order, those of another dtype cast."""
    wanted = _dtypes(table)
    result = data if list(data.columns) == list(wanted) else data[list(wanted)]
    there = result.dtypes.to_dict()
    other = {name: dtype for name, dtype in wanted.items() if there[name] != dtype}
    return result.astype(cast("Any", other)) if other else result


_HOLDS: Mapping[str, Callable[[pd.Series, Mapping[str, Any]], bool]] = {
    "isin": lambda values, limit: bool(values.isin(limit["allowed_values"]).all()),
    "greater_than_or_equal_to": lambda values, limit: bool((values >= limit["min_value"]).all()),
    "less_than_or_equal_to": lambda values, limit: bool((values <= limit["max_value"]).all()),
    "str_matches": lambda values, limit: bool(values.str.match(limit["pattern"]).all()),
}
"""The declared checks that are quick to see for oneself, by their names; each is given the values that are there."""


def _holds(table: type[Table], data: pd.DataFrame) -> bool:
    """Whether a frame of the right columns and dtypes surely keeps every constraint of its declaration.

    Several times faster than pandera, and never more lenient: it says no as soon as a constraint is broken, or is
    of a kind that it does not know; pandera then judges, and names what is wrong.
    """
    if list(data.columns) != list(columns(table)):
        return False
    if data.empty:
        return True
    for name, col in columns(table).items():
        values = data[name]
        if values.hasnans:
            if not col.nullable:
                return False
            values = values.dropna()
        for check in col.checks:
            holds = _HOLDS.get(check.name)
            if holds is None or not holds(values, check.statistics):
                return False
    return not data.duplicated(key(table)).any()


def write(table: type[Table], data: pd.DataFrame, path: Path) -> None:
    """`data` as one Parquet file (zstd), written aside and renamed: never half there."""
    write_arrow(to_arrow(table, data), path)


def to_arrow(table: type[Table], data: pd.DataFrame) -> pyarrow.Table:
    """`data` as it is written: with the table's name and title, and nothing of pandas' own."""
    return pyarrow.Table.from_pandas(data, preserve_index=False).replace_schema_metadata(
        {"table": table.__name__, "title": str(table.to_schema().title)}
    )


def write_arrow(data: pyarrow.Table, path: Path) -> None:
    """What `to_arrow` made, or some of its rows, as one Parquet file (zstd), written aside and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    pq.write_table(data, aside, compression="zstd")
    aside.replace(path)


_NULLABLE = {pyarrow.int64(): Int(), pyarrow.float64(): Float(), pyarrow.bool_(): Bool()}


def read(table: type[Table], paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of Parquet files written by `write`, dtypes restored; no files give an empty table."""
    return from_arrow(table, [pq.ParquetFile(path).read() for path in paths])


def read_as_written(path: Path) -> pd.DataFrame:
    """The rows of a Parquet file written by `write`, perhaps by another version: with the columns that it has."""
    rows: pd.DataFrame = pq.ParquetFile(path).read().to_pandas(types_mapper=_NULLABLE.get)
    return rows


def from_arrow(table: type[Table], parts: list[pyarrow.Table]) -> pd.DataFrame:
    """The rows of what was read from files written by `write`, one after the other, dtypes restored."""
    if not parts:
        return empty(table)
    whole = pyarrow.concat_tables(parts, promote_options="default")
    return _typed(table, whole.to_pandas(types_mapper=_NULLABLE.get))
