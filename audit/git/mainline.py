"""Where each commit stands: its place on the mainline, or the mainline commit that brought it in.

The mainline is the first-parent chain of the default branch. Both are found in one pass, linear in the number of
commits, on row numbers instead of ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from audit.errors import IntegrityError

Ints = npt.NDArray[np.int64]


class Graph:
    """A commit graph whose commits are given parents first.

    Attributes:
        shas: ids in the order given, each once; row numbers refer to it.
        parents: for each row, the rows of its parents, first parent first.
        mainline: rows of the mainline, root first.
        position: int64 by row, place on the mainline or -1.
        landed_by: int64 by row, place of the oldest mainline commit from which it can be reached.
        fast: places of merges whose first parent is an ancestor of their second: git would have
            fast-forwarded, so that the second parent's tree is what a merge makes.
    """

    def __init__(self, commits: Iterable[tuple[str, Sequence[str]]], tip: str | None) -> None:
        rows: dict[str, int] = {}
        self.parents: list[tuple[int, ...]] = []
        try:
            for row, (sha, of) in enumerate(commits):
                self.parents.append(tuple(rows[parent] for parent in of))
                rows[sha] = row
            start = rows[tip] if tip is not None else None
        except KeyError as error:
            raise IntegrityError(
                f"commit {error.args[0]} is not in the history that git gave", remedy="run 'git fsck'"
            ) from None
        self.shas = list(rows)
        self.mainline = self._mainline(start)
        self.position: Ints = np.full(len(self.shas), -1, dtype=np.int64)
        self.position[self.mainline] = np.arange(len(self.mainline))
        self.fast: set[int] = set()
        self.landed_by = self._landed()

    def _mainline(self, start: int | None) -> list[int]:
        chain = []
        while start is not None:
            chain.append(start)
            start = self.parents[start][0] if self.parents[start] else None
        return chain[::-1]

    def _landed(self) -> Ints:
        landed: Ints = self.position.copy()
        for place, row in enumerate(self.mainline):
            before = self.mainline[place - 1] if place else -1
            waiting = list(self.parents[row][1:])
            if before in waiting:
                self.fast.add(place)
            while waiting:
                found = waiting.pop()
                if landed[found] >= 0:
                    continue
                landed[found] = place
                if before in self.parents[found]:
                    self.fast.add(place)
                waiting.extend(self.parents[found])
        if (landed < 0).any():
            raise IntegrityError(
                "git gave commits that the default branch does not reach", remedy="run 'git fsck'"
            )
        return landed
