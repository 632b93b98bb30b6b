"""Figures, counted anew from the attached populations where these have their items, else worked out from what they are made of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from audit.metrics import JUDGED, METRICS
from audit.metrics.change import NOWHERE
from audit.metrics.interface import Count, Median
from audit.report import counted
from audit.report.shapes import DeploymentRow, ExceptionRow, Figure, LandingRow, Report
from audit.verify.recounted import Populations

_FORMS = {metric.id: metric.figure for metric in (*METRICS, *JUDGED)}
_SHARES = ("share", "percent", "ratio")
_SLACK = 2.0
"""Seconds by which times of the attachments, which are to the second, may lead to another figure."""
_WEEK = 604_800.0
_SECONDS = {"hours": 3600.0, "days": 86_400.0}


@dataclass(frozen=True)
class Counted:
    """What a figure comes to; a part that can't be told from what is attached is missing in `parts`."""

    value: float | None
    parts: dict[str, float | None]


Key = tuple[str, str, str]
"""Metric, dimension, group."""


def arithmetic(p: Populations) -> Iterator[str]:
    """Figures whose value is not what numerator and denominator give."""
    for one in p.figures:
        wanted = _worked_out(one)
        if wanted is not None and not _same(one.value, wanted[0], 0.0):
            yield f"{_name(one)} is {_text(one.value)}, made of {_text(one.numerator)} and {_text(one.denominator)}: {_text(wanted[0])}"
        form = _FORMS.get(one.metric)
        if isinstance(form, Median) and (one.value is None) != (not one.numerator):
            yield f"{_name(one)} is {_text(one.value)}, of {_text(one.numerator)} that were measured"
        if isinstance(form, Median) and (one.denominator or 0) - (one.numerator or 0) != one.undetermined:
            yield (
                f"{_name(one)}: {_text(one.numerator)} of {_text(one.denominator)} measured, {one.undetermined:,} undetermined"
            )


def _worked_out(one: Figure) -> tuple[float | None] | None:
    """The value that numerator and denominator give, which may be none; None where they don't give it."""
    form = _FORMS.get(one.metric)
    if isinstance(form, Median) or (form is None and one.unit not in _SHARES):
        return None
    if isinstance(form, Count) and not form.weekly:
        return (one.numerator,)
    return (one.numerator / one.denominator if one.numerator is not None and one.denominator else None,)


def _name(one: Figure) -> str:
    return f"{one.metric}{f' of {one.dimension} {one.group:.60}' if one.dimension != 'all' else ''}"


def _text(value: float | None) -> str:
    return "none" if value is None else f"{value:,.6g}"


def _same(one: float | None, other: float | None, slack: float) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=max(slack, 1e-9))


def figures(p: Populations, report: Report) -> Iterator[str]:
    """Figures that are others than what is counted of the attached changes, deployments and exceptions."""
    wanted, said = recounted(p, report), {(one.metric, one.dimension, one.group): one for one in p.figures}
    broken_down = {key[:2] for key in said}
    for key in sorted(wanted.keys() - said.keys()):
        if key[:2] in broken_down and wanted[key].parts.get("numerator"):
            yield f"{key[0]} of {key[1]} {key[2]:.60}: is not among the figures, counted anew {_text(wanted[key].value)}"
    countable = {key[:2] for key in wanted}
    for key, one in said.items():
        found = wanted.get(key)
        if found is None and key[:2] in countable and one.value:
            yield f"{_name(one)} is {_text(one.value)}, and nothing that is attached belongs to it"
        if found is None or _lacking(one):
            continue
        slack = _SLACK / _SECONDS.get(one.unit, math.inf)
        if not _same(one.value, found.value, slack):
            yield f"{_name(one)} is {_text(one.value)}, counted anew {_text(found.value)}"
        for name, number in found.parts.items():
            if not _same(getattr(one, name), number, 0.0):
                yield f"{_name(one)}: {name} is {_text(getattr(one, name))}, counted anew {_text(number)}"


def _lacking(one: Figure) -> bool:
    """Whether no evidence speaks of the quarter: there is no figure then, and a note says so."""
    return one.value is None and one.numerator is None and bool(one.note)


def recounted(p: Populations, report: Report) -> dict[Key, Counted]:
    """Every figure that the attached populations give, by metric, dimension and group."""
    return (
        dict(_changes(p.changes))
        | dict(_deployments(p.deployments, report))
        | dict(_exceptions(p.exceptions, report))
    )


