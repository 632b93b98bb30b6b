"""Mainline commits of a real repository, as the observers of contents are given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from git_repo import Repo

from audit.git.contents import Change, Contents, Step
from audit.git.images import Images
from audit.git.mining import text
from audit.sources.git_view import view

NONE = "0" * 40

Places = Mapping[str, Sequence[tuple[str, str]]]


def step(repo: Repo, sha: str) -> Step:
    """One commit with what it changed against its first parent, renames found."""
    said = repo.git("diff-tree", "-r", "--root", "--raw", "--no-abbrev", "-z", "-M", "--no-commit-id", sha)
    tokens = iter(said.encode("utf-8", "surrogateescape").split(b"\0")[:-1])
    changes = []
    for token in tokens:
        _, _, old, new, status = token.decode().split(" ")
        first = text(next(tokens))
        path, old_path = (text(next(tokens)), first) if status[0] in "RC" else (first, None)
        blobs = (None if blob == NONE else blob for blob in (old, new))
        changes.append(Change(path, old_path, status[0], *blobs))
    return Step(sha, 0, tuple(changes))


def observed(
    repo: Repo, *shas: str, reached: Places | None = None
) -> tuple[list[dict[str, Any]], list[tuple[str, str, str]]]:
    """Rows of the commits given, and what could not be read."""
    with view(repo.path) as seen, Contents(seen) as contents:
        images = Images(contents)
        rows = [row for sha in shas for row in images.step(step(repo, sha), reached or {})]
        return rows, images.unread


def brief(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as `path locator app/environment image before -> after`, sorted."""
    return sorted(
        f"{row['path']} {row['locator']} {row['app']}/{row['environment']} {row['image']} {row['before']} -> {row['after']}"
        for row in rows
    )
