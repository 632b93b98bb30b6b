"""What a metric is: a figure with its numerator, its denominator and what could not be determined.

A metric is measured over one span of time, from joined tables alone, and gives one row for each group. What no
evidence covers is missing, with a note that says why: it is never zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, Literal, TypeVar, cast

import pandas as pd

from audit.period import Period
from audit.settings import Settings

Tables = dict[str, pd.DataFrame]
Grouped = dict[str, pd.DataFrame]
"""Items with their `group`, by dimension."""

_T = TypeVar("_T")
_WEEK = pd.Timedelta(weeks=1)

ROW = ["dimension", "group", "value", "numerator", "denominator", "undetermined"]
"""Columns of what a metric gives; `audit.metrics.compute` adds what it is and for which quarter."""


@dataclass(frozen=True)
class Span:
    """The quarter that is measured.

    Attributes:
        as_of: when evidence was last collected (aware): what followed a change counts until then.
        kept: what metrics of the same tables have worked out already; see `kept_for_all`.
    """

    settings: Settings
    period: Period
    as_of: datetime
    kept: dict[tuple[Any, Period | None], Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def start(self) -> pd.Timestamp:
        """First instant of the quarter."""
        return pd.Timestamp(self.period.start)

    @property
    def stop(self) -> pd.Timestamp:
        """First instant no longer measured: the quarter's end, or `as_of` while it is running."""
        return pd.Timestamp(min(self.period.end, self.as_of))

    @property
    def now(self) -> pd.Timestamp:
        """`as_of`."""
        return pd.Timestamp(self.as_of)

    def holds(self, times: pd.Series) -> pd.Series:
        """Which times are in the span; a missing time is not."""
        return (times >= self.start) & (times < self.stop)

    def once(self, key: Any, period: Period | None, made: Callable[[], _T]) -> _T:
        """What `made` gives, worked out once for a key and a quarter (or all), for spans that share `kept`."""
        if (key, period) not in self.kept:
            self.kept[key, period] = made()
        return cast("_T", self.kept[key, period])


@dataclass(frozen=True)
class Metric:
    """One figure.

    Attributes:
        id: stable id.
        unit: unit of its value.
        definition: what is counted, exactly.
        evidence: what it rests on: `landings`, `reviews`, `deployments`, `states`, `promotions`, `secrets`,
            `scans` or `exceptions`.
        item: what it is counted over: each of its items is one of these.
        items: those of a span, with a `group` column, by dimension (see `by`).
        figure: what they come to.
    """

    id: str
    title: str
    unit: str
    definition: str
    evidence: str
    item: Literal[
        "landing",
        "pull request",
        "deployment",
        "state",
        "promotion",
        "secret",
        "scan",
        "vulnerability",
        "exception",
    ]
    items: Callable[[Tables, Span], Grouped]
    figure: Count | Share | Median

    def measure(self, tables: Tables, span: Span) -> pd.DataFrame:
        """The figure over a span, by dimension and group: the columns `ROW`."""
        return self.figure.rows(self.items(tables, span), span)


def kept_for_all(step: Callable[[Tables, Span], _T]) -> Callable[[Tables, Span], _T]:
    """A step of several metrics that is the same for every quarter: worked out once for spans that share `kept`."""

    @wraps(step)
    def once(tables: Tables, span: Span) -> _T:
        return span.once(step, None, lambda: step(tables, span))

    return once


def kept_for_quarter(step: Callable[[Tables, Span], _T]) -> Callable[[Tables, Span], _T]:
    """A step of several metrics, worked out once for each quarter."""

    @wraps(step)
    def once(tables: Tables, span: Span) -> _T:
        return span.once(step, span.period, lambda: step(tables, span))

    return once


def by(items: pd.DataFrame, **dimensions: pd.DataFrame) -> Grouped:
    """Items with a `group` column, once for all of them together and once for each dimension.

    Args:
        dimensions: by name, the items that belong to each `group` (an item may belong to several).
    """
    return {"all": items.assign(group=""), **dimensions}


def tally(grouped: Grouped, **parts: str | None) -> pd.DataFrame:
    """Counts or sums by dimension and group.

    Args:
        grouped: items with their `group`, by dimension.
        parts: for `numerator`, `denominator` and `undetermined` the column to add up; None for a missing one.

    Returns:
        `dimension`, `group` and the parts; the dimension `all` has a row even without items.
    """
    rows = []
    for dimension, items in grouped.items():
        columns = [column for column in parts.values() if column]
        sums = items.groupby("group", sort=True)[columns].sum().astype("Float64")
        if dimension == "all":
            sums = sums.reindex([""], fill_value=0.0)
        made = {name: sums[column] if column else pd.NA for name, column in parts.items()}
        rows.append(
            pd.DataFrame(made, index=sums.index)
            .rename_axis("group")
            .reset_index()
            .assign(dimension=dimension)
        )
    return pd.concat(rows, ignore_index=True)


