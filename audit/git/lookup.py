"""Looking values up by key with dtypes kept, whether or not there is anything to find."""

from __future__ import annotations

import pandas as pd
import pyarrow
import pyarrow.compute as pc


def look_up(keys: pd.Series, values: pd.Series) -> pd.Series:
    """The value of each key, missing where there is none; index of `keys`, dtype of `values`.

    Unlike `Series.map`, an empty or all-missing mapping keeps its dtype.

    Args:
        values: indexed by key, each key once. Integers are nullable ones (Int64) on both sides.
    """
    if (
        values.index.dtype == "str"
    ):  # as Arrow has it: pandas would make an object of every text, and keep them
        wanted = pyarrow.array(keys.astype("str"), pyarrow.large_string())
        there = pyarrow.array(values.index.to_series(), pyarrow.large_string())
        place = pc.index_in(wanted, there).fill_null(-1).to_numpy(zero_copy_only=False)
    else:
        place = values.index.get_indexer(pd.Index(keys.astype(values.index.dtype)))
    return pd.Series(values.array.take(place, allow_fill=True), index=keys.index, name=values.name)
