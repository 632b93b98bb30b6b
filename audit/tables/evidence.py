"""The evidence itself: objects, what became of each record, coverage, quarantine."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column


class EvidenceObjects(Table):
    """Every object read, with where it came from and what became of its records."""

    source_name: str = column("Source, as the settings name it")
    key: str = column("Key below the source's location")
    version_id: str = column("Object version; empty where the store has none")
    format: str = column("Format it was read as; empty when none was recognised")
    envelopes: str = column(
        "Kinds of envelopes that its records came in, separated by commas; empty for none"
    )
    cluster: str = column("Cluster that the source belongs to", optional=True)
    repos: str = column("Repositories that its records speak of, separated by spaces")
    apps: str = column("Applications (namespace/name) that its records speak of, separated by spaces")
    sha256: str = column("sha256 of the stored bytes", str_matches=r"^[0-9a-f]{64}$")
    size: Int = column("Size as stored", unit="bytes", ge=0)
    etag: str = column("ETag; empty where the store has none")
    checksum: str = column(
        "Checksum by which the source vouches for it, as in CRC64NVME:rosUhgp5mIg=; empty for none"
    )
    verified: Bool = column(
        "Its bytes were held against that checksum when they were collected, and are those"
    )
    retention: str = column(
        "Lock that the source says it was under, as in COMPLIANCE until 2030-01-01T00:00:00Z, legal hold; empty for none, and where "
        "the reader may not know"
    )
    last_modified: UTC = column("When the store says it was written; missing for a folder", optional=True)
    collected_at: UTC = column("When it was collected")
    replaced_by: str = column(
        "sha256 of other bytes that the source gave later under the same key and version", optional=True
    )
    records: Int = column("Records in it", unit="records", ge=0)
    kept: Int = column("Records that gave rows", unit="records", ge=0)
    noise: Int = column("Well-formed records that by rule give no row", unit="records", ge=0)
    quarantined: Int = column(
        "Records, or the rest of the object, that could not be read", unit="records", ge=0
    )

    class Config:
        title = "Evidence objects"
        metadata: ClassVar[Meta] = {
            "source": "manifest of the evidence store, and parsing",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = ["source_name", "key", "version_id", "sha256"]


class Coverage(Table):
    """Hours in which a source recorded something, object by object and format by format."""

    source_name: str = column("Source, as the settings name it")
    cluster: str = column("Cluster that the source belongs to", optional=True)
    format: str = column("Format of the records")
    hour: UTC = column("Start of the hour")
    records: Int = column("Records in it", unit="records", ge=1)
    first_at: UTC = column("First of them")
    last_at: UTC = column("Last of them")
    evidence: str = column("sha256 of the evidence object")

    class Config:
        title = "Hours with records, by source, object and format"
        metadata: ClassVar[Meta] = {
            "source": "times of all well-formed records, noise included",
            "stage": "normalised",
            "time": "hour",
        }
        unique: ClassVar[list[str]] = ["source_name", "evidence", "format", "hour"]


class Quarantine(Table):
    """Everything that could not be read, with the reason."""

    source_name: str = column("Source, as the settings name it")
    key: str = column("Key below the source's location")
    evidence: str = column("sha256 of the evidence object")
    line: Int = column(
        "Record in the object, counted from 1; the next one when the object itself broke off", ge=1
    )
    offset: Int = column("Where it starts in the uncompressed object", unit="bytes", ge=0)
    reason: str = column("Why it could not be read")

    class Config:
        title = "Quarantined records"
        metadata: ClassVar[Meta] = {"source": "parsing", "stage": "normalised"}
        unique: ClassVar[list[str]] = ["source_name", "key", "evidence", "line", "reason"]


class Reconciliation(Table):
    """Rows at each step, which tie: parsed = kept + duplicates + out of period."""

    source_name: str = column("Source, as the settings name it")
    table: str = column("Table")
    parsed: Int = column("Rows that parsing gave", unit="rows", ge=0)
    duplicates: Int = column("Rows that repeat another row's key", unit="rows", ge=0)
    out_of_period: Int = column("Rows that speak of a time outside the quarter", unit="rows", ge=0)
    kept: Int = column("Rows of the quarter, and rows that speak of no time", unit="rows", ge=0)

    class Config:
        title = "Rows parsed, kept, duplicate and out of period, by source and table"
        metadata: ClassVar[Meta] = {"source": "the build", "stage": "joined"}
        unique: ClassVar[list[str]] = ["source_name", "table"]


class EvidenceLosses(Table):
    """What sources have or had and did not give: versions that were never read, objects that were deleted, are gone or could
    not be read."""

    source_name: str = column("Source, as the settings name it")
    key: str = column("Key below the source's location")
    kind: str = column(
        "superseded: a version that another took the place of before it was read; deleted: its latest version is a delete marker; "
        "gone: it was read before, and the source no longer lists it; unread: it could not be read",
        isin=["superseded", "deleted", "gone", "unread"],
    )
    version_id: str = column("Version; empty where there is none")
    at: UTC = column("When it was superseded or deleted, where the source says so", optional=True)
    seen_at: UTC = column("Collection that found it so first")
    reason: str = column("Why it could not be read; empty for the other kinds")
    manifest: str = column("sha256 of the manifest that records it")

    class Config:
        title = "Objects and versions that sources did not give"
        metadata: ClassVar[Meta] = {"source": "manifests of the evidence store", "stage": "joined"}
        unique: ClassVar[list[str]] = ["source_name", "key", "kind", "version_id", "reason"]


class SourceCounts(Table):
    """Objects of each source, from its listing to the quarter: each number counted by itself.

    They tie when listed = collected + unread, when the store holds no fewer than were collected, and when stored = read +
    out of period + quarantined.
    """

    source_name: str = column("Source, as the settings name it")
    listed: Int = column(
        "Objects that it listed when it was last asked, or last listed whole since the quarter was over; missing when it never was",
        unit="objects",
        ge=0,
        optional=True,
    )
    collected: Int = column("Of them, those that the store holds", unit="objects", ge=0, optional=True)
    unread: Int = column("Of them, those that could not be read", unit="objects", ge=0, optional=True)
    complete: Bool = column("It was listed to its end; missing when it never was asked", optional=True)
    stored: Int = column(
        "Objects of it in the evidence, with those that it no longer has and what they were before",
        unit="objects",
        ge=0,
    )
    read: Int = column(
        "Of these, those with a record that was read and may concern the quarter", unit="objects", ge=0
    )
    out_of_period: Int = column("Those all of whose records speak of other times", unit="objects", ge=0)
    quarantined: Int = column("Those of which no record could be read", unit="objects", ge=0)
    ties: Bool = column("All of this ties")

    class Config:
        title = "Objects listed, collected, read, out of period and quarantined, by source"
        metadata: ClassVar[Meta] = {
            "source": "manifests of the evidence store, and the build",
            "stage": "joined",
        }
        unique: ClassVar[list[str]] = ["source_name"]
