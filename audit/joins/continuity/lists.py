"""Lists in exports that are not whole: pages that were not asked for, and lengths at which clients stop."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from audit.joins.continuity.span import OBJECT, STREAM, Span

Tables = dict[str, pd.DataFrame]

LISTED_UNASKED = {"github-cli-pulls": 30, "github-cli-runs": 20}
"""How many the forge's command line lists where nobody says how many, by format."""

_LIST = ["evidence", "format", "repo", "list", "number"]
_TIME: Literal["datetime64[us, UTC]"] = "datetime64[us, UTC]"


def short(tables: Tables, span: Span) -> pd.DataFrame:
    """Gaps of kind `cap`: lists that say, or leave open, that there is more than the export holds."""
    found = pd.concat([_cut(tables), _at_a_limit(tables)], ignore_index=True)
    found = found.assign(
        start=found["start"].fillna(span.start).astype(_TIME),
        end=found["end"].fillna(span.stop).astype(_TIME),
    )
    return span.inside(found).assign(kind="cap")


def _cut(tables: Tables) -> pd.DataFrame:
    """Lists of which no page is the last, or none the first, or which hold less than the forge counts.

    All pages of a list stand in one object: a page in another may be of another time.
    """
    rows = tables["export_lists"]
    pages = rows.assign(
        last=rows["later"].eq(False), first=~rows["earlier"].fillna(False), says=rows["later"].notna() | rows["total"].notna()
    )  # fmt: skip
    lists = pages.groupby(_LIST, dropna=False, sort=True).agg(
        held=("held", "sum"), total=("total", "max"), last=("last", "any"), first=("first", "any"),
        says=("says", "any"), paged=("later", "count"), start=("start", "min"), end=("end", "max"),
    ).reset_index()  # fmt: skip
    fewer = lists["total"].gt(lists["held"]).fillna(False)
    open_end = lists["paged"].gt(0) & ~(lists["last"] & lists["first"])
    unsaid = ~lists["says"] & lists["held"].gt(0)
    cut = lists[(fewer | open_end | unsaid).astype(bool)]
    where = cut["repo"].fillna("several repositories") + ": " + cut["list"]
    of = " of " + cut["total"].astype("str")
    held = cut["held"].astype("str") + of.where(cut["total"].notna(), "")
    more = where + " holds " + held + " in the export, and there are more"
    detail = more.mask(
        unsaid[cut.index], where + " does not say whether the " + held + " in the export are all"
    )
    return _placed(cut.assign(detail=detail), tables)


def _at_a_limit(tables: Tables) -> pd.DataFrame:
    """Objects that hold just as many records as the command line lists unless told otherwise."""
    objects = tables["evidence_objects"]
    limits = objects["format"].map(LISTED_UNASKED)
    full = objects[objects["records"].eq(limits).fillna(False).astype(bool)]
    count = full["records"].astype("str")
    detail = (
        full["key"]
        + ": holds "
        + count
        + " records, as many as are listed unless a limit is given: there may be more"
    )
    never = pd.Series(pd.NaT, index=full.index, dtype=_TIME)
    rows = full.assign(detail=detail, evidence=full["sha256"], repo=None, start=never, end=never)
    return rows[[*STREAM, "repo", "evidence", "start", "end", "detail"]].drop_duplicates()


def _placed(rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """`rows` with the source and cluster that their objects came from."""
    objects = tables["objects_by_format"][[*STREAM, *OBJECT[1:]]].drop_duplicates()
    placed = rows.merge(objects, on=["evidence", "format"])
    return placed[[*STREAM, "repo", "evidence", "start", "end", "detail"]]
