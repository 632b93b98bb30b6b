"""How far a repository was read, as the completeness page says it."""

from __future__ import annotations

import pandas as pd
import pytest

from audit import tables as t
from audit.report.complete import repositories


def _rows(observed: int | None) -> pd.DataFrame:
    row = {
        "repo": "a/b",
        "branch": "main",
        "tip": "c" * 40,
        "commits": 9,
        "mainline": 7,
        "observed_from": observed,
    }
    return t.frame(t.Repositories, [row])


def _unread(*places: tuple[str, str]) -> pd.DataFrame:
    return t.frame(
        t.UnreadFiles,
        [
            {"repo": "a/b", "sha": "d" * 40, "path": path, "reader": reader, "reason": "not YAML"}
            for path, reader in places
        ],
    )


@pytest.mark.parametrize(("observed", "read"), [(0, 7), (5, 2), (None, 0)])
def test_the_commits_whose_contents_were_read_are_counted(observed: int | None, read: int) -> None:
    (found,) = repositories(_rows(observed), t.empty(t.RepositoryProblems), _unread())
    assert (found.read, found.unread) == (read, 0)


def test_a_file_that_several_readers_could_not_read_counts_once() -> None:
    unread = _unread(("x.yaml", "images"), ("x.yaml", "secrets"), ("y.yaml", "images"))
    (found,) = repositories(_rows(0), t.empty(t.RepositoryProblems), unread)
    assert found.unread == 2
