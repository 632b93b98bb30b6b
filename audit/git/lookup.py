"""Looking values up by key with dtypes kept, whether or not there is anything to find."""

from __future__ import annotations

import pandas as pd


def look_up(keys: pd.Series, values: pd.Series) -> pd.Series:
    """The value of each key, missing where there is none; index of `keys`, dtype of `values`.

    Unlike `Series.map`, an empty or all-missing mapping keeps its dtype.

    Args:
        values: indexed by key, each key once. Integers are nullable ones (Int64) on both sides.
    """
    place = values.index.get_indexer(pd.Index(keys.astype(values.index.dtype)))
    return pd.Series(values.array.take(place, allow_fill=True), index=keys.index, name=values.name)
