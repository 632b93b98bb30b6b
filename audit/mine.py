"""Repositories to git tables: mirror, read the history, read the contents, keep all of it by commit.

    mirror → history → contents → mined/<state>/*.parquet

Nothing here knows pull requests or logs: what Git alone can say. A repository whose refs, and everything else that its
tables depend on, are what they were is not mined again; of one that grew only what is new is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd

import audit
from audit import tables as t
from audit.errors import UsageError
from audit.evidence import sealed
from audit.evidence.store import Store
from audit.git import history, observe, patches, strays
from audit.git.secrets.key import fingerprint_key
from audit.joins.build import path_rules
from audit.period import Period
from audit.settings import Repository, Settings
from audit.sources.repository import MIRRORS, mirror, safe_name

Tables = dict[str, pd.DataFrame]
Tips = dict[str, dict[str, str]]

_GIT_TABLES = tuple(name for name, table in t.TABLES.items() if t.meta(table)["stage"] == "git")


def mine(settings: Settings, period: Period, progress: Callable[[int, int], None]) -> Tips:
    """Mirrors and mines every repository, and leaves the tables in the store.

    Args:
        period: contents are read from the first quarter of its trend on.
        progress: told (repositories done, repositories).

    Returns:
        The tip of each repository's default branch, by repository and ref.
    """
    store = Store(settings.store_path)
    folders: list[Path] = []
    tips: Tips = {}
    for number, repository in enumerate(settings.repositories):
        progress(number, len(settings.repositories))
        path = mirror(repository, settings, store.root / MIRRORS)
        folder = _one(path, repository, settings, _since(settings, period), store.root)
        head = t.read(t.Repositories, [folder / "repositories.parquet"]).iloc[0]
        tips[repository.name] = {f"refs/heads/{head['branch']}": str(head["tip"])}
        folders.append(folder)
        progress(number + 1, len(settings.repositories))
    current = store.root / "mined" / "current.json"
    current.parent.mkdir(parents=True, exist_ok=True)
    aside = current.with_name(".current.json.part")
    aside.write_text(json.dumps([folder.name for folder in folders]) + "\n", encoding="utf-8")
    aside.replace(current)
    return tips


def _since(settings: Settings, period: Period) -> datetime:
    """The first moment of the first quarter that trends show."""
    for _ in range(settings.thresholds.trend_quarters - 1):
        period = period.previous()
    return period.start


def _one(path: Path, repository: Repository, settings: Settings, since: datetime, root: Path) -> Path:
    """The folder with the git tables of one repository; made only when something changed that they depend on."""
    scope = observe.Scope(
        path_rules(settings), fingerprint_key(settings), repository, settings.production, settings
    )
    state = [
        repository.name, repository.branch, history.fingerprint(path), audit.__version__, history.VERSION,
        scope.digest(), since.isoformat(), {name: list(t.columns(t.TABLES[name])) for name in _GIT_TABLES},
    ]  # fmt: skip
    folder = root / "mined" / hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]
    if not sealed.is_sealed(folder):
        kept = root / "kept" / safe_name(repository.name)
        found = history.read(path, repo=repository.name, branch=repository.branch, kept=kept)
        found |= observe.read(path, found, scope, since=since, kept=kept)
        for name in _GIT_TABLES:
            t.write(t.TABLES[name], found[name], folder / f"{name}.parquet")
        sealed.seal(folder)
    return folder


def mined(settings: Settings) -> Tables:
    """The git tables that `mine` left in the store, all repositories together.

    Raises:
        UsageError: it was never run.
        IntegrityError: they are not what `mine` left.
    """
    kept = settings.store_path / "mined"
    current = kept / "current.json"
    if not current.exists():
        raise UsageError(f"{kept}: no repository was mined yet", remedy="run 'audit mine' first")
    folders = [kept / name for name in json.loads(current.read_text(encoding="utf-8"))]
    for folder in folders:
        sealed.require(folder)
    return {
        name: t.conform(
            t.TABLES[name], t.read(t.TABLES[name], [folder / f"{name}.parquet" for folder in folders])
        )
        for name in _GIT_TABLES
    }


def in_mirrors(settings: Settings, tables: Tables) -> dict[str, pd.DataFrame | None]:
    """What only the mirrors can tell, as `audit.git.landings.find` takes it.

    Returns:
        `patches`: pull requests that only their patch ties to the mainline. `twins`: mainline commits that copy or undo
        an earlier one; None without any repository. `strays`: commits that only messages name, and the pull requests
        that hold them.
    """
    found: dict[str, list[pd.DataFrame]] = {"patches": [], "twins": [], "strays": []}
    for repository in settings.repositories:
        path, repo = settings.store_path / "mirrors" / safe_name(repository.name), repository.name
        commits = tables["commits"]
        found["patches"].append(patches.find(path, repo=repo, commits=commits, pulls=tables["pull_requests"]))
        found["twins"].append(
            patches.twins(path, repo=repo, commits=commits, file_changes=tables["file_changes"])
        )
        found["strays"].append(strays.find(path, repo=repo, commits=commits))
    nothing = {"patches": pd.DataFrame({"repo": [], "number": [], "sha": []}), "strays": strays.EMPTY}
    return {
        name: pd.concat(parts, ignore_index=True) if parts else nothing.get(name)
        for name, parts in found.items()
    }
