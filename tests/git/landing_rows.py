"""Landings of a test's repository, and what is told of them."""

from __future__ import annotations

from typing import Any

import pandas as pd
from forge_rows import REPO, operations, pulls
from git_repo import Repo

from audit.git import history, landings, patches, strays
from audit.settings import Repository


class Found:
    """Landings after the root commit, and their pull requests; subjects stand for commits.

    Args:
        settings: keys of the repository's settings.
    """

    def __init__(
        self,
        repo: Repo,
        *pull_rows: dict[str, Any],
        pushes: tuple[dict[str, Any], ...] = (),
        complete: bool = True,
        **settings: Any,
    ) -> None:
        git = history.read(repo.path, repo=REPO, branch="main")
        evidence = pulls(*pull_rows)
        made = landings.find(
            git,
            evidence,
            operations(*pushes),
            forge_complete=complete,
            patches=patches.find(repo.path, repo=REPO, commits=git["commits"], pulls=evidence),
            twins=patches.twins(
                repo.path, repo=REPO, commits=git["commits"], file_changes=git["file_changes"]
            ),
            strays=strays.find(repo.path, repo=REPO, commits=git["commits"]),
            repositories=[Repository(name=REPO, location="x", **settings)],
        )
        rows = made["landings"]
        assert rows["first_position"].tolist() == [0, *(rows["position"][:-1] + 1)], "no gap, no overlap"
        assert rows["mainline_commits"].sum() == git["repositories"]["mainline"][0]
        assert rows["commits"].sum() == git["repositories"]["commits"][0]
        self.rows = rows.iloc[1:].reset_index(drop=True)
        self.pulls = made["landing_pulls"]
        self.subjects = dict(zip(git["commits"]["sha"], git["commits"]["subject"], strict=True))

    def told(self, *columns: str) -> list[tuple[Any, ...]]:
        """The columns of each landing, None for what is missing; heads of landings as their subjects."""
        rows = self.rows[list(columns)].astype(object)
        rows = rows.where(rows.notna(), None)
        for name in {"reverts", "reinstates", "picks", "base_sha", "head_sha"} & set(columns):
            rows[name] = pd.Series([self.subjects.get(sha) for sha in rows[name]], dtype=object)
        return list(rows.itertuples(index=False, name=None))

    def held(self, *columns: str) -> list[tuple[Any, ...]]:
        """The columns of each pull request of a landing, by number; heads of landings as their subjects."""
        rows = self.pulls.sort_values("pr_number")[list(columns)].astype(object)
        if "head_sha" in columns:
            rows["head_sha"] = rows["head_sha"].map(self.subjects.get)
        return list(rows.itertuples(index=False, name=None))
