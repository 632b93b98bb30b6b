"""How well changes were reviewed: depth, haste, who does it, and whether it was what landed that was approved."""

from __future__ import annotations

import pandas as pd

from audit.joins.identity import Resolver
from audit.metrics.interface import Grouped, Median, Metric, Share, Span, Tables, by
from audit.model import PrincipalKind

_PULL = ["repo", "pr_number"]
RUSHED = pd.Timedelta(minutes=5)
"""An approval that soon after the opening of a pull request is a sign that nobody read it."""
PACE, LONG = 50, 100
"""Lines a minute that nobody reads with care, and lines from which on that tells something."""


def _landed(tables: Tables, span: Span) -> pd.DataFrame:
    """Pull requests that landed in the span."""
    rows = tables["changes"]
    return rows[span.holds(rows["landed_at"])]


def _depth(tables: Tables, span: Span) -> Grouped:
    rows = _landed(tables, span)
    said = tables["reviews"]
    said = said[said["submitted_at"].notna() & said["reviewer"].notna()]
    said = said.rename(columns={"number": "pr_number"})[[*_PULL, "reviewer", "submitted_at"]]
    said = said.merge(rows[_PULL].drop_duplicates(), on=_PULL)
    who = Resolver.of(tables, span.settings).resolve(said["reviewer"], "github", said["submitted_at"])
    said = said.assign(person=who["person"])[who["kind"].eq(PrincipalKind.PERSON.value)]
    own = rows[_PULL].assign(person=(rows["opener"] + " " + rows["authors"]).str.split(" ")).explode("person")
    own = own.drop_duplicates().astype({"person": "str"})
    other = said.merge(own, on=[*_PULL, "person"], how="left", indicator=True)["_merge"].eq("left_only")
    said = said[other.to_numpy()]
    counts = said.groupby(_PULL).size().rename("depth").reset_index()
    rows = rows.merge(counts, on=_PULL, how="left")
    return by(rows.assign(depth=rows["depth"].fillna(0)))


def _rushed(tables: Tables, span: Span) -> Grouped:
    rows = _landed(tables, span)
    rows = rows.assign(
        known=rows["first_approval_at"].notna(),
        rushed=(rows["first_approval_at"] - rows["created_at"] <= RUSHED).fillna(False),
    )
    return by(rows)


def _quick(tables: Tables, span: Span) -> Grouped:
    rows = _landed(tables, span)
    sizes = tables["landings"][["repo", "head_sha", "added", "deleted"]]
    rows = rows.merge(
        sizes.assign(lines=sizes["added"] + sizes["deleted"]), on=["repo", "head_sha"], how="left"
    )
    rows = rows[(rows["lines"] >= LONG).fillna(False).astype(bool)]
    minutes = (rows["first_approval_at"] - rows["created_at"]).dt.total_seconds() / 60
    quick = (minutes * PACE < rows["lines"].astype("Float64")).fillna(False).astype(bool)
    return by(rows.assign(known=rows["first_approval_at"].notna(), quick=quick))


def _concentration(tables: Tables, span: Span) -> Grouped:
    rows = _landed(tables, span)
    each = rows.assign(approver=rows["approvers"].str.split(" ")).explode("approver")
    each = each[each["approver"].fillna("").ne("")].astype({"approver": "str"})
    counts = each["approver"].value_counts().rename_axis("approver").reset_index(name="given")
    most = counts.sort_values(["given", "approver"], ascending=[False, True])["approver"].head(1)
    return by(each.assign(most=each["approver"].isin(most), known=True))


def _stale(tables: Tables, span: Span) -> Grouped:
    rows = _landed(tables, span)
    stood = rows["approvals_standing"].gt(0).astype(bool)
    return by(rows[stood].assign(stale=rows["approvals_covering"].eq(0).astype(bool), known=True))


METRICS = (
    Metric(
        "review_depth",
        "Reviews of a change",
        "reviews",
        "Median reviews submitted by people who neither opened the pull request nor wrote any of it, over those that landed in "
        "the quarter; one that nobody else reviewed has none.",
        "reviews",
        "pull request",
        _depth,
        Median("depth"),
    ),
    Metric(
        "rushed_approvals",
        "Approved within five minutes",
        "share",
        "Pull requests that landed in the quarter and were first approved by someone else within five minutes of their "
        "opening, divided by those that were approved. Undetermined: those that nobody else approved.",
        "reviews",
        "pull request",
        _rushed,
        Share(hit="rushed", known="known"),
    ),
    Metric(
        "unread_approvals",
        "Approved faster than it can be read",
        "share",
        "Pull requests of at least 100 changed lines that landed in the quarter and were first approved by someone else before "
        "they could be read at 50 lines a minute, divided by those of that size that were approved. Undetermined: those that "
        "nobody else approved.",
        "reviews",
        "pull request",
        _quick,
        Share(hit="quick", known="known"),
    ),
    Metric(
        "reviewer_concentration",
        "Approvals by the busiest approver",
        "share",
        "Approvals that stood at the merge and were given by whoever gave most of them, divided by all of them, over pull "
        "requests that landed in the quarter. A pull request is an item once for each of its approvers.",
        "reviews",
        "pull request",
        _concentration,
        Share(hit="most", known="known"),
    ),
    Metric(
        "stale_approvals",
        "Approvals of something else than what landed",
        "share",
        "Pull requests that landed in the quarter with approvals none of which was given for the merged commit, divided by "
        "those with approvals that stood at the merge. Where an approval is independent, independent ones alone count.",
        "reviews",
        "pull request",
        _stale,
        Share(hit="stale", known="known"),
    ),
)
