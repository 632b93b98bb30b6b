"""Emergencies: spans in which people may change clusters by hand, from their opening to their end."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE


class BreakGlassRecords(Table):
    """Emergencies as a ticket system tells them, once for each export that does."""

    ticket: str = column("Ticket")
    person: str = column("Who may act, as it is written")
    cluster: str = column("Cluster, as the settings name it")
    opened_at: UTC = column("When it was opened")
    closed_at: UTC = column("When it was closed", optional=True)
    reviewed_at: UTC = column("When what was done was reviewed", optional=True)
    reviewer: str = column("Who reviewed it, as it is written", optional=True)
    returned: str = column(
        "Pull requests that brought it back to Git: repo#number, separated by spaces", optional=True
    )
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Records of break-glass"
        metadata: ClassVar[Meta] = {
            "source": "exports of tickets (CSV, XLSX, YAML or JSON)",
            "stage": "normalised",
            "time": "opened_at",
        }
        unique: ClassVar[list[str]] = ["ticket", "cluster", "person", "opened_at", "evidence", "line"]


class Emergencies(Table):
    """Each emergency in a cluster with its steps: opened, acted in, closed, reviewed, brought back to Git."""

    ticket: str = column("Ticket")
    cluster: str = column("Cluster")
    environment: str = column("Environment of the cluster")
    person: str = column("Who may act, resolved")
    opened_at: UTC = column("When it was opened")
    ends_at: UTC = column(
        "First moment at which it no longer excuses anything, as the settings say, else the record; missing while neither does",
        optional=True,
    )
    told_by: str = column("Who tells of it: settings, record, or both", isin=["settings", "record", "both"])
    actions: Int = column(
        "What that person did in it: requests that wrote, sessions into workloads, Secrets read; missing where the cluster's audit "
        "log is not in evidence",
        optional=True,
        ge=0,
    )
    changes: Int = column(
        "Changes of the cluster among them, which must be brought back to Git; missing likewise",
        optional=True,
        ge=0,
    )
    first_action_at: UTC = column("First of the actions", optional=True)
    last_action_at: UTC = column("Last of the actions", optional=True)
    closed_at: UTC = column("When it was closed, by the record", optional=True)
    reviewed_at: UTC = column("When what was done was reviewed, by the record", optional=True)
    reviewer: str = column("Who reviewed it, resolved", optional=True)
    returned_at: UTC = column(
        "When the first landing arrived that brought it back to Git: of a pull request that the record names, or whose title "
        "names the ticket, and that landed after it was opened",
        optional=True,
    )
    returned: str = column("Landings that brought it back: repo@commit, separated by spaces")
    evidence: str = column(
        "Pointers to the record and the first actions, separated by spaces: sha256:line; empty where only the settings tell of it"
    )

    class Config:
        title = "Emergencies in clusters, step by step"
        metadata: ClassVar[Meta] = {
            "source": "settings, records of break-glass, cluster writes, landings, pull requests",
            "stage": "joined",
            "time": "opened_at",
        }
        unique: ClassVar[list[str]] = ["ticket", "cluster", "person", "opened_at"]
