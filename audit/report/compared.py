"""Two quarters side by side: conclusions, exceptions and figures that differ, from their results alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """What differs between two quarters.

    Attributes:
        conclusions: (control, before, after) of each that differs; empty for a control that one of them lacks.
        new, gone, repeated: ids of exceptions in the later one alone, in the earlier one alone, and in both.
        figures: (metric, title, unit, before, after) of each whole figure that differs; None for undetermined.
        sources: (source, `came` or `went`).
    """

    before: str
    after: str
    conclusions: list[tuple[str, str, str]]
    new: list[str]
    gone: list[str]
    repeated: list[str]
    figures: list[tuple[str, str, str, float | None, float | None]]
    sources: list[tuple[str, str]]


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    """The results of an earlier and of a later quarter, compared."""
    said = [
        {control["id"]: control["conclusion"] for control in each["controls"]} for each in (before, after)
    ]
    failed = [
        {row["exception_id"] for control in each["controls"] for row in control["exceptions"]}
        for each in (before, after)
    ]
    held = [
        {row["metric"]: row for row in each["figures"] if row["dimension"] == "all"}
        for each in (before, after)
    ]
    given = [{row["name"] for row in each["sources"]} for each in (before, after)]
    ids = sorted(said[0].keys() | said[1].keys())
    return Comparison(
        before["quarter"],
        after["quarter"],
        [(i, said[0].get(i, ""), said[1].get(i, "")) for i in ids if said[0].get(i) != said[1].get(i)],
        sorted(failed[1] - failed[0]),
        sorted(failed[0] - failed[1]),
        sorted(failed[0] & failed[1]),
        [
            (
                metric,
                (held[1].get(metric) or held[0][metric])["title"],
                (held[1].get(metric) or held[0][metric])["unit"],
                *values,
            )
            for metric in sorted(held[0].keys() | held[1].keys())
            if len(set(values := (_value(held[0], metric), _value(held[1], metric)))) > 1
        ],
        sorted(
            [
                *((name, "came") for name in given[1] - given[0]),
                *((name, "went") for name in given[0] - given[1]),
            ]
        ),
    )


def _value(rows: Mapping[str, Mapping[str, Any]], metric: str) -> float | None:
    return rows[metric]["value"] if metric in rows else None
