"""What a manifest says of a report that was frozen: its seal, and the numbers that tie from object to row."""

from __future__ import annotations

import msgspec


class Tally(msgspec.Struct, frozen=True):
    """How the evidence of one source came to what the quarter was judged by, as the report prints it.

    Attributes:
        source: name of the source in the settings.
        objects: `listed` = `collected` + `unread`, where it was ever listed; `stored` = `read` + `out_of_period` + `quarantined`.
        records: `records` = `kept` + `noise` + `quarantined`: lines, and what stands for a line.
        rows: `parsed` = `kept` + `duplicates` + `out_of_period`, of all tables together.
    """

    source: str
    objects: dict[str, int]
    records: dict[str, int]
    rows: dict[str, int]


class Reported(msgspec.Struct, frozen=True, omit_defaults=True):
    """A quarter's report, frozen: what `audit.evidence.editions` keeps of it.

    Attributes:
        quarter: as in 2026Q3.
        edition: 1 for the first; a restatement is the next one.
        seal: sha256 of the seal of its folder, which names the sha256 of each file in it.
        tallies: ordered by source; none in manifests from before.
    """

    quarter: str
    edition: int
    seal: str
    tallies: tuple[Tally, ...] = ()
