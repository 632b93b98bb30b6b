"""What an edition says otherwise than the one before, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class RestatedRow:
    """One fact that differs from the edition before.

    Attributes:
        table, subject: the table, and the key of its row.
        what: `added`, `removed` or `changed`.
        column, before, after: of a changed fact, as texts; empty for a row that was added or removed.
        evidence: pointers to the row's evidence: sha256:line, or repo@commit. Of a restated row, those alone that lead
            to evidence that came after the edition before.
    """

    table: str
    subject: str
    what: str
    column: str
    before: str
    after: str
    evidence: list[str]

    def because_of(self, objects: Container[str]) -> RestatedRow:
        """The row with those pointers alone that lead to `objects` (sha256)."""
        return replace(self, evidence=[each for each in self.evidence if each.partition(":")[0] in objects])


@dataclass(frozen=True)
class Cause:
    """Something that was otherwise when the edition before was made.

    Attributes:
        kind: `late evidence`, `evidence no longer read`, `repository`, `roster`, `setting`, `version` or `unexplained`.
        objects: evidence objects that it is about, as `key (sha256)`.
    """

    kind: str
    text: str
    objects: list[str]


@dataclass(frozen=True)
class Restatement:
    """What this edition changes in the one before, and why.

    Attributes:
        number: of the edition before.
        as_of: up to when events count, in both.
        made_at: when the evidence of this one was last collected.
    """

    number: int
    as_of: str
    made_at: str
    rows: list[RestatedRow]
    causes: list[Cause]

    @property
    def counts(self) -> dict[str, int]:
        """How many facts of each table differ, in the order of the tables."""
        return dict(Counter(row.table for row in self.rows))
