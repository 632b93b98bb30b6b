"""Which of a landing's commits belong to which of its pull requests, and whose work each is.

A batch brings in several branches at once, and a merge of main into something else brings in, as its second parent, a
line of history on which pull requests had been merged before. What belongs to nobody in particular stays with all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

Parents = Mapping[str, list[str]]


class Item(NamedTuple):
    """A pull request to find the commits of.

    Attributes:
        number: of the pull request.
        tip: its last commit, or, `aside`, the one by which it was merged on a line of its own.
        back: `aside`: how many commits its merge put there, the last of them with the tip.
    """

    number: int
    tip: str
    aside: bool
    back: int


def claims(parents: Parents, items: Iterable[Item]) -> pd.DataFrame:
    """Commits of each item, each commit once: number (int64), sha (str).

    Branches may build on one another: what two of them hold belongs to the one that is contained in the other. An
    item whose tip is not among the commits has none.

    Args:
        parents: of each commit that is in question; others belong to nobody.
    """
    order = _order(parents)
    owner: dict[str, int] = {}
    for item in sorted(
        (item for item in items if item.tip in order), key=lambda each: (order[each.tip], each.number)
    ):
        if item.aside:
            start = item.tip
            for _ in range(item.back - 1):
                before = parents[start][:1]
                if len(parents[start]) != 1 or before[0] not in parents or before[0] in owner:
                    break
                start = before[0]
            for before_it in parents[start][:1]:
                _walk(parents, before_it, owner, 0)
        _walk(parents, item.tip, owner, item.number)
    rows = [(number, sha) for sha, number in owner.items() if number]
    return pd.DataFrame(rows, columns=["number", "sha"]).astype({"number": "Int64", "sha": "str"})


def _walk(parents: Parents, start: str, owner: dict[str, int], number: int) -> None:
    waiting = [start]
    while waiting:
        found = waiting.pop()
        if found in parents and found not in owner:
            owner[found] = number
            waiting.extend(parents[found])


def _order(parents: Parents) -> dict[str, int]:
    """Places of the commits, parents first."""
    order: dict[str, int] = {}
    for start in parents:
        waiting = [(start, False)]
        while waiting:
            found, done = waiting.pop()
            if found in order or found not in parents:
                continue
            if done:
                order[found] = len(order)
                continue
            waiting.append((found, True))
            waiting.extend((parent, False) for parent in parents[found])
    return order
