"""Landings: one row for each change that reached the default branch. The auditor's population.

The mainline is cut into runs without a gap: those of pull requests (see `audit.git.links`) and of Gerrit's changes,
those of pushes (see `audit.git.pushes`), and one for each commit that is left. What a landing brought in are the
commits whose `landed_by` lies in its run.

`kind` is direct wherever no pull request and no reviewed change is behind a landing, whatever its commits look like;
`via` tells a branch that was merged from a push. A batch holds several pull requests: all of them are in
`landing_pulls`, with those merged on a line of history that a landing brought in later (`aside`).

Who counts as an author: see `audit.git.authors`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow

from audit import tables as t
from audit.git import authors, lineage, links, pushes, robots
from audit.git import strays as lost
from audit.git.lookup import look_up
from audit.model import Confidence, LandingKind, Link, Via
from audit.settings import Repository

Tables = dict[str, pd.DataFrame]

_NO_PATCHES = pd.DataFrame(
    {"repo": pd.Series(dtype="str"), "number": pd.Series(dtype="Int64"), "sha": pd.Series(dtype="str")}
)
_MERGES_ITSELF = r"^Merge (?:remote-tracking branch|branch|remote branch) '(?:[^'/]+/)?{branch}'"
_OPTIONAL = ["pr_number", "merge_sha", "pr_head", "change", "at", "actor"]


def find(
    git: Tables,
    pull_requests: pd.DataFrame,
    git_operations: pd.DataFrame,
    *,
    forge_complete: bool,
    patches: pd.DataFrame | None = None,
    twins: pd.DataFrame | None = None,
    strays: pd.DataFrame | None = None,
    repositories: Iterable[Repository] = (),
) -> Tables:
    """Every landing of every repository, and the pull requests of each.

    Args:
        git: the tables of `audit.git.history.read`, of any number of repositories.
        pull_requests: deduplicated pull requests; empty when there is no evidence of the forge.
        git_operations: the forge's record of pushes; may be empty.
        forge_complete: the evidence holds every pull request of these repositories.
        patches: repo, number, sha of mainline commits with a pull request's patch; see `audit.git.patches.find`.
        twins: mainline commits with the patch of an earlier one, or its inverse; see `audit.git.patches.twins`.
        strays: pull requests that hold commits which only messages name; see `audit.git.strays`.
        repositories: former names of default branches, and where changes are reviewed.

    Returns:
        The tables landings and landing_pulls.
    """
    patches = _NO_PATCHES if patches is None else patches
    twins = lineage.TWINS if twins is None else twins
    others = lost.EMPTY if strays is None else strays
    settings = {one.name: one for one in repositories}
    known = git["repositories"][git["repositories"]["mainline"] > 0]
    found, held = [], []
    for repo, branch in zip(known["repo"].tolist(), known["branch"].tolist(), strict=True):
        rows, pulls = _of_repository(
            {name: _of(git[name], repo) for name in ("commits", "file_changes", "merge_content")},
            _of(pull_requests, repo),
            _of(git_operations, repo),
            (_of(patches, repo), _of(twins, repo), _of(others, repo)),
            (branch, *(settings[repo].former_branches if repo in settings else ())),
            complete=forge_complete,
            gerrit=repo in settings and settings[repo].reviews == "gerrit",
        )
        found.append(rows.assign(repo=repo))
        held.append(pulls.assign(repo=repo))
    return {
        "landings": _table(t.Landings, found),
        "landing_pulls": _table(t.LandingPulls, held),
    }


def _table(table: type[t.Table], parts: list[pd.DataFrame]) -> pd.DataFrame:
    parts = [part for part in parts if len(part)]
    return t.conform(table, pd.concat(parts, ignore_index=True)) if parts else t.empty(table)


def _of(table: pd.DataFrame, repo: str) -> pd.DataFrame:
    return table[table["repo"] == repo]


_WHO = ["author_email", "committer_name", "committer_email"]


def mainline(commits: pd.DataFrame) -> pd.DataFrame:
    """The mainline commits of one repository in order; the row number is the position. See `audit.git.links`."""
    wanted = ["position", "sha", "parents", "subject", *_WHO, "committer_time"]
    main = commits.loc[commits["position"].notna(), wanted].sort_values("position", ignore_index=True)
    forge = links.is_forge(main["committer_name"], main["committer_email"]).astype(bool)
    robot = robots.is_robot(main["committer_email"]) | (forge & robots.is_robot(main["author_email"]))
    return pd.DataFrame(
        {
            "position": main["position"].astype("int64"),
            "sha": main["sha"],
            "parents": main["parents"].str.count(r"\S+").astype("int64"),
            "subject": main["subject"],
            "forge": forge,
            "robot": robot,
            "committer": main["committer_name"].fillna("") + " <" + main["committer_email"].fillna("") + ">",
            "committer_time": main["committer_time"],
        }
    )


def _of_repository(
    git: Tables,
    pulls: pd.DataFrame,
    operations: pd.DataFrame,
    found_in_mirror: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    branches: tuple[str, ...],
    *,
    complete: bool,
    gerrit: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Landings and their pull requests, with everything that the tables hold but `repo`."""
    patches, twins, strays = found_in_mirror
    main = mainline(git["commits"])
    placed = pushes.placed(operations, main, branches)
    landed = git["commits"].set_index("sha")["landed_by"].astype("Int64")
    pushed = pushes.by_hand(placed, len(main))
    every = links.find(main, pulls, branches, landed, patches=patches, complete=complete, pushed=pushed)
    linked = links.kinds(main, every[every["first"]].reset_index(drop=True), placed)
    changes = _changes(main, git["commits"], linked) if gerrit else linked.iloc[:0]
    rows = _runs(main, linked, changes, placed)
    head = main.iloc[rows["position"].to_numpy()].reset_index(drop=True)
    rows["head_sha"], rows["subject"] = head["sha"], head["subject"]
    rows["base_sha"] = look_up(rows["first_position"] - 1, main["sha"])
    rows = _times(rows, head["committer_time"], placed)
    rows["mainline_commits"] = rows["position"] - rows["first_position"] + 1
    rows["via"] = _via(rows, head, every, pushes.queued(placed, operations["ref"], branches), branches)
    owner = np.repeat(rows.index.to_numpy(), rows["mainline_commits"])
    commits = git["commits"].assign(landing=owner[git["commits"]["landed_by"].to_numpy(np.int64)])
    evil = set(git["merge_content"]["sha"])
    rows["evil"] = commits["sha"].isin(evil).groupby(commits["landing"]).any()
    rows["commits"] = commits.groupby("landing").size()
    pyarrow.default_memory_pool().release_unused()
    rows["authors"] = authors.of_landings(rows, commits)
    every = every.assign(landing=owner[every["position"].to_numpy(np.int64)])
    rows = rows.join(lineage.find(rows, commits, twins, strays.merge(every, on="number")))
    every = every.assign(
        head_sha=every["landing"].map(rows["head_sha"]),
        pr_number=every["number"],
        authors=authors.of_pulls(every, rows, commits),
    )
    return _with_files(rows, git["file_changes"], commits), every


