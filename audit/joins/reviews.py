"""Each pull request that landed, with every fact of its review and checks.

Facts only; what they come to is the controls' to say. An approval counts when a person gave it before the merge and
did not ask for changes later on; it stands when it had not been dismissed at the merge. Of a landing that holds several
pull requests each is judged by itself: by its own authors, approvals, checks and moment of merging.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from audit.joins.identity import Resolver
from audit.model import PrincipalKind
from audit.settings import Settings
from audit.tables import Changes, conform

_APP = re.compile(r"[A-Za-z][A-Za-z0-9-]*")  # the slug of an app
_PR = ["repo", "number"]  # a pull request lands once
_LANDING = ["repo", "head_sha"]
_COUNTS = [f"approvals_{what}" for what in ("before", "after", "standing", "independent", "covering")]


def changes(tables: Mapping[str, pd.DataFrame], *, resolver: Resolver, settings: Settings) -> pd.DataFrame:
    """`Changes`: one row for each pull request of a landing that is in evidence.

    Args:
        tables: `landings`, `landing_pulls`, `pull_requests`, `reviews`, `review_dismissals` and `checks`, with one
            row for each key. A pull request that is not in evidence has no row: nothing is known of its review.
    """
    merged = _with_landing(tables["landings"], tables["landing_pulls"], tables["pull_requests"])
    opened = merged["created_at"].fillna(merged["landed_at"])
    opener = resolver.resolve(merged["author"], "github", opened)
    merged = merged.assign(opener=opener["person"], opener_login=merged["author"], opener_kind=opener["kind"])
    emails = _emails(merged)
    authors = _authors(merged, opener, emails, resolver)
    bound = _bound(authors, emails, resolver)
    given = _given(merged, tables, resolver, authors, bound)
    facts = merged.drop(columns=["authors"]).merge(_by_pull(authors), on=_PR)
    facts = facts.merge(_beside(bound, authors), on=_PR, how="left")
    facts = facts.merge(_counts(given), on=_PR, how="left")
    facts = facts.merge(_wanting(merged, tables["checks"], settings.thresholds.required_checks), on=_PR)
    facts[_COUNTS] = facts[_COUNTS].fillna(0)
    return conform(
        Changes, facts.assign(approvers=facts["approvers"].fillna(""), bound=facts["bound"].fillna(""))
    )


def _with_landing(
    landings: pd.DataFrame, landing_pulls: pd.DataFrame, pull_requests: pd.DataFrame
) -> pd.DataFrame:
    """Pull requests of landings with what the forge says of them, and when they were merged.

    One that was merged aside of the mainline has no part in the landing's own content of its merge commit.
    """
    linked = landing_pulls[[*_LANDING, "pr_number", "authors", "aside"]]
    linked = linked.merge(landings[[*_LANDING, "landed_at", "evil"]], on=_LANDING)
    of_request = ["author", "head_sha", "created_at", "merged_at", "evidence", "line"]
    requests = pull_requests[[*_PR, *of_request]].rename(columns={"head_sha": "pr_head_sha"})
    rows = linked.merge(requests, left_on=["repo", "pr_number"], right_on=_PR)
    return rows.assign(
        landed_at=rows["merged_at"].fillna(rows["landed_at"]),
        evil=rows["evil"] & ~rows["aside"],
    ).drop(columns=["merged_at", "aside"])


def _emails(merged: pd.DataFrame) -> pd.DataFrame:
    """Addresses of the commits of each pull request: `_PR`, `email`, `landed_at`.

    The forge's own is one of them where a commit claims it for its author: anybody may, so that it is nobody known.
    """
    emails = merged[[*_PR, "landed_at"]].assign(email=merged["authors"].str.split()).explode("email")
    return emails.dropna(subset=["email"]).astype({"email": "str"}).reset_index(drop=True)


def _authors(
    merged: pd.DataFrame, opener: pd.DataFrame, emails: pd.DataFrame, resolver: Resolver
) -> pd.DataFrame:
    """Everyone whose work a pull request is: `_PR`, `person`, `resolved` (a machine by rule is).

    Addresses are those of the landing's time, which the forge tells, not of the commit's, which its author claims.
    """
    committed = resolver.resolve(emails["email"], "git", emails["landed_at"])
    who = pd.concat([merged[_PR].join(opener), emails[_PR].join(committed)], ignore_index=True)
    who["resolved"] = who["known"] | who["kind"].eq(PrincipalKind.MACHINE)
    return who[[*_PR, "person", "resolved"]].drop_duplicates([*_PR, "person"])


def _bound(authors: pd.DataFrame, emails: pd.DataFrame, resolver: Resolver) -> pd.DataFrame:
    """Everyone whose approval is not independent (`_PR`, `person`): authors, and whoever ever had an author's address.

    When an address passed on between the commit and its landing, nothing proves whose work the commit is.
    """
    ever = emails[[*_PR, "email"]].merge(
        resolver.ever(emails["email"], "git"), left_on="email", right_on="name"
    )
    return pd.concat([authors[[*_PR, "person"]], ever[[*_PR, "person"]]], ignore_index=True).drop_duplicates()


def _beside(bound: pd.DataFrame, authors: pd.DataFrame) -> pd.DataFrame:
    """`bound` (str) of each pull request that has people whose approval is not independent beside its authors."""
    both = bound.merge(authors[[*_PR, "person"]], on=[*_PR, "person"], how="left", indicator=True)
    rest = both[both["_merge"].eq("left_only")].sort_values([*_PR, "person"])
    return rest.groupby(_PR)["person"].agg(" ".join).astype("str").rename("bound").reset_index()


def _by_pull(authors: pd.DataFrame) -> pd.DataFrame:
    """`authors` (str) and `authors_known` (bool) of each pull request."""
    return (
        authors.sort_values([*_PR, "person"])
        .groupby(_PR)
        .agg(authors=("person", " ".join), authors_known=("resolved", "all"))
        .reset_index()
    )


def _given(
    merged: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    resolver: Resolver,
    authors: pd.DataFrame,
    bound: pd.DataFrame,
) -> pd.DataFrame:
    """Each review by a person of each pull request, with what it counts for.

    Returns:
        `_PR`, `person`, `submitted_at`, and as bool: `by_other` (than the opener), `approved` (or had been,
        until dismissed), `before` (approved before the merge and not taken back by the reviewer), `after`,
        `standing`, `independent` (by somebody of the roster who had not left), `covering` (it is of the commit that
        was merged).
    """
    of_dismissal = tables["review_dismissals"][[*_PR, "review_id", "dismissed_at", "state_before"]]
    reviews = tables["reviews"]
    given = reviews[reviews["submitted_at"].notna()].merge(of_dismissal, on=[*_PR, "review_id"], how="left")
    reviewer = resolver.resolve(given["reviewer"], "github", given["submitted_at"])
    given = given.join(reviewer)[reviewer["kind"].eq(PrincipalKind.PERSON)]
    given = merged[[*_PR, "landed_at", "opener", "pr_head_sha"]].merge(given, on=_PR)
    said = given["state"].mask(given["state"].eq("DISMISSED"), given["state_before"].str.upper())
    in_time = given["submitted_at"] < given["landed_at"]
    approved = said.eq("APPROVED")
    before = approved & in_time & ~_taken_back(given, said.eq("CHANGES_REQUESTED") & in_time)
    standing = before & ~(given["dismissed_at"] < given["landed_at"])
    own = given[[*_PR, "person"]].merge(bound, on=[*_PR, "person"], how="left", indicator=True)
    everyone = authors.groupby(_PR)["resolved"].all().rename("everyone").reset_index()
    authors_known = given[_PR].merge(everyone, on=_PR, how="left")["everyone"]
    return given[[*_PR, "person", "submitted_at"]].assign(
        by_other=given["person"].ne(given["opener"]),
        approved=approved,
        before=before,
        after=approved & ~in_time,
        standing=standing,
        independent=standing
        & given["known"]
        & own["_merge"].eq("left_only")
        & authors_known
        & ~resolver.gone(given["person"], given["submitted_at"]),
        covering=given["commit_sha"].eq(given["pr_head_sha"]),
    )


def _taken_back(given: pd.DataFrame, refusals: pd.Series) -> pd.Series:
    """Which reviews their reviewer followed, before the merge, by asking for changes (bool)."""
    by = [*_PR, "person"]
    order = given[[*by, "submitted_at", "review_id"]].assign(refusal=refusals)
    order = order.sort_values([*by, "submitted_at", "review_id"], ascending=False, kind="stable")
    refused = order.groupby(by)["refusal"].cummax()  # from the last review backwards
    return refused.reindex(given.index)


def _counts(given: pd.DataFrame) -> pd.DataFrame:
    """People counted by what their reviews come to, and when the first ones came, for each pull request."""
    chosen = given["independent"] | (
        given["standing"] & ~given["independent"].groupby([given[column] for column in _PR]).transform("any")
    )
    sets = {
        "approvals_before": given["before"],
        "approvals_after": given["after"],
        "approvals_standing": given["standing"],
        "approvals_independent": given["independent"],
        "approvals_covering": chosen & given["covering"],
    }
    people = {
        name: given[mask].drop_duplicates([*_PR, "person"]).groupby(_PR).size() for name, mask in sets.items()
    }
    standing = given[given["standing"]].drop_duplicates([*_PR, "person"])
    others = given[given["by_other"]]
    columns: dict[str, pd.Series] = {
        **people,
        "approvers": standing.sort_values("person").groupby(_PR)["person"].agg(" ".join),
        "first_review_at": others.groupby(_PR)["submitted_at"].min(),
        "first_approval_at": others[others["approved"]].groupby(_PR)["submitted_at"].min(),
    }
    index = given.groupby(_PR).size().index
    return pd.DataFrame({name: values.reindex(index) for name, values in columns.items()}).reset_index()


def required_checks(required: Iterable[str]) -> pd.DataFrame:
    """Required checks as the settings name them: `check` (as written), `name` and `wanted_app` (str; missing for any).

    `validate@github-actions` is the check `validate` as the app `github-actions` runs it.
    """
    rows = [(check, *_parts(check)) for check in sorted(set(required))]
    return pd.DataFrame(rows, columns=["check", "name", "wanted_app"]).astype("str")


def _parts(check: str) -> tuple[str, str | None]:
    name, _, app = check.rpartition("@")
    return (name, app) if name and _APP.fullmatch(app) else (check, None)


def _wanting(merged: pd.DataFrame, checks: pd.DataFrame, required: Iterable[str]) -> pd.DataFrame:
    """`checks_wanting` (str) of each pull request: required checks without success on the merged commit in time.

    Of each app that runs a check, the last run that had begun before the merge decides: an earlier success does not
    stand in for a run that is not over, nor one app's for another's.
    """
    wanted = merged[[*_PR, "pr_head_sha", "landed_at"]].merge(required_checks(required), how="cross")
    runs = wanted.merge(
        checks.rename(columns={"head_sha": "pr_head_sha"}), on=["repo", "pr_head_sha", "name"]
    )
    runs = runs[runs["wanted_app"].isna() | runs["wanted_app"].eq(runs["app"])]
    runs = runs[~(runs["started_at"] >= runs["landed_at"])]
    runs = runs.assign(begun=runs["started_at"].fillna(runs["completed_at"]), app=runs["app"].fillna(""))
    over = runs["status"].eq("completed") & (runs["completed_at"] < runs["landed_at"])
    runs = runs.assign(state=runs["conclusion"].fillna("no conclusion").where(over, "running"))
    each = [*_PR, "check"]
    last = runs.sort_values(["begun", "check_id"], na_position="last").drop_duplicates(
        [*each, "app"], keep="last"
    )
    last = last.assign(bad=last["state"].ne("success")).sort_values(["bad", "app"], ascending=[False, True])
    wanted = wanted.merge(last.drop_duplicates(each)[[*each, "state"]], on=each, how="left")
    state = wanted["state"].fillna("missing").astype("str")
    wanted["text"] = wanted["check"] + ": " + state
    text = wanted[state.ne("success")].sort_values(each).groupby(_PR)["text"].agg("; ".join)
    whole = merged[_PR].merge(text.rename("checks_wanting").reset_index(), on=_PR, how="left")
    return whole.assign(checks_wanting=whole["checks_wanting"].fillna(""))
