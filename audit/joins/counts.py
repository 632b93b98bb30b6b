"""Objects of each source, from what it listed to what the quarter is judged by: numbers that tie, each counted by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from audit.evidence.manifest import Listed, Manifest
from audit.period import Period
from audit.tables import EvidenceLosses, SourceCounts, conform, frame


def source_counts(
    evidence_objects: pd.DataFrame,
    coverage: pd.DataFrame,
    listed: Mapping[str, Listed],
    period: Period,
    *,
    sources: Iterable[str],
) -> pd.DataFrame:
    """`SourceCounts` of every source that the settings name or of which there is evidence.

    Args:
        evidence_objects: `EvidenceObjects`.
        coverage: `Coverage`: the hours that records speak of.
        listed: what each source listed, as `audit.evidence.manifest.latest_counts` tells it.
        sources: names of the settings' sources.
    """
    objects = evidence_objects[["source_name", "sha256"]].assign(
        unreadable=evidence_objects["kept"].add(evidence_objects["noise"]).eq(0)
        & evidence_objects["quarantined"].gt(0)
    )
    timed = coverage.assign(inside=period.holds(coverage["hour"]))
    timed = timed.groupby(["source_name", "evidence"])["inside"].any().rename("inside").reset_index()
    objects = objects.merge(
        timed, left_on=["source_name", "sha256"], right_on=["source_name", "evidence"], how="left"
    )
    other = ~objects["unreadable"] & objects["inside"].eq(False).fillna(False)
    named = sorted({*sources, *objects["source_name"]})
    held = [
        objects["source_name"].value_counts(),
        objects.loc[~objects["unreadable"] & ~other, "source_name"].value_counts(),
        objects.loc[other, "source_name"].value_counts(),
        objects.loc[objects["unreadable"], "source_name"].value_counts(),
    ]
    rows = []
    for name in named:
        stored, read, outside, unreadable = (int(counts.get(name, 0)) for counts in held)
        told = listed.get(name)
        rows.append(
            {
                "source_name": name,
                "listed": told.listed if told else None,
                "collected": told.read if told else None,
                "unread": told.unread if told else None,
                "complete": not told.failed if told else None,
                "stored": stored,
                "read": read,
                "out_of_period": outside,
                "quarantined": unreadable,
                "ties": stored == read + outside + unreadable
                and (told is None or (told.listed == told.read + told.unread and stored >= told.read)),
            }
        )
    return conform(SourceCounts, frame(SourceCounts, rows))


def losses(
    manifests: Iterable[Manifest], sources: Iterable[tuple[str, str]], *, until: datetime
) -> pd.DataFrame:
    """`EvidenceLosses` of some sources: what they did not give, each told by the manifest that recorded it first.

    Args:
        sources: (name, location) pairs; what others did not give is left out.
        until: collections that stood at a later moment are left out.
    """
    wanted = set(sources)
    told: dict[tuple[str, ...], dict[str, Any]] = {}
    for manifest in manifests:
        if manifest.as_of > until:
            continue
        for one in manifest.lost:
            if (one.source, one.location) in wanted:
                row: dict[str, Any] = {"source_name": one.source, "key": one.key, "kind": one.kind, "version_id": one.version_id,
                       "at": one.at, "seen_at": manifest.as_of, "reason": one.reason, "manifest": manifest.sha256}  # fmt: skip
                told.setdefault((one.source, one.key, one.kind, one.version_id, one.reason), row)
    return conform(EvidenceLosses, frame(EvidenceLosses, list(told.values())))
