"""Real samples that this project did not write; they are no part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real samples."""
    if not DATA.is_dir():
        pytest.skip("the folder of real samples, ../shared/data, is not here")
    return DATA
