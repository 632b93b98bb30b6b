from __future__ import annotations

from pathlib import Path

import pytest
from git_repo import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one root commit by ann."""
    made = Repo(tmp_path / "work")
    made.commit("Start", {"base.txt": "1\n2\n3\n4\n5\n6\n7\n8\n9\n"})
    return made
