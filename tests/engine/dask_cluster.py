"""A real Dask cluster on loopback: a scheduler and workers, each a process of its own, ended by its pid."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from distributed import Client

ROOT = Path(__file__).parent.parent.parent
DASK = str(Path(sys.executable).with_name("dask"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """Where the scheduler listens, and its workers."""

    def __init__(self, folder: Path) -> None:
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self._folder = folder
        self._scheduler: subprocess.Popen[bytes] | None = None

    def start_scheduler(self) -> None:
        port = self.address.rpartition(":")[2]
        self._scheduler = self._run("scheduler", "--host", "127.0.0.1", "--port", port)

    def add_worker(self, **environment: str) -> None:
        self.workers.append(
            self._run(
                "worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny",
                "--memory-limit", "2GiB", "--local-directory", str(self._folder / f"worker-{len(self.workers)}"),
                **environment,
            )
        )  # fmt: skip

    def _run(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "engine")])
        with (self._folder / f"{arguments[0]}-{len(self.workers)}.log").open("wb") as told:
            return subprocess.Popen(
                [DASK, *arguments, "--dashboard-address", "127.0.0.1:0"],
                env={**os.environ, "PYTHONPATH": paths, **environment}, stdout=told, stderr=told, cwd=self._folder,
            )  # fmt: skip

    def lose_scheduler(self) -> None:
        assert self._scheduler is not None
        os.kill(self._scheduler.pid, signal.SIGKILL)
        self._scheduler.wait()

    def wait(self, workers: int) -> None:
        with Client(self.address, timeout=30, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)

    def stop(self) -> None:
        for process in filter(None, [*self.workers, self._scheduler]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    """A cluster with so many workers of one thread, gone when the block ends."""
    made = Cluster(folder)
    try:
        made.start_scheduler()
        for _ in range(workers):
            made.add_worker()
        if workers:
            made.wait(workers)
        yield made
    finally:
        made.stop()
