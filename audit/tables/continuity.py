"""What the evidence covers and what it leaves out: streams with their pace, days, gaps."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Float, Int, Meta, Table, column

NATURES = ("log", "snapshot", "cumulative")
KINDS = ("silence", "undelivered", "pending", "late", "clock", "retention", "cap", "cut", "dropped")


class EvidenceStreams(Table):
    """Each source's records of one format: how often they come, how late, and how long they may stay away."""

    source_name: str = column("Source, as the settings name it")
    cluster: str = column("Cluster that the source belongs to", optional=True)
    format: str = column("Format of the records")
    nature: str = column(
        "log: records stand in the order of time; snapshot: how things stood when it was made; cumulative: each "
        "export has all that the one before had",
        isin=list(NATURES),
    )
    objects: Int = column("Objects that hold such records", unit="objects", ge=0)
    records: Int = column("Records with a time", unit="records", ge=0)
    first_at: UTC = column(
        "First record of a log; first object written of anything else; missing where nothing says when",
        optional=True,
    )
    last_at: UTC = column("The last of them", optional=True)
    pauses: Int = column("Pauses between them that were measured", unit="pauses", ge=0)
    longest_minutes: Float = column(
        "Longest of the pauses; missing without any", unit="minutes", ge=0, optional=True
    )
    cadence_minutes: Float = column(
        "Longest pause that is not a gap; missing where it is neither set nor could be learned",
        unit="minutes",
        ge=0,
        optional=True,
    )
    basis: str = column(
        "Where the cadence comes from: set (for the source), rule (for every API server's log), learned (three times "
        "what all but the few longest pauses keep to: those before the quarter, where that is eight weeks or more), unknown",
        isin=["set", "rule", "learned", "unknown"],
    )
    delay_minutes: Float = column(
        "How long after their last record all but the latest hundredth of a log's objects were written; missing where "
        "too few say when",
        unit="minutes",
        ge=0,
        optional=True,
    )

    class Config:
        title = "Streams of evidence, with their cadence and delay"
        metadata: ClassVar[Meta] = {"source": "times of records and of objects", "stage": "joined"}
        unique: ClassVar[list[str]] = ["source_name", "cluster", "format"]


class EvidenceDays(Table):
    """Each day of the quarter, stream by stream: a day without anything has a row, too."""

    source_name: str = column("Source, as the settings name it")
    cluster: str = column("Cluster that the source belongs to", optional=True)
    format: str = column("Format of the records")
    day: str = column("Day in the organisation's time zone, as in 2026-07-01")
    records: Int = column("Records that speak of it", unit="records", ge=0)
    hours: Int = column("Hours of it with such a record", unit="hours", ge=0)
    written: Int = column("Objects with such records that were written on it", unit="objects", ge=0)
    missing_minutes: Int = column("Of it, in gaps of this stream", unit="minutes", ge=0)

    class Config:
        title = "Coverage by source, cluster and day"
        metadata: ClassVar[Meta] = {"source": "hours with records, and gaps", "stage": "joined"}
        unique: ClassVar[list[str]] = ["source_name", "cluster", "format", "day"]


class EvidenceGaps(Table):
    """Where evidence is missing, may be, or can't be trusted in its times, within the quarter.

    What is `missing` makes the controls that rest on it `not tested` for its scope and span.
    """

    source_name: str = column("Source; empty for a gap of all sources of a cluster")
    cluster: str = column("Cluster, where it concerns one", optional=True)
    repo: str = column("Repository, where it concerns one", optional=True)
    format: str = column("Format of the records that are missing")
    part: str = column("Which of its records: empty for all of them")
    kind: str = column(
        "silence: no record for longer than the cadence; undelivered: no object for longer; pending: collected before "
        "late records can have come; late: written long after its records; clock: dated after it was written, or "
        "before its cause; retention: the system had forgotten it before it was exported; cap: left out of a list of "
        "limited length; cut: bodies that were left out; dropped: events that an API server says it lost",
        isin=list(KINDS),
    )
    start: UTC = column("From when on")
    end: UTC = column("Until when")
    detail: str = column("What is missing, in words")
    missing: Bool = column("Controls that rest on it are not tested for this scope and span")
    evidence: str = column("sha256 of objects that show it, separated by spaces")

    class Config:
        title = "Gaps in the evidence"
        metadata: ClassVar[Meta] = {
            "source": "times of records and objects, and what sources say they left out",
            "stage": "joined",
        }
        unique: ClassVar[list[str]] = [
            "source_name", "cluster", "repo", "format", "part", "kind", "start", "end", "detail",
        ]  # fmt: skip
