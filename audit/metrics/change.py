"""How much changed: landings, files and lines."""

from __future__ import annotations

import pandas as pd

from audit.joins.identity import Resolver
from audit.metrics.interface import (
    Count,
    Grouped,
    Median,
    Metric,
    Span,
    Tables,
    by,
    kept_for_all,
    kept_for_quarter,
)

LANDING = ["repo", "head_sha"]
NOWHERE = "(none)"
"""Group of landings that reach no environment and no application, such as documents, or that no team is known to have made."""


def landed(tables: Tables, span: Span) -> pd.DataFrame:
    """Landings of the span, with `one` = 1."""
    rows = tables["landings"]
    return rows[span.holds(rows["landed_at"])].assign(one=1)


def reached(rows: pd.DataFrame, tables: Tables, column: str) -> pd.DataFrame:
    """Landings once for each environment or app (`column`) that they reach, as `group`."""
    places = tables["landing_environments"][[*LANDING, column]].drop_duplicates()
    return rows.merge(places, on=LANDING, how="left").assign(group=lambda r: r[column].fillna(NOWHERE))


def teams(tables: Tables, persons: pd.Series, times: pd.Series) -> pd.Series:
    """The team (str) to which each person (roster id or other) belonged at each time, by the roster; missing for none."""
    return Resolver(tables["people"], tables["identities"], roles=tables["roles"]).held(persons, times)[
        "team"
    ]


def of_teams(rows: pd.DataFrame, tables: Tables, span: Span) -> pd.DataFrame:
    """Landings once for each team (`group`) of the people whose work their pull requests are, by the roster at that time."""
    worked = _worked(tables, span)
    return rows.merge(worked, on=LANDING, how="left").assign(group=lambda r: r["team"].fillna(NOWHERE))


@kept_for_all
def _worked(tables: Tables, _span: Span) -> pd.DataFrame:
    """Landings and the `team` of each who worked on them, each pair once."""
    work = tables["changes"][[*LANDING, "authors", "landed_at"]]
    work = work.assign(person=work["authors"].str.split(" ")).explode("person").astype({"person": "str"})
    work = work.assign(team=teams(tables, work["person"], work["landed_at"])).dropna(subset=["team"])
    return work[[*LANDING, "team"]].drop_duplicates()


@kept_for_quarter
def _landings(tables: Tables, span: Span) -> Grouped:
    rows = landed(tables, span)
    return by(
        rows,
        kind=rows.assign(group=rows["kind"]),
        environment=reached(rows, tables, "environment"),
        app=reached(rows, tables, "app"),
        team=of_teams(rows, tables, span),
    )


def _sizes(tables: Tables, span: Span) -> Grouped:
    return {
        dimension: rows.assign(lines=rows["added"] + rows["deleted"])
        for dimension, rows in _landings(tables, span).items()
    }


METRICS = (
    Metric(
        "change_volume",
        "Changes landed",
        "landings",
        "Arrivals on the default branch in the quarter: merged, squashed and rebased pull requests and direct pushes, "
        "by when they landed. A landing counts in every environment and application that it reaches, and for every team "
        "of the people whose work it is.",
        "landings",
        "landing",
        _landings,
        Count("one"),
    ),
    Metric(
        "files_changed",
        "Files changed",
        "files",
        "Files that the quarter's landings changed against the mainline before them, added up over landings.",
        "landings",
        "landing",
        _landings,
        Count("files"),
    ),
    Metric(
        "lines_changed",
        "Lines changed",
        "lines",
        "Lines that the quarter's landings added and deleted, added up; binary files have none.",
        "landings",
        "landing",
        _sizes,
        Count("lines"),
    ),
    Metric(
        "change_size",
        "Size of a change",
        "lines",
        "Median lines that a landing of the quarter added and deleted against the mainline before it; binary files have none.",
        "landings",
        "landing",
        _sizes,
        Median("lines"),
    ),
)
