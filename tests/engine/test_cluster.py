"""A cluster gives what this machine gives, whatever becomes of its workers, and says clearly why it can't."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_cluster import Cluster, cluster
from tasks import deadly, refuse, slow, square

from audit.cli import main
from audit.engine import map_objects
from audit.errors import EvidenceMissing, ExitCode, UsageError
from audit.settings import validate
from audit.simulator.organisation import simulate


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster"), workers=2) as made:
        yield made


def test_results_are_in_the_order_of_the_items(two: Cluster) -> None:
    seen: list[tuple[int, int]] = []
    found = map_objects(
        square, range(50), scheduler=two.address, progress=lambda done, total: seen.append((done, total))
    )
    assert found == [n * n for n in range(50)]
    assert seen == [(n, 50) for n in range(1, 51)]
    assert map_objects(square, [], scheduler="tcp://127.0.0.1:1") == []


def test_what_a_worker_raises_is_raised_here_with_the_item(two: Cluster) -> None:
    with pytest.raises(EvidenceMissing, match="three is missing") as error:
        map_objects(refuse, range(30), scheduler=two.address)
    assert error.value.__notes__ == ["while working on 3"]
    assert map_objects(square, range(3), scheduler=two.address) == [0, 1, 4]


def test_both_engines_leave_the_same_bytes(two: Cluster, tmp_path: Path) -> None:
    here = simulate(tmp_path / "here", seed=3, changes=40, log_events=2_000)
    there = Path(shutil.copytree(here, tmp_path / "there"))
    settings = there / "audit.toml"
    chosen = f'engine = "dask"\nscheduler = "{two.address}"\n'
    settings.write_text(chosen + settings.read_text(encoding="utf-8"), encoding="utf-8")
    for folder in (here, there):
        for stage in (["collect", "--as-of", "2026-10-05"], ["build"]):
            assert main([*stage, "--settings", str(folder / "audit.toml")]) == ExitCode.CLEAN
    assert _bytes(there) == _bytes(here)
    assert len(_bytes(here)) > 50


def _bytes(folder: Path) -> dict[str, str]:
    store = folder / "audit-store"
    return {
        str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("parsed", "tables")
        for path in sorted((store / part).rglob("*"))
        if path.is_file()
    }


def test_a_worker_that_is_killed_in_mid_run_loses_nothing(tmp_path: Path) -> None:
    began = tmp_path / "began"
    began.mkdir()
    with cluster(tmp_path, workers=2) as made:
        victim = made.workers[0]

        def kill() -> None:
            while not list(began.glob(f"*-{victim.pid}")):
                time.sleep(0.01)
            os.kill(victim.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        found = map_objects(
            slow, [(began, number) for number in range(24)], scheduler=made.address, shared=tmp_path
        )
        killer.join()
        assert victim.wait() == -signal.SIGKILL
    assert found == list(range(24))
    by_number: dict[str, set[str]] = {}
    for path in began.iterdir():
        by_number.setdefault(path.name.split("-")[0], set()).add(path.name.split("-")[1])
    assert any(len(processes) == 2 for processes in by_number.values())  # done again by the other


def test_a_scheduler_that_is_lost_in_mid_run_is_named(tmp_path: Path) -> None:
    began = tmp_path / "began"
    began.mkdir()
    with cluster(tmp_path, workers=1) as made:

        def kill() -> None:
            while not list(began.iterdir()):
                time.sleep(0.01)
            made.lose_scheduler()

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(UsageError, match="was lost while its workers were at work"):
            map_objects(slow, [(began, number) for number in range(24)], scheduler=made.address)
        killer.join()


def test_work_that_ends_every_worker_is_given_up(tmp_path: Path) -> None:
    with cluster(tmp_path, workers=0) as made:
        for _ in range(5):
            made.add_worker()
        made.wait(5)
        with pytest.raises(UsageError, match="ended again and again"):
            map_objects(deadly, range(6), scheduler=made.address)


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.engine.cluster._REACHED", 1)
    with pytest.raises(UsageError, match=r"tcp://127\.0\.0\.1:1: the Dask scheduler can't be reached"):
        map_objects(square, range(3), scheduler="tcp://127.0.0.1:1")


def test_a_scheduler_without_workers_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.engine.cluster._WORKERS", 1)
    with (
        cluster(tmp_path, workers=0) as made,
        pytest.raises(UsageError, match="the Dask scheduler has no workers"),
    ):
        map_objects(square, range(3), scheduler=made.address)


def test_workers_with_other_code_are_refused(tmp_path: Path) -> None:
    """Here a module more: the very same version, and not the same product."""
    other = tmp_path / "other"
    shutil.copytree(Path(sys.modules["audit"].__file__ or "").parent, other / "audit")
    (other / "audit" / "more.py").write_text("", encoding="utf-8")
    with cluster(tmp_path, workers=0) as made:
        made.add_worker(PYTHONPATH=str(other))
        made.wait(1)
        with pytest.raises(UsageError, match="has another gitops-audit"):
            map_objects(square, range(3), scheduler=made.address)


def test_workers_that_do_not_see_the_store_are_refused(
    two: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that leads elsewhere in each process, as that of a disk that is not shared does on each machine."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="can't see or write"):
        map_objects(square, range(3), scheduler=two.address, shared=Path("/proc/self/cwd"))
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_needs_an_address() -> None:
    with pytest.raises(UsageError, match="engine: 'dask' needs 'scheduler'"):
        validate({"organisation": {"name": "NETBPF"}, "engine": "dask"}, where="audit.toml")
