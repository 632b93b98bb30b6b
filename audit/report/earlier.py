"""What controls came to in the quarter before: as it was reported, or judged now from the same evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from audit import tables as t
from audit.controls import runner
from audit.controls.interface import Control
from audit.evidence import editions
from audit.evidence.store import Store
from audit.period import Period
from audit.report.plain import records
from audit.settings import Settings


@dataclass(frozen=True)
class Earlier:
    """The quarter before.

    Attributes:
        told: where it is known from, in words.
        conclusions: rows of the table of that name, by control.
    """

    told: str
    conclusions: Mapping[str, Mapping[str, Any]]

    def of(self, control: str) -> tuple[str, int | None, str]:
        """Conclusion, exceptions that no waiver covered, and where these are known from; or why they are not."""
        row = self.conclusions.get(control)
        if row is None:
            return "", None, f"not tested then ({self.told})" if self.conclusions else self.told
        return str(row["conclusion"]), int(row["exceptions"]) - int(row.get("waived") or 0), self.told


UNKNOWN = Earlier("the quarter before was not judged", {})


def earlier(
    store: Store,
    tables: Mapping[str, pd.DataFrame],
    settings: Settings,
    period: Period,
    *,
    as_of: datetime,
    controls: Sequence[Control],
) -> Earlier:
    """The quarter before `period`: its frozen edition where there is one, else what its controls come to now.

    Raises:
        IntegrityError: what was reported of it is gone or was changed.
    """
    before = period.previous()
    frozen = editions.last(store, before.label)
    if frozen is not None:
        found = t.read_as_written(frozen.tables / "conclusions.parquet")
        told = f"edition {frozen.number} of {before.label}"
    else:
        found = runner.run(dict(tables), settings, before, as_of=as_of, controls=controls)["conclusions"]
        told = f"{before.label}, judged from this evidence"
    return Earlier(told, {row["control"]: row for row in records(found)})
