"""What is out of scope in an environment, by the settings: left out, counted, and never passed.

An item is left out when every environment that it concerns has the control out of scope. What concerns none stays in.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from audit.controls.interface import Gap, Result
from audit.model import Severity
from audit.settings import Settings


def scoped(control: str, judged: Result, settings: Settings) -> tuple[Result, int]:
    """A result without what is out of scope, and how many items that leaves out.

    When nothing else is left, or items can't be told to belong to an environment, that is a gap.
    """
    reasons = out_of_scope(control, settings)
    if not reasons:
        return judged, 0
    told = f"out of scope in {words(reasons).replace('; ', ', ')}"
    if not {"environment", "cluster"} & set(judged.population.columns):
        gap = Gap(f"{told}: its items belong to no environment, so that none is left out")
        return replace(judged, gaps=(*judged.gaps, gap)), 0
    population = judged.population[~_out(judged.population, reasons, settings)]
    failed = judged.exceptions[~_out(judged.exceptions, reasons, settings)]
    count = judged.population["subject"].nunique() - population["subject"].nunique()
    gaps = [
        gap
        for gap in judged.gaps
        if gap.cluster is None or settings.environment_of(gap.cluster) not in reasons
    ]
    if count and population.empty:
        gaps.append(Gap(f"{told}: nothing else was there to test"))
    return Result(population, failed, tuple(gaps)), count


def out_of_scope(control: str, settings: Settings) -> dict[str, str]:
    """Environments in which a control is out of scope, each with the reason."""
    return {
        name: rules.out_of_scope[control]
        for name, rules in sorted(settings.environments.items())
        if control in rules.out_of_scope
    }


def words(reasons: dict[str, str]) -> str:
    """Environments with their reasons: `dev: it is made anew every night; test: …`."""
    return "; ".join(f"{name}: {reason.replace('; ', ', ')}" for name, reason in reasons.items())


def severities(control: str, severity: Severity, rows: pd.DataFrame, settings: Settings) -> pd.Series:
    """The severity (str) of each exception: the worst that the settings give in the environments that it concerns."""
    own = {
        name: rules.severities[control]
        for name, rules in settings.environments.items()
        if control in rules.severities
    }
    where = _environments(rows, settings)
    worst = {
        names: min((own.get(name, severity) for name in names.split(",")), key=lambda one: one.rank).value
        for names in where.unique()
    }
    return where.map(worst).astype("str")


def _out(rows: pd.DataFrame, reasons: dict[str, str], settings: Settings) -> pd.Series:
    """Which rows (bool) concern environments that are out of scope, and no other."""
    where = _environments(rows, settings)
    out = [names for names in where.unique() if names and set(names.split(",")) <= reasons.keys()]
    return where.isin(out)


def _environments(rows: pd.DataFrame, settings: Settings) -> pd.Series:
    """The environments that each row concerns, separated by commas: of its own, else of its cluster; empty for none."""
    nothing = pd.Series(pd.NA, index=rows.index, dtype="str")
    clusters = rows.get("cluster", nothing)
    known = {name: settings.environment_of(name) for name in clusters.dropna().unique()}
    own = rows.get("environment", nothing)
    return own.fillna(clusters.map(known).astype("str")).fillna("").astype("str")
