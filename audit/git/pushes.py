"""Which push brought each direct mainline commit, by the forge's own record of the default branch."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from audit.git.links import BY_HAND
from audit.git.lookup import look_up

_ZEROS = r"^0+$"


def placed(operations: pd.DataFrame, main: pd.DataFrame, branches: tuple[str, ...]) -> pd.DataFrame:
    """Operations on the default branch with `before_position` and `after_position` (Int64), by time.

    A branch that is made comes from position -1. A commit that is not on the mainline (any more) has no position.

    Args:
        operations: git operations of this repository.
        main: sha and position of the mainline.
        branches: names that the default branch has or had.
    """
    refs = [f"refs/heads/{branch}" for branch in branches]
    own = operations[operations["ref"].isin(refs)].sort_values(["at", "operation_id"])
    places = main.set_index("sha")["position"].astype("Int64")
    before = look_up(own["before"], places).mask(own["before"].str.match(_ZEROS), -1)
    return own.assign(before_position=before, after_position=look_up(own["after"], places))


def group(direct: pd.DataFrame, operations: pd.DataFrame) -> pd.DataFrame:
    """Direct commits grouped into landings: one for each push, or for each commit no push is known of.

    Commits of one push between which a pull request's commits lie are several landings: a landing is a run of
    the mainline.

    Args:
        direct: position (int64) of the mainline commits that belong to no pull request, ascending.
        operations: see `placed`.

    Returns:
        first_position, position (int64), at (datetime64[us, UTC]) and actor (str), both missing without a push.
    """
    pushes = _ranges(operations)
    rows = pd.merge_asof(
        direct[["position"]].astype("int64").sort_values("position"),
        pushes,
        left_on="position",
        right_on="after_position",
        direction="forward",
    )
    inside = rows["after_position"].notna() & (rows["position"] > rows["before_position"])
    push = rows["push"].where(inside, -1 - rows["position"]).astype("int64")
    run = ((push != push.shift()) | (rows["position"] != rows["position"].shift() + 1)).cumsum()
    rows = rows.assign(at=rows["at"].where(inside), actor=rows["actor"].where(inside))
    return rows.groupby(run, sort=True).agg(
        first_position=("position", "min"),
        position=("position", "max"),
        at=("at", "first"),
        actor=("actor", "first"),
    )


def _ranges(operations: pd.DataFrame) -> pd.DataFrame:
    """What each push put on the mainline: positions after `before_position` up to `after_position` (int64).

    After a rewrite of history the commit before is not on the mainline: the push then reaches back to where the
    forge last left the branch, or, when it recorded nothing before, over its last commit alone.
    """
    known = operations.dropna(subset=["after_position"])
    after = known["after_position"].astype("int64")
    earlier = after.shift().where(after.shift() < after, after - 1)
    before = known["before_position"].astype("Float64").fillna(earlier.astype("Float64")).astype("int64")
    ranges = known.assign(before_position=before, after_position=after, push=np.arange(len(known)))
    ranges = ranges[ranges["operation"].isin(BY_HAND) & (before < after)]
    ranges = ranges.drop_duplicates("after_position").sort_values("after_position")
    return ranges[["after_position", "before_position", "push", "at", "actor"]]


def by_hand(operations: pd.DataFrame, size: int) -> np.ndarray:
    """Which of `size` mainline places a person's own push brought there, as the forge recorded it (bool).

    Args:
        operations: see `placed`.
    """
    pushed = np.zeros(size, dtype=bool)
    ranges = _ranges(operations)
    for before, after in zip(ranges["before_position"], ranges["after_position"], strict=True):
        pushed[max(int(before) + 1, 0) : int(after) + 1] = True
    return pushed


def queued(
    operations: pd.DataFrame, refs: pd.Series, branches: tuple[str, ...]
) -> tuple[pd.DataFrame, set[int]]:
    """What the forge's merge queue put on the mainline.

    Args:
        operations: see `placed`.
        refs: every ref that the forge recorded an operation on: the queue tests each pull request on one of its own.

    Returns:
        before_position and after_position (int64) of the queue's merges, and the pull requests that it tested.
    """
    merges = operations[operations["operation"] == "merge_queue_merge"].dropna(subset=["after_position"])
    after = merges["after_position"].astype("int64")
    before = merges["before_position"].fillna(merges["after_position"] - 1).astype("int64")
    tested = {
        int(number)
        for branch in branches
        for number in refs.str.extract(
            rf"^refs/heads/gh-readonly-queue/{re.escape(branch)}/pr-(\d{{1,18}})-"
        )[0].dropna()
    }
    return pd.DataFrame({"before_position": before, "after_position": after}), tested
