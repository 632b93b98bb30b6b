"""The list with which a quarter ended against the one with which it began: what came, what went, and since when it is there."""

from __future__ import annotations

import pandas as pd

from audit.joins.rights.shapes import SAME_WAY, TIME, Span

_LIST = ["stream", "number"]


def compared(found: pd.DataFrame, span: Span) -> pd.DataFrame:
    """One row for each right that a list of the quarter, or the one it began with, has.

    Args:
        found: as `audit.joins.rights.lists.numbered` gives it.

    Returns:
        its columns, of the last list that has the right, and `held` (boolean), `change`, `before` (str), `listed_at`,
        `compared_at` (when the list was made with which the quarter began), `first` and `prior` (when the first of the lists
        was made that have it without a break, and the one before that; missing without one).
    """
    lists = found[[*_LIST, "made"]].drop_duplicates().sort_values(_LIST, ignore_index=True)
    rows = _runs(found, lists).merge(_ends(lists, span), on="stream", how="left")
    by = ["stream", "right_id"]
    rows["in_begin"] = rows["number"].eq(rows["begin"]).fillna(False)
    rows["in_end"] = rows["number"].eq(rows["end"]).fillna(False)
    rows["between"] = rows["made"].ge(span.start)
    for name in ("in_begin", "in_end", "between"):
        rows[name] = rows[name].astype(bool).groupby([rows[column] for column in by]).transform("any")
    rows = rows[rows["in_begin"] | rows["in_end"] | rows["between"]]
    rows = rows.sort_values([*by, "number"], kind="stable").drop_duplicates(by, keep="last")
    rows["held"] = rows["in_end"].astype("boolean").mask(rows["end"].isna())
    rows["change"] = _change(rows)
    rows = rows.rename(columns={"made": "listed_at", "begin_at": "compared_at"})
    there = rows["held"].fillna(False).astype(bool)
    rows = rows.assign(_there=there).sort_values(["right_id", "_there", "listed_at", "stream"], kind="stable")
    rows = rows.drop_duplicates("right_id", keep="last")
    return _replaced(rows).drop(columns=["_there", "in_begin", "in_end", "between", "begin", "end"])


def _ends(lists: pd.DataFrame, span: Span) -> pd.DataFrame:
    """For each stream the numbers of the lists with which the quarter began and ended; missing where there is none."""
    begin = lists[lists["made"].le(span.began)].drop_duplicates("stream", keep="last")
    begin = begin.rename(columns={"number": "begin", "made": "begin_at"})
    last = lists[lists["made"].ge(span.start)].drop_duplicates("stream", keep="last")
    ends = last.merge(begin, on="stream", how="outer")
    same = ends["number"].eq(ends["begin"]).fillna(False).astype(bool)
    ends["end"] = ends["number"].astype("Int64").mask(same)
    ends["begin"] = ends["begin"].astype("Int64")
    return ends[["stream", "begin", "begin_at", "end"]]


def _runs(found: pd.DataFrame, lists: pd.DataFrame) -> pd.DataFrame:
    """`found` with `first` and `prior` of the run of lists in which each row stands."""
    made = lists.set_index(_LIST)["made"]
    rows = found.sort_values(["stream", "right_id", "number"], kind="stable").reset_index(drop=True)
    by = [rows["stream"], rows["right_id"]]
    begins = rows["number"].ne(rows["number"].groupby(by).shift() + 1)
    start = rows["number"].where(begins).groupby(by).ffill().astype("int64")
    at = pd.MultiIndex.from_arrays([rows["stream"], start], names=_LIST)
    before = pd.MultiIndex.from_arrays([rows["stream"], start - 1], names=_LIST)
    return rows.assign(
        first=pd.Series(made.reindex(at).array, index=rows.index).astype(TIME),
        prior=pd.Series(made.reindex(before).array, index=rows.index).astype(TIME),
    )


def _change(rows: pd.DataFrame) -> pd.Series:
    both = rows["begin"].notna() & rows["end"].notna()
    change = pd.Series("none", index=rows.index, dtype="str")
    change = change.mask(rows["in_end"] & ~rows["in_begin"], "added")
    change = change.mask(~rows["in_end"] & rows["in_begin"], "removed")
    change = change.mask(~rows["in_end"] & ~rows["in_begin"], "passing")
    return change.mask(~both & ~(rows["end"].notna() & change.eq("passing")), "untold")


def _replaced(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of which one took the place of one other as one, `changed`, that names the right before."""
    gone, new = (rows[rows["change"].eq(name)] for name in ("removed", "added"))
    alone = (part[~part.duplicated(SAME_WAY, keep=False)] for part in (gone, new))
    old, now = (part[[*SAME_WAY, "right_id", "right"]] for part in alone)
    pairs = now.merge(old, on=SAME_WAY, suffixes=("", "_before"))
    pairs = pairs[pairs["right_id"].ne(pairs["right_id_before"])]
    rows = rows[~rows["right_id"].isin(pairs["right_id_before"])]
    before = rows["right_id"].map(pairs.set_index("right_id")["right_before"]).astype("str")
    return rows.assign(before=before, change=rows["change"].mask(before.notna(), "changed"))


def since(rows: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """The latest moment at which each right can have been granted, how that is known, and by whom.

    Args:
        rows: as `compared` gives them.
        events: `object` (str), `at`, `by` (str: person) and `creates` (bool) of what grants rights.

    Returns:
        `since` (datetime64[us, UTC]), `since_basis` and `granted_by` (both str), with the index of `rows`.
    """
    later, known = _last(rows, events), rows["prior"].notna()
    first = _last(rows, events[events["creates"].astype(bool)])
    at, by = (later[name].where(known, first[name]) for name in ("at", "by"))
    at = at.where(~at.le(rows["prior"]).fillna(False).astype(bool))
    made = rows["created_at"].where(~rows["created_at"].le(rows["prior"]).fillna(False).astype(bool))
    made = made.where(at.isna())
    basis = pd.Series("listed", index=rows.index, dtype="str").mask(rows["prior"].isna(), "earlier")
    basis = basis.mask(made.notna(), "created").mask(at.notna(), "event")
    return pd.DataFrame(
        {
            "since": at.fillna(made).fillna(rows["first"]).astype(TIME),
            "since_basis": basis,
            "granted_by": by.where(at.notna()).astype("str"),
        }
    )


def granted(found: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Who granted each right of each list: `right_id`, `made` (of the list) and `granted_by` (str; missing where nothing says).

    Args:
        found: as `audit.joins.rights.lists.numbered` gives it.
        events: as `since` takes them.
    """
    lists = found[[*_LIST, "made"]].drop_duplicates().sort_values(_LIST, ignore_index=True)
    rows = _runs(found, lists)
    rows = rows.assign(granted_by=since(rows, events)["granted_by"])
    return rows[["right_id", "made", "granted_by"]]


def _last(rows: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """`at` and `by` of the last event that grants each right, at or before the first list that has it."""
    wanted = rows[["object", "first"]].reset_index(names="place").sort_values("first", kind="stable")
    found = pd.merge_asof(
        wanted,
        events[["object", "at", "by"]].sort_values(["at", "object"], kind="stable"),
        left_on="first",
        right_on="at",
        by="object",
        direction="backward",
    )
    return found.set_index("place")[["at", "by"]].reindex(rows.index)
