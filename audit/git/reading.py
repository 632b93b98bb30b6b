"""What is read of a repository's commits, and kept by commit: facts, the mainline's diffs, trial merges.

Only commits of which nothing is kept are asked of git. Nothing here holds more than some thousands of commits as
Python's objects at a time, and no git process is told of more, since git gives nothing back until it ends.
"""

from __future__ import annotations

import functools
import itertools
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow
import pyarrow.compute as pc

from audit.errors import IntegrityError
from audit.git import diffs, facts
from audit.git.kept import Kept
from audit.git.mainline import Graph
from audit.git.merges import Merge, own_content

_AT_ONCE = 8192
_MERGES = 2048  # tried by one git process


class Part(NamedTuple):
    """Rows that are kept by commit, under a name.

    A commit of which there is nothing to say has one row in which everything but `sha` is missing: what is kept tells
    by itself which commits were read.
    """

    name: str
    schema: pyarrow.Schema
    key: tuple[str, ...]


COMMITS = Part("commits", facts.SCHEMA, ("sha",))
CHANGES = Part(
    "file_changes",
    pyarrow.schema(
        [
            (name, pyarrow.int64() if name in ("added", "deleted") else pyarrow.string())
            for name in diffs.FileChange._fields
        ]
    ),
    ("sha", "path"),
)
OWN = Part(
    "merge_content",
    pyarrow.schema([("sha", pyarrow.string()), ("path", pyarrow.string()), ("conflicted", pyarrow.bool_())]),
    ("sha", "path"),
)


def read(seen: Path, graph: Graph, store: Kept, beside: ThreadPoolExecutor) -> None:
    """Reads what is new and keeps it: facts, then the mainline's diffs, and trial merges beside them."""
    new = _unknown(store, COMMITS, graph.shas)
    store.add(COMMITS.name, facts.read(seen, (sha for (sha,) in _texts(new))))
    line = graph.shas.take(numbers(graph.mainline))
    merges = pyarrow.array([len(graph.parents(row)) > 1 for row in graph.mainline], pyarrow.bool_())
    trees = _trees(store, graph)
    places = pc.indices_nonzero(pc.is_in(line, _unknown(store, OWN, line.filter(merges)))).to_pylist()
    pyarrow.default_memory_pool().release_unused()
    some = [places[start : start + _MERGES] for start in range(0, len(places), _MERGES)]
    merged = [beside.submit(_merged, seen, graph, trees, each) for each in some]
    try:
        changes = _changes(seen, graph, trees, _unknown(store, CHANGES, line))
        store.add(CHANGES.name, facts.batches(changes, CHANGES.schema))
        store.add(OWN.name, (batch for each in merged for batch in each.result()))
    finally:
        for each in merged:
            each.cancel()


def numbers(values: array[int]) -> pyarrow.Array:
    return pyarrow.array(np.frombuffer(values, dtype=np.int64))


def _texts(*columns: pyarrow.Array) -> Iterator[tuple[Any, ...]]:
    """The rows of columns of text, made into Python's objects a few at a time."""
    for start in range(0, len(columns[0]), _AT_ONCE):
        yield from zip(*(column.slice(start, _AT_ONCE).to_pylist() for column in columns), strict=True)


def _unknown(store: Kept, part: Part, shas: pyarrow.Array) -> pyarrow.Array:
    """Those commits of which nothing is kept yet."""
    return shas.filter(pc.invert(pc.is_in(shas, store.load(part.name, "sha", part.schema))))


def _trees(store: Kept, graph: Graph) -> pyarrow.Array:
    """The tree of each commit of the graph, by row."""
    at = pc.index_in(graph.shas, store.load(COMMITS.name, "sha", facts.SCHEMA))
    if at.null_count:
        raise IntegrityError("git did not give every commit", remedy="run 'git fsck' on it")
    return store.load(COMMITS.name, "tree", facts.SCHEMA).take(at)


def _changes(
    seen: Path, graph: Graph, trees: pyarrow.Array, wanted: pyarrow.Array
) -> Iterator[tuple[Any, ...]]:
    """File changes of those commits of the mainline that are wanted, against the first parent."""
    line = numbers(graph.mainline)
    before = pc.if_else(pc.equal(line, line[0]), None, pyarrow.concat_arrays([line[:1], line[:-1]]))
    shas = graph.shas.take(line)
    new = pc.is_in(shas, wanted)
    columns = [column.filter(new) for column in (shas, trees.take(line), trees.take(before))]
    steps = (diffs.Compared(*each) for each in _texts(*columns))
    while some := list(itertools.islice(steps, _AT_ONCE)):
        silent = dict.fromkeys(each.sha for each in some)
        for change in diffs.of_mainline(seen, some):
            silent.pop(change.sha, None)
            yield change
        for sha in silent:
            yield (sha, *[None] * (len(CHANGES.schema) - 1))


def _merged(
    seen: Path, graph: Graph, trees: pyarrow.Array, places: Sequence[int]
) -> list[pyarrow.RecordBatch]:
    """What the merges at some places of the mainline brought in by themselves."""
    tried = []
    for place in places:
        row = graph.mainline[place]
        parents = graph.parents(row)
        shas, roots = ([str(column[each]) for each in (row, *parents)] for column in (graph.shas, trees))
        tried.append(Merge(shas[0], roots[0], tuple(shas[1:]), tuple(roots[1:]), graph.fast[place]))
    found: list[tuple[str, str | None, bool | None]] = list(own_content(seen, tried))
    silent = {merge.sha for merge in tried} - {sha for sha, *_ in found}
    found += ((merge.sha, None, None) for merge in tried if merge.sha in silent)
    return list(facts.batches(found, OWN.schema))


def rows(store: Kept, part: Part, shas: pyarrow.Array) -> pyarrow.Array:
    """Numbers of the kept rows of some commits, in the order of the key, each key once.

    A run that was cut short, or two at the same time, may have kept the same rows twice.
    """
    key = pyarrow.table({name: store.load(part.name, name, part.schema) for name in part.key})
    there = pc.is_valid(key[part.key[-1]])
    rows = pc.indices_nonzero(pc.and_(there, pc.is_in(key["sha"], shas)))
    key = key.take(rows)
    order = pc.sort_indices(key, [(name, "ascending") for name in part.key])
    key, rows = key.take(order), rows.take(order)
    first = np.ones(len(rows), dtype=np.bool_)
    if len(rows) > 1:
        again = [pc.equal(column.slice(1), column.slice(0, len(rows) - 1)) for column in key.columns]
        first[1:] = ~np.asarray(functools.reduce(pc.and_, again), dtype=np.bool_)
    return rows.filter(pyarrow.array(first))
