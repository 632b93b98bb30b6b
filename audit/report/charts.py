"""Charts as inline SVG: text stays text, values stand at their marks, the title tells all of them in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from markupsafe import Markup, escape

from audit.model import LandingKind
from audit.report import words
from audit.report.shapes import CoverageRow, Trend
from audit.report.wording import ENGLISH, Wording

WIDTH, HEIGHT = 300.0, 136.0
_TOP, _BOTTOM, _SIDE = 26.0, 20.0, 14.0
_INK, _SOFT, _RULE = "#1c2733", "#5c6875", "#c9d0d7"
_FILLS = ("#1d4e7e", "#5b8fbf", "#a8c6e0", "#7a6a9b", "#8a9a5b", "#c9a227", "#4b5563")
_ALARM = "#c2491d"
_SHARES = ("ratio", "share", "fraction")
_TOPS = (0.05, 0.1, 0.25, 0.5, 1.0)
"""What the dashed line over a chart of shares may stand for: the lowest that all values fit under."""
RANKED = 9
"""Bars of a ranked chart: as high as the charts beside it."""
COLOURS = {"ink": _INK, "soft": _SOFT, "alarm": _ALARM} | {
    f"chart-{n}": fill for n, fill in enumerate(_FILLS, 1)
}
"""Colours that a theme may replace, by name."""


def chart(trend: Trend, w: Wording = ENGLISH) -> Markup:
    """The chart of a trend, 300 units wide."""
    if trend.form == "ranked":
        return _ranked(trend, w)
    drawn = {"stacked": _bars, "bars": _bars, "line": _line}[trend.form](trend, w)
    axis = [_rule(_SIDE, HEIGHT - _BOTTOM, WIDTH - _SIDE)]
    axis += [
        _text(_middle(trend, index), HEIGHT - 7, label, fill=_SOFT)
        for index, label in enumerate(trend.labels)
    ]
    return _svg(HEIGHT, describe(trend, w), [*drawn, *axis])


def describe(trend: Trend, w: Wording = ENGLISH) -> str:
    """Every value of a trend in words."""
    parts = []
    for series in trend.series:
        told = ", ".join(
            f"{label} {w.text('not determined') if value is None else words.figure(value, trend.unit, w)}"
            for label, value in zip(trend.labels, series.values, strict=True)
        )
        parts.append(f"{w.text(series.name)}: {told}" if series.name else told)
    return f"{w.text(trend.title)}. {'; '.join(parts)}."


def undetermined(trend: Trend) -> list[str]:
    """The quarters of which a trend has no value at all; none for one over categories."""
    if trend.form == "ranked":
        return []
    places = range(len(trend.labels))
    return [trend.labels[at] for at in places if all(one.values[at] is None for one in trend.series)]


def fill(name: str, index: int) -> str:
    """The colour of a series; what went around the rules has always the same one."""
    return _ALARM if name == LandingKind.DIRECT else _FILLS[index % len(_FILLS)]


def _middle(trend: Trend, index: int) -> float:
    step = (WIDTH - 2 * _SIDE) / len(trend.labels)
    return _SIDE + step * (index + 0.5)


def _scale(top: float) -> float:
    """Units of height for one of the value."""
    return (HEIGHT - _TOP - _BOTTOM) / top if top > 0 else 0.0


def _bars(trend: Trend, w: Wording) -> list[str]:
    """Bars, stacked where there are several series; each total stands on its bar."""
    totals = [sum(s.values[i] or 0 for s in trend.series) for i in range(len(trend.labels))]
    known = [any(s.values[i] is not None for s in trend.series) for i in range(len(trend.labels))]
    scale = _scale(max(totals, default=0))
    width = min(46.0, (WIDTH - 2 * _SIDE) / len(trend.labels) * 0.6)
    marks = []
    for index, total in enumerate(totals):
        x, y = _middle(trend, index), HEIGHT - _BOTTOM
        for number, series in enumerate(trend.series):
            value = series.values[index] or 0
            high = value * scale
            y -= high
            if high > 0:
                marks.append(_box(x - width / 2, y, width, high, fill(series.name, number)))
            if high >= 11 and len(trend.series) > 1:
                ink = _INK if fill(series.name, number) == _FILLS[2] else "#ffffff"
                marks.append(_text(x, y + high / 2 + 3, words.count(value, w), fill=ink, size=8))
        label = words.figure(total, trend.unit, w) if known[index] else w.text("n/d")
        marks.append(_text(x, y - 5, label, weight=600))
    return marks


def _line(trend: Trend, w: Wording) -> list[str]:
    """Lines from zero, broken where a value is not determined; values at the points. Over shares stands what a dashed line is."""
    values = [value for series in trend.series for value in series.values if value is not None]
    top, marks = max(values, default=0.0), []
    if trend.unit in _SHARES:
        top = next((one for one in _TOPS if top <= one), top)
        marks = [
            _rule(_SIDE, _TOP, WIDTH - _SIDE, dash="2 3"),
            _text(0, _TOP - 3, words.figure(top, trend.unit, w), anchor="start", fill=_SOFT, size=8),
        ]
    scale = _scale(top)
    labelled = _labelled(len(trend.labels))
    for number, series in enumerate(trend.series):
        points = [
            None if value is None else (_middle(trend, i), HEIGHT - _BOTTOM - value * scale)
            for i, value in enumerate(series.values)
        ]
        colour = fill(series.name, number)
        marks += [
            f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" stroke="{colour}" stroke-width="2"/>'
            for a, b in pairwise(points)
            if a and b
        ]
        for index, point in enumerate(points):
            if point is None:
                marks.append(_text(_middle(trend, index), HEIGHT - _BOTTOM - 6, w.text("n/d"), fill=_SOFT))
                continue
            marks.append(
                f'<circle cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="3.4" fill="#ffffff" stroke="{colour}" stroke-width="2"/>'
            )
            if index in labelled:
                value = series.values[index] or 0.0
                below = _is_low(series.values, index) and point[1] < HEIGHT - _BOTTOM - 14
                y = point[1] + 15 if below else point[1] - 8
                label = words.figure(value, trend.unit, w)
                wide = 5.2 * len(label)
                marks.append(_box(point[0] - wide / 2, y - 8, wide, 10, "#ffffff"))
                marks.append(_text(point[0], y, label, weight=600))
    return marks


def _is_low(values: Sequence[float | None], index: int) -> bool:
    """Whether a line comes down to this point and does not go further down, so that its label fits below."""
    here = values[index] or 0
    around = [value for value in values[max(index - 1, 0) : index + 2] if value is not None]
    return len(around) > 1 and here == min(around) and here < max(around)


def _labelled(count: int) -> set[int]:
    """Which points carry their value: all while there is room, else the first and the last two."""
    return set(range(count)) if count <= 6 else {0, count - 2, count - 1}


def _ranked(trend: Trend, w: Wording) -> Markup:
    """Bars that lie, the longest first; the page says how many it leaves out, and the alternative text has them."""
    values = [value or 0 for value in trend.series[0].values[:RANKED]]
    scale = (WIDTH - 110) / max([*values, 1])
    marks = []
    for index, (label, value) in enumerate(zip(trend.labels, values, strict=False)):
        y = 8 + index * 17
        marks.append(_text(0, y + 9, label, anchor="start", size=9))
        marks.append(_box(52, y, max(value * scale, 1), 12, _FILLS[0]))
        marks.append(_text(52 + value * scale + 6, y + 9, words.count(value, w), anchor="start", weight=600))
    return _svg(12 + 17 * len(values), describe(trend, w), marks)


def strip(row: CoverageRow, w: Wording = ENGLISH) -> Markup:
    """One cell a day: full where every hour had a record, hollow where none had, half high between."""
    width, high = 700.0, 18.0
    step = width / max(len(row.days), 1)
    marks = []
    for index, (seen, whole) in enumerate(zip(row.hours, row.expected, strict=True)):
        part = min(seen / whole, 1.0)
        x, wide = index * step, max(step - 1.2, 0.5)
        marks.append(
            f'<rect x="{x:.2f}" y="0.5" width="{wide:.2f}" height="{high - 1:.1f}" fill="#ffffff" '
            f'stroke="{_RULE if part else _ALARM}" stroke-width="0.8"/>'
        )
        if part:
            colour = _FILLS[0] if part == 1.0 else _FILLS[1]
            marks.append(_box(x, high - (high - 0.5) * part, wide, (high - 0.5) * part, colour))
        if row.days[index].endswith("-01"):
            marks.append(
                _text(
                    x,
                    high + 10,
                    w.months[date.fromisoformat(row.days[index]).month - 1],
                    anchor="start",
                    fill=_SOFT,
                )
            )
    return _svg(high + 12, coverage_in_words(row, w), marks, width)


def coverage_in_words(row: CoverageRow, w: Wording = ENGLISH) -> str:
    """A strip in words."""
    whole = sum(seen >= hours for seen, hours in zip(row.hours, row.expected, strict=True))
    silent = [day for day, seen in zip(row.days, row.hours, strict=True) if not seen]
    told = w.text("{whole} of {days} days with records in every hour", whole=whole, days=len(row.days))
    if not silent:
        return f"{told}."
    named = ", ".join(silent[:6])
    if len(silent) > 6:
        named = w.text("{days} and {n} more", days=named, n=len(silent) - 6)
    return w.text("{told}; {n} without any: {days}.", told=told, n=len(silent), days=named)


def _svg(height: float, title: str, marks: Sequence[str], width: float = WIDTH) -> Markup:
    told = escape(str(words.printable(title)))
    body = "".join(marks)
    # The marks are this module's own: numbers, colours, and text that _text escaped.
    return Markup(  # noqa: S704
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="Plex Sans"><title>{told}</title>{body}</svg>'
    )


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" fill="{colour}"/>'


def _rule(x: float, y: float, to: float, *, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to:.1f}" y2="{y:.1f}" stroke="{_RULE}" stroke-width="0.8"{dashed}/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    fill: str = _INK,
    size: float = 9,
    weight: int = 400,
    anchor: str = "middle",
) -> str:
    told = escape(str(words.printable(text)))
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{fill}">{told}</text>'
    )
