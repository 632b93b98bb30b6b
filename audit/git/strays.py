"""Commits that messages name and main does not hold: which pull requests they were part of.

A revert or a copy may name a commit of a branch that was squashed or replayed when it landed. A mirror keeps the
branches of pull requests as `refs/pull/N/head`, which only the forge writes: what such a branch holds landed with N.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from audit.sources import git_command
from audit.sources.git_view import common_dir, refs, view

_HEAD = re.compile(r"refs/pull/(\d{1,18})/head")
_FULL = 40  # digits of an id that is not cut short

EMPTY = pd.DataFrame(
    {"repo": pd.Series(dtype="str"), "sha": pd.Series(dtype="str"), "number": pd.Series(dtype="Int64")}
)
"""No strays: repo, sha of a commit off main, number of a pull request whose branch holds it."""


def find(path: Path, *, repo: str, commits: pd.DataFrame) -> pd.DataFrame:
    """The pull requests that hold what reverts and copies name and main does not.

    Args:
        path: mirror of the repository.
        commits: the table commits; those of `repo` are used.

    Returns:
        repo (str), sha (str), number (Int64), as `audit.git.landings.find` takes them.

    Raises:
        IntegrityError: git could not read the history of those branches.
    """
    own = commits[commits["repo"] == repo]
    named = pd.concat([own["reverts"], own["picked"]]).dropna()
    lost = sorted(set(named[named.str.len() >= _FULL]) - set(own["sha"]))
    heads = {
        int(match[1]): sha
        for ref, sha in refs(common_dir(path)).items()
        if (match := _HEAD.fullmatch(ref)) is not None
    }
    if not lost or not heads:
        return EMPTY
    main = own.loc[own["position"] == own["position"].max(), "sha"]
    with view(path) as seen:
        there = set(_there(seen, [*lost, *heads.values()]))
        heads = {number: sha for number, sha in heads.items() if sha in there}
        lost = [sha for sha in lost if sha in there]
        children = _children(seen, sorted(set(heads.values())), main.tolist()) if lost and heads else {}
    rows = [(repo, sha, number) for sha in lost for number in _holding(sha, children, heads)]
    return pd.DataFrame(rows, columns=list(EMPTY)).astype(EMPTY.dtypes.to_dict())


def _there(seen: Path, shas: list[str]) -> list[str]:
    """Those that the repository has as commits."""
    said = git_command.run(seen, "cat-file", "--batch-check", feed=(f"{sha}\n".encode() for sha in shas))
    parts = (line.split() for line in said.decode("utf-8", "backslashreplace").splitlines())
    return [part[0] for part in parts if part[1:2] == ["commit"]]


def _children(seen: Path, heads: list[str], main: list[str]) -> dict[str, list[str]]:
    """Children of every commit that a head reaches and main does not."""
    feed = [*(f"{sha}\n" for sha in heads), *(f"^{sha}\n" for sha in main)]
    said = git_command.run(seen, "rev-list", "--parents", "--stdin", feed=(line.encode() for line in feed))
    found: dict[str, list[str]] = {}
    for line in said.decode().splitlines():
        child, *parents = line.split(" ")
        for parent in parents:
            found.setdefault(parent, []).append(child)
    return found


def _holding(sha: str, children: dict[str, list[str]], heads: dict[int, str]) -> list[int]:
    """Pull requests whose branch holds a commit."""
    reached, waiting = {sha}, [sha]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in reached:
                reached.add(child)
                waiting.append(child)
    return sorted(number for number, head in heads.items() if head in reached)
