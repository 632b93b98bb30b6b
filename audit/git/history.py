"""The history of a repository as tables: commits, the files that landings changed, what merges brought in.

Everything is read through a view (`audit.sources.git_view`) in four passes: the order of the commits; the commits
themselves, modelled by PyDriller; the diffs of the mainline; trial merges. The whole history is read whatever its
dates say; what was read in an earlier run is kept by commit (`audit.git.kept`). Text stays in Arrow's columns from
git's output to the tables: a quarter of a million commits are read and returned within 500 MB, git's own included.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.compute as pc

from audit import tables as t
from audit.errors import IntegrityError, UsageError
from audit.git import identities, integrity, reading
from audit.git.kept import Kept
from audit.git.mainline import Graph
from audit.git.mining import order
from audit.sources import git_command
from audit.sources.git_integrity import marks
from audit.sources.git_view import common_dir, head, refs, view

VERSION = 4
"""Raised whenever the same repository would give other rows."""

Tables = dict[str, pd.DataFrame]


def read(path: Path, *, repo: str, branch: str | None, kept: Path | None = None) -> Tables:
    """Everything that Git itself says about one repository.

    Args:
        path: a mirror, or any local repository: it is only read.
        repo: name for the column `repo`.
        branch: default branch; what HEAD names when None.
        kept: folder in which what was read is kept by commit; only what is new is read then.

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
    store = Kept(kept, "history", VERSION)
    with view(path, branch=name) as seen, ThreadPoolExecutor(2) as beside:
        checked = beside.submit(integrity.problems, path, tip=tip)  # git's work: it runs beside the reading
        try:
            graph = Graph(order(seen, tip), tip)
            reading.read(seen, graph, store, beside)
            checked.result()  # what git took for it is given back before the tables are made
            line = graph.shas.take(reading.numbers(graph.mainline))
            tables = {
                "commits": _commits(seen, graph, store, repo),
                "file_changes": t.conform(t.FileChanges, _frame(store, reading.CHANGES, line, repo)),
                "merge_content": t.conform(t.MergeContent, _frame(store, reading.OWN, line, repo)),
            }
        except IntegrityError as error:
            integrity.refuse(checked.result(), repo)  # says more than the reading that failed over it
            raise IntegrityError(f"{repo}: {error.problem}", remedy=error.remedy) from None
    found = checked.result()
    integrity.refuse(found, repo)
    one = {
        "repo": repo,
        "branch": name,
        "tip": tip,
        "commits": len(graph.shas),
        "mainline": len(graph.mainline),
        "observed_from": None,
    }
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


def _frame(store: Kept, part: reading.Part, shas: pyarrow.Array, repo: str) -> pd.DataFrame:
    """What is kept of some commits, in the order of its key, with the column `repo`.

    One column after the other, for memory's sake.
    """
    rows = reading.rows(store, part, shas)
    columns = {"repo": pd.Series(repo, index=range(len(rows)), dtype="str")}
    for field in part.schema:
        values = store.load(part.name, field.name, part.schema).take(rows)
        if pyarrow.types.is_string(field.type):
            values = values.cast(pyarrow.large_string())  # what pandas holds text as: not copied again
        columns[field.name] = values.to_pandas(types_mapper=_NULLABLE.get)
        pyarrow.default_memory_pool().release_unused()
    return pd.DataFrame(columns)


_NULLABLE = {pyarrow.int64(): pd.Int64Dtype(), pyarrow.bool_(): pd.BooleanDtype()}


def _commits(seen: Path, graph: Graph, store: Kept, repo: str) -> pd.DataFrame:
    """The table commits: what each says of itself, what .mailmap says of its identities, and its place."""
    found = identities.mapped(_frame(store, reading.COMMITS, graph.shas, repo), seen)
    row = pc.sort_indices(graph.shas)  # the frame's order: by id
    parents = graph.parent_ids().take(row).cast(pyarrow.large_string())
    position = pyarrow.array(graph.position, mask=graph.position < 0).take(row)
    landed_by = pyarrow.array(graph.landed_by).take(row)
    return t.conform(
        t.Commits,
        found.assign(
            parents=parents.to_pandas(),
            position=position.to_pandas(types_mapper=_NULLABLE.get),
            landed_by=landed_by.to_pandas(types_mapper=_NULLABLE.get),
        ),
    )
