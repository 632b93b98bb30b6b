"""Quarters are half-open, fiscal, and in the organisation's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import UsageError
from audit.period import Period


@pytest.mark.parametrize(
    ("label", "time_zone", "year_start", "start", "end"),
    [
        ("2026Q3", "UTC", 1, "2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z"),
        ("2026Q1", "UTC", 1, "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"),
        ("2026Q4", "UTC", 1, "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        # Berlin is two hours ahead in summer, one in winter.
        ("2026Q3", "Europe/Berlin", 1, "2026-06-30T22:00:00Z", "2026-09-30T22:00:00Z"),
        ("2026Q4", "Europe/Berlin", 1, "2026-09-30T22:00:00Z", "2026-12-31T23:00:00Z"),
        # A fiscal year is named after the calendar year in which it ends.
        ("2026Q1", "UTC", 10, "2025-10-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026Q4", "UTC", 4, "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"),
    ],
)
def test_a_label_names_its_quarter(label: str, time_zone: str, year_start: int, start: str, end: str) -> None:
    period = Period.quarter(label, time_zone=time_zone, year_start=year_start)
    assert (period.start, period.end) == (datetime.fromisoformat(start), datetime.fromisoformat(end))


@pytest.mark.parametrize("label", ["2026", "2026Q5", "2026q3", "Q3 2026", "2026Q3 ", ""])
def test_what_names_no_quarter_is_refused_with_an_example(label: str) -> None:
    with pytest.raises(UsageError, match="does not name a quarter") as error:
        Period.quarter(label)
    assert "2026Q3" in error.value.remedy


@pytest.mark.parametrize(("label", "start"), [("0000Q1", 1), ("0001Q1", 10), ("0001Q1", 1), ("9999Q4", 1)])
def test_a_year_that_no_calendar_has_is_refused(label: str, start: int) -> None:
    """Also where only its end, or its first instant in UTC, lies outside."""
    with pytest.raises(UsageError, match="lies outside of the calendar"):
        Period.quarter(label, time_zone="Asia/Tokyo", year_start=start)
    assert Period.quarter("9999Q3", time_zone="Asia/Tokyo").label == "9999Q3"


def test_a_quarter_holds_its_first_instant_and_not_its_last() -> None:
    period = Period.quarter("2026Q3")
    moments = [
        period.start - timedelta(microseconds=1),
        period.start,
        period.end - timedelta(microseconds=1),
        period.end,
    ]
    assert [moment in period for moment in moments] == [False, True, True, False]
    times = pd.Series([*moments, None], dtype="datetime64[us, UTC]")
    assert period.holds(times).tolist() == [False, True, True, False, False]


@given(
    moment=st.integers(631152000, 3786912000).map(lambda second: datetime.fromtimestamp(second, UTC)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Auckland", "America/St_Johns"]),
    start=st.integers(1, 12),
)
def test_every_moment_lies_in_exactly_one_quarter(moment: datetime, zone: str, start: int) -> None:
    period = Period.containing(moment, time_zone=zone, year_start=start)
    assert moment in period
    assert moment not in period.previous()
    assert period.previous().end == period.start
    assert Period.quarter(period.label, time_zone=zone, year_start=start) == period
