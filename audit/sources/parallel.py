"""A function over many items in a few threads, without holding more than a few of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # items handed out for each thread


def each(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int
) -> Iterator[tuple[Item, Result]]:
    """Each item with what `function` made of it, in the order in which they end.

    The first exception ends it: what has not begun is dropped, what has begun is waited for. So does closing the
    iterator, or Ctrl-C.
    """
    rest = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="collect")
    try:
        under_way: dict[Future[Result], Item] = {}
        while True:
            for item in islice(rest, threads * _AHEAD - len(under_way)):
                under_way[pool.submit(function, item)] = item
            if not under_way:
                break
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                yield under_way.pop(future), future.result()
    finally:
        pool.shutdown(cancel_futures=True)
