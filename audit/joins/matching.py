"""Names by regular expressions of the settings."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


def matches_any(names: pd.Series, patterns: Iterable[str]) -> pd.Series:
    """Which of `names` (str) one of the regular expressions matches whole; False where the name is missing."""
    patterns = tuple(patterns)
    if not patterns or names.empty:
        return pd.Series(False, index=names.index, dtype=bool)
    text, found = names.astype("str"), pd.Series(False, index=names.index, dtype=bool)
    for pattern in patterns:  # one by one: flags such as (?i) hold for the pattern that they begin alone
        found |= text.str.fullmatch(pattern).fillna(False).astype(bool)
    return found