def _changes(main: pd.DataFrame, commits: pd.DataFrame, linked: pd.DataFrame) -> pd.DataFrame:
    """Links to Gerrit's changes, as trailers claim: each mainline commit with a Change-Id is one.

    A merge that Gerrit made has none itself: the branch that it merged has. Reviewed-on, which Gerrit adds only in
    some of the ways in which it submits, gives the address.
    """
    named = commits[commits["change_id"].notna()].set_index("sha")
    change = named["reviewed_on"].fillna(named["change_id"])
    order = commits[commits["position"].notna()].sort_values("position", ignore_index=True)
    merged = order["parents"].str.split().str[1].astype("str")
    found = main.assign(change=look_up(order["sha"], change).fillna(look_up(merged, change)))
    found = found[found["change"].notna() & ~found["position"].isin(linked["position"])]
    return pd.DataFrame(
        {
            "position": found["position"],
            "first_position": found["position"],
            "kind": np.where(found["parents"] >= 2, LandingKind.MERGE.value, LandingKind.REBASE.value),
            "change": found["change"],
            "link": Link.CHANGE_ID.value,
            "confidence": Confidence.WEAK.value,
        }
    )


def _runs(
    main: pd.DataFrame, linked: pd.DataFrame, changes: pd.DataFrame, placed: pd.DataFrame
) -> pd.DataFrame:
    """The mainline cut into landings, in order: pull requests, Gerrit's changes, the direct ones between them."""
    linked = linked.assign(at=linked["merged_at"], actor=linked["merged_by"], pr_number=linked["number"])
    linked = pd.concat([part for part in (linked, changes) if len(part)] or [linked])
    taken = np.zeros(len(main) + 1, dtype=np.int64)
    np.add.at(taken, linked["first_position"].to_numpy(np.int64), 1)
    np.add.at(taken, linked["position"].to_numpy(np.int64) + 1, -1)
    direct = pushes.group(main[np.cumsum(taken)[:-1] == 0], placed)
    direct = direct.assign(
        kind=LandingKind.DIRECT.value, link=Link.NONE.value, confidence=Confidence.NONE.value
    )
    both = [part for part in (linked, direct) if len(part)]
    rows = pd.concat(both).sort_values("position", ignore_index=True)
    return rows.reindex(columns=[*rows.columns.union(_OPTIONAL, sort=False)])


