"""The history of a repository as tables: commits, the files that landings changed, what merges brought in.

Everything is read through a view (`audit.sources.git_view`) in three passes of one git process each: the commits,
modelled by PyDriller; the diffs of the mainline; trial merges. The whole history is read whatever its dates say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from audit import tables as t
from audit.errors import IntegrityError, UsageError
from audit.git import diffs, integrity
from audit.git.mainline import Graph
from audit.git.merges import Merge, own_content
from audit.git.mining import BulkGit
from audit.sources import git_command
from audit.sources.git_command import GitFailed
from audit.sources.git_integrity import marks
from audit.sources.git_view import common_dir, head, refs, view

VERSION = 1
"""Raised whenever the same repository would give other rows."""

_LATEST = 253402300799  # 9999-12-31T23:59:59Z, the last second that every part of the product can show
_CO_AUTHOR = re.compile(r"^[ \t]*co-authored-by:[^<\n]*<[ \t]*([^<>\s]+@[^<>\s]+)[ \t]*>", re.I | re.M)
_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{40})\b")

Tables = dict[str, pd.DataFrame]


def read(path: Path, *, repo: str, branch: str | None) -> Tables:
    """Everything that Git itself says about one repository.

    Args:
        path: a mirror, or any local repository: it is only read.
        repo: name for the column `repo`.
        branch: default branch; what HEAD names when None.

    Returns:
        The tables repositories, repository_problems, commits, file_changes and merge_content.

    Raises:
        UsageError: no repository at `path`, or no such branch.
        IntegrityError: objects of the default branch are missing or damaged, or it is shallow. Never half a
            history.
    """
    git_command.require_git()
    name = branch if branch is not None else head(common_dir(path))
    tip = _tip(path, name)
    found = integrity.problems(path, tip=tip)
    integrity.refuse(found, repo)
    with view(path, branch=name) as seen:
        commits, graph = _commits(seen, repo, tip)
        tables = {
            "commits": commits,
            "file_changes": _file_changes(seen, repo, graph),
            "merge_content": _merge_content(seen, repo, graph, commits["tree"].tolist()),
        }
    one = {"repo": repo, "branch": name, "tip": tip, "commits": len(commits), "mainline": len(graph.mainline)}
    tables["commits"] = t.conform(t.Commits, commits)
    return tables | {
        "repositories": t.conform(t.Repositories, t.frame(t.Repositories, [one])),
        "repository_problems": integrity.table(repo, found),
    }


def fingerprint(path: Path) -> str:
    """Changes whenever `read` might give something else: from refs, HEAD and the marks of an unwhole repository."""
    git_dir = common_dir(path)
    state = [
        str(head(git_dir)),
        *(f"{sha} {ref}" for ref, sha in refs(git_dir).items()),
        *map(str, marks(path)),
    ]
    return hashlib.sha256("\n".join(state).encode("utf-8", "surrogateescape")).hexdigest()


def _tip(path: Path, branch: str | None) -> str:
    known = refs(common_dir(path))
    branches = sorted(ref.removeprefix("refs/heads/") for ref in known if ref.startswith("refs/heads/"))
    few = ", ".join(branches[:8]) or "it has none"
    if branch is None:
        raise UsageError(
            f"{path}: HEAD names no branch", remedy=f"name the default branch (there are: {few})"
        )
    if branch not in branches:
        raise UsageError(f"{path}: there is no branch '{branch}'", remedy=f"name one that exists: {few}")
    return known[f"refs/heads/{branch}"]


def _commits(seen: Path, repo: str, tip: str) -> tuple[pd.DataFrame, Graph]:
    """The commits in git's order (parents first), not yet conformed, and their graph."""
    columns: dict[str, list[Any]] = {name: [] for name in t.columns(t.Commits)}
    parents: list[list[str]] = []
    add: dict[str, Callable[[Any], None]] = {name: values.append for name, values in columns.items()}
    miner = BulkGit(seen)
    try:
        for commit in miner.get_list_commits(tip):
            raw, message = commit._c_object, commit.msg
            add["sha"](commit.hash)
            add["tree"](raw.tree.hexsha)
            add["author_name"](commit.author.name)
            add["author_email"](commit.author.email)
            add["author_time"](raw.authored_date)
            add["committer_name"](commit.committer.name)
            add["committer_email"](commit.committer.email)
            add["committer_time"](raw.committed_date)
            add["subject"](message.split("\n", 1)[0])
            add["co_authors"](co_authors(message))
            add["reverts"](reverted(message))
            parents.append(commit.parents)
    except GitFailed as error:
        raise IntegrityError(f"{repo}: {error.problem}", remedy=error.remedy) from None
    graph = Graph(columns["sha"], parents, tip)
    return _frame(columns, repo, parents, graph), graph


