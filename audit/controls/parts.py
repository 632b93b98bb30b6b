"""Pieces of exceptions that several controls put together the same way: places, pointers and words."""

from __future__ import annotations

from typing import cast

import pandas as pd

from audit.controls.fresh import TIME
from audit.controls.interface import Context, Gap, Tables

LANDING = ["repo", "head_sha"]
DEPLOYMENT = ["cluster", "application", "started_at"]


def joined(rows: pd.DataFrame, by: list[str], column: str, separator: str) -> pd.Series:
    """Distinct values of `column` in order, separated, indexed by `by`. Missing values are left out."""
    distinct = rows.dropna(subset=[column]).drop_duplicates([*by, column]).sort_values([*by, column])
    return distinct.groupby(by, sort=True)[column].agg(separator.join).astype("str").rename(column)


def with_places(landings: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Landings (repo, head_sha) with the environments and apps they reach, separated by commas."""
    reached = tables["landing_environments"]
    for column in ("environment", "app"):
        landings = landings.merge(joined(reached, LANDING, column, ",").reset_index(), on=LANDING, how="left")
    return landings


def pointer(rows: pd.DataFrame) -> pd.Series:
    """`sha256:line` of each row of evidence."""
    return rows["evidence"] + ":" + rows["line"].astype("str")


def commit(rows: pd.DataFrame, column: str = "head_sha") -> pd.Series:
    """`repo@commit` of each row."""
    return rows["repo"] + "@" + rows[column]


def pointed(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The pointers to `rows` as one text in column `pointers`, for each of `by`."""
    return joined(rows.assign(pointers=pointer(rows)), by, "pointers", " ").reset_index()


def plus(pointers: pd.Series, more: pd.Series) -> pd.Series:
    """Pointers with more pointers behind them, where there are more."""
    return pointers.str.cat((" " + more).fillna(""))


def when(times: pd.Series) -> pd.Series:
    """Times as `2026-07-01T09:00:00Z`."""
    return cast("pd.Series", times.dt.strftime(TIME).astype("str"))


_FEW = 3


def few(names: pd.Series) -> str:
    """The first of some names, for a gap about several: `a, b, c, …`. None of them holds "; ", which separates gaps."""
    every = sorted(set(names.str.replace(";", ",")))
    return ", ".join(every[:_FEW]) + (", …" if len(every) > _FEW else "")


def deployment(rows: pd.DataFrame) -> pd.Series:
    """`cluster/namespace/name@started` of each deployment."""
    return rows["cluster"] + "/" + rows["application"] + "@" + when(rows["started_at"])


def counted(numbers: pd.Series, singular: str) -> pd.Series:
    """`1 approval`, `2 approvals`."""
    return (
        numbers.astype("str")
        + " "
        + pd.Series(singular, index=numbers.index).where(numbers.eq(1), singular + "s")
    )


def lasting(spans: pd.Series) -> pd.Series:
    """Time spans (timedelta) in words: `40 min`, `3 h`, `5 days`, rounded down."""
    seconds = spans.dt.total_seconds()
    hours, days = seconds // 3600, seconds // 86400
    words = (seconds // 60).astype("Int64").astype("str") + " min"
    words = words.mask(hours.ge(1), hours.astype("Int64").astype("str") + " h")
    return cast("pd.Series", words.mask(days.ge(2), days.astype("Int64").astype("str") + " days"))


def changes(tables: Tables) -> pd.DataFrame:
    """Pull requests that landed, with their subject (`repo#N`), places and pointers."""
    rows = tables["changes"].merge(
        tables["landings"][[*LANDING, "subject"]].rename(columns={"subject": "message"}),
        on=LANDING,
        how="left",
    )
    rows = with_places(rows, tables)
    return rows.assign(
        subject=rows["repo"] + "#" + rows["pr_number"].astype("str"),
        at=rows["landed_at"],
        person=rows["opener"],
        person_raw=rows["opener_login"],
        evidence=pointer(rows) + " " + commit(rows),
    )


def with_reviews(rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Changes whose pointers name their reviews and dismissals too."""
    said = pd.concat(
        [tables[name][["repo", "number", "evidence", "line"]] for name in ("reviews", "review_dismissals")]
    ).rename(columns={"number": "pr_number"})
    rows = rows.merge(pointed(said, ["repo", "pr_number"]), on=["repo", "pr_number"], how="left")
    return rows.assign(evidence=plus(rows["evidence"], rows["pointers"])).drop(columns="pointers")


def unexported(tables: Tables, context: Context) -> tuple[Gap, ...]:
    """A gap for each repository of which the forge exported pull requests, but not all that landed in the quarter."""
    landings = tables["landings"]
    landed = landings[context.holds(landings["landed_at"])]
    held = landed[LANDING].merge(tables["landing_pulls"][[*LANDING, "pr_number"]], on=LANDING)
    landed = pd.concat([landed[["repo", "pr_number"]], held[["repo", "pr_number"]]])
    landed = landed[landed["pr_number"].notna() & landed["repo"].isin(tables["pull_requests"]["repo"])]
    known = tables["changes"][["repo", "pr_number"]].assign(known=True)
    lost = landed.drop_duplicates().merge(known, on=["repo", "pr_number"], how="left")
    lost = lost.query("known.isna()").sort_values(["repo", "pr_number"])
    lost = lost.assign(name="#" + lost["pr_number"].astype("str"))
    return tuple(
        Gap(
            f"{repo}: pull requests that landed are not in evidence (github-pulls): {', '.join(rows['name'])}"
        )
        for repo, rows in lost.groupby("repo", sort=True)
    )


def untold_reviews(rows: pd.DataFrame, tables: Tables, context: Context) -> tuple[Gap, ...]:
    """Gaps for what is not known of the quarter's reviews.

    Pull requests that were not exported; and reviews of changes `rows` (the population) that were dismissed, while no
    evidence says what they had said.
    """
    rows = rows[context.holds(rows["at"])]
    told = tables["review_dismissals"][["repo", "number", "review_id"]].assign(told=True)
    reviews = tables["reviews"]
    dismissed = reviews[reviews["state"].eq("DISMISSED")]
    untold = dismissed.merge(told, on=["repo", "number", "review_id"], how="left").query("told.isna()")
    untold = untold.rename(columns={"number": "pr_number"})
    mine = untold.merge(rows[["repo", "pr_number"]].drop_duplicates(), on=["repo", "pr_number"])
    names = (mine["repo"] + "#" + mine["pr_number"].astype("str")).drop_duplicates().sort_values()
    gaps = unexported(tables, context)
    if names.empty:
        return gaps
    what = f"what the dismissed reviews of {', '.join(names)} had said"
    return (*gaps, Gap(f"no evidence (github-review-events) says {what}"))
