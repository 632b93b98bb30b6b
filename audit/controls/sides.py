"""Design and operation side by side: what was set to enforce a rule, and whether it worked on every item.

A control that tests items has a design where another control tests the setting that enforces its rule; a control that tests
a setting has an operation where others test what it enforces. A control with one side alone says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.model import Conclusion

Row = dict[str, Any]
"""A conclusion, by column."""


@dataclass(frozen=True)
class Enforced:
    """What enforces a control's rule.

    Attributes:
        by: the control that tests the setting.
        setting: in words.
        other: regular expression of subjects of that control's exceptions that concern other rules alone.
    """

    by: str
    setting: str
    other: str = r"(?!)"


_APPROVALS, _CHECKS = r"approv|review", r"check|status"
_HISTORY = r":protection:(?:force pushes|deletion)|force_push|allow_force|deletions"


def _others(*patterns: str) -> str:
    return "(?i)" + "|".join(patterns)


_REVIEWS = Enforced("CHG-06", "reviews that the forge requires", _others(_CHECKS, _HISTORY))
ENFORCED: Mapping[str, Enforced] = {
    "CHG-01": Enforced(
        "CHG-06", "protection of main, which takes no direct push", _others(_CHECKS, _HISTORY)
    ),
    "CHG-02": _REVIEWS,
    "CHG-03": _REVIEWS,
    "CHG-04": _REVIEWS,
    "CHG-05": Enforced("CHG-06", "checks that the forge requires", _others(_APPROVALS, _HISTORY)),
    "CHG-07": Enforced(
        "CHG-06", "forced pushes and deletions that the forge forbids", _others(_APPROVALS, _CHECKS)
    ),
    "DEP-02": Enforced("CLU-03", "automated sync of every application"),
    "DEP-06": Enforced("CLU-03", "automated sync of every application"),
    "CLU-04": Enforced("CLU-03", "self-heal of every application"),
    "POL-02": Enforced("POL-01", "constraints that enforce"),
}
"""What enforces the rule of each control, where evidence tells it."""
SET_ALONE = frozenset({"STR-01", "SEC-02", "ACC-01", "CLU-07"})
"""Controls of what is declared or granted, which nothing else is seen to enforce or to use."""

IN_PLACE, LAPSED = "in place", "lapsed"
WORKED, FAILED = "worked", "failed"
NONE = "none"


def with_sides(concluded: Sequence[Row], exceptions: pd.DataFrame) -> list[Row]:
    """Conclusions with `design`, `design_reason`, `operation` and `operation_reason`.

    Args:
        concluded: rows of `Conclusions` without them. exceptions: `Exceptions` of the same controls.
    """
    known = {row["control"]: row for row in concluded}
    return [row | _sides(row, known, exceptions) for row in concluded]


def _sides(row: Row, known: Mapping[str, Row], exceptions: pd.DataFrame) -> Row:
    name = row["control"]
    enforces = [control for control, what in ENFORCED.items() if what.by == name]
    if enforces:
        design, operation = _own(row, IN_PLACE, LAPSED), _enforcing(enforces, known)
    elif name in SET_ALONE:
        design = _own(row, IN_PLACE, LAPSED)
        operation = (NONE, "what is set is all that is tested")
    else:
        design, operation = _enforced(name, known, exceptions), _own(row, WORKED, FAILED)
    return {
        "design": design[0],
        "design_reason": design[1],
        "operation": operation[0],
        "operation_reason": operation[1],
    }


def _own(row: Row, good: str, bad: str) -> tuple[str, str]:
    """What a control itself came to, as one of its sides."""
    population, waived = row["population"] or 0, row["waived"]
    failed = row["exceptions"] - waived
    covered = f", {waived:,} more waived" if waived else ""
    if failed:
        return bad, f"{failed:,} of {population:,} items failed{covered}"
    if row["conclusion"] == Conclusion.NOT_TESTED:
        return Conclusion.NOT_TESTED.value, f"evidence is missing: {row['gaps']}"
    if not population:
        return Conclusion.NOT_APPLICABLE.value, "there was no item"
    return good, f"all of {population:,} items passed{covered}"


def _enforced(name: str, known: Mapping[str, Row], exceptions: pd.DataFrame) -> tuple[str, str]:
    """How the setting stood that enforces a control's rule."""
    what = ENFORCED.get(name)
    if what is None:
        return NONE, "no setting that enforces it is in evidence: what happened is tested alone"
    setting = known.get(what.by)
    if setting is None:
        return Conclusion.NOT_TESTED.value, f"{what.by} was not run"
    mine = exceptions[exceptions["control"].eq(what.by) & exceptions["waiver"].isna()]
    mine = mine[~mine["subject"].str.contains(what.other, regex=True)]
    told = f"{what.setting} ({what.by})"
    if len(mine):
        return LAPSED, f"{told}: {len(mine):,} {'exception' if len(mine) == 1 else 'exceptions'}"
    if setting["gaps"]:
        return Conclusion.NOT_TESTED.value, f"{told}: evidence is missing: {setting['gaps']}"
    if not setting["population"]:
        return Conclusion.NOT_APPLICABLE.value, f"{told}: there was no item"
    return IN_PLACE, told


def _enforcing(enforces: Sequence[str], known: Mapping[str, Row]) -> tuple[str, str]:
    """What came of the rules that a setting enforces: one that failed is enough, and so is one that was not tested."""
    rows = [known[name] for name in enforces if name in known]
    sides = {row["control"]: _own(row, WORKED, FAILED) for row in rows}
    for value in (FAILED, Conclusion.NOT_TESTED.value, WORKED):
        told = [f"{name}: {reason}" for name, (side, reason) in sides.items() if side == value]
        if told:
            return value, "; ".join(told)
    if not rows:
        return Conclusion.NOT_TESTED.value, f"none of {', '.join(enforces)} was run"
    return Conclusion.NOT_APPLICABLE.value, "there was nothing to enforce"
