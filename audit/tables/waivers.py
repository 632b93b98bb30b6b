"""Waivers of the policy: as a repository's file says them, and as they hold."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column


class WaiverEntries(Table):
    """Each entry that a repository's file of waivers ever had, as it stood from one commit on."""

    repo: str = column("Repository")
    id: str = column("The waiver's id")
    sha: str = column("Mainline commit that brought the entry as it is")
    position: Int = column("Mainline place of that commit", ge=0)
    ended: Int = column(
        "Mainline place of the commit that changed it or took it away; missing while it stands",
        optional=True,
        ge=0,
    )
    control: str = column("Control that it waives")
    requester: str = column("Who asked for it, as the file says")
    approver: str = column("Who granted it, as the file says")
    reason: str = column("Why")
    compensating_control: str = column("What is done instead")
    starts: UTC = column("First moment that it covers, as the file says", optional=True)
    expires: UTC = column("First moment that it no longer covers", optional=True)
    repository: str = column("Scope: repository", optional=True)
    environment: str = column("Scope: environment", optional=True)
    cluster: str = column("Scope: cluster", optional=True)
    app: str = column("Scope: application", optional=True)
    path: str = column("Scope: path, with * within a folder's name and ** for any depth", optional=True)
    subject: str = column("Scope: one exception, by its subject or its id", optional=True)
    place: str = column("Where it stands: path@blob:line")

    class Config:
        title = "Entries of the files of waivers"
        metadata: ClassVar[Meta] = {"source": "the repositories' files of waivers", "stage": "git"}
        unique: ClassVar[list[str]] = ["repo", "id", "position"]


class Waivers(Table):
    """Each waiver with who asked for it, who granted it, what it covers and since when; and what is wrong with it."""

    repo: str = column("Repository whose file it stands in")
    id: str = column("The waiver's id")
    head_sha: str = column("Landing that brought the entry as it is")
    position: Int = column("Mainline place of the commit that brought it", ge=0)
    landed_at: UTC = column("When it landed")
    withdrawn_at: UTC = column(
        "When a landing changed it or took it away; missing while it stands", optional=True
    )
    control: str = column("Control that it waives")
    requester: str = column("Who asked for it, resolved; empty where the file names nobody")
    approver: str = column("Who granted it, resolved; empty where the file names nobody")
    approvers: str = column(
        "Who approved the pull request that brought it, resolved, separated by spaces; empty for none"
    )
    reason: str = column("Why")
    compensating_control: str = column("What is done instead")
    covers_from: UTC = column("First moment that it covers")
    covers_until: UTC = column("First moment that it no longer covers; missing without an end", optional=True)
    expires: UTC = column("Day on which it ends, as the file says", optional=True)
    after_the_fact: Bool = column("It covers what happened before it landed")
    repository: str = column("Scope: repository", optional=True)
    environment: str = column("Scope: environment", optional=True)
    cluster: str = column("Scope: cluster", optional=True)
    app: str = column("Scope: application", optional=True)
    path: str = column("Scope: path", optional=True)
    subject: str = column("Scope: one exception, by its subject or its id", optional=True)
    broad: Bool = column(
        "Its scope is a whole repository, cluster or environment: no application, path or exception"
    )
    flaws: str = column(
        "Why it does not hold; separated by '; '; empty when it does. A waiver with a flaw waives nothing"
    )
    place: str = column("Where it stands: path@blob:line")

    class Config:
        title = "Waivers of the policy"
        metadata: ClassVar[Meta] = {
            "source": "waiver_entries, landings, changes, people",
            "stage": "joined",
            "time": "landed_at",
        }
        unique: ClassVar[list[str]] = ["repo", "id", "position"]
