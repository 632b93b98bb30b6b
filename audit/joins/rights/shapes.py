"""Frames that the modules of this package hand to each other, and the span that they speak of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import pandas as pd

from audit.period import Period
from audit.settings import Settings

Tables = dict[str, pd.DataFrame]

TIME: Any = "datetime64[us, UTC]"
LISTED: dict[str, Any] = {
    "system_kind": "str",
    "system": "str",
    "holder": "str",
    "holder_kind": "str",
    "named_in": "str",
    "path": "str",
    "how": "str",
    "right": "str",
    "scope": "str",
    "admin": "bool",
    "wildcard": "bool",
    "builtin": "bool",
    "object": "str",
    "template": "str",
    "created_at": TIME,
    "evidence": "str",
    "line": "Int64",
}
"""A right as one list has it.

`named_in`: system in which the holder's name is resolved. `path`: way by which it comes, as far as it tells rights of one
holder apart; `how`: the same in words. `object`: what is written to grant it (`rolebindings/<namespace>/<name>`).
`template`: user as whom a cloud identity acts, where that is another name than the holder's.
"""
KEY = ["system_kind", "system", "holder", "path", "right", "scope"]
"""What makes a right the same right."""
EQUAL = ["system_kind", "system", "holder", "right", "scope"]
"""What makes two rights as good as the same, whichever way they come."""
SAME_WAY = ["system_kind", "system", "holder", "path", "scope"]
"""What two rights share of which one took the other's place."""


@dataclass(frozen=True)
class Span:
    """What is judged.

    Attributes:
        start, stop: the quarter, half-open; until `as_of` while it runs.
        after: lists made before this moment tell how the quarter ended; those made within as long of its start, how it
            began.
        unused: since when a right must not have been used to be dormant.
    """

    start: pd.Timestamp
    stop: pd.Timestamp
    after: pd.Timestamp
    began: pd.Timestamp
    unused: pd.Timestamp

    @classmethod
    def of(cls, period: Period, settings: Settings, as_of: datetime) -> Self:
        """The span of a quarter, as evidence was collected until `as_of`."""
        start, stop = pd.Timestamp(period.start), pd.Timestamp(min(period.end, as_of))
        near = pd.Timedelta(days=settings.thresholds.snapshot_days)
        second = pd.Timedelta(microseconds=1)
        return cls(
            start=start,
            stop=stop,
            after=min(stop + near + second, pd.Timestamp(as_of) + second),
            began=start + near,
            unused=stop - pd.Timedelta(days=settings.access.dormant_days),
        )


def stamped(objects: pd.DataFrame, settings: Settings) -> pd.Series:
    """When evidence objects were made (datetime64[us, UTC]): as the settings say of their source, else as the store does."""
    stated = {one.name: pd.Timestamp(one.exported_at) for one in settings.sources if one.exported_at}
    return objects["source_name"].map(stated).astype(TIME).fillna(objects["last_modified"])


def text(values: Any, like: pd.DataFrame) -> pd.Series:
    """One text for each row of `like`."""
    return pd.Series(values, index=like.index, dtype="str")