def _via(
    rows: pd.DataFrame,
    head: pd.DataFrame,
    every: pd.DataFrame,
    queued: tuple[pd.DataFrame, set[int]],
    branches: tuple[str, ...],
) -> pd.Series:
    """Which machinery put each landing there."""
    ranges, tested = queued
    inside = np.zeros(len(rows), dtype=bool)
    place = rows["position"].to_numpy(np.int64)
    for before, after in zip(ranges["before_position"], ranges["after_position"], strict=True):
        inside[np.searchsorted(place, before, "right") : np.searchsorted(place, after, "right")] = True
    batched = every.loc[every["link"] == Link.BATCH, "position"]
    batch = rows["position"].isin(batched) | (
        head["robot"] & rows["position"].isin(robots.named(head)["position"])
    )
    queue = inside | rows["pr_number"].isin(tested).to_numpy(bool)
    itself = "|".join(_MERGES_ITSELF.format(branch=re.escape(branch)) for branch in branches)
    branch = (head["parents"] >= 2) & (rows["mainline_commits"] == 1) & ~head["subject"].str.contains(itself)
    numbered = rows["pr_number"].notna()
    return pd.Series(
        np.select(
            [rows["link"] == Link.CHANGE_ID, numbered & batch, numbered & queue, numbered, branch],
            [Via.GERRIT.value, Via.BATCH.value, Via.MERGE_QUEUE.value, Via.PULL_REQUEST.value, Via.BRANCH_MERGE.value],
            Via.PUSH.value,
        ),
        index=rows.index,
    )  # fmt: skip


def _times(rows: pd.DataFrame, committed: pd.Series, placed: pd.DataFrame) -> pd.DataFrame:
    """When each landed and by whom: by the pull request or push, else by any operation that ended in it."""
    ends = (
        placed.dropna(subset=["after_position"]).drop_duplicates("after_position").set_index("after_position")
    )
    places = rows["position"].astype("Int64")
    at = rows["at"].astype("datetime64[us, UTC]").fillna(look_up(places, ends["at"]))
    sure = at.where(rows["confidence"].isin([Confidence.CERTAIN, Confidence.NONE]))
    bounded = _between(sure, committed)
    source = np.where(bounded != committed, "mainline", "committer")
    return rows.assign(
        landed_at=at.fillna(bounded),
        landed_at_source=np.where(at.notna(), "forge", source),
        pusher=rows["actor"].astype("str").fillna(look_up(places, ends["actor"])),
    )


def _between(at: pd.Series, claimed: pd.Series) -> pd.Series:
    """`claimed` times of landings, in order, moved where the forge's times `at` of those around show that they are wrong.

    A commit lands after all before it on the mainline, and before all after it; where the forge's own times are in
    another order, nothing is moved.
    """
    before = at.cummax().ffill()
    after = at[::-1].cummin().ffill()[::-1]
    orderly = ~(before > after)
    moved = claimed.mask(orderly & (claimed < before), before)
    return moved.mask(orderly & (claimed > after), after)


def _with_files(rows: pd.DataFrame, changes: pd.DataFrame, commits: pd.DataFrame) -> pd.DataFrame:
    landing = look_up(changes["sha"], commits.set_index("sha")["landing"].astype("Int64"))
    grouped = changes.groupby(landing)
    return rows.assign(
        files=grouped["path"].nunique().reindex(rows.index).fillna(0),
        added=grouped["added"].sum().reindex(rows.index).fillna(0),
        deleted=grouped["deleted"].sum().reindex(rows.index).fillna(0),
    )
