"""How much changed: landings, files and lines."""

from __future__ import annotations

import pandas as pd

from audit.metrics.interface import Count, Grouped, Metric, Span, Tables, by

LANDING = ["repo", "head_sha"]
NOWHERE = "(none)"
"""Group of landings that reach no environment and no application, such as documents."""


def landed(tables: Tables, span: Span) -> pd.DataFrame:
    """Landings of the span, with `one` = 1."""
    rows = tables["landings"]
    return rows[span.holds(rows["landed_at"])].assign(one=1)


def reached(rows: pd.DataFrame, tables: Tables, column: str) -> pd.DataFrame:
    """Landings once for each environment or app (`column`) that they reach, as `group`."""
    places = tables["landing_environments"][[*LANDING, column]].drop_duplicates()
    return rows.merge(places, on=LANDING, how="left").assign(group=lambda r: r[column].fillna(NOWHERE))


def _landings(tables: Tables, span: Span) -> Grouped:
    rows = landed(tables, span)
    return by(
        rows,
        kind=rows.assign(group=rows["kind"]),
        environment=reached(rows, tables, "environment"),
        app=reached(rows, tables, "app"),
    )


def _sizes(tables: Tables, span: Span) -> Grouped:
    rows = landed(tables, span)
    return by(rows.assign(lines=rows["added"] + rows["deleted"]))


METRICS = (
    Metric(
        "change_volume",
        "Changes landed",
        "landings",
        "Arrivals on the default branch in the quarter: merged, squashed and rebased pull requests and direct pushes, "
        "by when they landed. A landing counts in every environment and application that it reaches.",
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
        _sizes,
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
)
