"""Waivers that nothing needed, that ended or that reach far are told as such, beside how often each was used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from audit import tables as t
from audit.period import Period
from audit.report.waived import waivers

QUARTER = Period.quarter("2026Q3")
LANDED = pd.Timestamp("2026-07-02", tz="UTC")


def waiver(name: str, **facts: Any) -> dict[str, Any]:
    own = {"repo": "acme/gitops", "id": name, "control": "CHG-05", "position": 1, "landed_at": LANDED}
    plain = {"after_the_fact": False, "broad": False, "flaws": "", "repository": "acme/gitops"}
    return dict.fromkeys(t.columns(t.Waivers)) | own | plain | facts


def test_what_nothing_needed_what_ended_and_what_reaches_far_is_told() -> None:
    given = [
        waiver("W-1"),
        waiver("W-2", broad=True),
        waiver("W-3", after_the_fact=True, expires=QUARTER.end),
        waiver("W-4", expires=datetime(2026, 9, 1, tzinfo=UTC)),
        waiver("W-5", flaws="it names no scope"),
        waiver("W-6", withdrawn_at=QUARTER.start),
        waiver("W-7", landed_at=pd.Timestamp(QUARTER.end)),
    ]
    failed = pd.DataFrame({"control": ["CHG-05", "CHG-05", "CHG-02"], "waiver": ["W-1; W-3", "W-1", "W-2"]})
    told = waivers(t.frame(t.Waivers, given), failed.astype("str"), QUARTER, QUARTER.end)
    assert [(row.id, row.state, row.uses, row.notes) for row in told] == [
        ("W-1", "in force", 2, []),
        (
            "W-2",
            "in force",
            0,
            ["nothing of this quarter needed it", "its scope names no application, path or exception"],
        ),
        ("W-3", "in force", 1, ["it covers what happened before it landed"]),
        ("W-4", "ended", 0, ["nothing of this quarter needed it"]),
        ("W-5", "without effect", 0, ["it names no scope"]),
    ]
