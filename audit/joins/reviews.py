"""Each landing that has a pull request, with every fact of its review and checks.

Facts only; what they come to is the controls' to say. An approval counts when a person gave it before the merge and
did not ask for changes later on; it stands when it had not been dismissed at the merge.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from audit.joins.identity import Resolver, is_forge
from audit.model import PrincipalKind
from audit.settings import Settings
from audit.tables import Changes, conform

_PR = ["repo", "number"]
_LANDING = ["repo", "head_sha"]
_COUNTS = [f"approvals_{what}" for what in ("before", "after", "standing", "independent", "covering")]


def changes(
    landings: pd.DataFrame,
    pull_requests: pd.DataFrame,
    reviews: pd.DataFrame,
    dismissals: pd.DataFrame,
    checks: pd.DataFrame,
    *,
    resolver: Resolver,
    settings: Settings,
) -> pd.DataFrame:
    """`Changes`: one row for each landing whose pull request is in evidence.

    Args:
        landings, pull_requests, reviews, dismissals, checks: `Landings`, `PullRequests`, `Reviews`,
            `ReviewDismissals`, `Checks`, one row for each key. A landing tied to a pull request that is not in
            evidence has no row: nothing is known of its review.
    """
    merged = _with_pull_request(landings, pull_requests)
    opener = resolver.resolve(merged["author"], "github")
    merged = merged.assign(opener=opener["person"], opener_login=merged["author"], opener_kind=opener["kind"])
    authors = _authors(merged, opener, resolver)
    given = _given(merged, reviews, dismissals, resolver, authors)
    facts = merged.drop(columns=["authors"]).merge(_by_landing(authors), on=_LANDING)
    facts = facts.merge(_counts(given), on=_LANDING, how="left")
    facts = facts.merge(_wanting(merged, checks, settings.thresholds.required_checks), on=_LANDING)
    facts[_COUNTS] = facts[_COUNTS].fillna(0)
    return conform(Changes, facts.assign(approvers=facts["approvers"].fillna("")))


def _with_pull_request(landings: pd.DataFrame, pull_requests: pd.DataFrame) -> pd.DataFrame:
    """Landings with what the forge says of their pull request."""
    of_landing = ["repo", "head_sha", "pr_number", "landed_at", "authors", "evil"]
    of_request = ["author", "head_sha", "created_at", "evidence", "line"]
    linked = landings.loc[landings["pr_number"].notna(), of_landing]
    requests = pull_requests[[*_PR, *of_request]].rename(columns={"head_sha": "pr_head_sha"})
    return linked.merge(requests, left_on=["repo", "pr_number"], right_on=_PR)


def _authors(merged: pd.DataFrame, opener: pd.DataFrame, resolver: Resolver) -> pd.DataFrame:
    """Everyone whose work a landing is: `_LANDING`, `person`, `resolved` (a machine by rule is)."""
    emails = merged[_LANDING].assign(email=merged["authors"].str.split()).explode("email")
    emails = emails.dropna(subset=["email"])
    emails = emails[~is_forge(emails["email"].astype("str"))].reset_index(drop=True)
    who = pd.concat(
        [
            merged[_LANDING].join(opener),
            emails[_LANDING].join(resolver.resolve(emails["email"].astype("str"), "git")),
        ],
        ignore_index=True,
    )
    who["resolved"] = who["known"] | who["kind"].eq(PrincipalKind.MACHINE)
    return who[[*_LANDING, "person", "resolved"]].drop_duplicates([*_LANDING, "person"])


def _by_landing(authors: pd.DataFrame) -> pd.DataFrame:
    """`authors` (str) and `authors_known` (bool) of each landing."""
    return (
        authors.sort_values([*_LANDING, "person"])
        .groupby(_LANDING)
        .agg(authors=("person", " ".join), authors_known=("resolved", "all"))
        .reset_index()
    )


def _given(
    merged: pd.DataFrame,
    reviews: pd.DataFrame,
    dismissals: pd.DataFrame,
    resolver: Resolver,
    authors: pd.DataFrame,
) -> pd.DataFrame:
    """Each review by a person of each landing, with what it counts for.

    Returns:
        `_LANDING`, `person`, `submitted_at`, and as bool: `by_other` (than the opener), `approved` (or had been,
        until dismissed), `before` (approved before the merge and not taken back by the reviewer), `after`,
        `standing`, `independent`, `covering` (it is of the commit that was merged).
    """
    of_dismissal = dismissals[[*_PR, "review_id", "dismissed_at", "state_before"]]
    given = reviews[reviews["submitted_at"].notna()].merge(of_dismissal, on=[*_PR, "review_id"], how="left")
    reviewer = resolver.resolve(given["reviewer"], "github")
    given = given.join(reviewer)[reviewer["kind"].eq(PrincipalKind.PERSON)]
    given = merged[[*_LANDING, "number", "landed_at", "opener", "pr_head_sha"]].merge(given, on=_PR)
    said = given["state"].mask(given["state"].eq("DISMISSED"), given["state_before"].str.upper())
    in_time = given["submitted_at"] < given["landed_at"]
    approved = said.eq("APPROVED")
    before = approved & in_time & ~_taken_back(given, said.eq("CHANGES_REQUESTED") & in_time)
    standing = before & ~(given["dismissed_at"] < given["landed_at"])
    own = given[[*_LANDING, "person"]].merge(authors, on=[*_LANDING, "person"], how="left", indicator=True)
    everyone = authors.groupby(_LANDING)["resolved"].all().rename("everyone").reset_index()
    authors_known = given[_LANDING].merge(everyone, on=_LANDING, how="left")["everyone"]
    return given[[*_LANDING, "person", "submitted_at"]].assign(
        by_other=given["person"].ne(given["opener"]),
        approved=approved,
        before=before,
        after=approved & ~in_time,
        standing=standing,
        independent=standing & given["known"] & own["_merge"].eq("left_only") & authors_known,
        covering=given["commit_sha"].eq(given["pr_head_sha"]),
    )


def _taken_back(given: pd.DataFrame, refusals: pd.Series) -> pd.Series:
    """Which reviews their reviewer followed, before the merge, by asking for changes (bool)."""
    by = [*_LANDING, "person"]
    order = given[[*by, "submitted_at", "review_id"]].assign(refusal=refusals)
    order = order.sort_values([*by, "submitted_at", "review_id"], ascending=False, kind="stable")
    refused = order.groupby(by)["refusal"].cummax()  # from the last review backwards
    return refused.reindex(given.index)


def _counts(given: pd.DataFrame) -> pd.DataFrame:
    """People counted by what their reviews come to, and when the first ones came, for each landing."""
    chosen = given["independent"] | (
        given["standing"]
        & ~given["independent"].groupby([given[column] for column in _LANDING]).transform("any")
    )
    sets = {
        "approvals_before": given["before"],
        "approvals_after": given["after"],
        "approvals_standing": given["standing"],
        "approvals_independent": given["independent"],
        "approvals_covering": chosen & given["covering"],
    }
    people = {
        name: given[mask].drop_duplicates([*_LANDING, "person"]).groupby(_LANDING).size()
        for name, mask in sets.items()
    }
    standing = given[given["standing"]].drop_duplicates([*_LANDING, "person"])
    others = given[given["by_other"]]
    columns: dict[str, pd.Series] = {
        **people,
        "approvers": standing.sort_values("person").groupby(_LANDING)["person"].agg(" ".join),
        "first_review_at": others.groupby(_LANDING)["submitted_at"].min(),
        "first_approval_at": others[others["approved"]].groupby(_LANDING)["submitted_at"].min(),
    }
    index = given.groupby(_LANDING).size().index
    return pd.DataFrame({name: values.reindex(index) for name, values in columns.items()}).reset_index()


def _wanting(merged: pd.DataFrame, checks: pd.DataFrame, required: Iterable[str]) -> pd.DataFrame:
    """`checks_wanting` (str) of each landing: required checks without success on the merged commit in time.

    The latest run that had completed before the merge decides, whatever was started later.
    """
    names = pd.DataFrame({"name": pd.Series(sorted(set(required)), dtype="str")})
    wanted = merged[[*_LANDING, "pr_head_sha", "landed_at"]].merge(names, how="cross")
    runs = checks.rename(columns={"head_sha": "pr_head_sha"})
    runs = wanted.merge(runs, on=["repo", "pr_head_sha", "name"])
    completed = runs["status"].eq("completed") & (runs["completed_at"] < runs["landed_at"])
    begun = ~completed & ~(runs["started_at"] >= runs["landed_at"])
    each = [*_LANDING, "name"]
    latest = runs[completed].sort_values(["completed_at", "check_id"]).drop_duplicates(each, keep="last")
    running = runs.loc[begun, each].drop_duplicates().assign(running="running")
    wanted = wanted.merge(latest[[*each, "conclusion"]], on=each, how="left", indicator=True)
    wanted = wanted.merge(running, on=each, how="left")
    state = wanted["conclusion"].fillna("no conclusion").where(wanted["_merge"].eq("both"), wanted["running"])
    wanted["text"] = wanted["name"] + ": " + state.fillna("missing").astype("str")
    text = wanted[state.ne("success")].sort_values(each).groupby(_LANDING)["text"].agg("; ".join)
    whole = merged[_LANDING].merge(text.rename("checks_wanting").reset_index(), on=_LANDING, how="left")
    return whole.assign(checks_wanting=whole["checks_wanting"].fillna(""))
