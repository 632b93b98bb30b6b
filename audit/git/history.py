"""The history of a repository as tables: commits, the files that landings changed, what merges brought in.

Everything is read through a view (`audit.sources.git_view`) in four passes of one git process each: the order of
the commits; the commits themselves, modelled by PyDriller; the diffs of the mainline; trial merges. The whole history
is read whatever its dates say; what was read in an earlier run is kept by commit (`audit.git.kept`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.compute as pc

from audit import tables as t
from audit.errors import IntegrityError, UsageError
from audit.git import diffs, facts, identities, integrity
from audit.git.kept import Kept
from audit.git.mainline import Graph
from audit.git.merges import Merge, own_content
from audit.git.mining import order
from audit.sources import git_command
from audit.sources.git_integrity import marks
from audit.sources.git_view import common_dir, head, refs, view

VERSION = 2
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
    with ThreadPoolExecutor(2) as beside, view(path, branch=name) as seen:
        checked = beside.submit(integrity.problems, path, tip=tip)  # git's work: it runs beside the reading
        try:
            graph = Graph(order(seen, tip), tip)
            merged = beside.submit(_merge_content, seen, repo, graph, store)
            tables = {
                "file_changes": _file_changes(seen, repo, graph, store),
                "commits": _commits(seen, repo, graph, store),
                "merge_content": merged.result(),
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


def _frame(store: Kept, name: str, schema: pyarrow.Schema, wanted: Sequence[str], repo: str) -> pd.DataFrame:
    """What is kept under a name of the commits wanted, ordered by `sha`, with the column `repo`.

    One column after the other, for memory's sake.
    """
    shas = store.load(name, "sha", schema)
    order = pc.sort_indices(shas)
    order = order.filter(pc.is_in(shas.take(order), pyarrow.array(wanted, pyarrow.string())))
    del shas
    columns = {"repo": pd.Series(repo, index=range(len(order)), dtype="str")}
    for field in schema:
        values = store.load(name, field.name, schema).take(order).to_pandas()
        columns[field.name] = values.astype("str") if pyarrow.types.is_string(field.type) else values
    return pd.DataFrame(columns)


def _commits(seen: Path, repo: str, graph: Graph, store: Kept) -> pd.DataFrame:
    """The table commits: what each says of itself, identities after .mailmap, and its place."""
    known = store.column("commits", "sha")
    store.add("commits", facts.read(seen, [sha for sha in graph.shas if sha not in known]))
    found = _frame(store, "commits", facts.SCHEMA, graph.shas, repo)
    if len(found) != len(graph.shas):
        raise IntegrityError(f"{repo}: git did not give every commit", remedy="run 'git fsck' on it")
    found = identities.mapped(found, seen)
    row = pd.Index(graph.shas, dtype="str").get_indexer(pd.Index(found["sha"]))
    parents = pyarrow.array(
        (" ".join(graph.shas[parent] for parent in graph.parents[each]) for each in row), pyarrow.string()
    )
    return t.conform(
        t.Commits,
        found.assign(
            parents=parents.to_pandas().astype("str"),
            position=pd.Series(graph.position[row], dtype="Int64").mask(graph.position[row] < 0),
            landed_by=pd.Series(graph.landed_by[row], dtype="Int64"),
        ),
    )


_CHANGES = pyarrow.schema(
    [
        (name, pyarrow.int64() if name in ("added", "deleted") else pyarrow.string())
        for name in diffs.FileChange._fields
    ]
)
_OWN = pyarrow.schema(
    [("sha", pyarrow.string()), ("path", pyarrow.string()), ("conflicted", pyarrow.bool_())]
)
_READ = pyarrow.schema([("sha", pyarrow.string())])


def _file_changes(seen: Path, repo: str, graph: Graph, store: Kept) -> pd.DataFrame:
    """The table file_changes. A commit is compared with its first parent, which is part of the commit itself."""
    chain = [graph.shas[row] for row in graph.mainline]
    known = store.column("diffed", "sha")
    pairs = [pair for pair in zip(chain, [None, *chain[:-1]], strict=True) if pair[0] not in known]
    store.add("file_changes", facts.batches(diffs.of_mainline(seen, pairs), _CHANGES))
    store.add("diffed", facts.batches(((sha,) for sha, _ in pairs), _READ))
    return t.conform(t.FileChanges, _frame(store, "file_changes", _CHANGES, chain, repo))


def _merge_content(seen: Path, repo: str, graph: Graph, store: Kept) -> pd.DataFrame:
    """The table merge_content."""
    known = store.column("merged", "sha")
    merges = [(place, row) for place, row in enumerate(graph.mainline) if len(graph.parents[row]) > 1]
    new = [(place, row) for place, row in merges if graph.shas[row] not in known]
    trees = _trees(seen, {graph.shas[one] for _, row in new for one in (row, *graph.parents[row])})
    tried = [
        Merge(
            graph.shas[row],
            trees[graph.shas[row]],
            tuple(graph.shas[parent] for parent in graph.parents[row]),
            tuple(trees[graph.shas[parent]] for parent in graph.parents[row]),
            place in graph.fast,
        )
        for place, row in new
    ]
    store.add("merge_content", facts.batches(own_content(seen, tried), _OWN))
    store.add("merged", facts.batches(((merge.sha,) for merge in tried), _READ))
    shas = [graph.shas[row] for _, row in merges]
    return t.conform(t.MergeContent, _frame(store, "merge_content", _OWN, shas, repo))


def _trees(seen: Path, commits: Iterable[str]) -> dict[str, str]:
    """The tree of each commit, in one process."""
    wanted = sorted(commits)
    said = (
        git_command.run(
            seen,
            "log",
            "--no-walk=unsorted",
            "--stdin",
            "--format=%T",
            feed=(f"{sha}\n".encode() for sha in wanted),
        )
        if wanted
        else b""
    )
    return dict(zip(wanted, said.decode().split(), strict=True))