def _frame(columns: dict[str, list[Any]], repo: str, parents: list[list[str]], graph: Graph) -> pd.DataFrame:
    """The columns of `commits` as a frame with the table's dtypes; empties `columns` on the way."""
    columns["parents"] = [" ".join(of) for of in parents]
    data: dict[str, Any] = {}
    for name in t.columns(t.Commits):
        values = columns.pop(name)
        if name in ("author_time", "committer_time"):
            seconds = pd.Series(values, dtype="int64").clip(0, _LATEST)
            data[name] = pd.to_datetime(seconds, unit="s", utc=True).dt.as_unit("us")
        elif name == "repo":
            data[name] = pd.Series([repo] * len(parents), dtype="str")
        elif name == "position":
            data[name] = pd.Series(graph.position, dtype="Int64").mask(graph.position < 0)
        elif name == "landed_by":
            data[name] = pd.Series(graph.landed_by, dtype="Int64")
        else:
            data[name] = pd.Series(values, dtype="str")
    return pd.DataFrame(data)


def co_authors(message: str) -> str:
    """E-mails of all Co-authored-by trailers, wherever they stand, lower case, sorted, separated by spaces."""
    if "-by:" not in message and "-BY:" not in message.upper():
        return ""
    return " ".join(sorted({email.lower() for email in _CO_AUTHOR.findall(message)}))


def reverted(message: str) -> str | None:
    """Full id of the (first) commit that a message says it reverts."""
    match = _REVERTS.search(message)
    return match[1] if match else None


def _file_changes(seen: Path, repo: str, graph: Graph) -> pd.DataFrame:
    chain = [graph.shas[row] for row in graph.mainline]
    rows = diffs.of_mainline(seen, zip(chain, [None, *chain[:-1]], strict=True))
    data = pd.DataFrame(_whole(rows, repo), columns=list(diffs.FileChange._fields))
    data["old_path"] = data["old_path"].astype("str")
    return t.conform(t.FileChanges, data.assign(repo=repo))


def _merge_content(seen: Path, repo: str, graph: Graph, trees: list[str]) -> pd.DataFrame:
    merges = [
        Merge(
            graph.shas[row],
            trees[row],
            tuple(graph.shas[parent] for parent in graph.parents[row]),
            tuple(trees[parent] for parent in graph.parents[row]),
            place in graph.fast,
        )
        for place, row in enumerate(graph.mainline)
        if len(graph.parents[row]) > 1
    ]
    try:
        found = own_content(seen, merges)
    except GitFailed as error:
        raise IntegrityError(f"{repo}: {error.problem}", remedy=error.remedy) from None
    data = pd.DataFrame(found, columns=["sha", "path", "conflicted"])
    return t.conform(t.MergeContent, data.assign(repo=repo))


def _whole(rows: Iterable[diffs.FileChange], repo: str) -> list[diffs.FileChange]:
    """All rows, or an error that names the repository: never the rows before one."""
    try:
        return list(rows)
    except GitFailed as error:
        raise IntegrityError(f"{repo}: {error.problem}", remedy=error.remedy) from None
