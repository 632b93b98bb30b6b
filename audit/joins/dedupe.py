"""One row for each key, whichever order the evidence comes in.

Evidence is delivered at least once and exported again and again. Which of several rows of one key stays is decided
by what they say, never by which object was read first; the object's hash and line only break ties between rows
that say the same.
"""

from __future__ import annotations

import pandas as pd

from audit.tables import TABLES, columns, key

_COMPLETED = "completed"
_REQUEST = ["cluster", "audit_id"]
_WHO_WHAT = ["user", "verb", "api_group", "resource", "subresource", "namespace"]
_LAST = ["name", "impersonated", "code", "dry_run"]  # what the last stage alone tells for certain
_REVIEW_STATES = {"PENDING": 0, "COMMENTED": 1, "APPROVED": 2, "CHANGES_REQUESTED": 3, "DISMISSED": 4}


_MADE = {
    "git_operations": ("operation_id", ["repo", "ref", "before", "after"]),
    "reviews": ("review_id", ["repo", "number", "reviewer", "submitted_at", "commit_sha"]),
    "checks": ("check_id", ["repo", "kind", "head_sha", "name", "started_at"]),
}
"""By table, the column with the forge's number, below zero where evidence has none; and what tells the same thing then."""

_SAME_PUSH = pd.Timedelta(minutes=10)
"""How far apart the forge's record of a push and what a webhook tells of it may be."""


def told_by(name: str) -> list[str]:
    """Columns of a table's key that evidence itself gives: rows that differ in them are never duplicates, and never
    have a bearing on each other."""
    if name in _MADE:
        return ["repo"]  # what one tells without the forge's number, another tells with it
    return [column for column in key(TABLES[name]) if column != "variant" or name != "cluster_access"]


