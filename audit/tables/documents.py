"""Reviews of documents, as people record them."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE


class DocumentReviews(Table):
    """Reviews of documents that left no trace in Git: somebody looked, and nothing had to be changed."""

    document: str = column("Which document: its name in the settings, or its path")
    reviewed_at: UTC = column("Day on which it was reviewed")
    reviewer: str = column("Who reviewed it, as it is written")
    outcome: str = column("What came of it", optional=True)
    record: str = column("Number or link of the record", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Recorded reviews of documents"
        metadata: ClassVar[Meta] = {
            "source": "records of reviews (CSV, XLSX, YAML or JSON)",
            "stage": "normalised",
            "time": "reviewed_at",
        }
        unique: ClassVar[list[str]] = ["document", "reviewed_at", "reviewer"]
