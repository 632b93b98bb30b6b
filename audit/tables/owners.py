"""Who owns which paths of a repository."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import Int, Meta, Table, column


class CodeOwners(Table):
    """Each line of the repositories' CODEOWNERS files; of those that match a path, the last one counts."""

    repo: str = column("Repository")
    number: Int = column("Line of the file, from 1", ge=1)
    pattern: str = column("Paths, with * within a folder's name and ** for any depth")
    owners: str = column("Teams and people, as the file names them, separated by spaces; empty for nobody")
    place: str = column("Where it stands: path@blob:line")

    class Config:
        title = "Owners of code"
        metadata: ClassVar[Meta] = {
            "source": "the repositories' CODEOWNERS files, at the tip",
            "stage": "git",
        }
        unique: ClassVar[list[str]] = ["repo", "number"]