def deduplicate(name: str, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`rows` of the table `name` with one row for each key, and what was left out.

    - `pull_requests`: the latest `updated_at` stays; of several, the one that says what lists leave out.
    - `reviews`: the latest state a review can have come to: DISMISSED comes after any other, PENDING before.
    - `checks`: a completed run before one still running, the latest completion first.
    - `forge_deployments`, `workflow_runs`: the latest `updated_at` stays; of several, one that says who.
    - `cluster_access`: the highest stage. Requests that share an id but differ in who, what, on which object or with
      what outcome are several requests, whatever they claim: all stay, counted by `variant`.
    - every other table, and ties: the first by evidence and line.
    - `git_operations`, `reviews`, `checks`: what was told without the forge's number goes where the same is there with it.

    Args:
        rows: may hold columns that the table does not declare; they stay with their rows.

    Returns:
        The rows that stay, in key order; and those left out, in an order of no meaning.
    """
    kept, left_out = _one_of_each(name, _told_apart(rows) if name == "cluster_access" else rows)
    if name not in _MADE:
        return kept, left_out
    twice = _told_twice(name, kept)
    left_out = pd.concat([left_out, kept[twice]], ignore_index=True) if twice.any() else left_out
    return kept[~twice].reset_index(drop=True), left_out


def _told_twice(name: str, rows: pd.DataFrame) -> pd.Series:
    """Which rows another one tells too (bool): of one with the forge's number and one without, the one that tells a later
    state stays, and where neither does, the one with the number."""
    number, same = _MADE[name]
    made = rows[number].lt(0).astype(bool)
    if not made.any():
        return made
    told = rows[same].assign(row=rows.index, final=_final(name, rows))
    told["when"] = rows["at"] if name == "git_operations" else pd.NaT
    both = told[made].merge(told[~made], on=same, suffixes=("", "_numbered"))
    if name == "git_operations":
        both = both[(both["when"] - both["when_numbered"]).abs() <= _SAME_PUSH]
    later = both["final"] > both["final_numbered"]
    gone = pd.concat([both.loc[~later, "row"], both.loc[later, "row_numbered"]])
    return pd.Series(rows.index.isin(gone), index=rows.index)


def _final(name: str, rows: pd.DataFrame) -> pd.Series:
    """How far what a row tells of has come (int64)."""
    if name == "reviews":
        return rows["state"].map(_REVIEW_STATES).astype("int64")
    if name == "checks":
        return rows["status"].eq(_COMPLETED).astype("int64")
    return pd.Series(0, index=rows.index)


def _one_of_each(name: str, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `deduplicate`, by the key alone."""
    table = TABLES[name]
    repeated = rows.duplicated(key(table), keep=False)
    if not repeated.any():
        return _sorted(rows, key(table)), rows.iloc[:0]
    several = rows[repeated].reset_index(drop=True)
    groups = several.groupby(key(table), sort=False, dropna=False).ngroup()
    order = pd.DataFrame({"group": groups, **_priority(name, several)})
    by = [str(column) for column in order]
    ascending = [not column.startswith("most") for column in by]
    ranked = order.sort_values(by, ascending=ascending, kind="stable", na_position="last")
    first = ~ranked.duplicated("group")
    kept = pd.concat([rows[~repeated], several.loc[ranked.index[first]]], ignore_index=True)
    return _sorted(kept, key(table)), several.loc[ranked.index[~first]]


def _told_apart(rows: pd.DataFrame) -> pd.DataFrame:
    """Requests with `variant`: 0, and of several that claim one id their place in the order of what they say.

    A stage before the last one knows less: the name that the server gave, who was impersonated and what came of it.
    """
    repeated = rows.duplicated(_REQUEST, keep=False)
    several = rows[repeated]
    if several.drop_duplicates(_REQUEST).empty:
        return rows
    alike = several.groupby([*_REQUEST, *_WHO_WHAT], sort=False, dropna=False)
    whole = alike.ngroup()
    last = several["stage_rank"].eq(alike["stage_rank"].transform("max"))
    said = pd.DataFrame({name: several[name].astype("str").fillna("") for name in _LAST}).agg(
        "\0".join, axis=1
    )
    told = said.where(last)
    first = told.groupby(whole).transform("min")
    named = pd.MultiIndex.from_arrays([whole[last], several.loc[last, "name"]])
    known = pd.MultiIndex.from_arrays([whole, several["name"]]).isin(named) | several["name"].eq("")
    by_name = told.groupby([whole, several["name"]]).transform("min").fillna(first)
    told = told.fillna(by_name.where(known)).fillna(said)
    text = pd.DataFrame({name: several[name].astype("str").fillna("") for name in _WHO_WHAT})
    place = text.assign(**several[_REQUEST], told=told).agg("\0".join, axis=1)
    variant = place.groupby([several[name] for name in _REQUEST]).rank("dense").astype("int64") - 1
    return rows.assign(variant=variant.reindex(rows.index, fill_value=0).astype("Int64"))


def _sorted(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    return rows.sort_values(by, kind="stable", na_position="first", ignore_index=True)


def _priority(name: str, rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Columns to sort rows of one key by: the best first; `most_…` columns fall, the others rise."""
    ties: dict[str, pd.Series] = {}
    if "evidence" in rows:
        objects = pd.factorize(rows["evidence"], sort=True)[0]  # hashes as numbers sort many times faster
        ties = {"object": pd.Series(objects, index=rows.index)}
        ties |= {"line": rows["line"]} if "line" in rows else {}
    declared = columns(TABLES[name])
    ties |= {f"other_{column}": rows[column] for column in rows if column not in declared}
    match name:
        case "pull_requests":
            told = rows["merged_by"].notna().astype("int64") + rows["commits"].notna().astype("int64")
            merged = rows["merged_at"].notna()
            return {"most_recent": rows["updated_at"], "most_merged": merged, "most_told": told, **ties}
        case "reviews":
            return {"most_final": rows["state"].map(_REVIEW_STATES), **ties}
        case "checks":
            completed = rows["status"].eq(_COMPLETED)
            return {"most_final": completed, "most_recent": rows["completed_at"], **ties}
        case "forge_deployments" | "workflow_runs":
            who = "actor" if name == "workflow_runs" else "creator"
            return {"most_recent": rows["updated_at"], "most_told": rows[who].notna(), **ties}
        case "cluster_access":
            return {"most_complete": rows["stage_rank"], **ties}
        case _:
            return ties
