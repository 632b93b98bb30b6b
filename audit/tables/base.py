"""How a table is declared, built, checked, written and read.

A table is a pandera model. Its columns carry dtype, nullability, constraints, description, unit and source; its
`Config.unique` is both its key and its sort order, so that the same rows always give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast

import pandas as pd
import pandera.pandas as pa
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


def columns(table: type[Table]) -> dict[str, Any]:
    """The pandera columns of `table` by name, in order."""
    return cast("dict[str, Any]", table.to_schema().columns)


def key(table: type[Table]) -> list[str]:
    """The columns that identify a row, which are also its sort order."""
    unique = table.to_schema().unique
    if not unique:
        raise TypeError(f"{table.__name__} declares no key: set Config.unique")
    return list(unique)


def meta(table: type[Table]) -> Meta:
    """Where the rows of `table` come from, which step makes it, and its time column if it has one."""
    return cast("Meta", cast("Any", table.Config).metadata)


def describe(table: type[Table]) -> pd.DataFrame:
    """The columns of `table` for people: column, dtype, unit, optional, meaning (one row a column)."""
    rows = [
        {
            "column": col.name,
            "dtype": "str" if str(col.dtype).startswith("string") else str(col.dtype),
            "unit": col.metadata["unit"] or "",
            "optional": bool(col.nullable),
            "meaning": col.description,
        }
        for col in columns(table).values()
    ]
    return pd.DataFrame(rows)


def empty(table: type[Table]) -> pd.DataFrame:
    """`table` with no rows and every dtype right."""
    return frame(table, [])


def frame(table: type[Table], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows (mappings that hold every column) as a typed frame, in the order given; not yet deduplicated.

    Raises:
        KeyError: a row lacks a column: what is missing must be said with None, never left out.
    """
    rows = list(rows)
    data = {
        name: pd.Series([row[name] for row in rows], dtype=cast("Any", col.dtype.type), name=name)
        if col.dtype.type != "datetime64[us, UTC]"
        else pd.Series(pd.to_datetime([row[name] for row in rows], utc=True), name=name).astype(
            "datetime64[us, UTC]"
        )
        for name, col in columns(table).items()
    }
    return pd.DataFrame(data)


def conform(table: type[Table], data: pd.DataFrame) -> pd.DataFrame:
    """`data` cut to the table's columns, cast to its dtypes, sorted by its key and validated.

    Raises:
        pandera.errors.SchemaErrors: a value breaks a declared constraint: a defect of this product, not of
            the evidence, so it is not translated into a user's error.
    """
    cast_to = {name: str(col.dtype) for name, col in columns(table).items()}
    cast_to = {name: "str" if dtype.startswith("string") else dtype for name, dtype in cast_to.items()}
    result = data[list(cast_to)].astype(cast_to)
    result = result.sort_values(key(table), kind="stable", na_position="first").reset_index(drop=True)
    return cast("pd.DataFrame", table.validate(result, lazy=True))


def write(table: type[Table], data: pd.DataFrame, path: Path) -> None:
    """`data` as one Parquet file (zstd), written aside and renamed: never half there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrow = pyarrow.Table.from_pandas(data, preserve_index=False).replace_schema_metadata(
        {"table": table.__name__, "title": str(table.to_schema().title)}
    )
    aside = path.with_name(f".{path.name}.part")
    pq.write_table(arrow, aside, compression="zstd")
    aside.replace(path)


def read(table: type[Table], paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of Parquet files written by `write`, dtypes restored; no files give an empty table."""
    parts = [pq.ParquetFile(path).read() for path in paths]
    if not parts:
        return empty(table)
    whole: pd.DataFrame = pyarrow.concat_tables(parts, promote_options="default").to_pandas()
    cast_to = {
        name: "str" if str(col.dtype).startswith("string") else str(col.dtype)
        for name, col in columns(table).items()
    }
    return whole[list(cast_to)].astype(cast("Any", cast_to))
