"""The same function over many objects: on this machine, or on a Dask cluster.

What comes back does not depend on where it was worked out, on how many workers there were, nor on which was first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from audit.engine import cluster
from audit.engine.local import on_this_machine, processors, workers_for
from audit.engine.naming import Progress

__all__ = ["Progress", "map_objects", "processors", "workers_for"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_objects(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    shared: Path | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """What `function` makes of each item, in the order of `items`.

    Args:
        function: pure but for files that it writes, importable by name, and the same however often it is done: a
            worker that ends in mid-work has its items done again by another.
        workers: processes on this machine; None for one a processor; 0 or 1 for none but this one. A pool takes about
            half a second to start, so callers pass 1 for little work (see `workers_for`).
        scheduler: address of a Dask scheduler, whose workers do it instead.
        shared: folder that all workers of a cluster must see as it is here.
        progress: called after each item, in this process.

    Raises:
        Whatever the function raises, with a note that names the item; what has not begun is then dropped.
        UsageError: workers were ended from outside, as happens when memory runs out; or the cluster can't be reached,
            has no workers, or they do not see `shared` or have another version of this product.
    """
    if scheduler is not None and items:
        return cluster.on_cluster(function, items, scheduler, shared=shared, progress=progress)
    return on_this_machine(function, items, workers=workers, progress=progress)
