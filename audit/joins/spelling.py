"""One spelling for each repository: the settings'. Forges take a repository's name whatever its letters' case."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from audit.settings import Repository


def spelled(rows: pd.DataFrame, repositories: Iterable[Repository]) -> pd.DataFrame:
    """`rows` whose `repo`, `scope` (one name) and `repos` (names separated by spaces) are written as the settings write them.

    A name that is no repository of the settings stays as it is.
    """
    own = {repository.name.lower(): repository.name for repository in repositories}
    for column in [name for name in ("repo", "scope", "repos") if name in rows]:
        names = rows[column].dropna().unique()
        changed = {name: _own(str(name), own) for name in names}
        changed = {name: one for name, one in changed.items() if name != one}
        if changed:
            rows = rows.assign(**{column: rows[column].replace(changed)})
    return rows


def _own(names: str, own: dict[str, str]) -> str:
    return " ".join(dict.fromkeys(own.get(name.lower(), name) for name in names.split(" ")))
