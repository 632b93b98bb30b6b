"""Lists within exports, and what they say of what they leave out."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column


class ExportLists(Table):
    """Lists that GraphQL and the forge's command line give in pages, or cut at a length: what they say of themselves."""

    repo: str = column("Repository; missing for a list of several", optional=True)
    list: str = column(
        "Its place: a page of it for the whole export, or of one pull request (#7.reviews), team, commit or deployment (platform: …)"
    )
    number: Int = column("Pull request that it is of, if any", ge=1, optional=True)
    format: str = column("Format of the export")
    held: Int = column("Items that are there", unit="items", ge=0)
    total: Int = column("Items that the forge has, where it says so", unit="items", ge=0, optional=True)
    later: Bool = column("More come behind them; missing where it does not say", optional=True)
    earlier: Bool = column("More came before them; missing where it does not say", optional=True)
    cursor: str = column(
        "Where it ends, as the forge writes it: pages in one record differ in it", optional=True
    )
    start: UTC = column("Earliest time of what it holds; missing where that is not known", optional=True)
    end: UTC = column("Latest time of what it holds; missing where that is not known", optional=True)
    evidence: str = column("sha256 of the evidence object")
    line: Int = column("Record in that object, counted from 1", ge=1)

    class Config:
        title = "Lists in exports, whole or cut"
        metadata: ClassVar[Meta] = {
            "source": "GitHub GraphQL: pageInfo and totalCount; gh --json",
            "stage": "normalised",
            "time": "start",
        }
        unique: ClassVar[list[str]] = ["repo", "list", "cursor", "evidence", "line"]
