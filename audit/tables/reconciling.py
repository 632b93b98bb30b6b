"""What landed, what was deployed and what changed clusters, held against each other in both directions."""

from __future__ import annotations

from typing import ClassVar

from audit.model import Side, Standing
from audit.tables.base import UTC, Bool, Int, Meta, Table, column

_SIDES = [side.value for side in Side]
_STANDINGS = [standing.value for standing in Standing]


class ReconciledChanges(Table):
    """Each item of the quarter without its counterpart, and why.

    Landings that were not deployed everywhere they reach, deployments that carried no landing, and writes to clusters that no
    deployment explains. Items that have their counterpart are in `reconciled_counts` alone.
    """

    side: str = column("landing, deployment or write", isin=_SIDES)
    item: str = column("Its name: repo@commit, cluster/application@start or cluster/request")
    subject: str = column(
        "Subject of the exception that its control raises of it; of a landing that of each, up to the first >"
    )
    at: UTC = column("When it landed, was started or was received")
    outcome: str = column("What became of it; see reconciled_counts")
    standing: str = column("explained, waiting or unexplained", isin=_STANDINGS)
    explanation: str = column("Why it has no counterpart, in words")
    control: str = column("Control that judges it; empty where none has to")
    repo: str = column("Repository", optional=True)
    cluster: str = column("Cluster", optional=True)
    environment: str = column("Environments that it concerns, separated by commas", optional=True)
    app: str = column("Applications that it concerns, separated by commas", optional=True)
    person: str = column("Who did it, resolved", optional=True)
    evidence: str = column("Pointers to raw evidence, separated by spaces: sha256:line, or repo@commit")

    class Config:
        title = "Landings, deployments and writes without a counterpart"
        metadata: ClassVar[Meta] = {
            "source": "landings, deployments, cluster writes, and how they were tied",
            "stage": "joined",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["side", "item"]


class ReconciledCounts(Table):
    """How many items of each side came to which outcome in the quarter: of each side they add up to all of them."""

    side: str = column("landing, deployment or write", isin=_SIDES)
    outcome: str = column("What became of them")
    standing: str = column(
        "matched: it has its counterpart; explained: it needs none; waiting: it is not due yet; unexplained: a control raises it, "
        "or can't test it",
        isin=_STANDINGS,
    )
    meaning: str = column("The outcome in words")
    control: str = column("Control that judges the outcome; empty where none has to")
    items: Int = column("Items of the quarter", unit="items", ge=0)
    listed: Bool = column("Each of them is a row of reconciled_changes")

    class Config:
        title = "Landings, deployments and writes by what became of them"
        metadata: ClassVar[Meta] = {"source": "landings, deployments, cluster writes", "stage": "joined"}
        unique: ClassVar[list[str]] = ["side", "outcome"]
