"""Landings: one row for each change that reached the default branch. The auditor's population.

The mainline is cut into runs without a gap: those of pull requests (see `audit.git.links`), those of pushes (see
`audit.git.pushes`), and one for each commit that is left. What a landing brought in are the commits whose
`landed_by` lies in its run.

Who counts as an author: author, co-authors and committer of every commit it brought in, with three exceptions.
The forge itself. The committer of a commit that a rebase replayed, and author and committer of a merge commit
that only merges: both are whoever clicked "merge", who may well be the reviewer. A merge commit with content of its
own, or without a pull request, is somebody's work, and so are commits that were pushed as they are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit import tables as t
from audit.git import links, pushes
from audit.git.lookup import look_up
from audit.model import Confidence, LandingKind, Link, Via

Tables = dict[str, pd.DataFrame]

_NO_PATCHES = pd.DataFrame(
    {"repo": pd.Series(dtype="str"), "number": pd.Series(dtype="Int64"), "sha": pd.Series(dtype="str")}
)


def find(
    git: Tables,
    pull_requests: pd.DataFrame,
    git_operations: pd.DataFrame,
    *,
    forge_complete: bool,
    patches: pd.DataFrame | None = None,
) -> Tables:
    """Every landing of every repository, and the pull requests of each.

    Args:
        git: the tables of `audit.git.history.read`, of any number of repositories.
        pull_requests: deduplicated pull requests; empty when there is no evidence of the forge.
        git_operations: the forge's record of pushes; may be empty.
        forge_complete: the evidence holds every pull request of these repositories.
        patches: repo, number, sha of mainline commits with a pull request's patch; see `audit.git.patches`.

    Returns:
        The tables landings and landing_pulls.
    """
    patches = _NO_PATCHES if patches is None else patches
    known = git["repositories"][git["repositories"]["mainline"] > 0]
    found = [
        _of_repository(
            {name: _of(git[name], repo) for name in ("commits", "file_changes", "merge_content")},
            _of(pull_requests, repo),
            _of(git_operations, repo),
            _of(patches, repo),
            branch,
            complete=forge_complete,
        ).assign(repo=repo)
        for repo, branch in zip(known["repo"].tolist(), known["branch"].tolist(), strict=True)
    ]
    rows = pd.concat(found, ignore_index=True) if found else t.empty(t.Landings)
    held = rows[rows["pr_number"].notna()]
    return {"landings": t.conform(t.Landings, rows), "landing_pulls": t.conform(t.LandingPulls, held)}


def _of(table: pd.DataFrame, repo: str) -> pd.DataFrame:
    return table[table["repo"] == repo]


def mainline(commits: pd.DataFrame) -> pd.DataFrame:
    """The mainline commits of one repository in order; the row number is the position. See `audit.git.links`."""
    main = commits[commits["position"].notna()].sort_values("position", ignore_index=True)
    return pd.DataFrame(
        {
            "position": main["position"].astype("int64"),
            "sha": main["sha"],
            "parents": main["parents"].str.count(r"\S+").astype("int64"),
            "subject": main["subject"],
            "forge": links.is_forge(main["committer_name"], main["committer_email"]).astype(bool),
            "committer_time": main["committer_time"],
        }
    )


def _of_repository(
    git: Tables,
    pulls: pd.DataFrame,
    operations: pd.DataFrame,
    patches: pd.DataFrame,
    branch: str,
    *,
    complete: bool,
) -> pd.DataFrame:
    main = mainline(git["commits"])
    placed = pushes.placed(operations, main, branch)
    linked = links.find(main, pulls, branch, patches=patches, complete=complete)
    rows = _runs(main, links.kinds(main, linked, placed), placed)
    head = main.iloc[rows["position"].to_numpy()].reset_index(drop=True)
    rows["head_sha"], rows["subject"] = head["sha"], head["subject"]
    rows["base_sha"] = look_up(rows["first_position"] - 1, main["sha"])
    rows = _times(rows, head["committer_time"], placed)
    owner = np.repeat(rows.index.to_numpy(), rows["position"] - rows["first_position"] + 1)
    commits = git["commits"].assign(landing=owner[git["commits"]["landed_by"].to_numpy(np.int64)])
    evil = set(git["merge_content"]["sha"])
    rows["evil"] = commits["sha"].isin(evil).groupby(commits["landing"]).any()
    rows["commits"] = commits.groupby("landing").size()
    rows["mainline_commits"] = rows["position"] - rows["first_position"] + 1
    rows["authors"] = _authors(rows, commits)
    rows["reverts"] = _reverts(rows, commits)
    rows["via"] = np.where(rows["kind"] == LandingKind.DIRECT, Via.PUSH.value, Via.PULL_REQUEST.value)
    rows[["change", "reinstates", "picks"]] = None
    return _with_files(rows, git["file_changes"], commits)


def _runs(main: pd.DataFrame, linked: pd.DataFrame, placed: pd.DataFrame) -> pd.DataFrame:
    """The mainline cut into landings, in order: those of pull requests and the direct ones between them."""
    taken = np.zeros(len(main) + 1, dtype=np.int64)
    np.add.at(taken, linked["first_position"].to_numpy(np.int64), 1)
    np.add.at(taken, linked["position"].to_numpy(np.int64) + 1, -1)
    direct = pushes.group(main[np.cumsum(taken)[:-1] == 0], placed)
    direct = direct.assign(
        kind=LandingKind.DIRECT.value, link=Link.NONE.value, confidence=Confidence.NONE.value
    )
    linked = linked.assign(at=linked["merged_at"], actor=linked["merged_by"], pr_number=linked["number"])
    both = [part for part in (linked, direct) if len(part)]
    rows = pd.concat(both).sort_values("position", ignore_index=True)
    return rows.reindex(columns=[*rows.columns.union(["pr_number", "merge_sha", "pr_head"], sort=False)])


def _times(rows: pd.DataFrame, committed: pd.Series, placed: pd.DataFrame) -> pd.DataFrame:
    """When each landed and by whom: by the pull request or push, else by any operation that ended in it."""
    ends = (
        placed.dropna(subset=["after_position"]).drop_duplicates("after_position").set_index("after_position")
    )
    places = rows["position"].astype("Int64")
    at = rows["at"].astype("datetime64[us, UTC]").fillna(look_up(places, ends["at"]))
    return rows.assign(
        landed_at=at.fillna(committed),
        landed_at_source=np.where(at.notna(), "forge", "committer"),
        pusher=rows["actor"].astype("str").fillna(look_up(places, ends["actor"])),
    )


def _authors(rows: pd.DataFrame, commits: pd.DataFrame) -> pd.Series:
    """E-mails of everyone whose work a landing is, lower case, sorted, separated by spaces; never empty."""
    of = rows.loc[commits["landing"]].set_index(commits.index)
    on_mainline = commits["position"].notna()
    is_merge = commits["parents"].str.contains(" ")
    only_merges = (of["kind"] == LandingKind.MERGE) & on_mainline & is_merge & ~of["evil"].astype(bool)
    replayed = (
        (of["kind"] == LandingKind.REBASE) & on_mainline & ~(of["pr_head"] == of["head_sha"]).fillna(False)
    )
    forge = links.is_forge(commits["committer_name"], commits["committer_email"])
    parts = [
        commits.loc[~only_merges, ["landing", "author_email"]],
        commits.loc[~only_merges & ~replayed & ~forge, ["landing", "committer_email"]],
        commits.loc[commits["co_authors"] != "", ["landing", "co_authors"]],
    ]
    named = _joined(pd.concat([part.set_axis(["landing", "email"], axis=1) for part in parts]))
    return named.reindex(rows.index).fillna(
        _joined(commits[["landing", "author_email"]].set_axis(["landing", "email"], axis=1))
    )


def _joined(people: pd.DataFrame) -> pd.Series:
    people = people.assign(email=people["email"].str.lower().str.split()).explode("email").dropna()
    people = people.drop_duplicates().sort_values(["landing", "email"])
    return people.groupby("landing")["email"].agg(" ".join)


def _reverts(rows: pd.DataFrame, commits: pd.DataFrame) -> pd.Series:
    """Head of the landing that each says it reverts: its last commit's word first, then its oldest one's."""
    said = commits[commits["reverts"].notna()]
    said = said.assign(target=look_up(said["reverts"], commits.set_index("sha")["landing"].astype("Int64")))
    said = said[said["target"].notna() & (said["target"] != said["landing"])]
    said = said.assign(inner=~said["sha"].isin(rows["head_sha"])).sort_values(
        ["landing", "inner", "committer_time", "sha"]
    )
    target = said.drop_duplicates("landing").set_index("landing")["target"].astype("int64")
    return look_up(target, rows["head_sha"]).reindex(rows.index)


def _with_files(rows: pd.DataFrame, changes: pd.DataFrame, commits: pd.DataFrame) -> pd.DataFrame:
    landing = look_up(changes["sha"], commits.set_index("sha")["landing"].astype("Int64"))
    grouped = changes.groupby(landing)
    return rows.assign(
        files=grouped["path"].nunique().reindex(rows.index).fillna(0),
        added=grouped["added"].sum().reindex(rows.index).fillna(0),
        deleted=grouped["deleted"].sum().reindex(rows.index).fillna(0),
    )
