from __future__ import annotations

from collections.abc import Iterator

import pytest
from git_repo import Repo
from lab import Lab

from audit.git.contents import Contents


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One repository for the objects of all tests of a module."""
    repo = Repo(tmp_path_factory.mktemp("lab") / "work")
    repo.commit("Start", {"README.md": "x\n"})
    with Contents(repo.path / ".git") as contents:
        yield Lab(repo, contents)
