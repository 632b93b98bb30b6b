"""The map on a Dask cluster that is there already: its scheduler is told what to do, its workers do it.

Workers read and write the evidence store themselves, so all of them must see its folder as it is here, and run the very
same code. Both is asked before anything is begun.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import audit
from audit.engine.identity import package_digest
from audit.engine.naming import Naming, Progress
from audit.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
Result = TypeVar("Result")

_REACHED = 10  # seconds to wait for the scheduler
_WORKERS = 30  # seconds to wait for the first worker
_AHEAD = 4  # items handed out for each thread of a worker


def on_cluster(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    scheduler: str,
    *,
    shared: Path | None,
    progress: Progress | None,
) -> list[Result]:
    """See `audit.engine.map_objects`."""
    with _client(scheduler) as client:
        threads = _ready(client, scheduler, shared)
        return _mapped(client, function, items, scheduler, ahead=threads * _AHEAD, progress=progress)


def _mapped(
    client: Client,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    scheduler: str,
    *,
    ahead: int,
    progress: Progress | None,
) -> list[Result]:
    from distributed import KilledWorker, as_completed  # noqa: PLC0415  # only where a cluster was asked for

    results: dict[int, Result] = {}
    rest, run = iter(range(len(items))), secrets.token_hex(8)

    def hand_out(count: int) -> list[Any]:
        return [client.submit(function, items[i], key=f"audit-{run}-{i}") for i in islice(rest, count)]

    under_way = as_completed(hand_out(ahead), loop=client.loop)
    for future in under_way:
        index = int(future.key.rpartition("-")[2])
        try:
            with Naming(items[index]):
                results[index] = future.result()
        except KilledWorker:
            raise UsageError(
                f"{scheduler}: workers were ended again and again at the same object, perhaps because memory ran out",
                remedy="give each worker more memory (--memory-limit), or fewer threads",
            ) from None
        except CancelledError:
            raise UsageError(
                f"{scheduler}: the Dask scheduler was lost while its workers were at work",
                remedy="start it again, and then the same command: what was done is kept",
            ) from None
        if progress is not None:
            progress(len(results), len(items))
        for more in hand_out(1):
            under_way.add(more)
    return [results[index] for index in range(len(items))]


@contextlib.contextmanager
def _client(scheduler: str) -> Iterator[Client]:
    """A client of the cluster; what it asked for and is not done when it goes is forgotten."""
    try:
        from distributed import Client  # noqa: PLC0415  # an extra: most machines need none
    except ModuleNotFoundError:
        raise UsageError(
            "engine = 'dask' needs the package distributed", remedy="pip install 'gitops-audit[dask]'"
        ) from None
    try:
        client = Client(scheduler, timeout=_REACHED, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{scheduler}: the Dask scheduler can't be reached: {type(error).__name__}",
            remedy="check 'scheduler' in the settings, that 'dask scheduler' runs, and the network between",
        ) from None
    try:
        yield client
    finally:
        client.close()


def _ready(client: Client, scheduler: str, shared: Path | None) -> int:
    """Threads of all workers, once each of them is known to do the same as this process would."""
    try:
        client.wait_for_workers(1, timeout=_WORKERS)
    except TimeoutError:
        raise UsageError(
            f"{scheduler}: the Dask scheduler has no workers", remedy=f"start some: dask worker {scheduler}"
        ) from None
    own = (audit.__version__, package_digest())
    for worker, said in _asked(client, scheduler, identity).items():
        if said != own:
            raise UsageError(
                f"{scheduler}: worker {worker} has another gitops-audit ({said[0]}) than this process ({own[0]})",
                remedy="install the same version on the scheduler and on all workers, and restart them",
            )
    if shared is not None:
        _require_shared(client, scheduler, shared)
    return sum(client.nthreads().values())


def _asked(client: Client, scheduler: str, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """What each worker answers, by its address."""
    try:
        return dict(client.run(function, *arguments))
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{scheduler}: a worker lacks {error.name}",
            remedy="install the same version of gitops-audit on the scheduler and on all workers",
        ) from None


def identity() -> tuple[str, str]:
    """Version and digest of the product where this is called."""
    return audit.__version__, package_digest()


def _require_shared(client: Client, scheduler: str, shared: Path) -> None:
    """Makes sure that all workers see a folder: what is written here is there, and it can be written there."""
    probe = shared / f".probe-{secrets.token_hex(8)}"
    try:
        probe.write_text("seen", encoding="ascii")
        for worker, sees in _asked(client, scheduler, sees_folder, str(probe)).items():
            if not sees:
                raise UsageError(
                    f"{scheduler}: worker {worker} can't see or write {shared}",
                    remedy="put the evidence store on a file system that all workers mount at the same path",
                )
    finally:
        probe.unlink(missing_ok=True)


def sees_folder(probe: str) -> bool:
    """Whether a file that another machine wrote is seen here, and another can be written beside it."""
    path = Path(probe)
    mine = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
    try:
        seen = path.read_text(encoding="ascii") == "seen"
        mine.write_text("written", encoding="ascii")
        mine.unlink()
    except OSError:
        return False
    return seen
