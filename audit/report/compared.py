"""Two quarters side by side: conclusions, counts, exceptions and figures that differ, from their results alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ASPECTS = {
    "design": "design",
    "operation": "operation",
    "population": "population",
    "exception_count": "exceptions",
    "waived_count": "waived",
    "gaps": "gaps",
}
"""What a control comes to beside its conclusion: its key in the results, and what it is called."""


@dataclass(frozen=True)
class Comparison:
    """What differs between two quarters.

    Attributes:
        before, after: the quarters.
        before_is, after_is: what was compared of each: edition or draft, and up to when events count in it.
        conclusions: (control, before, after) of each that differs; empty for a control that one of them lacks.
        aspects: (control, name, before, after) of each other aspect that differs (see `ASPECTS`); None for a population
            that could not be known, and for a control that one of them lacks. Of gaps, how many.
        new, gone, repeated: ids of exceptions in the later one alone, in the earlier one alone, and in both.
        figures: (metric, title, unit, before, after) of each whole figure that differs; None for undetermined.
        sources: (source, `came` or `went`).
    """

    before: str
    after: str
    before_is: str
    after_is: str
    conclusions: list[tuple[str, str, str]]
    aspects: list[tuple[str, str, str | int | None, str | int | None]]
    new: list[str]
    gone: list[str]
    repeated: list[str]
    figures: list[tuple[str, str, str, float | None, float | None]]
    sources: list[tuple[str, str]]


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    """The results of an earlier and of a later quarter, compared."""
    both = (before, after)
    controls = [{control["id"]: control for control in each["controls"]} for each in both]
    ids = sorted(controls[0].keys() | controls[1].keys())
    said = [(i, *(each.get(i, {}).get("conclusion", "") for each in controls)) for i in ids]
    failed = [
        {row["exception_id"] for control in each["controls"] for row in control["exceptions"]}
        for each in both
    ]
    given = [{row["name"] for row in each["sources"]} for each in both]
    return Comparison(
        before["quarter"],
        after["quarter"],
        _heading(before),
        _heading(after),
        [(control, old, new) for control, old, new in said if old != new],
        [
            (control, name, *values)
            for control in ids
            for key, name in ASPECTS.items()
            if len(set(values := (_aspect(controls[0], control, key), _aspect(controls[1], control, key))))
            > 1
        ],
        sorted(failed[1] - failed[0]),
        sorted(failed[0] - failed[1]),
        sorted(failed[0] & failed[1]),
        _figures(before, after),
        sorted(
            [
                *((name, "came") for name in given[1] - given[0]),
                *((name, "went") for name in given[0] - given[1]),
            ]
        ),
    )


def _heading(results: Mapping[str, Any]) -> str:
    what = f"edition {results['edition']}" if results["edition"] else "draft"
    return f"{what}, up to {results['as_of']}"


def _aspect(controls: Mapping[str, Any], control: str, key: str) -> str | int | None:
    value = controls[control][key] if control in controls else None
    return len(value) if isinstance(value, list) else value


def _figures(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[tuple[str, str, str, float | None, float | None]]:
    held = [
        {row["metric"]: row for row in each["figures"] if row["dimension"] == "all"}
        for each in (before, after)
    ]
    found = []
    for metric in sorted(held[0].keys() | held[1].keys()):
        row = held[1].get(metric) or held[0][metric]
        old, new = ((rows[metric]["value"] if metric in rows else None) for rows in held)
        if old != new:
            found.append((metric, row["title"], row["unit"], old, new))
    return found
