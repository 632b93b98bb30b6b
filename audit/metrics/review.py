"""How changes were reviewed: how many, and how soon."""

from __future__ import annotations

import pandas as pd

from audit.joins.availability import exported
from audit.metrics.change import LANDING, landed, reached
from audit.metrics.interface import Grouped, Median, Metric, Share, Span, Tables, by, hours
from audit.model import LandingKind


def _coverage(tables: Tables, span: Span) -> Grouped:
    rows = landed(tables, span)
    rows = rows.merge(_least(tables, rows), on=LANDING, how="left")
    approved = rows["approvals_independent"].fillna(0).gt(0).astype(bool)
    # Somebody approved, but it can't be told whether it was an author.
    unclear = rows["approvals_standing"].fillna(0).gt(0) & ~rows["authors_known"].fillna(True) & ~approved
    untold = rows["approvals_standing"].isna() & rows["kind"].ne(LandingKind.DIRECT)
    told = rows["repo"].isin(exported(tables["evidence_objects"], ("github-pulls", "github-activity")))
    rows = rows.assign(approved=approved, known=told & ~(unclear | untold).astype(bool))
    places = {column: reached(rows, tables, column) for column in ("environment", "app")}
    return by(rows, **places)


def _least(tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """What all pull requests by which each landing landed have in common: no more than the least approved has.

    A landing of which one is not in evidence has no row.
    """
    keys = ["repo", "pr_number"]
    held = tables["landing_pulls"]
    held = held.loc[~held["aside"].astype(bool), [*LANDING, "pr_number"]]
    named = rows.loc[rows["pr_number"].notna(), [*LANDING, "pr_number"]]
    every = pd.concat([named, held.merge(named[LANDING], on=LANDING)]).drop_duplicates()
    facts = tables["changes"][[*keys, "approvals_standing", "approvals_independent", "authors_known"]]
    every = every.merge(facts, on=keys, how="left")
    untold = every["approvals_standing"].isna().groupby([every[name] for name in LANDING]).transform("any")
    told = every[~untold]
    unclear = ~told["authors_known"].astype(bool) & told["approvals_standing"].gt(0)
    told = told.assign(authors_known=~unclear)
    return (
        told.groupby(LANDING)
        .agg(
            approvals_standing=("approvals_standing", "min"),
            approvals_independent=("approvals_independent", "min"),
            authors_known=("authors_known", "all"),
        )
        .reset_index()
    )


def _latency(tables: Tables, span: Span, column: str) -> Grouped:
    rows = tables["changes"]
    rows = rows[span.holds(rows["landed_at"])]
    return by(rows.assign(hours=hours(rows[column] - rows["created_at"])))


def _first_review(tables: Tables, span: Span) -> Grouped:
    return _latency(tables, span, "first_review_at")


def _first_approval(tables: Tables, span: Span) -> Grouped:
    return _latency(tables, span, "first_approval_at")


METRICS = (
    Metric(
        "review_coverage",
        "Changes approved independently before they landed",
        "share",
        "Landings of the quarter with a standing approval, given before the merge by a known person who is none of "
        "the change's authors, divided by the quarter's landings. Direct pushes count as not approved; of several pull "
        "requests that landed together each must be. Undetermined, and not in the denominator: landings of a repository "
        "of which the forge exported nothing, those with a pull request (or a Gerrit change) that is not in evidence, and "
        "approved ones with an author whom the roster does not know.",
        "landings",
        "landing",
        _coverage,
        Share(hit="approved", known="known"),
    ),
    Metric(
        "time_to_first_review",
        "Time to first review",
        "hours",
        "Median hours from the opening of a pull request to the first review by someone other than its opener, over "
        "pull requests that landed in the quarter. Undetermined: those that nobody else reviewed.",
        "reviews",
        "pull request",
        _first_review,
        Median("hours"),
    ),
    Metric(
        "time_to_first_approval",
        "Time to first approval",
        "hours",
        "Median hours from the opening of a pull request to the first approval by someone other than its opener, "
        "over pull requests that landed in the quarter, also where it came after the merge. Undetermined: those that "
        "nobody else approved.",
        "reviews",
        "pull request",
        _first_approval,
        Median("hours"),
    ),
)
