"""Moments by the spans that they lie in: between two neighbouring edges of spans, nothing that is told by them changes."""

from __future__ import annotations

import numpy as np
import pandas as pd

_UNTOLD, _FIRST = -1, 0


class Epochs:
    """The time between each two edges of spans, numbered.

    Args:
        spans: `since` and `until` (datetime64[us, UTC]); a missing one is open.
    """

    def __init__(self, spans: pd.DataFrame) -> None:
        edges = pd.concat([spans["since"], spans["until"]]).dropna().drop_duplicates().sort_values()
        self._edges = _numbers(edges)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._edges) + 1

    def of(self, times: pd.Series) -> np.ndarray:
        """The number of each moment's epoch (int64); -1 where the moment is missing."""
        numbers = np.searchsorted(
            self._edges, _numbers(times.fillna(pd.Timestamp(0, tz="UTC"))), side="right"
        )
        return np.where(times.isna(), _UNTOLD, numbers)

    def placed(self, spans: pd.DataFrame) -> pd.DataFrame:
        """`spans` with the numbers of the epochs in which each holds, `first` to before `after`.

        One that is open on both sides holds also where the moment is missing.
        """
        begin = self.of(spans["since"])
        end = np.where(spans["until"].isna(), len(self), self.of(spans["until"]))
        open_ended = spans["since"].isna() & spans["until"].isna()
        return spans.assign(first=np.where(open_ended, _UNTOLD, np.maximum(begin, _FIRST)), after=end)

    @staticmethod
    def holding(rows: pd.DataFrame) -> pd.DataFrame:
        """Rows whose `epoch` lies in their span, of which `placed` told `first` and `after`."""
        return rows[rows["first"].le(rows["epoch"]) & rows["epoch"].lt(rows["after"])]


def _numbers(times: pd.Series) -> np.ndarray:
    """Microseconds since 1970 (int64)."""
    return times.astype("datetime64[us, UTC]").astype("int64").to_numpy()
