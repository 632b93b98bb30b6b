"""The map on this machine: in this process, or in a pool of processes where there is work enough for one."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from audit.engine.naming import Naming, Progress
from audit.errors import UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # items handed out for each worker: enough to keep it busy, few enough to end soon


def on_this_machine(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None,
    progress: Progress | None,
) -> list[Result]:
    """See `audit.engine.map_objects`."""
    count = min(processors() if workers is None else workers, len(items))
    if count <= 1:
        return _here(function, items, progress)
    return _in_pool(function, items, count, progress)


def _here(
    function: Callable[[Item], Result], items: Sequence[Item], progress: Progress | None
) -> list[Result]:
    results = []
    for item in items:
        with Naming(item):
            results.append(function(item))
        if progress is not None:
            progress(len(results), len(items))
    return results


def _in_pool(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, progress: Progress | None
) -> list[Result]:
    results: dict[int, Result] = {}
    rest = iter(range(len(items)))
    under_way: dict[Future[Result], int] = {}
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),  # Ctrl-C is this process's to handle: it ends the workers
    )
    try:
        while len(results) < len(items):
            for index in islice(rest, workers * _AHEAD - len(under_way)):
                under_way[pool.submit(function, items[index])] = index
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                index = under_way.pop(future)
                with Naming(items[index]):
                    results[index] = future.result()
                if progress is not None:
                    progress(len(results), len(items))
    except BrokenProcessPool:
        raise UsageError(
            "a worker process was ended from outside, perhaps because memory ran out",
            remedy="run with fewer workers, or with more memory",
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
    return [results[index] for index in range(len(items))]


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def workers_for(total_bytes: int, *, worth: int = 64 << 20) -> int:
    """Workers for objects of this size together: one below `worth` bytes, then all processors."""
    return 1 if total_bytes < worth else processors()
