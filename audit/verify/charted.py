"""Charts, held against the attached populations: what each says in words, and the values of the two quarters that are attached."""

from __future__ import annotations

from collections.abc import Iterator

from audit.report import charts, words
from audit.report.shapes import Trend
from audit.verify.against import Against
from audit.verify.pages import squeezed


def trends(a: Against, *, printed: bool = True) -> Iterator[str]:
    """Every chart of the trend page. Of quarters before these two, no population is attached: `results.json` has their values.

    Args:
        printed: there is such a page.
    """
    for trend in a.report.trends:
        title = a.w.text(trend.title)
        if printed and squeezed(str(words.printable(charts.describe(trend, a.w)))) not in a.printed.figures:
            yield f"trends, {title:.60}: the chart on the page says other than results.json"
        yield from _by_control(trend, a) if trend.form == "ranked" else _by_quarter(trend, a)


def _by_control(trend: Trend, a: Against) -> Iterator[str]:
    counted = {one.id: float(a.populations.failed(one.id)) for one in a.populations.controls}
    wanted = {name: count for name, count in counted.items() if count}
    said = {name: value for one in trend.series for name, value in zip(trend.labels, one.values, strict=True)}
    for name in sorted(said.keys() | wanted.keys()):
        if said.get(name) != wanted.get(name):
            yield f"trends, {name}: {said.get(name)} exceptions are drawn, counted anew {wanted.get(name)}"


def _by_quarter(trend: Trend, a: Against) -> Iterator[str]:
    dimension = "kind" if trend.form == "stacked" else "all"
    rows = {
        one.group: one
        for one in a.populations.figures
        if one.metric == trend.id and one.dimension == dimension
    }
    for series in trend.series:
        drawn = dict(zip(trend.labels, series.values, strict=True))
        row = rows.get(series.name)
        attached = {a.report.quarter: row.value if row else None}
        if row:  # what this quarter has none of, is not attached of the quarter before either
            attached[a.report.previous_quarter] = row.previous
        for quarter, value in attached.items():
            if drawn.get(quarter) != value:
                yield (
                    f"trends, {a.w.text(trend.title):.60} {series.name}: {drawn.get(quarter)} is drawn of {quarter}, "
                    f"{value} is attached"
                )
