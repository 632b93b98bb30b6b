"""What landed, what was deployed, how both and the writes in clusters tie, and emergencies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LandingRow:
    """One item of the population of changes, numbered in the order in which they landed.

    Attributes:
        number: from 1; `repo` and `head_sha` are the id that never changes.
        pull_request: 0 for a direct push.
        production: first successful production deployment that carried it; empty when none did.
        controls: controls that it failed.
    """

    number: int
    repo: str
    head_sha: str
    landed_at: str
    landed_at_source: str
    kind: str
    pull_request: int
    link: str
    confidence: str
    subject: str
    authors: list[str]
    approvers: list[str]
    files: int
    environments: list[str]
    production: str
    controls: list[str]


@dataclass(frozen=True)
class DeploymentRow:
    """One production deployment of the quarter, numbered in the order in which they started.

    Attributes:
        carried: how many landings it carried.
        carries: which ones: `A12` for one of annex A, repo@commit for one that landed before or after the quarter.
        changed: it succeeded, and its revision differs from the one before.
    """

    number: int
    started_at: str
    cluster: str
    application: str
    repo: str
    revision: str
    status: str
    started_by: str
    carried: int
    carries: list[str]
    changed: bool
    controls: list[str]


@dataclass(frozen=True)
class ReconciledCount:
    """How many items of one side came to one outcome: of each side, all outcomes add up to its population.

    Attributes:
        side: `landing`, `deployment` or `write`.
        standing: `matched`, `explained`, `waiting` or `unexplained`.
        control: that judges the outcome; empty where none has to.
        listed: each item is a `ReconciledRow`.
    """

    side: str
    outcome: str
    standing: str
    meaning: str
    control: str
    items: int
    listed: bool


@dataclass(frozen=True)
class ReconciledRow:
    """An item without its counterpart, numbered: what nothing explains comes first.

    Attributes:
        raised: ids of the exceptions that its control raised of it, each with the waiver that covers it.
    """

    number: int
    side: str
    item: str
    at: str
    outcome: str
    standing: str
    explanation: str
    control: str
    raised: list[str]
    person: str
    environment: str
    evidence: list[str]


@dataclass(frozen=True)
class EmergencyRow:
    """An emergency in a cluster, step by step.

    Attributes:
        told_by: `settings`, `record` or `both`.
        actions: what was done in it; None where the cluster's audit log is not in evidence. changes: of the cluster, among them.
        returned: landings that brought it back to Git: repo@commit.
        wanting: steps that were left out or came too late, as CHG-09 found, or `not tested`. waiver: that covers them.
    """

    ticket: str
    cluster: str
    person: str
    told_by: str
    opened_at: str
    actions: int | None
    changes: int | None
    closed_at: str
    reviewed_at: str
    reviewer: str
    returned_at: str
    returned: list[str]
    wanting: list[str]
    waiver: str
    evidence: list[str]
