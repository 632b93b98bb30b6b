"""What controls, waivers and figures came to, and what the summary says of them."""

from __future__ import annotations

from dataclasses import dataclass

from audit.report.pieces import Response


@dataclass(frozen=True)
class Block:
    """A paragraph or a list of a control's documentation.

    Attributes:
        form: `p` or `ul`.
        lines: one string for a paragraph, one for each item of a list; `code` stands in backticks.
    """

    form: str
    lines: list[str]


@dataclass(frozen=True)
class Passage:
    """A headed passage of a control's documentation."""

    heading: str
    blocks: list[Block]


@dataclass(frozen=True)
class Reference:
    """The controls of one framework that a test is evidence for."""

    framework: str
    items: list[str]


@dataclass(frozen=True)
class ExceptionRow:
    """One item of a population that failed a control.

    Attributes:
        owner: who must act; empty where no setting and no answer of management says.
        due: the day by which (`2026-11-15`).
    """

    exception_id: str
    control: str
    subject: str
    severity: str
    at: str
    resolved_at: str
    person: str
    person_raw: str
    repo: str
    path: str
    cluster: str
    environment: str
    app: str
    expected: str
    found: str
    waiver: str
    evidence: list[str]
    owner: str
    due: str


@dataclass(frozen=True)
class ControlResult:
    """What a control tests, why, and what its test came to.

    Attributes:
        expected: what the policy expects, where it is the same for every exception; else empty.
        population: items tested; None when the population itself could not be known.
        exception_count: items that failed, waived ones included. waived_count: those of them that a waiver covers.
        scoped_out: items left out of all that. scope: environments in which it is out of scope, each with the reason.
        design, operation: how what enforces the rule was set, and whether it worked on every item, each with its reason.
        remedy: what to do about an exception, one short sentence.
        where: the places and people with the most exceptions, in words.
        sources: names of the sources whose evidence the test needs; `Git` for the repositories.
        owner: who must act on its open exceptions, those with most of them first; empty where nobody is named.
        due: the day by which the first of them must be dealt with (`2026-11-15`); empty without any.
        previous: what it came to in the quarter before; empty where that is not known.
        previous_open: exceptions that no waiver covered then; None where that is not known.
        previous_told: where that is known from, or why it is not.
        responses: what management answers to all its exceptions, or to single ones.
    """

    id: str
    title: str
    clause: str
    severity: str
    references: list[Reference]
    passages: list[Passage]
    remedy: str
    conclusion: str
    population: int | None
    exception_count: int
    waived_count: int
    scoped_out: int
    scope: list[str]
    gaps: list[str]
    design: str
    design_reason: str
    operation: str
    operation_reason: str
    expected: str
    where: str
    sources: list[str]
    owner: str
    due: str
    previous: str
    previous_open: int | None
    previous_told: str
    responses: list[Response]
    exceptions: list[ExceptionRow]

    @property
    def open(self) -> int:
        """Exceptions that no waiver covers."""
        return self.exception_count - self.waived_count


@dataclass(frozen=True)
class WaiverRow:
    """One entry of a file of waivers that stood in the quarter.

    Attributes:
        state: `in force`, `ended` or `without effect`.
        covers_from, covers_until: the span that it covers, half-open; empty without an end.
        uses: exceptions of the quarter that it covers.
        notes: its flaws, and what a reader should know of it.
        evidence: the landing that brought it: repo@commit. place: path@blob:line.
    """

    id: str
    repo: str
    control: str
    state: str
    requester: str
    approver: str
    reason: str
    compensating_control: str
    scope: str
    covers_from: str
    covers_until: str
    uses: int
    notes: list[str]
    evidence: list[str]
    place: str


@dataclass(frozen=True)
class Gap:
    """Evidence that is missing, and the controls that ask for it; `G1` is the one most of them ask for."""

    id: str
    text: str
    controls: list[str]


@dataclass(frozen=True)
class Count:
    """How many controls came to one conclusion."""

    conclusion: str
    count: int


@dataclass(frozen=True)
class Figure:
    """One metric of the quarter beside the quarter before.

    Attributes:
        unit: unit of `value` and `previous`, as the metrics table has it.
        numerator, denominator: None where the metric has none.
        undetermined: items that could not be determined.
    """

    metric: str
    title: str
    unit: str
    definition: str
    dimension: str
    group: str
    value: float | None
    previous: float | None
    numerator: float | None
    denominator: float | None
    undetermined: int
    note: str


@dataclass(frozen=True)
class Series:
    """The values of one line or one colour of bars, quarter by quarter; None where not determined."""

    name: str
    values: list[float | None]


@dataclass(frozen=True)
class Trend:
    """A chart over quarters (or, for `ranked`, over categories).

    Attributes:
        form: `stacked`, `bars`, `line` or `ranked`.
        labels: quarters, oldest first, or categories.
    """

    id: str
    title: str
    unit: str
    form: str
    labels: list[str]
    series: list[Series]
    note: str


@dataclass(frozen=True)
class Summary:
    """The first page after the cover, in words."""

    sentences: list[str]
    counts: list[Count]
    findings: list[ControlResult]
    untested: list[Gap]  # those that leave a control untested first, then those that leave it tested in part
    figures: list[Figure]
