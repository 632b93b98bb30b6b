"""Whether a repository is whole, as a table.

The checks themselves stand beside the code that fetches repositories (`audit.sources.git_integrity`), which has to
refuse what is not whole; here they become evidence for the control on Git's own history.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from audit import tables as t
from audit.sources.git_integrity import Problem, refuse
from audit.sources.git_integrity import problems as find

__all__ = ["Problem", "problems", "refuse", "table"]


def problems(path: Path, *, tip: str | None = None) -> list[Problem]:
    """Every way in which the repository at `path` is not whole; see `audit.sources.git_integrity.problems`."""
    return find(path, tip=tip)


def table(repo: str, found: list[Problem]) -> pd.DataFrame:
    """`found` as the table `repository_problems`."""
    rows = [{"repo": repo, "problem": problem, "detail": detail} for problem, detail in found]
    return t.conform(t.RepositoryProblems, t.frame(t.RepositoryProblems, rows))
