"""Commits that are the same patch: of a pull request, or of an earlier commit of the mainline, or of its inverse.

Pull requests are found again by their patch where the forge does not name the commit that a merge made: merged ones
without a merge commit in evidence, and those that a merge robot closed, as long as the repository still has their last
commit (a mirror has `refs/pull/*`). The patch of the whole pull request, from where it left the mainline, is compared
with those of the mainline's single-parent commits: that is what a squash leaves, or a rebase of one commit.

A commit of the mainline that undoes an earlier one has its inverse patch; one that copies it has the same. Only those
are compared that touch the same files by the same numbers of lines, and only the latest of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from pandas.util import hash_pandas_object

from audit.git.robots import closed_by_robot
from audit.sources import git_command
from audit.sources.git_view import view

_TWINS = ["repo", "sha", "other", "relation"]
_LATEST, _TRIES, _LINES = 20_000, 8, 20_000
_PLAIN = (
    "--no-textconv", "--no-ext-diff", "--no-color", "--full-index", "--no-renames", "--src-prefix=x/", "--dst-prefix=x/",
)  # fmt: skip


def find(path: Path, *, repo: str, commits: pd.DataFrame, pulls: pd.DataFrame) -> pd.DataFrame:
    """Mainline commits with the patch of a pull request.

    Args:
        path: mirror of the repository.
        commits: the table commits; those of `repo` are used.
        pulls: the table pull_requests; likewise.

    Returns:
        repo (str), number (Int64), sha (str), as `audit.git.landings.find` takes them; a patch that several
        mainline commits have is in none of its rows: it does not tell which.

    Raises:
        IntegrityError: git could not read an object.
    """
    empty = pd.DataFrame({"repo": [], "number": [], "sha": []}).astype(
        {"repo": "str", "number": "Int64", "sha": "str"}
    )
    nameless = (pulls["merged_at"].notna() & pulls["merge_sha"].isna()) | closed_by_robot(pulls)
    wanted = pulls[(pulls["repo"] == repo) & nameless]
    main = commits[(commits["repo"] == repo) & commits["position"].notna()].sort_values("position")
    if wanted.empty or main.empty:
        return empty
    single = main.loc[~main["parents"].str.contains(" "), "sha"]
    with view(path) as seen:
        ours = _of_pulls(seen, wanted, main["sha"].iloc[-1])
        if not ours:
            return empty
        landed = pd.DataFrame(_of_commits(seen, single.tolist()), columns=["patch", "sha"])
    landed = landed.drop_duplicates("patch", keep=False)
    found = pd.DataFrame(ours, columns=["patch", "number"]).merge(landed, on="patch").sort_values("number")
    return (
        found.assign(repo=repo)[["repo", "number", "sha"]]
        .astype(empty.dtypes.to_dict())
        .reset_index(drop=True)
    )


def _of_pulls(seen: Path, pulls: pd.DataFrame, tip: str) -> list[tuple[str, int]]:
    """(patch id, number) of pull requests whose last commit is there and shares history with the mainline."""
    found = []
    heads = list(zip(pulls["head_sha"].tolist(), pulls["number"].tolist(), strict=True))
    said = git_command.run(seen, "cat-file", "--batch-check", feed=(f"{sha}\n".encode() for sha, _ in heads))
    there = {line.split()[0].decode() for line in said.splitlines() if line.endswith(b"missing") is False}
    for sha, number in heads:
        base = (
            git_command.run(seen, "merge-base", tip, sha, ok=(0, 1)).decode().strip() if sha in there else ""
        )
        if base and base != sha:
            patch = git_command.run(seen, "diff-tree", "-r", "-p", *_PLAIN, base, sha)
            ids = git_command.run(seen, "patch-id", "--stable", feed=(patch,)).split()
            found += [(ids[0].decode(), int(number))] if ids else []
    return found


def twins(path: Path, *, repo: str, commits: pd.DataFrame, file_changes: pd.DataFrame) -> pd.DataFrame:
    """Mainline commits that have the patch of an earlier one, or its inverse; merges against their first parent.

    Bounded: the last `_LATEST` mainline commits are asked about, each is compared with the `_TRIES` latest that look
    like it (among as many again before them), and commits of very many lines, of renames or of binary files are left
    out.

    Args:
        path: mirror of the repository.
        commits, file_changes: the tables; those of `repo` are used.

    Returns:
        repo, sha, other and relation (str: `same` or `inverse`), the latest earlier commit for each, by sha.

    Raises:
        IntegrityError: git could not read an object.
    """
    main = commits.loc[
        (commits["repo"] == repo) & commits["position"].notna(), ["sha", "parents", "position"]
    ]
    main = main.sort_values("position").tail(2 * _LATEST)
    changes = file_changes[(file_changes["repo"] == repo) & file_changes["sha"].isin(main["sha"])]
    pairs = _alike(main, changes[["sha", "path", "status", "added", "deleted"]])
    first = {
        sha: parents.split(" ")[0]
        for sha, parents in zip(main["sha"], main["parents"], strict=True)
        if parents
    }
    lines = [
        f"{sha} {first[sha]}" if sha in first else sha
        for sha in pd.unique(pairs[["sha", "other"]].to_numpy().ravel())
    ]
    undone = pairs.loc[pairs["relation"] == "inverse", "sha"].unique()
    back = [f"{sha} {first[sha]}" if sha in first else sha for sha in undone]
    if pairs.empty:
        return pairs.drop(columns="position").assign(repo=repo)[_TWINS]
    with view(path) as seen:
        ids = {sha: patch for patch, sha in _of_commits(seen, lines)}
        inverse = {sha: patch for patch, sha in _of_commits(seen, back, "-R")}
    own = pairs["sha"].map(inverse).where(pairs["relation"] == "inverse", pairs["sha"].map(ids))
    found = pairs[own.notna() & (own == pairs["other"].map(ids))]
    found = found.sort_values(["sha", "relation", "position"]).drop_duplicates(
        ["sha", "relation"], keep="last"
    )
    return found.assign(repo=repo)[_TWINS].astype("str").reset_index(drop=True)


def _alike(main: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """Pairs of commits worth comparing: sha, other, relation (str), position (int64) of the other."""
    plain = changes["status"].isin(list("AMD")) & changes["added"].notna() & changes["deleted"].notna()
    added, deleted = changes["added"].fillna(0).astype("int64"), changes["deleted"].fillna(0).astype("int64")
    marks = pd.DataFrame(
        {
            "sha": changes["sha"],
            "plain": plain.astype(bool),
            "lines": added + deleted,
            "look": _mark(changes["path"], added, deleted),
            "inverse": _mark(changes["path"], deleted, added),
        }
    ).groupby("sha", sort=False)
    looks = marks.agg(
        plain=("plain", "all"), lines=("lines", "sum"), look=("look", "sum"), inverse=("inverse", "sum")
    )
    looks = looks[looks["plain"] & (looks["lines"] <= _LINES)]
    rows = main[["sha", "position"]].merge(looks.reset_index(), on="sha").sort_values("position")
    since = int(main["position"].max()) - _LATEST if len(main) else 0
    known: dict[int, list[tuple[str, int]]] = {}
    pairs: list[tuple[str, str, str, int]] = []
    for sha, position, look, inverse in zip(
        rows["sha"], rows["position"], rows["look"], rows["inverse"], strict=True
    ):
        if position >= since:
            pairs += [(sha, other, "same", place) for other, place in known.get(look, [])[-_TRIES:]]
            pairs += [(sha, other, "inverse", place) for other, place in known.get(inverse, [])[-_TRIES:]]
        known.setdefault(look, []).append((sha, int(position)))
    return pd.DataFrame(pairs, columns=["sha", "other", "relation", "position"])


def _mark(paths: pd.Series, added: pd.Series, deleted: pd.Series) -> pd.Series:
    """A number (uint64) for each file and what happened to it; those of a commit are added up."""
    return hash_pandas_object(pd.DataFrame({"path": paths, "added": added, "deleted": deleted}), index=False)


def _of_commits(seen: Path, shas: Iterable[str], *options: str) -> list[tuple[str, str]]:
    """(patch id, commit) of commits (or of `commit parent`: against that one); those without changes have none."""
    patches = git_command.stream(
        seen,
        "diff-tree",
        "--stdin",
        "-r",
        "-p",
        "--root",
        *options,
        *_PLAIN,
        feed=(f"{sha}\n".encode() for sha in shas),
    )
    ids = git_command.run(seen, "patch-id", "--stable", feed=patches)
    return [(patch.decode(), sha.decode()) for patch, sha in (line.split() for line in ids.splitlines())]
