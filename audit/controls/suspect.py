"""Evidence that contradicts itself: rewritten, shrunk, or given for two clusters."""

from __future__ import annotations

import pandas as pd

from audit.controls.custody import OBJECT, concerned
from audit.controls.interface import Context, Gap, Tables

_SHOWN = 3  # objects named in a gap about several


def rewritten(objects: pd.DataFrame, tables: Tables, context: Context) -> pd.DataFrame:
    """Evidence objects of the quarter whose bytes the source replaced by others that do not begin with them.

    Returns:
        rows of `objects` with `at` (the first time in the quarter that one of its records speaks of).
    """
    known = concerned(tables, context).dropna(subset=["at"])[[*OBJECT, "at"]].drop_duplicates(OBJECT)
    return objects[objects["replaced_by"].notna()].merge(known, on=OBJECT)


def shrunk(objects: pd.DataFrame, tables: Tables, context: Context, what: str) -> list[Gap]:
    """A gap for each export that was replaced, under its own key, by one with fewer records.

    Exports are made again and again: what the new one lacks is kept, but somebody or something took it back.
    """
    every = tables["evidence_objects"][["source_name", "sha256", "records"]]
    later = every.drop_duplicates(["source_name", "sha256"])
    later = later.rename(columns={"sha256": "replaced_by", "records": "later"})
    rows = rewritten(objects, tables, context).merge(later, on=["source_name", "replaced_by"])
    rows = rows[rows["later"] < rows["records"]].sort_values(["source_name", "key", "sha256"])
    return [
        Gap(f"{what}: an export of {old} records ({one}) was replaced by one of {new} ({other})")
        for old, one, new, other in zip(
            rows["records"], rows["sha256"], rows["later"], rows["replaced_by"], strict=True
        )
    ]


def shared(objects: pd.DataFrame, every: pd.DataFrame, scope: Gap) -> list[Gap]:
    """A gap when the very bytes that are evidence of one cluster are given for another too.

    Args:
        objects: of the cluster that `scope` names; every: of all clusters.
    """
    others = every[every["cluster"].notna() & every["cluster"].ne(str(scope.cluster))]
    twice = objects[objects["sha256"].isin(others["sha256"])]
    if twice.empty:
        return []
    names = sorted(set(others.loc[others["sha256"].isin(twice["sha256"]), "cluster"]))
    return [
        Gap(
            f"{scope.text}: the same bytes are given as evidence of {', '.join(names)} too: {_named(twice['sha256'])}",
            cluster=scope.cluster,
        )
    ]


def _named(digests: pd.Series) -> str:
    """The first of some sha256, in order."""
    distinct = sorted(set(digests))
    return ", ".join(distinct[:_SHOWN]) + (", …" if len(distinct) > _SHOWN else "")
