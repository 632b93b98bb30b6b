"""The same function over many objects: here, or in a pool of processes where there is work enough for one.

What comes back does not depend on how many workers there were, nor on which of them was first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""Called with items done and items in all."""

_AHEAD = 4  # items handed out for each worker: enough to keep it busy, few enough to end soon


class ItemFailed(RuntimeError):
    """The function failed on an item: a defect of this product. Carries the item; the cause is the failure."""

    def __init__(self, item: object, cause: BaseException | str) -> None:
        super().__init__(f"failed on {item!r}: {cause}")
        self.item = item


def map_objects(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """What `function` makes of each item, in the order of `items`.

    Args:
        function: pure, and importable by name when there are several workers.
        workers: processes; None for one a processor; 0 or 1 for none but this one. A pool takes about half a second
            to start, so callers pass 1 for little work (see `workers_for`).
        progress: called after each item, in this process.

    Raises:
        ItemFailed: the function raised something other than an `AuditError`, which comes through as it is.
    """
    count = min(processors() if workers is None else workers, len(items))
    if count <= 1:
        return _here(function, items, progress)
    return _in_pool(function, items, count, progress)


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def workers_for(total_bytes: int, *, worth: int = 64 << 20) -> int:
    """Workers for objects of this size together: one below `worth` bytes, then all processors."""
    return 1 if total_bytes < worth else processors()
