"""Runs every control over one quarter: cuts to the quarter, names exceptions, and concludes.

Any exception that no waiver covers concludes `exceptions`. Else any gap in the evidence that the control needs concludes `not tested`.
Else an empty population concludes `not applicable`. Only then a control is `effective`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pandas as pd

from audit import tables as t
from audit.controls.fresh import TIME
from audit.controls.interface import Context, Control, Gap, Result, Tables
from audit.controls.naming import exception_id
from audit.controls.registry import CONTROLS
from audit.controls.scoping import out_of_scope, scoped, severities, words
from audit.controls.sides import with_sides
from audit.model import Conclusion, Severity
from audit.period import Period
from audit.settings import Settings


def run(
    tables: Tables,
    settings: Settings,
    period: Period,
    *,
    as_of: datetime,
    controls: Iterable[Control] = CONTROLS,
) -> Tables:
    """Judges a quarter.

    Args:
        tables: every git, normalised and joined table.
        as_of: when evidence was last collected (aware). Nothing at or after it is judged.
        controls: those to run.

    Returns:
        `exceptions` and `conclusions`.
    """
    context = Context(settings, period, as_of)
    failed, concluded = [], []
    for control in controls:
        severity = settings.severities.get(control.id, control.severity)
        judged, left_out = scoped(control.id, _cut(control.judge(tables, context), context), settings)
        failed.append(_named(control, severity, judged.exceptions, settings))
        scope = {"scoped_out": left_out, "scope": words(out_of_scope(control.id, settings))}
        concluded.append(_conclusion(control, severity, judged, context) | scope)
    found = pd.concat(failed, ignore_index=True) if failed else t.empty(t.Exceptions)
    exceptions = t.conform(t.Exceptions, found)
    sided = with_sides(concluded, exceptions)
    return {
        "exceptions": exceptions,
        "conclusions": t.conform(t.Conclusions, t.frame(t.Conclusions, sided)),
    }


def _cut(result: Result, context: Context) -> Result:
    """What belongs to the quarter, or to no time; of exceptions with one subject one that no waiver covers."""
    population, exceptions = (
        rows[context.holds(rows["at"]) | rows["at"].isna()] for rows in (result.population, result.exceptions)
    )
    open_first = exceptions.reset_index(drop=True).sort_values("waiver", key=pd.Series.notna, kind="stable")
    return Result(population, open_first.drop_duplicates("subject").sort_index(), result.gaps)


def _named(control: Control, severity: Severity, rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    return rows.assign(
        exception_id=rows["subject"].map(lambda subject: exception_id(control.id, subject)).astype("str"),
        control=control.id,
        severity=severities(control.id, severity, rows, settings),
    )


def _conclusion(control: Control, severity: Severity, judged: Result, context: Context) -> dict[str, Any]:
    gaps = list(judged.gaps)
    if context.running:
        gaps.append(_running(context))
    population, exceptions = judged.population["subject"].nunique(), len(judged.exceptions)
    waived = int(judged.exceptions["waiver"].notna().sum())
    return {
        "control": control.id,
        "title_text": control.title,
        "clause": control.clause,
        "severity": severity.value,
        "conclusion": conclude(population, exceptions - waived, gaps).value,
        "population": population,
        "exceptions": exceptions,
        "waived": waived,
        "gaps": "; ".join(dict.fromkeys(gap.text for gap in gaps)),
    }


def conclude(population: int, unwaived: int, gaps: list[Gap]) -> Conclusion:
    """What a control comes to, given its exceptions that no waiver covers; missing evidence is never a pass."""
    if unwaived:
        return Conclusion.EXCEPTIONS
    if gaps:
        return Conclusion.NOT_TESTED
    return Conclusion.EFFECTIVE if population else Conclusion.NOT_APPLICABLE


def _running(context: Context) -> Gap:
    end = pd.Timestamp(context.period.end).strftime(TIME)
    return Gap(
        f"the quarter runs until {end}, and evidence was collected until {context.stop.strftime(TIME)}"
    )
