"""What the report rests on: sources, counts that tie, coverage, what could not be read or resolved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceRow:
    """A source of evidence, and what became of its records: records = kept + noise + quarantined."""

    name: str
    location: str
    formats: list[str]
    envelopes: list[str]
    objects: int
    size: int
    records: int
    kept: int
    noise: int
    quarantined: int


@dataclass(frozen=True)
class TieRow:
    """Rows of one table from one source: parsed = kept + duplicates + out_of_period."""

    source: str
    table: str
    parsed: int
    duplicates: int
    out_of_period: int
    kept: int


@dataclass(frozen=True)
class CountRow:
    """Objects of a source, from its listing to the quarter.

    Attributes:
        listed, collected, unread: None when it was never asked. listed = collected + unread.
        complete: it was listed to its end; None when it was never asked.
        stored: with those that it no longer has. stored = read + out_of_period + quarantined.
    """

    source_name: str
    listed: int | None
    collected: int | None
    unread: int | None
    complete: bool | None
    stored: int
    read: int
    out_of_period: int
    quarantined: int
    ties: bool


@dataclass(frozen=True)
class CoverageRow:
    """Hours in which a source recorded something about a cluster.

    Attributes:
        hours: one number for each day of the quarter that has begun: hours with records, 0 to 25.
        expected: hours of each of those days that lie in the quarter and before as-of.
        first, last: first and last record in the quarter; empty when there is none.
    """

    source: str
    cluster: str
    days: list[str]
    hours: list[int]
    expected: list[int]
    records: int
    first: str
    last: str


@dataclass(frozen=True)
class QuarantineRow:
    """Something that could not be read, and why."""

    source: str
    key: str
    evidence: str
    line: int
    offset: int
    reason: str


@dataclass(frozen=True)
class UnresolvedRow:
    """A name of the quarter behind which nobody is known, and what rests on it.

    Attributes:
        mailmap: what a repository's `.mailmap` makes of it, believed or not; empty for nothing.
    """

    system: str
    name: str
    first_seen: str
    last_seen: str
    times: int
    matters: str
    mailmap: str


@dataclass(frozen=True)
class RepositoryRow:
    """A repository as it was read; `problems` is empty when it is whole.

    `read` counts the mainline commits, the last ones, whose contents were read; `unread` their files that can't be read.
    """

    repo: str
    branch: str
    tip: str
    commits: int
    mainline: int
    read: int
    unread: int
    problems: list[str]


@dataclass(frozen=True)
class EvidenceRow:
    """An object of evidence, numbered."""

    number: int
    source: str
    key: str
    version_id: str
    sha256: str
    size: int
    collected_at: str
    records: int
    kept: int
    noise: int
    quarantined: int
