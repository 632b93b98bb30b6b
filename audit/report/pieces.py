"""Smaller plain values of the report: answers of management, clauses, samples, what evidence was asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Response:
    """What management answers to a control's exceptions, or to one of them.

    Attributes:
        target: a control's id, or an exception's.
        due: the day by which it is done (`2026-11-15`); empty where none is said.
        place: file and line.
    """

    target: str
    owner: str
    text: str
    due: str
    place: str


@dataclass(frozen=True)
class ClauseRow:
    """A clause of the policy, and the controls of this report that test it.

    Attributes:
        reason: why none does; empty where one does.
    """

    path: str
    controls: list[str]
    reason: str


@dataclass(frozen=True)
class SampleRow:
    """One item that was drawn.

    Attributes:
        sample: `S1` for the first sheet.
        number: the one that the item has in its population.
        at: when it happened; empty where it has no time.
        hits: how often it was drawn.
    """

    sample: str
    number: int
    subject: str
    at: str
    environment: str
    says: str
    hits: int


@dataclass(frozen=True)
class SampleSheet:
    """A sample and how it was drawn: whoever has the population draws the same one again; fields as in `audit.sampling`.

    Attributes:
        id: `S1` for the first.
        columns: what the auditor looks at in each item.
        items: of the population. whole: what was drawn of.
        problem: why nothing could be drawn; empty otherwise.
    """

    id: str
    population: str
    method: str
    method_told: str
    seed: int
    confidence: str
    tolerable: str
    expected: str
    items: int
    whole: int
    size: int
    allowed: int
    population_sha256: str
    sample_sha256: str
    problem: str
    columns: list[str]
    rows: list[SampleRow]


@dataclass(frozen=True)
class QueryRow:
    """What a source was asked for, and what was left out of that."""

    source: str
    query: str
    filters: str


@dataclass(frozen=True)
class Parameter:
    """A setting that differs from this product's default; its value as JSON."""

    name: str
    value: str
