"""When a change arrived where: the first successful deployment of its mainline place, or of a later one."""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Tables

TARGET = ["repo", "app", "environment"]


def finished(tables: Tables) -> pd.DataFrame:
    """Successful deployments, of charts too, with `done_at` (finished, else started)."""
    rows = tables["deployments"]
    rows = rows[rows["status"].eq("succeeded")]
    return rows.assign(done_at=rows["finished_at"].fillna(rows["started_at"])).reset_index(drop=True)


def successes(tables: Tables) -> pd.DataFrame:
    """Successful deployments from the mainline, with `done_at` (finished, else started); `position` is int64."""
    rows = finished(tables)
    rows = rows[rows["position"].notna()]
    return rows.astype({"position": "int64"}).reset_index(drop=True)


def arrived(places: pd.DataFrame, done: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """`places` with `arrived_at`: when the first deployment of their mainline place or a later one was done.

    Args:
        places: `by` and `position`. done: `by`, `position` (int64) and `done_at`.
        by: what a deployment must have in common with a place.

    Returns:
        `places`, `arrived_at` missing where no deployment came so far.
    """
    order = done.sort_values([*by, "position"], ascending=False, kind="stable")
    first = order.assign(arrived_at=order.groupby(by)["done_at"].cummin())
    wanted = places.assign(place=places["position"].astype("int64"), row=range(len(places)))
    found = pd.merge_asof(
        wanted[[*by, "place", "row"]].sort_values("place", kind="stable"),
        first[[*by, "position", "arrived_at"]].sort_values("position", kind="stable"),
        left_on="place",
        right_on="position",
        by=by,
        direction="forward",
    )
    times = found.sort_values("row")["arrived_at"]
    return places.assign(arrived_at=times.astype("datetime64[us, UTC]").to_numpy()).assign(
        arrived_at=lambda rows: pd.to_datetime(rows["arrived_at"], utc=True).astype("datetime64[us, UTC]")
    )
