"""How changes were reviewed: how many, and how soon."""

from __future__ import annotations

import pandas as pd

from audit.metrics.change import LANDING, landed, reached
from audit.metrics.interface import Metric, Span, Tables, by, hours, medians, shares
from audit.model import LandingKind


def _coverage(tables: Tables, span: Span) -> pd.DataFrame:
    facts = tables["changes"][[*LANDING, "approvals_standing", "approvals_independent", "authors_known"]]
    rows = landed(tables, span).merge(facts, on=LANDING, how="left")
    approved = rows["approvals_independent"].fillna(0).gt(0).astype(bool)
    # Somebody approved, but it can't be told whether it was an author.
    unclear = rows["approvals_standing"].fillna(0).gt(0) & ~rows["authors_known"].fillna(True) & ~approved
    untold = rows["approvals_standing"].isna() & rows["kind"].ne(LandingKind.DIRECT)
    exported = rows["repo"].isin([*tables["pull_requests"]["repo"], *tables["git_operations"]["repo"]])
    rows = rows.assign(approved=approved, known=exported & ~(unclear | untold).astype(bool))
    places = {column: reached(rows, tables, column) for column in ("environment", "app")}
    return shares(by(rows, **places), hit="approved", known="known")


def _latency(tables: Tables, span: Span, column: str) -> pd.DataFrame:
    rows = tables["changes"]
    rows = rows[span.holds(rows["landed_at"])]
    return medians(by(rows.assign(hours=hours(rows[column] - rows["created_at"]))), "hours")


def _first_review(tables: Tables, span: Span) -> pd.DataFrame:
    return _latency(tables, span, "first_review_at")


def _first_approval(tables: Tables, span: Span) -> pd.DataFrame:
    return _latency(tables, span, "first_approval_at")


METRICS = (
    Metric(
        "review_coverage",
        "Changes approved independently before they landed",
        "share",
        "Landings of the quarter with a standing approval, given before the merge by a known person who is none of "
        "the change's authors, divided by the quarter's landings. Direct pushes count as not approved. Undetermined, "
        "and not in the denominator: landings of a repository of which the forge exported nothing, those whose pull "
        "request is not in evidence, and approved ones with an author whom the roster does not know.",
        "landings",
        _coverage,
    ),
    Metric(
        "time_to_first_review",
        "Time to first review",
        "hours",
        "Median hours from the opening of a pull request to the first review by someone other than its opener, over "
        "pull requests that landed in the quarter. Undetermined: those that nobody else reviewed.",
        "reviews",
        _first_review,
    ),
    Metric(
        "time_to_first_approval",
        "Time to first approval",
        "hours",
        "Median hours from the opening of a pull request to the first approval by someone other than its opener, "
        "over pull requests that landed in the quarter, also where it came after the merge. Undetermined: those that "
        "nobody else approved.",
        "reviews",
        _first_approval,
    ),
)
