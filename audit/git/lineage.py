"""Which landing a landing takes back, brings back, or copies.

Rows are landings of one repository in order of the mainline, so that their row numbers can be compared: only what
landed earlier can be taken back or copied. A message's word comes first (that of the landing's last commit, then that
of its oldest one); where no message says anything, a patch does that is the same as an earlier one's, or its inverse.
"""

from __future__ import annotations

from bisect import bisect_left

import pandas as pd
import pyarrow
import pyarrow.compute as pc

from audit.git.lookup import look_up

TWINS = pd.DataFrame({name: pd.Series(dtype="str") for name in ("repo", "sha", "other", "relation")})
"""No twins: repo, sha, other (an earlier commit) and relation, `same` or `inverse`; see `audit.git.patches.twins`."""


def find(
    rows: pd.DataFrame, commits: pd.DataFrame, twins: pd.DataFrame, strays: pd.DataFrame
) -> pd.DataFrame:
    """`reverts`, `reinstates` and `picks` of each landing: heads of earlier landings, missing where there is none.

    Args:
        rows: head_sha and mainline_commits of landings, numbered by their place.
        commits: sha, committer_time, reverts, picked and landing (int64, row of the landing that brought it in).
        twins: sha, other, relation; only those of landings of one mainline commit are used.
        strays: sha of commits that are not among `commits`, and landing of a pull request that holds each.
    """
    off = strays.sort_values(["sha", "landing"]).drop_duplicates("sha").set_index("sha")["landing"]
    landing = pd.concat([commits.set_index("sha")["landing"], off]).astype("Int64")
    shas = _Sorted(landing.index)
    whole = commits["reverts"].map(lambda said: _whole(said, shas), na_action="ignore").astype("str")
    reverts = _said(rows, commits.assign(target=look_up(whole, landing)))
    picks = _said(rows, commits.assign(target=look_up(commits["picked"], landing)))
    single = rows.index[rows["mainline_commits"] == 1]
    pairs = twins.assign(
        landing=look_up(twins["sha"], landing), target=look_up(twins["other"], landing)
    ).dropna(subset=["landing", "target"])
    pairs = pairs[pairs["landing"].isin(single) & pairs["target"].isin(single)]
    pairs = pairs[pairs["target"] < pairs["landing"]].drop_duplicates(["landing", "relation"])
    told = reverts.notna() | picks.notna()
    reverts = reverts.fillna(_twin(rows, pairs, "inverse").mask(told))
    picks = picks.fillna(_twin(rows, pairs, "same").mask(told | reverts.notna()))
    reinstates = _reinstated(reverts)
    targets = {"reverts": reverts, "reinstates": reinstates, "picks": picks}
    heads = rows["head_sha"].set_axis(rows.index.astype("Int64"))
    return pd.DataFrame({name: look_up(target, heads) for name, target in targets.items()})


class _Sorted:
    """Distinct texts in order, for bisection: they stay in Arrow's memory, a fifth of what Python's objects take."""

    def __init__(self, texts: pd.Index) -> None:
        found = pyarrow.array(texts.to_series().astype("str"), pyarrow.large_string())
        self._texts = found.take(pc.sort_indices(found))

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, place: int) -> str:
        return str(self._texts[place])

    def between(self, start: int, end: int) -> list[str]:
        found: list[str] = self._texts[start:end].to_pylist()
        return found


def _whole(said: str, shas: _Sorted) -> str | None:
    """The one commit whose id begins with `said`; None where there is none, or several."""
    place = bisect_left(shas, said)
    found = [sha for sha in shas.between(place, place + 2) if sha.startswith(said)]
    return found[0] if len(found) == 1 else None


def _said(rows: pd.DataFrame, commits: pd.DataFrame) -> pd.Series:
    """Row of the earlier landing that each landing's commits name (Int64)."""
    said = commits[commits["target"].notna()]
    said = said[said["target"] < said["landing"]]
    said = said.assign(inner=~said["sha"].isin(rows["head_sha"])).sort_values(
        ["landing", "inner", "committer_time", "sha"]
    )
    return said.drop_duplicates("landing").set_index("landing")["target"].reindex(rows.index).astype("Int64")


def _twin(rows: pd.DataFrame, pairs: pd.DataFrame, relation: str) -> pd.Series:
    found = pairs[pairs["relation"] == relation].astype({"landing": "int64"}).set_index("landing")["target"]
    return found.reindex(rows.index).astype("Int64")


def _reinstated(reverts: pd.Series) -> pd.Series:
    """Row of the landing whose change is back (Int64): where a chain of reverts has an even length.

    A revert of a revert brings back what the first one took; one more takes it back again.
    """
    origin: dict[int, tuple[int, int]] = {}
    back: dict[int, int] = {}
    for landing, target in reverts.dropna().items():
        first, length = origin.get(int(target), (int(target), 0))
        origin[int(str(landing))] = first, length + 1
        if length % 2:
            back[int(str(landing))] = first
    return pd.Series(back, dtype="Int64").reindex(reverts.index)
