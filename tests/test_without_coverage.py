"""What `conftest.py` promises of tests marked `no_cover`."""

from __future__ import annotations

import sys
import threading

import pytest


@pytest.mark.no_cover
def test_nothing_is_traced_in_a_test_marked_so() -> None:
    assert sys.gettrace() is None
    told: list[object] = []
    thread = threading.Thread(target=lambda: told.append(sys.gettrace()))
    thread.start()
    thread.join()
    assert told == [None]


def test_another_after_it_is_traced_as_before(pytestconfig: pytest.Config) -> None:
    measured = pytestconfig.pluginmanager.hasplugin("_cov")
    assert sys.gettrace() is not None or not measured
