"""A function over many items in a few threads, without holding more than a few of them at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # items handed out for each thread


def each(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int
) -> Generator[tuple[Item, Result], None, None]:
    """Each item with what `function` made of it, in the order in which they end.

    The first exception ends it: what has not begun is dropped, what has begun is waited for. So does closing the
    iterator, or Ctrl-C.
    """
    rest = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="collect")
    try:
        under_way: dict[Future[Result], Item] = {}
        ended: SimpleQueue[Future[Result]] = SimpleQueue()
        while True:
            for item in islice(rest, threads * _AHEAD - len(under_way)):
                future = pool.submit(function, item)
                under_way[future] = item
                future.add_done_callback(ended.put)
            if not under_way:
                break
            future = ended.get()
            yield under_way.pop(future), future.result()
    finally:
        pool.shutdown(cancel_futures=True)
