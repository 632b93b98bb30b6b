"""Smaller plain values of the report: answers of management, clauses, samples, what evidence was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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


@dataclass(frozen=True)
class OwnSection:
    """A section of the organisation's own: its template is named after it, and so is its place in the file."""

    name: str
    title: str


@dataclass(frozen=True)
class Theme:
    """How the organisation has its reports look; see `audit.report.themes`.

    Attributes:
        sections: names, in order.
        colours: by name, as `#12304f`.
        css: text of the style sheet. logo: an SVG; both may be empty.
        templates: text by name.
        catalogues: by language. texts: a catalogue over that of the language.
    """

    sections: list[str]
    own: list[OwnSection]
    colours: dict[str, str]
    css: str
    logo: str
    templates: dict[str, str]
    catalogues: dict[str, dict[str, dict[str, Any]]]
    texts: dict[str, dict[str, Any]]
