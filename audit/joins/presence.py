"""Which files the mainlines held when: from the files that each commit changed, as landings brought them."""

from __future__ import annotations

from itertools import accumulate

import pandas as pd

_PLACE = ["repo", "position"]


def arrivals(file_changes: pd.DataFrame, commits: pd.DataFrame, landings: pd.DataFrame) -> pd.DataFrame:
    """Each change of a file, with the landing that brought it.

    Returns:
        `repo`, `path` (str), `delta` (int: 1 it is there from then on, -1 it is gone, 0 it was changed), `position`
        (Int64: of the landing's last commit), `head_sha` (str) and `landed_at` (datetime64[us, UTC]), by position.
    """
    moved = file_changes[file_changes["status"].eq("R")]
    parts = [
        file_changes[["repo", "sha", "path"]].assign(
            delta=file_changes["status"].map({"A": 1, "C": 1, "R": 1, "D": -1}).fillna(0).astype("int64")
        ),
        moved[["repo", "sha"]].assign(path=moved["old_path"], delta=-1),
    ]
    places = commits[["repo", "sha", "position"]].dropna(subset=["position"])
    rows = pd.concat(parts, ignore_index=True).merge(places, on=["repo", "sha"])
    heads = landings[["repo", "head_sha", "position", "landed_at"]].rename(columns={"position": "landed"})
    rows = pd.merge_asof(
        rows.sort_values("position", kind="stable"),
        heads.sort_values("landed"),
        left_on="position",
        right_on="landed",
        by="repo",
        direction="forward",
    )
    rows = rows[rows["head_sha"].notna()]
    return rows.drop(columns="position").rename(columns={"landed": "position"}).reset_index(drop=True)


def missing(arrived: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """Spans in which something wanted was not there although what calls for it was.

    Args:
        arrived: `arrivals`.
        wanted: `repo`, `item` (what is wanted: a file, or a folder with / at its end) and `within` (folder that calls
            for it while it holds a file; empty for the repository itself).

    Returns:
        `repo`, `item`, `within`, `head_sha` (landing from which it was missing), `start` and `end` (datetime64[us, UTC];
        `end` missing while it is missing still), sorted.
    """
    rows = _concerned(arrived, wanted)
    what = ["repo", "item", "within"]
    steps = rows.groupby([*what, "position"], sort=True).agg(
        have=("have", "sum"),
        call=("call", "sum"),
        head_sha=("head_sha", "first"),
        start=("landed_at", "first"),
    )
    levels = steps[["have", "call"]].groupby(level=what).cumsum()
    steps = steps.assign(gone=levels["have"].le(0) & levels["call"].gt(0)).reset_index()
    by = [steps[column] for column in what]
    steps = steps[steps["gone"].ne(steps["gone"].groupby(by).shift())]
    by = [steps[column] for column in what]
    steps = steps.assign(end=steps["start"].groupby(by).shift(-1))
    steps = steps[steps["gone"] & ~steps["end"].eq(steps["start"])]  # what lands together was never apart
    return steps[[*what, "head_sha", "start", "end"]].reset_index(drop=True)


def _concerned(arrived: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """Each wanted thing with the changes that brought or took it (`have`) or what calls for it (`call`), both int64.

    Paths are met with the folders that they lie in, so that not every change is looked at for everything wanted.
    """
    moved = arrived[arrived["delta"].ne(0)]
    heads = _heads(moved["path"].drop_duplicates(), {*wanted["item"], *wanted["within"]})
    each = moved.merge(heads, on="path")
    sides = [
        wanted.assign(head=wanted[of]).merge(each, on=["repo", "head"]).assign(side=side)
        for of, side in (("item", "have"), ("within", "call"))
    ]
    rows = pd.concat(sides, ignore_index=True)
    return rows.assign(**{side: rows["delta"].where(rows["side"].eq(side), 0) for side in ("have", "call")})


def _heads(paths: pd.Series, wanted: set[str]) -> pd.DataFrame:
    """`path` and `head` (both str): each path with those of its folders, itself and the repository that are wanted."""
    found = [(path, head) for path in paths for head in _within(path) if head in wanted]
    return pd.DataFrame(found, columns=["path", "head"], dtype="str")


def _within(path: str) -> list[str]:
    """The repository (empty), the folders that a path lies in, each with / at its end, and the path itself."""
    folders = accumulate(path.split("/")[:-1], lambda head, name: f"{head}{name}/", initial="")
    return [*folders, path]
