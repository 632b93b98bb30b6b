"""Tips of default branches that earlier runs recorded, and whether the branch still reaches them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from audit.settings import Repository
from audit.tables import BranchTips, conform

_SEEN = ["repo", "ref", "sha", "seen_at", "manifest"]


def seen_tips(
    seen: Iterable[Mapping[str, object]],
    repositories: pd.DataFrame,
    settings: Iterable[Repository] = (),
) -> pd.DataFrame:
    """What earlier runs saw of the default branches, under the names that they have and had.

    Args:
        seen: repo, ref, sha, seen_at and manifest of every tip; see `audit.evidence.manifest.tips_seen`.
        repositories: `Repositories`: a repository that was not read has no default branch to compare with.
        settings: those that name former branches.

    Returns:
        `_SEEN`: str, but seen_at datetime64[us, UTC].
    """
    former = {one.name: one.former_branches for one in settings}
    refs = {
        (repo, f"refs/heads/{name}")
        for repo, branch in zip(repositories["repo"], repositories["branch"], strict=True)
        for name in (branch, *former.get(repo, ()))
    }
    rows = [[one[name] for name in _SEEN] for one in seen if (one["repo"], one["ref"]) in refs]
    found = pd.DataFrame(rows, columns=_SEEN)
    return found.astype(dict.fromkeys(_SEEN, "str") | {"seen_at": "datetime64[us, UTC]"})


def branch_tips(seen: pd.DataFrame, commits: pd.DataFrame) -> pd.DataFrame:
    """`BranchTips`: the first sight of each tip, and whether its default branch still holds it.

    Args:
        seen: repo, ref, sha, manifest (str) and seen_at (datetime64[us, UTC]), any number of sights of each.
        commits: `Commits`: all that default branches reach.
    """
    key = ["repo", "ref", "sha"]
    first = seen.sort_values([*key, "seen_at", "manifest"]).drop_duplicates(key)
    held = commits[["repo", "sha"]].assign(reachable=True)
    rows = first.merge(held, on=["repo", "sha"], how="left")
    return conform(BranchTips, rows.assign(reachable=rows["reachable"].eq(True).astype(bool)))
