"""The same results in the same order, however many workers there are."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from audit.engine import map_objects, processors, workers_for
from audit.errors import EvidenceMissing, UsageError


def square(number: int) -> int:
    return number * number


def slow_first(number: int) -> int:
    time.sleep(0.3 if number == 0 else 0)
    return number


def refuse(number: int) -> int:
    if number == 3:
        raise EvidenceMissing("three is missing", remedy="count again")
    return number


def divide(number: int) -> float:
    return 1 / (number - 3)


def die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_results_are_in_the_order_of_the_items(workers):
    assert map_objects(square, range(30), workers=workers) == [n * n for n in range(30)]


def test_the_slowest_item_keeps_its_place():
    assert map_objects(slow_first, range(10), workers=2) == list(range(10))


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_counts_every_item(workers):
    seen: list[tuple[int, int]] = []
    map_objects(square, range(5), workers=workers, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 5) for n in range(1, 6)]


def test_nothing_to_do_gives_nothing():
    assert map_objects(square, []) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_users_error_comes_through_whole_and_names_the_item(workers):
    with pytest.raises(EvidenceMissing, match="three is missing") as error:
        map_objects(refuse, range(100), workers=workers)
    assert error.value.remedy == "count again"
    assert error.value.__notes__ == ["while working on 3"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_defect_names_the_item(workers):
    with pytest.raises(ZeroDivisionError) as error:
        map_objects(divide, range(10), workers=workers)
    assert error.value.__notes__ == ["while working on 3"]


def test_a_worker_that_is_killed_is_told_of():
    with pytest.raises(UsageError, match="ended from outside"):
        map_objects(die, range(10), workers=2)


def test_ctrl_c_ends_the_workers():
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        map_objects(square, range(10_000), workers=2, progress=interrupt)
    assert multiprocessing.active_children() == []


def test_little_work_is_done_here():
    assert workers_for(1_000) == 1
    assert workers_for(1 << 40) == processors() >= 1


def test_the_package_can_be_run_as_a_module_and_its_workers_too(tmp_path):
    """Workers begin with this process's search path: the package's own folder in front would shadow libraries."""
    code = (
        "import sys, audit; sys.argv[0] = audit.__path__[0] + '/cli/__main__.py'; before = list(sys.path); import audit.cli; "
        "print([path for path in sys.path if path not in before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    said = subprocess.run(
        [sys.executable, "-m", "audit.cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert said.stdout.startswith("gitops-audit ")
