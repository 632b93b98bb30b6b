"""Where evidence is missing: per source, cluster and day, against the pace that is set or that it shows itself.

What is found here is a fact of the evidence. That a control is not tested for it is the controls' matter.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from audit.joins.continuity.caps import capped, cut, dropped, without_bodies
from audit.joins.continuity.clocks import clocks, deployed_landings
from audit.joins.continuity.days import days
from audit.joins.continuity.lateness import late, pending
from audit.joins.continuity.lists import short
from audit.joins.continuity.pauses import silences, undelivered
from audit.joins.continuity.retention import forgotten
from audit.joins.continuity.span import Span, gaps_frame
from audit.joins.continuity.streams import activity, objects_by_format, streams
from audit.period import Period
from audit.settings import Settings
from audit.tables import (
    Coverage,
    EvidenceDays,
    EvidenceGaps,
    EvidenceStreams,
    ExportLists,
    MetricSamples,
    columns,
    conform,
)

Tables = dict[str, pd.DataFrame]

_COLUMNS = {
    "cluster_access": ("cluster", "at", "truncated", "audit_id", "evidence"),
    "coverage": tuple(columns(Coverage)),
    "deployments": ("cluster", "application", "operator", "started_at", "repo", "revision", "evidence"),
    "evidence_objects": (
        *("source_name", "cluster", "format", "sha256", "key", "records", "quarantined"),
        *("last_modified", "collected_at"),
    ),
    "export_lists": tuple(columns(ExportLists)),
    "git_operations": ("evidence", "at"),
    "landings": ("repo", "head_sha", "landed_at", "landed_at_source", "kind"),
    "metric_samples": tuple(columns(MetricSamples)),
    "sync_records": ("operator", "record", "history_id", "cluster", "app", "finished_at", "evidence", "line"),
}


def looked_at(tables: Tables) -> Tables:
    """All that `continuity` looks at, by table: of large ones what may matter. There is no other within its reach."""
    rows = {name: tables[name][list(names)] for name, names in _COLUMNS.items()}
    rows["cluster_access"] = without_bodies(rows["cluster_access"])
    deployed = deployed_landings(rows.pop("deployments"), rows.pop("landings"))
    return rows | {"deployed_landings": deployed}


def continuity(tables: Tables, settings: Settings, period: Period, *, as_of: datetime) -> Tables:
    """`evidence_streams`, `evidence_gaps` and `evidence_days` of a quarter.

    Args:
        tables: every normalised and joined table; see `looked_at`.
        as_of: when evidence was last collected (aware); what lies behind it is no gap.
    """
    tables = looked_at(tables)
    # most of what follows asks for both
    tables["objects_by_format"] = objects_by_format(tables["evidence_objects"])
    tables["activity"] = activity(tables)
    span = Span.of(period, as_of)
    known = streams(tables, settings, span)
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
