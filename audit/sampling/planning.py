"""A sample of a quarter, planned and drawn; and the sheets of those that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd

from audit.errors import UsageError
from audit.period import Period
from audit.report.pieces import SampleRow, SampleSheet
from audit.report.plain import records
from audit.sampling.draws import METHODS, draw, whole
from audit.sampling.numbered import numbered
from audit.sampling.packets import ATTRIBUTES
from audit.sampling.sheets import Plan, fingerprint
from audit.sampling.sizes import rate, size
from audit.settings import Draw, Settings


def plan(
    asked: Draw, tables: Mapping[str, pd.DataFrame], settings: Settings, period: Period, as_of: datetime
) -> tuple[Plan, pd.DataFrame]:
    """A sample and how it was drawn.

    Args:
        asked: what is to be drawn.
        tables: every table of the checked quarter.
        as_of: up to when events count in it.

    Returns:
        The plan, and the items drawn as `audit.sampling.draw` gives them.

    Raises:
        UsageError: a rate is none, or there is nothing to draw of.
    """
    rates = (
        rate("confidence", asked.confidence),
        rate("tolerable", asked.tolerable),
        rate("expected", asked.expected, zero=True),
    )
    items = numbered(asked.population, tables, settings, period, as_of)
    of = whole(items, asked.method)
    needed = size(of, *rates)
    drawn = draw(items, asked.method, needed.items, asked.seed)
    made = Plan(
        quarter=period.label,
        as_of=as_of.astimezone(UTC).isoformat(),
        population=asked.population,
        items=len(items),
        whole=of,
        population_sha256=fingerprint(items, ("number", "subject")),
        method=asked.method,
        seed=asked.seed,
        confidence=asked.confidence,
        tolerable=asked.tolerable,
        expected=asked.expected,
        size=needed.items,
        allowed=needed.allowed,
        sample_sha256=fingerprint(drawn, ("number", "subject", "hits")),
    )
    return made, drawn


def printed(
    tables: Mapping[str, pd.DataFrame], settings: Settings, period: Period, as_of: datetime
) -> list[SampleSheet]:
    """The sheets of the samples that the settings ask for, in their order; one that nothing can be drawn for says why."""

    def draw_of(asked: Draw) -> tuple[Plan, pd.DataFrame]:
        return plan(asked, tables, settings, period, as_of)

    return [_sheet(f"S{number}", asked, draw_of) for number, asked in enumerate(settings.samples, 1)]


def _sheet(name: str, asked: Draw, draw_of: Callable[[Draw], tuple[Plan, pd.DataFrame]]) -> SampleSheet:
    sheet = SampleSheet(
        id=name,
        population=asked.population,
        method=asked.method,
        method_told=METHODS[asked.method],
        seed=asked.seed,
        confidence=asked.confidence,
        tolerable=asked.tolerable,
        expected=asked.expected,
        items=0,
        whole=0,
        size=0,
        allowed=0,
        population_sha256="",
        sample_sha256="",
        problem="",
        columns=list(ATTRIBUTES[asked.population]),
        rows=[],
    )
    try:
        made, drawn = draw_of(asked)
    except UsageError as error:
        return replace(sheet, problem=error.problem)
    said = ("number", "subject", "at", "environment", "says", "hits")
    return replace(
        sheet,
        items=made.items,
        whole=made.whole,
        size=made.size,
        allowed=made.allowed,
        population_sha256=made.population_sha256,
        sample_sha256=made.sample_sha256,
        rows=[SampleRow(name, *(row[key] for key in said)) for row in records(drawn)],
    )
