"""Who is who, and when."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Int, Meta, Table, column

_SOURCE: Meta = {"source": "roster file", "stage": "normalised"}
_SINCE, _UNTIL = "First day on which it holds; missing: ever since", "First day on which it no longer holds"
SYSTEMS = ("git", "github", "kubernetes", "argocd", "vault", "sso", "iam")
"""Systems whose names a roster lists."""
RECORDS = "records"
"""Stands for the system of names that records of reviews and emergencies give, which may be of any."""


class People(Table):
    """The roster: people and the organisation's own bots."""

    person: str = column("Stable id")
    name: str = column("Name")
    kind: str = column("person or machine", isin=["person", "machine"])
    joined: UTC = column("First day", optional=True)
    left: UTC = column("First day no longer there", optional=True)

    class Config:
        title = "People and bots of the organisation"
        metadata: ClassVar[Meta] = _SOURCE
        unique: ClassVar[list[str]] = ["person"]


class Roles(Table):
    """Roles and teams of the roster's people, one row for each span in which both stay the same."""

    person: str = column("Stable id")
    role: str = column("Role held", optional=True)
    team: str = column("Team belonged to", optional=True)
    since: UTC = column(_SINCE, optional=True)
    until: UTC = column(_UNTIL, optional=True)

    class Config:
        title = "Roles and teams of people, with their spans"
        metadata: ClassVar[Meta] = _SOURCE
        unique: ClassVar[list[str]] = ["person", "since"]


class Identities(Table):
    """Names under which people appear, system by system, one row for each span in which a name is somebody's."""

    system: str = column(
        "git (e-mail), github (login), kubernetes (user), argocd (user), vault (entity or display name), sso (user), "
        "iam (ARN), or roster: the id of an entry that was found to be another person's",
        isin=[*SYSTEMS, "roster"],
    )
    identifier: str = column("Name in that system, lower case")
    person: str = column("Whose it is")
    since: UTC = column(_SINCE, optional=True)
    until: UTC = column(_UNTIL, optional=True)
    entry: str = column(
        "Entry of the roster that lists it, where that was found to be this person", optional=True
    )

    class Config:
        title = "Identities of people, with their spans"
        metadata: ClassVar[Meta] = _SOURCE
        unique: ClassVar[list[str]] = ["system", "identifier", "since"]


class UnresolvedIdentities(Table):
    """Names in the quarter's evidence behind which nobody is known: they are taken for nobody of the roster."""

    system: str = column(
        "System whose name it is; records: written in records of access reviews or emergencies",
        isin=(*SYSTEMS, RECORDS),
    )
    name: str = column("The name; `unknown` where the system gives none")
    first_seen: UTC = column("When it appeared first in the quarter")
    last_seen: UTC = column("When it appeared last in the quarter")
    times: Int = column("How often it appeared in the quarter", unit="times", ge=1)
    matters: str = column("What rests on it, separated by commas")
    mailmap: str = column("What a repository's .mailmap makes of the address, believed or not", optional=True)

    class Config:
        title = "Names of the quarter behind which nobody is known"
        metadata: ClassVar[Meta] = {
            "source": "changes, reviews, the forge's log, rights, records, deployments, requests to clusters, Vault and the cloud, "
            "through the roster",
            "stage": "result",
        }
        unique: ClassVar[list[str]] = ["system", "name"]
