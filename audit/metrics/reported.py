"""What controls came to in the quarters before, as it was reported of them: the trend of violations.

To judge every quarter of a trend anew would take as long as each of them did, and might say otherwise than what was reported
then. So a quarter of which no edition is frozen has missing values with a note, never zeros.
"""

from __future__ import annotations

import pandas as pd

from audit import tables as t
from audit.evidence import editions
from audit.evidence.store import Store
from audit.metrics import JUDGED
from audit.metrics.interface import ROW
from audit.period import Period
from audit.settings import Settings


def before(store: Store, settings: Settings, period: Period) -> pd.DataFrame:
    """`Metrics` of what controls came to in the quarters of the trend before `period`, from their last editions.

    Raises:
        IntegrityError: what was reported of one is gone or was changed.
    """
    parts, quarter = [], period
    for _ in range(settings.thresholds.trend_quarters - 1):
        quarter = quarter.previous()
        parts.append(_reported(store, quarter))
    return t.conform(t.Metrics, pd.concat(parts, ignore_index=True)) if parts else t.empty(t.Metrics)


def _reported(store: Store, quarter: Period) -> pd.DataFrame:
    edition = editions.last(store, quarter.label)
    ids = [metric.id for metric in JUDGED]
    if edition is not None:
        held = t.read_as_written(edition.tables / "metrics.parquet")
        rows = held[held["quarter"].eq(quarter.label) & held["metric"].isin(ids)]
        if len(rows) and set(t.columns(t.Metrics)) <= set(rows):
            return rows[list(t.columns(t.Metrics))]
    note = f"{quarter.label} was not reported: no edition of it says what failed"
    nothing = dict.fromkeys(ROW) | {"dimension": "all", "group": "", "undetermined": 0, "note": note}
    blank = [
        nothing
        | {"metric": one.id, "title_text": one.title, "unit": one.unit, "definition": one.definition}
        | {"quarter": quarter.label}
        for one in JUDGED
    ]
    numbers = dict.fromkeys(("value", "numerator", "denominator"), "Float64")
    return pd.DataFrame(blank).astype(numbers)
