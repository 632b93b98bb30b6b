"""The finished report as plain values: what templates, `results.json` and the PDF's attachments are made from.

Strings, numbers and lists only. Times are UTC in ISO form (`2026-07-01T00:00:00Z`); text that the evidence does
not have is the empty string; a number that can't be determined is None and always stands beside the reason.
Nothing is shortened here: what a page cuts, `results.json` holds whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, replace

from audit.report.pieces import ClauseRow, Parameter, QueryRow, Response, SampleSheet, Theme


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


@dataclass(frozen=True)
class LandingRow:
    """One item of the population of changes, numbered in the order in which they landed.

    Attributes:
        number: from 1; `repo` and `head_sha` are the id that never changes.
        pull_request: 0 for a direct push.
        production: first successful production deployment that carried it; empty when none did.
        controls: controls that it failed.
    """

    number: int
    repo: str
    head_sha: str
    landed_at: str
    landed_at_source: str
    kind: str
    pull_request: int
    link: str
    confidence: str
    subject: str
    authors: list[str]
    approvers: list[str]
    files: int
    environments: list[str]
    production: str
    controls: list[str]


@dataclass(frozen=True)
class DeploymentRow:
    """One production deployment of the quarter, numbered in the order in which they started.

    Attributes:
        carried: how many landings it carried.
        carries: which ones: `A12` for one of annex A, repo@commit for one that landed before or after the quarter.
        changed: it succeeded, and its revision differs from the one before.
    """

    number: int
    started_at: str
    cluster: str
    application: str
    repo: str
    revision: str
    status: str
    started_by: str
    carried: int
    carries: list[str]
    changed: bool
    controls: list[str]


@dataclass(frozen=True)
class ReconciledCount:
    """How many items of one side came to one outcome: of each side, all outcomes add up to its population.

    Attributes:
        side: `landing`, `deployment` or `write`.
        standing: `matched`, `explained`, `waiting` or `unexplained`.
        control: that judges the outcome; empty where none has to.
        listed: each item is a `ReconciledRow`.
    """

    side: str
    outcome: str
    standing: str
    meaning: str
    control: str
    items: int
    listed: bool


@dataclass(frozen=True)
class ReconciledRow:
    """An item without its counterpart, numbered: what nothing explains comes first.

    Attributes:
        raised: ids of the exceptions that its control raised of it, each with the waiver that covers it.
    """

    number: int
    side: str
    item: str
    at: str
    outcome: str
    standing: str
    explanation: str
    control: str
    raised: list[str]
    person: str
    environment: str
    evidence: list[str]


@dataclass(frozen=True)
class EmergencyRow:
    """An emergency in a cluster, step by step.

    Attributes:
        told_by: `settings`, `record` or `both`.
        actions: what was done in it; None where the cluster's audit log is not in evidence. changes: of the cluster, among them.
        returned: landings that brought it back to Git: repo@commit.
        wanting: steps that were left out or came too late, as CHG-09 found, or `not tested`. waiver: that covers them.
    """

    ticket: str
    cluster: str
    person: str
    told_by: str
    opened_at: str
    actions: int | None
    changes: int | None
    closed_at: str
    reviewed_at: str
    reviewer: str
    returned_at: str
    returned: list[str]
    wanting: list[str]
    waiver: str
    evidence: list[str]


@dataclass(frozen=True)
class RightRow:
    """A right that was held in the quarter, numbered: those to look at come first.

    Attributes:
        held: `yes`, `no` (a later list has it no more), or `not told` where no list of the quarter's end can tell.
        change: since the list with which the quarter began: `added`, `removed`, `changed`, `none`, `passing` or `untold`.
        held_since: the latest moment at which it can have been granted; since_basis: how that is known.
        usage: in the last days of the quarter: `used`, `unused` or `untold`, for the reason in usage_note.
        look_at: why somebody should look at it: `left`, `unknown`, `dormant`, and in what it is excessive.
        builtin: Kubernetes' own; counted nowhere, and listed last.
    """

    number: int
    right_id: str
    system_kind: str
    system: str
    holder: str
    holder_kind: str
    person: str
    standing: str
    right: str
    scope: str
    how: str
    held: str
    change: str
    before: str
    held_since: str
    since_basis: str
    granted_by: str
    last_used: str
    usage: str
    usage_note: str
    look_at: list[str]
    excess: list[str]
    builtin: bool
    evidence: list[str]


@dataclass(frozen=True)
class RightsCount:
    """Rights of one system, as its list of the quarter's end has them, or as logs saw them where there is none.

    Attributes:
        rights: held, or not told; people, machines, groups: whose. added, removed, changed: in the quarter.
        left, dormant, excessive: of `rights`. untold: of `rights`, those whose use can't be told.
    """

    system: str
    system_kind: str
    rights: int
    people: int
    machines: int
    groups: int
    added: int
    removed: int
    changed: int
    left: int
    dormant: int
    excessive: int
    untold: int


@dataclass(frozen=True)
class RevokedRow:
    """A right that an access review revoked or changed, due to be gone in the quarter, numbered.

    Attributes:
        outcome: `gone`, `still there`, `used after`, `not due` or `untold`.
        checked_at: when the list was made that shows it. used_at: first use after it had to be gone.
    """

    number: int
    review: str
    system: str
    subject: str
    right: str
    decision: str
    reviewer: str
    decided_at: str
    gone_by: str
    removed_at: str
    proof: str
    outcome: str
    checked_at: str
    used_at: str
    evidence: list[str]


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


@dataclass(frozen=True)
class Report:
    """Everything the report says.

    Attributes:
        status: `draft` while the quarter was not over at `as_of` or nothing is to be frozen yet, else `final`.
        edition: 1 for the first report of the quarter that is final; 0 for a draft.
        restates: what differs from the edition before; None for the first.
        starts, ends: the quarter, half-open.
        language: of the pages (BCP 47).
        theme: how the organisation has them look; None for this product's own look.
        manifests: how many the evidence has.
        last_manifest: sha256 of the last one, which vouches for all before it; empty without any.
        signers: ids of the keys that its signatures name; empty where it is not signed.
        clauses: of the policy, in its order.
        samples: those that the settings ask for.
        queries: what each source was asked for.
        parameters: settings that differ from the defaults.
        whole: pages print every row of lists that are long.
    """

    organisation: str
    classification: str
    quarter: str
    previous_quarter: str
    starts: str
    ends: str
    time_zone: str
    as_of: str
    version: str
    status: str
    edition: int
    restates: Restatement | None
    language: str
    theme: Theme | None
    summary: Summary
    trends: list[Trend]
    controls: list[ControlResult]
    waivers: list[WaiverRow]
    gaps: list[Gap]
    sources: list[SourceRow]
    counts: list[CountRow]
    ties: list[TieRow]
    coverage: list[CoverageRow]
    quarantine: list[QuarantineRow]
    unresolved: list[UnresolvedRow]
    repositories: list[RepositoryRow]
    landings: list[LandingRow]
    deployments: list[DeploymentRow]
    reconciled_counts: list[ReconciledCount]
    reconciled: list[ReconciledRow]
    emergencies: list[EmergencyRow]
    rights_counts: list[RightsCount]
    rights: list[RightRow]
    revoked: list[RevokedRow]
    figures: list[Figure]
    evidence: list[EvidenceRow]
    manifests: int
    last_manifest: str
    signers: list[str]
    frameworks: list[str]
    clauses: list[ClauseRow]
    samples: list[SampleSheet]
    queries: list[QueryRow]
    parameters: list[Parameter]
    whole: bool = False
