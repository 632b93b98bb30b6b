"""Where evidence is missing: per source, cluster and day, against the pace that is set or that it shows itself.

What is found here is a fact of the evidence. That a control is not tested for it is the controls' matter.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from audit.joins.continuity.caps import capped, cut, dropped
from audit.joins.continuity.clocks import clocks
from audit.joins.continuity.days import days
from audit.joins.continuity.lateness import late, pending
from audit.joins.continuity.lists import short
from audit.joins.continuity.pauses import silences, undelivered
from audit.joins.continuity.retention import forgotten
from audit.joins.continuity.span import Span, gaps_frame
from audit.joins.continuity.streams import activity, objects_by_format, streams
from audit.period import Period
from audit.settings import Settings
from audit.tables import EvidenceDays, EvidenceGaps, EvidenceStreams, conform

Tables = dict[str, pd.DataFrame]

READS = (
    "cluster_access",
    "coverage",
    "deployments",
    "evidence_objects",
    "export_lists",
    "git_operations",
    "landings",
    "metric_samples",
    "sync_records",
)
"""All tables that it looks at; there is no other within its reach."""


def continuity(tables: Tables, settings: Settings, period: Period, *, as_of: datetime) -> Tables:
    """`evidence_streams`, `evidence_gaps` and `evidence_days` of a quarter.

    Args:
        tables: those that `READS` names; any other is left alone.
        as_of: when evidence was last collected (aware); what lies behind it is no gap.
    """
    tables = {name: tables[name] for name in READS}
    # most of what follows asks for both
    tables["objects_by_format"] = objects_by_format(tables["evidence_objects"])
    tables["activity"] = activity(tables)
    span = Span.of(period, as_of)
    known = streams(tables, settings)
    gaps = gaps_frame(
        [
            silences(tables, known, settings, span),
            undelivered(tables, known, settings, span),
            pending(tables, known, span),
            late(tables, known, span),
            clocks(tables, settings, span),
            forgotten(tables, settings, span),
            capped(tables, span),
            short(tables, span),
            cut(tables, span),
            dropped(tables, span),
        ]
    )
    gaps = conform(EvidenceGaps, gaps)
    return {
        "evidence_streams": conform(EvidenceStreams, known),
        "evidence_gaps": gaps,
        "evidence_days": conform(EvidenceDays, days(tables, known, gaps, period, span)),
    }
