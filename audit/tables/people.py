"""Who is who."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Meta, Table, column


class People(Table):
    """The roster: people and the organisation's own bots."""

    person: str = column("Stable id")
    name: str = column("Name")
    kind: str = column("person or machine", isin=["person", "machine"])
    team: str = column("Team", optional=True)
    role: str = column("Role", optional=True)
    joined: UTC = column("First day", optional=True)
    left: UTC = column("First day no longer there", optional=True)

    class Config:
        title = "People and bots of the organisation"
        metadata: ClassVar[Meta] = {"source": "roster file", "stage": "normalised"}
        unique: ClassVar[list[str]] = ["person"]


class Identities(Table):
    """Names under which people appear, system by system."""

    system: str = column(
        "git (e-mail), github (login), kubernetes (user) or argocd (user)",
        isin=["git", "github", "kubernetes", "argocd"],
    )
    identifier: str = column("Name in that system, lower case")
    person: str = column("Whose it is")

    class Config:
        title = "Identities of people"
        metadata: ClassVar[Meta] = {"source": "roster file", "stage": "normalised"}
        unique: ClassVar[list[str]] = ["system", "identifier"]