def _changes(changes: list[LandingRow]) -> Iterator[tuple[Key, Counted]]:
    kinds = Counter(row.kind for row in changes)
    places = Counter(name for row in changes for name in row.environments or [NOWHERE])
    yield ("change_volume", "all", ""), _count(len(changes))
    yield from ((("change_volume", "kind", name), _count(number)) for name, number in kinds.items())
    yield from ((("change_volume", "environment", name), _count(number)) for name, number in places.items())
    yield ("files_changed", "all", ""), _count(sum(row.files for row in changes))


def _count(number: int) -> Counted:
    return Counted(float(number), {"numerator": float(number)})


def _deployments(rows: list[DeploymentRow], report: Report) -> Iterator[tuple[Key, Counted]]:
    """Of production deployments that changed the revision: how many, how many a week, and how much they carried."""
    changed = [row for row in rows if row.changed]
    stop = min(_time(report.ends), _time(report.as_of))
    weeks = (stop - _time(report.starts)).total_seconds() / _WEEK
    yield ("deployment_frequency", "all", ""), _count(len(changed))
    value = len(changed) / weeks if weeks else None
    yield (
        ("deployments_per_week", "all", ""),
        Counted(value, {"numerator": float(len(changed)), "denominator": weeks}),
    )
    yield ("batch_size", "all", ""), _median(float(row.carried) for row in changed if row.carried)


def _exceptions(rows: list[ExceptionRow], report: Report) -> Iterator[tuple[Key, Counted]]:
    """Of what failed: how much, since when, until when, and how much of it in systems that repeat it."""
    stop, now = min(_time(report.ends), _time(report.as_of)), _time(report.as_of)
    groups: dict[str, Callable[[ExceptionRow], str]] = {
        "all": lambda _: "",
        "control": lambda row: row.control,
        "severity": lambda row: row.severity,
        "system": lambda row: _system(row) or NOWHERE,
    }
    for dimension, group in groups.items():
        parted: dict[str, list[ExceptionRow]] = {"": []} if dimension == "all" else {}
        for row in rows:
            parted.setdefault(group(row), []).append(row)
        for name, some in parted.items():
            yield ("violations", dimension, name), _count(len(some))
            yield ("resolve_time", dimension, name), _median(_resolved(row, now) for row in some)
            if dimension != "system":
                yield ("violation_age", dimension, name), _median(_age(row, stop) for row in some)
    yield from _repeated(rows)


def _repeated(rows: list[ExceptionRow]) -> Iterator[tuple[Key, Counted]]:
    often = Counter((row.control, _system(row)) for row in rows)
    known = [row for row in rows if _system(row)]
    systems = {_system(row) for row in known}
    for dimension, name in (("all", ""), *(("system", one) for one in systems)):
        some = [row for row in known if dimension == "all" or _system(row) == name]
        hits = sum(often[row.control, _system(row)] > 1 for row in some)
        left = len(rows) - len(known) if dimension == "all" else 0
        value = hits / len(some) if some else None
        parts: dict[str, float | None] = {
            "numerator": hits,
            "denominator": len(some),
            "undetermined": left,
        }
        yield ("repeated_violations", dimension, name), Counted(value, parts)


def _system(row: ExceptionRow) -> str:
    return row.repo or row.cluster


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _age(row: ExceptionRow, stop: datetime) -> float | None:
    return (stop - _time(row.at)).total_seconds() / _SECONDS["days"] if row.at else None


def _resolved(row: ExceptionRow, now: datetime) -> float | None:
    if not row.at or not row.resolved_at or _time(row.resolved_at) >= now:
        return None
    return (_time(row.resolved_at) - _time(row.at)).total_seconds() / _SECONDS["hours"]


def _median(found: Iterable[float | None]) -> Counted:
    every = list(found)
    known = [one for one in every if one is not None]
    parts: dict[str, Any] = {
        "numerator": len(known),
        "denominator": len(every),
        "undetermined": len(every) - len(known),
    }
    return Counted(median(known) if known else None, parts)


def undrawn(p: Populations, report: Report) -> Iterator[str]:
    """Charts that must be there, by the figures and the exceptions, and are not."""
    drawn = {trend.id for trend in report.trends}
    for one in counted.key_figures(p.figures):
        if one.metric not in drawn and not one.value is one.previous is None:
            yield f"trends: {one.metric} is not drawn"
    if p.exceptions and not any(trend.form == "ranked" for trend in report.trends):
        yield "trends: exceptions by control are not drawn"
