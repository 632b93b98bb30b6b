"""What changed since the quarter before, and what of it is worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.model import Conclusion, Severity
from audit.report.shapes import ControlResult, Figure

SHOWN = 4
"""Lines of the summary; the matrix has every control."""

_BAD = {
    Conclusion.NOT_APPLICABLE: 0,
    Conclusion.EFFECTIVE: 0,
    Conclusion.NOT_TESTED: 1,
    Conclusion.EXCEPTIONS: 2,
}
BETTER = {
    "review_coverage": 1, "sync_success_rate": 1, "time_to_first_review": -1, "time_to_first_approval": -1,
    "rushed_approvals": -1, "stale_approvals": -1, "lead_time": -1, "change_failure_rate": -1, "restore_time": -1,
    "drift_time": -1, "degraded_time": -1, "vulnerability_age": -1,
}  # fmt: skip
"""Figures of which more (1) or less (-1) is better; of the others neither is."""


@dataclass(frozen=True)
class Worse:
    """Something that got worse.

    Attributes:
        control: its id; empty for a figure.
        figure: None for a control.
    """

    control: str
    title: str
    conclusions: tuple[str, str]
    open: tuple[int | None, int]
    figure: Figure | None = None


def trend(control: ControlResult) -> int:
    """1 where a control came to better than in the quarter before, -1 where to worse, 0 for the same or unknown."""
    if not control.previous:
        return 0
    now, before = (_BAD[Conclusion(each)] for each in (control.conclusion, control.previous))
    if now == before == _BAD[Conclusion.EXCEPTIONS] and control.previous_open is not None:
        now, before = control.open, control.previous_open
    return (now < before) - (now > before)


def worse(controls: Sequence[ControlResult], figures: Sequence[Figure]) -> list[Worse]:
    """Everything that got worse: controls, the worst severity first, then figures, those of the summary first."""
    found = [control for control in controls if trend(control) < 0]
    found.sort(
        key=lambda one: (
            Severity(one.severity).rank,
            _BAD[Conclusion(one.previous)] == _BAD[Conclusion.EXCEPTIONS],
            one.id,
        )
    )
    lines = [
        Worse(
            one.id,
            one.title,
            (one.previous, one.conclusion),
            (one.previous_open, one.open),
        )
        for one in found
    ]
    whole = [one for one in figures if one.dimension == "all" and one.metric in BETTER]
    return lines + [Worse("", one.title, ("", ""), (None, 0), one) for one in whole if _fell(one)]


def _fell(figure: Figure) -> bool:
    if figure.value is None or figure.previous is None:
        return False
    return (figure.value - figure.previous) * BETTER[figure.metric] < 0
