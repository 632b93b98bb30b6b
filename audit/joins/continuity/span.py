"""The part of a quarter that evidence can speak of, and the frame that gaps are told in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import pandas as pd

from audit.period import Period
from audit.tables import EvidenceGaps, columns, empty

TIME = "%Y-%m-%dT%H:%M:%SZ"
STREAM = ["source_name", "cluster", "format"]
OBJECT = ["source_name", "evidence"]
_TYPES: dict[str, Any] = dict.fromkeys(("source_name", "cluster", "repo", "part", "evidence"), "str") | {
    "missing": "boolean"
}


@dataclass(frozen=True)
class Span:
    """Half-open.

    Attributes:
        start: of the quarter.
        stop: of the quarter, or `as_of` while it runs.
        running: it is not over.
    """

    start: pd.Timestamp
    stop: pd.Timestamp
    running: bool

    @classmethod
    def of(cls, period: Period, as_of: datetime) -> Self:
        """The span of a quarter as evidence was collected until `as_of`."""
        start, stop = pd.Timestamp(period.start), pd.Timestamp(min(period.end, as_of))
        return cls(start, stop, as_of < period.end)

    def inside(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows whose `start` and `end` touch the span, cut to it; those of no length stay."""
        rows = rows[(rows["end"] >= self.start) & (rows["start"] < self.stop)]
        return self.held(rows)

    def held(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows whose `start` and `end` are moved to the span's edges where they lie outside."""
        times = {}
        for name in ("start", "end"):
            early = rows[name].mask(rows[name] < self.start, self.start)
            times[name] = early.mask(early > self.stop, self.stop)
        return rows.assign(**times)


def gaps_frame(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Gaps of every kind together; what a part does not say is missing or empty."""
    names = list(columns(EvidenceGaps))
    found = [part.reindex(columns=names).astype(_TYPES) for part in parts if len(part)]
    if not found:
        return empty(EvidenceGaps)
    blank = {"source_name": "", "part": "", "evidence": "", "missing": True}
    return pd.concat(found, ignore_index=True).fillna(blank).drop_duplicates(names)
