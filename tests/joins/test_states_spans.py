"""A span lasts from the first sight of a state until another one is seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
from joins_rows import T0, shuffled, table

from audit.joins.states import spans


def at(minutes: int) -> Any:
    return T0 + timedelta(minutes=minutes)


def told(changes: pd.DataFrame, snapshots: pd.DataFrame | None = None) -> list[tuple[str, int, int | None]]:
    """(state, start, end) of each span, in minutes."""
    found = spans(changes, table("applications") if snapshots is None else snapshots)
    minutes = [
        [None if pd.isna(t) else int((t - T0).total_seconds() // 60) for t in found[column]]
        for column in ("start", "end")
    ]
    return list(zip(found["state"], *minutes, strict=True))


def test_each_change_ends_the_span_before() -> None:
    changes = table(
        "state_changes",
        {"at": at(0), "before": "Synced", "after": "OutOfSync"},
        {"at": at(5), "before": "OutOfSync", "after": "Synced"},
    )
    assert told(changes) == [("OutOfSync", 0, 5), ("Synced", 5, None)]


def test_a_repeated_state_goes_on() -> None:
    changes = table("state_changes", {"at": at(0), "after": "Synced"}, {"at": at(5), "after": "Synced"})
    assert told(changes) == [("Synced", 0, None)]


def test_a_snapshot_shows_what_no_report_told() -> None:
    changes = table("state_changes", {"at": at(0), "after": "Synced"})
    snapshots = table(
        "applications",
        {"observed_at": at(3), "sync_status": "Synced"},
        {"observed_at": at(9), "sync_status": "OutOfSync"},
    )
    assert told(changes, snapshots) == [("Synced", 0, 9), ("OutOfSync", 9, None)]


def test_of_one_instant_the_report_counts_and_of_reports_the_last_in_the_chain() -> None:
    changes = table(
        "state_changes",
        {"at": at(0), "before": "Progressing", "after": "Healthy", "aspect": "health"},
        {"at": at(0), "before": "Degraded", "after": "Progressing", "aspect": "health"},
    )
    snapshots = table("applications", {"observed_at": at(0), "health_status": "Degraded"})
    assert told(changes, snapshots) == [("Healthy", 0, None)]


def test_applications_and_aspects_are_apart_and_order_does_not_matter() -> None:
    changes = table(
        "state_changes",
        *(
            {"app": f"argocd/{app}", "aspect": aspect, "at": at(n), "after": state}
            for app in "ab"
            for aspect, states in (("sync", ("OutOfSync", "Synced")), ("health", ("Degraded", "Healthy")))
            for n, state in enumerate(states)
        ),
    )
    whole = spans(changes, table("applications"))
    assert len(whole) == 8
    assert whole["end"].isna().sum() == 4
    pd.testing.assert_frame_equal(spans(shuffled(changes, 1), table("applications")), whole)
