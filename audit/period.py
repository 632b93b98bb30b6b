"""Fiscal quarters: half-open, in the organisation's time zone, compared in UTC.

`2026Q3` names the third quarter of fiscal year 2026. A fiscal year that starts in January is the calendar
year; one that starts in any other month is named after the calendar year in which it ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd

from audit.errors import UsageError

_LABEL = re.compile(r"(\d{4})Q([1-4])")


@dataclass(frozen=True, order=True)
class Period:
    """One fiscal quarter.

    Attributes:
        start: first instant that belongs to it, UTC.
        end: first instant that no longer belongs to it, UTC.
        label: such as `2026Q3`.
        time_zone: IANA name in which its days are counted.
        year_start: month (1–12) in which the fiscal year starts.
    """

    start: datetime
    end: datetime
    label: str
    time_zone: str
    year_start: int

    @classmethod
    def quarter(cls, label: str, *, time_zone: str = "UTC", year_start: int = 1) -> Period:
        """The quarter that `label` names.

        Raises:
            UsageError: the label is not of the form `2026Q3`, or names a year that no calendar has.
        """
        match = _LABEL.fullmatch(label)
        if match is None:
            raise UsageError(
                f"'{label}' does not name a quarter", remedy="write the fiscal year and quarter as in 2026Q3"
            )
        year, number = int(match[1]), int(match[2])
        months = (year if year_start == 1 else year - 1) * 12 + (year_start - 1) + (number - 1) * 3
        zone = ZoneInfo(time_zone)
        try:
            start, end = (
                datetime(index // 12, index % 12 + 1, 1, tzinfo=zone).astimezone(UTC)
                for index in (months, months + 3)
            )
        except (ValueError, OverflowError):
            raise UsageError(
                f"'{label}' lies outside of the calendar",
                remedy="name a quarter of these years, as in 2026Q3",
            ) from None
        return cls(start, end, label, time_zone, year_start)

    @classmethod
    def containing(cls, moment: datetime, *, time_zone: str = "UTC", year_start: int = 1) -> Period:
        """The quarter in which `moment` (aware) lies."""
        local = moment.astimezone(ZoneInfo(time_zone))
        offset = (local.month - year_start) % 12
        year = local.year if local.month >= year_start else local.year - 1
        fiscal = year if year_start == 1 else year + 1
        return cls.quarter(f"{fiscal}Q{offset // 3 + 1}", time_zone=time_zone, year_start=year_start)

    def previous(self) -> Period:
        """The quarter before this one."""
        year, number = int(self.label[:4]), int(self.label[-1])
        label = f"{year}Q{number - 1}" if number > 1 else f"{year - 1}Q4"
        return Period.quarter(label, time_zone=self.time_zone, year_start=self.year_start)

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def holds(self, times: pd.Series) -> pd.Series:
        """Which of `times` (datetime64[us, UTC]) lie in the quarter; a missing time does not."""
        return (times >= pd.Timestamp(self.start)) & (times < pd.Timestamp(self.end))
