"""Pull requests found again by their patch, where the forge does not name the commit that a merge made.

Only asked for merged pull requests without a merge commit in evidence whose last commit the repository still has
(a mirror has `refs/pull/*`). The patch of the whole pull request, from where it left the mainline, is compared with
those of the mainline's single-parent commits: that is what a squash leaves, or a rebase of one commit.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from audit.sources import git_command
from audit.sources.git_view import view

_PLAIN = ("--no-textconv", "--no-ext-diff", "--no-color", "--full-index", "--no-renames")


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
    wanted = pulls[(pulls["repo"] == repo) & pulls["merged_at"].notna() & pulls["merge_sha"].isna()]
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


def _of_commits(seen: Path, shas: list[str]) -> list[tuple[str, str]]:
    """(patch id, commit) of commits; those without changes have none."""
    patches = git_command.stream(
        seen,
        "diff-tree",
        "--stdin",
        "-r",
        "-p",
        "--root",
        *_PLAIN,
        feed=(f"{sha}\n".encode() for sha in shas),
    )
    ids = git_command.run(seen, "patch-id", "--stable", feed=patches)
    return [(patch.decode(), sha.decode()) for patch, sha in (line.split() for line in ids.splitlines())]
