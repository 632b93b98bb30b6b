"""From DataFrames to plain values."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

_ISO = "%Y-%m-%dT%H:%M:%SZ"


def records(data: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as mappings of plain values.

    A missing text or time becomes the empty string, a missing number or truth None; times become ISO, UTC.
    """
    plain = {name: _plain(column) for name, column in data.items()}
    rows = pd.DataFrame(plain, columns=data.columns, dtype=object).to_dict("records")
    return cast("list[dict[str, Any]]", rows)


def _plain(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        text: pd.Series = column.dt.strftime(_ISO).astype(object)
        return text.where(column.notna(), "")
    if pd.api.types.is_string_dtype(column.dtype):
        return column.astype(object).where(column.notna(), "")
    return column.astype(object).where(column.notna(), None)


def iso(moment: Any) -> str:
    """An aware moment in UTC, to the second."""
    return str(pd.Timestamp(moment).tz_convert("UTC").strftime(_ISO))


def words(text: str, separator: str | None = None) -> list[str]:
    """The parts of a column that holds several values; no part is empty."""
    return [part.strip() for part in text.split(separator) if part.strip()]


def number(value: Any) -> float | None:
    """A float, or None for a missing one."""
    return None if value is None else float(value)
