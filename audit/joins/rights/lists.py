"""Lists of rights as they were made: which right stands in which of them. A list is all that one export tells at a time.

A list has no time of its own: its evidence object has, or the settings say when its source was exported. Objects whose keys
differ but in numbers and dates (`2026-07-01/page-0002.json`) are told as one list when they were made together, and as one
after the other otherwise; a right that stands in the next one no more is gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pandas as pd

from audit.joins.rights.shapes import KEY, LISTED, stamped
from audit.settings import Settings

_PAGE = r"/page-(\d+)\.json$"
"""How `audit collect github` names the pages of a list."""
_FULL = 100
"""Items of a page that another one follows."""
_TOGETHER = pd.Timedelta(hours=6)
"""Objects of one export are made within so long of each other."""


def made(objects: pd.DataFrame, settings: Settings, formats: Iterable[str]) -> pd.DataFrame:
    """When evidence objects with readable records of some formats were made, where that is known.

    Returns:
        `evidence` (str), `source_name`, `part` (str: key without its numbers), `cluster`, `repos`, `made`
        (datetime64[us, UTC]), `page` (int64: of a list that GitHub's API gave, from 1; 0 for all else) and `full` (bool).
    """
    wanted = set(formats)
    holds = [bool(wanted & {one.strip() for one in names.split(",")}) for names in objects["format"]]
    rows = objects[pd.Series(holds, index=objects.index, dtype=bool)]
    rows = rows[rows["records"] > rows["quarantined"]]
    when = stamped(rows, settings)
    walked = rows["source_name"].isin([source.name for source in settings.sources if source.kind == "github"])
    page = rows["key"].str.extract(_PAGE, expand=False).where(walked)
    part = rows["key"].str.replace(r"\d+", "", regex=True)
    part = part.mask(
        page.notna(), rows["key"].str.replace(_PAGE, "", regex=True)
    )  # a team's name may hold numbers
    found = pd.DataFrame(
        {
            "evidence": rows["sha256"],
            "source_name": rows["source_name"],
            "part": part,
            "cluster": rows["cluster"],
            "repos": rows["repos"],
            "made": when,
            "page": page.fillna("0").astype("int64"),
            "full": rows["records"].ge(_FULL).astype(bool),
        }
    )
    return found[found["made"].notna()].reset_index(drop=True)


def standing(dated: pd.DataFrame) -> pd.DataFrame:
    """Which objects make up each list (`evidence`, `source_name`, `part`, `made`): one may stand in several.

    Of a list that GitHub's API gives in pages, only those that have changed are brought again: what the others hold still stands, as
    far as the pages before them are full.

    Args:
        dated: `made` of the objects.
    """
    columns = ["evidence", "source_name", "part", "made"]
    paged = dated.groupby(["source_name", "part"])["page"].transform("max").gt(1).astype(bool)
    parts = [dated.loc[~paged, columns]]
    parts += [_paged(pages)[columns] for _, pages in dated[paged].groupby(["source_name", "part"], sort=True)]
    return pd.concat(parts, ignore_index=True)


def _paged(pages: pd.DataFrame) -> pd.DataFrame:
    """The pages that stand in each list of one part, whenever they were brought. One that a later look found unchanged has the time of
    that look: where nothing older is known of a page, it stood so before.
    """
    pages = pages.sort_values(["made", "page", "evidence"], kind="stable", ignore_index=True)
    times = pages.groupby(pages["made"].diff().gt(_TOGETHER).cumsum())["made"].max()
    versions = dict(iter(pages.groupby("page")))
    found = []
    for at in times:
        highest = pages.loc[pages["made"].le(at), "page"].max()
        for number in range(1, int(pages["page"].max()) + 1):
            own = versions.get(number)
            older = None if own is None else own[own["made"].le(at)]
            if own is None or older is None or (older.empty and number > highest):
                break
            page = own.iloc[[0]] if older.empty else older.iloc[[-1]]
            found.append(page.assign(made=at))
            if not page["full"].iloc[0]:
                break
    return pd.concat(found, ignore_index=True) if found else pages.iloc[:0]


def numbered(rows: pd.DataFrame, dated: pd.DataFrame, before: pd.Timestamp) -> pd.DataFrame:
    """Rights (`LISTED`) in each list made before a moment: with `stream`, `number` (from 0, in order) and `made`.

    Args:
        dated: `made` of the objects.
        before: lists made at or after it are left out: they tell nothing of what is judged.
    """
    dated = standing(dated)
    dated = dated[dated["made"].lt(before)]
    found = rows.merge(dated[["evidence", "part", "made"]], on="evidence")
    found = found.assign(stream=found["system_kind"] + "|" + found["system"] + "|" + found["part"])
    lists = found[["stream", "made"]].drop_duplicates().sort_values(["stream", "made"], ignore_index=True)
    apart = lists["made"].diff().gt(_TOGETHER) & lists["stream"].eq(lists["stream"].shift())
    lists["number"] = apart.groupby(lists["stream"]).cumsum().astype("int64")
    found = found.merge(lists, on=["stream", "made"])
    found["made"] = found.groupby(["stream", "number"])["made"].transform("max")
    found = found.assign(right_id=ids(found))
    found = found.sort_values(["stream", "right_id", "number", "evidence", "line"], kind="stable")
    return found.drop_duplicates(["stream", "right_id", "number"]).reset_index(drop=True)


def ids(rows: pd.DataFrame) -> pd.Series:
    """The lasting id of each right (str): of who holds what where, and by which way; of nothing that changes meanwhile."""
    parts = rows[KEY].astype("str")
    codes = parts.groupby(KEY, sort=False).ngroup()
    distinct = parts.assign(code=codes).drop_duplicates("code").set_index("code")
    named = {
        code: "R-" + hashlib.sha256("\0".join(values).encode(errors="surrogatepass")).hexdigest()[:16]
        for code, values in zip(distinct.index, distinct[KEY].itertuples(index=False, name=None), strict=True)
    }
    return codes.map(named).astype("str")


def together(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Rights from several tables as one frame of the columns `LISTED`, typed; what a part does not say is empty or missing."""
    found = []
    for part in parts:
        whole = part.reindex(columns=list(LISTED))
        blank = {
            name: False if dtype == "bool" else ""
            for name, dtype in LISTED.items()
            if dtype in ("bool", "str")
        }
        blank.pop("template")
        found.append(whole.astype(object).fillna(blank).astype(LISTED))
    return pd.concat(found, ignore_index=True)