@dataclass(frozen=True)
class Count:
    """A count, or the sum of `column`: the value is its numerator, and there is no denominator.

    Attributes:
        weekly: divided by the span's weeks, which are then the denominator.
    """

    column: str
    weekly: bool = False

    def rows(self, grouped: Grouped, span: Span) -> pd.DataFrame:
        """The columns `ROW`."""
        rows = tally(grouped, numerator=self.column)
        weeks = (span.stop - span.start) / _WEEK if self.weekly else pd.NA
        rows = rows.assign(denominator=pd.Series(weeks, index=rows.index, dtype="Float64"), undetermined=0)
        value = ratio(rows["numerator"], rows["denominator"]) if self.weekly else rows["numerator"]
        return rows.assign(value=value)[ROW]

    def parts(self, items: pd.DataFrame) -> pd.DataFrame:
        """What each item gives the figure: `value` (Float64) and `part` (str)."""
        return pd.DataFrame({"value": items[self.column].astype("Float64"), "part": "counted"})


@dataclass(frozen=True)
class Share:
    """The share of items with `hit` among those with `known` (both boolean columns); the others are undetermined."""

    hit: str
    known: str

    def rows(self, grouped: Grouped, _span: Span) -> pd.DataFrame:
        """The columns `ROW`."""
        grouped = {
            dimension: items.assign(
                _hit=(items[self.hit] & items[self.known]).astype("int64"),
                _known=items[self.known].astype("int64"),
                _unknown=(~items[self.known]).astype("int64"),
            )
            for dimension, items in grouped.items()
        }
        rows = tally(grouped, numerator="_hit", denominator="_known", undetermined="_unknown")
        return rows.assign(value=ratio(rows["numerator"], rows["denominator"]))[ROW]

    def parts(self, items: pd.DataFrame) -> pd.DataFrame:
        """What each item gives the figure: `value` (Float64, 1 or 0; missing: undetermined) and `part` (str)."""
        known = items[self.known].astype(bool)
        hit = items[self.hit].astype(bool) & known
        part = pd.Series("denominator alone", index=items.index, dtype="str")
        part = part.mask(hit, "numerator").mask(~known, "undetermined")
        return pd.DataFrame({"value": hit.astype("Float64").mask(~known), "part": part})


@dataclass(frozen=True)
class Median:
    """The median of `column` (missing: not determined); numerator: how many were measured, denominator: of how many."""

    column: str

    def rows(self, grouped: Grouped, _span: Span) -> pd.DataFrame:
        """The columns `ROW`."""
        rows = []
        for dimension, items in grouped.items():
            values = items.assign(_value=items[self.column].astype("Float64"))
            groups = values.groupby("group", sort=True)["_value"]
            made = pd.DataFrame(
                {"value": groups.median(), "numerator": groups.count(), "denominator": groups.size()}
            )
            if dimension == "all":
                made = made.reindex([""]).fillna({"numerator": 0, "denominator": 0})
            rows.append(made.rename_axis("group").reset_index().assign(dimension=dimension))
        whole = pd.concat(rows, ignore_index=True)
        return whole.assign(undetermined=whole["denominator"] - whole["numerator"])[ROW]

    def parts(self, items: pd.DataFrame) -> pd.DataFrame:
        """What each item gives the figure: `value` (Float64; missing: undetermined) and `part` (str)."""
        value = items[self.column].astype("Float64")
        part = pd.Series("measured", index=items.index, dtype="str").mask(value.isna(), "undetermined")
        return pd.DataFrame({"value": value, "part": part})


def ratio(numerator: pd.Series, denominator: pd.Series) -> pd.Series:
    """Numerator by denominator; missing where the denominator is 0."""
    return numerator / denominator.mask(denominator.eq(0))


def hours(spans: pd.Series) -> pd.Series:
    """Time spans (timedelta) in hours, Float64; missing stays missing."""
    return cast("pd.Series", (spans.dt.total_seconds() / 3600).astype("Float64"))


def days(spans: pd.Series) -> pd.Series:
    """Time spans (timedelta) in days, Float64; missing stays missing."""
    return cast("pd.Series", (spans.dt.total_seconds() / 86_400).astype("Float64"))


def earliest(rows: pd.DataFrame, keys: list[str], column: str) -> pd.DataFrame:
    """The first `column` of each of `keys`."""
    return rows.groupby(keys, sort=True)[column].min().reset_index()


def note_of(value: Any, items: float, undetermined: int, limit: int) -> str:
    """The warning that few items carry, or why there is no value."""
    if pd.isna(value):
        return "none could be determined" if undetermined else "nothing to measure"
    return f"small number: {items:g} {'item' if items == 1 else 'items'}" if items < limit else ""
