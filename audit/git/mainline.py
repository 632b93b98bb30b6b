"""Where each commit stands: its place on the mainline, or the mainline commit that brought it in.

The mainline is the first-parent chain of the default branch. Both are found in one pass, linear in the number of
commits, on row numbers instead of ids.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from audit.errors import IntegrityError

Ints = npt.NDArray[np.int64]


class Graph:
    """A commit graph whose commits are given parents first.

    A quarter of a million commits are held in some 30 MB: ids as Arrow text, everything else as numbers.

    Attributes:
        shas: ids in the order given (Arrow string); row numbers refer to it.
        mainline: rows of the mainline, root first.
        position: int64 by row, place on the mainline or -1.
        landed_by: int64 by row, place of the oldest mainline commit from which it can be reached.
        fast: by place, whether it is a merge whose first parent is an ancestor of its second: git would have
            fast-forwarded, so that the second parent's tree is what a merge makes.
    """

    def __init__(self, commits: Iterable[tuple[str, Sequence[str]]], tip: str | None) -> None:
        rows: dict[str, int] = {}
        self._starts, self._flat = array("q", [0]), array("q")
        try:
            for row, (sha, of) in enumerate(commits):
                self._flat.extend(rows[parent] for parent in of)
                self._starts.append(len(self._flat))
                rows[sha] = row
            start = rows[tip] if tip is not None else None
        except KeyError as error:
            raise IntegrityError(
                f"commit {error.args[0]} is not in the history that git gave", remedy="run 'git fsck'"
            ) from None
        self.shas = pyarrow.array(list(rows), pyarrow.string())
        del rows
        self.mainline = self._mainline(start)
        position = array("q", [-1]) * len(self.shas)
        for place, row in enumerate(self.mainline):
            position[row] = place
        self.fast = [False] * len(self.mainline)
        self.landed_by: Ints = np.array(self._landed(array("q", position)), dtype=np.int64)
        self.position: Ints = np.array(position, dtype=np.int64)

    def parents(self, row: int) -> list[int]:
        """The rows of a commit's parents, first parent first."""
        return self._flat[self._starts[row] : self._starts[row + 1]].tolist()

    def parent_ids(self) -> pyarrow.Array:
        """By row, the ids of the parents, separated by spaces."""
        flat = self.shas.take(pyarrow.array(np.frombuffer(self._flat, dtype=np.int64)))
        starts = pyarrow.array(np.frombuffer(self._starts, dtype=np.int64), pyarrow.int32())
        return pc.binary_join(pyarrow.ListArray.from_arrays(starts, flat), " ")

    def _mainline(self, start: int | None) -> array[int]:
        chain = array("q")
        while start is not None:
            chain.append(start)
            first = self._starts[start]
            start = self._flat[first] if first < self._starts[start + 1] else None
        chain.reverse()
        return chain

    def _landed(self, landed: array[int]) -> array[int]:
        """By row, the place that brought it in; given are the places of the mainline, -1 elsewhere."""
        for place, row in enumerate(self.mainline):
            before = self.mainline[place - 1] if place else -1
            waiting = self.parents(row)[1:]
            if before in waiting:
                self.fast[place] = True
            while waiting:
                found = waiting.pop()
                if landed[found] >= 0:
                    continue
                landed[found] = place
                parents = self.parents(found)
                if before in parents:
                    self.fast[place] = True
                waiting.extend(parents)
        if min(landed, default=0) < 0:
            raise IntegrityError(
                "git gave commits that the default branch does not reach", remedy="run 'git fsck'"
            )
        return landed
