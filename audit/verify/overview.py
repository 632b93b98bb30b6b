"""Figures of the first pages and of the sections by subject, held against the attached populations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from audit.model import Side
from audit.report import accessed, areas, environment, judged, listed, since, words
from audit.report.shapes import ControlResult
from audit.verify.against import Against
from audit.verify.pages import squeezed

_MATRIX = ("Control", "Statement tested", "Population", "Exceptions", "Waived", "Conclusion")
_FINDINGS = ("Control", "Severity", "Finding", "Owner", "Due")
_CLAUSES = ("Clause", "Controls, or why none", "Comes to")
_OUTCOMES = ("Outcome", "Meaning", "Standing", "Control", "Items")
_EMERGENCIES = ("Emergency", "Opened", "Changes", "Closed", "Reviewed", "Brought back", "What is wanting")
_RIGHTS = (
    "System", "Rights", "People", "Ma~chines", "Groups", "Added", "Re~moved", "Chan~ged", "Left", "Dor~mant", "Exces~sive",
)  # fmt: skip
_PROOF = ("Review", "Holder", "Right", "Gone by", "Found")
_UNMATCHED = ("No.", "Side", "When", "Item", "Explanation, or what it raised")
_TESTED = ("Control", "What it tests", "Conclusion", "Failed", "Waived")


def sentences(a: Against) -> Iterator[str]:
    """The summary's sentences."""
    for sentence in a.populations.sentences(a.report, a.w):
        if not a.says(sentence):
            yield f"summary: not on the pages, as counted anew: {sentence}"


def counts(a: Against) -> Iterator[str]:
    """How many controls came to each conclusion."""
    counted = a.populations.counts()
    for head, table in a.printed.tables.items():
        said = {cell.lstrip("✓×?–"): index for index, cell in enumerate(head)}
        wanted = {squeezed(a.w.text(name.capitalize())): count for name, count in counted.items()}
        if said.keys() == wanted.keys() and len(table.rows) == 1:
            for name, count in wanted.items():
                shown = table.rows[0][said[name]]
                if shown != a.count(count):
                    yield f"summary: {shown} controls {name}, counted anew {count}"
            return
    yield "summary: the counts of controls by conclusion are not on the pages"


def findings(a: Against) -> Iterator[str]:
    """What to act on first, with who must and by when."""
    expected = [
        (
            control.id,
            a.w.text(control.severity.capitalize()),
            f"{_failed(control, a)}:",
            words.clip_short(control.owner, 30) if control.owner else a.w.text("nobody named"),
            control.due,
        )
        for control in a.populations.worst()
    ]
    yield from a.rows(_FINDINGS, "summary", expected, columns=range(5), prefix={0, 2})


def _failed(control: ControlResult, a: Against) -> str:
    failed, waived = a.populations.failed(control.id), a.populations.waived(control.id)
    text = "{failed} of {population} failed" if control.population else "{failed} failed"
    said = a.w.text(text, failed=a.count(failed), population=a.count(control.population or 0))
    return said + (a.w.text(", {waived} waived", waived=a.count(waived)) if waived else "")


def worse(a: Against) -> Iterator[str]:
    """What got worse."""
    found = since.worse(a.populations.controls, a.populations.figures)
    expected = []
    for one in found[: since.SHOWN]:
        if one.figure:
            title = words.clip_short(a.w.text(one.title), 80)
            expected.append((title, a.previous(one.figure), a.value(one.figure)))
        else:
            before, now = (a.mark(name) for name in one.conclusions)
            old, new = (f" {a.count(number)}" if number else "" for number in one.open)
            expected.append((one.control, before + old, now + new))
    head = ("Got worse", a.report.previous_quarter, a.report.quarter)
    yield from a.rows(head, "what got worse", expected, columns=range(3), prefix={0})


def key_figures(a: Against) -> Iterator[str]:
    """The figures of the summary."""
    head = ("Figure", a.report.quarter, a.report.previous_quarter, "Change", "Made of")
    expected = [
        (a.w.text(one.title), a.value(one), a.previous(one), a.difference(one), a.basis(one))
        for one in a.populations.key_figures()
    ]
    yield from a.rows(head, "key figures", expected, columns=range(5))


def matrix(a: Against) -> Iterator[str]:
    """The control matrix."""
    head = (*_MATRIX, a.w.text("Since {quarter}", quarter=a.report.previous_quarter))
    expected = [
        (
            control.id,
            a.population(control),
            _tested(control, a),
            a.dashed(a.populations.waived(control.id)),
            a.concluded(control),
            words.since(control, a.w),
        )
        for control in a.populations.controls
    ]
    yield from a.rows(head, "control matrix", expected, columns=(0, 2, 3, 4, 5, 6), prefix={0})


def _tested(control: ControlResult, a: Against) -> str:
    tested = a.populations.conclusion(control) in ("effective", "exceptions")
    return a.count(a.populations.failed(control.id)) if tested else "–"


def subjects(a: Against) -> Iterator[str]:
    """The sections by subject: figures, what they are broken down by, and controls."""
    quarters = (a.report.quarter, a.report.previous_quarter)
    found = areas.sections(a.populations.controls, a.populations.figures)
    whole = [
        (
            a.w.text(one.title), a.value(one), a.previous(one), a.difference(one), a.basis(one), a.count(one.undetermined),
        )
        for section in found
        for one in section.figures
    ]  # fmt: skip
    measured = ("Measure", *quarters, "Change", "Made of", "Not known")
    yield from a.rows(measured, "subjects", whole, columns=range(6))
    parts = [
        (words.clip(one.group, 80, a.w), a.value(one), a.previous(one), a.basis(one))
        for section in found
        for breakdown in section.breakdowns
        for one in breakdown.rows
    ]
    broken = ("Broken down", "Group", *quarters, "Made of")
    yield from a.rows(broken, "subjects", parts, columns=(1, 2, 3, 4))
    tested = [
        (
            one.id,
            a.concluded(one),
            a.count(a.populations.failed(one.id)),
            a.count(a.populations.waived(one.id)),
        )
        for section in found
        for one in section.controls
    ]
    yield from a.rows(_TESTED, "subjects", tested, columns=(0, 2, 3, 4), prefix={0})


def clauses(a: Against) -> Iterator[str]:
    """What each clause of the policy comes to."""
    results = [(control, a.populations.conclusion(control)) for control in a.populations.controls]
    expected = [
        (row.path, " ".join(row.controls) or row.reason, a.mark(judged.worst(row, results)))
        for row in a.report.clauses
    ]
    yield from a.rows(_CLAUSES, "annex D", expected, columns=range(3))


def reconciliation(a: Against) -> Iterator[str]:
    """Counts of outcomes that are listed, as the attached items give them; the others as the results have them."""
    attached = a.populations.reconciliation
    found = Counter((row.side, row.outcome) for row in attached)
    changes = sum(row.items for row in a.report.reconciled_counts if row.side == Side.LANDING)
    if changes != len(a.populations.changes):
        yield f"reconciliation: {changes:,} landings in its counts, {len(a.populations.changes):,} are attached"
    expected = []
    for side in Side:
        rows = [row for row in a.report.reconciled_counts if row.side == side]
        numbers = [found[side, row.outcome] if row.listed else row.items for row in rows]
        expected += [
            (a.w.text(row.outcome.capitalize()), a.count(number))
            for row, number in zip(rows, numbers, strict=True)
        ]
        expected.append((f"{a.count(sum(numbers))} ", a.count(sum(numbers))))
    yield from a.rows(_OUTCOMES, "reconciliation", expected, columns=(0, -1), prefix={0})
    items = [
        (f"R{row.number}", a.w.text(row.side.capitalize()), words.local(row.at, a.report.time_zone))
        for row in attached[: listed.rows(environment.RECONCILED_ROWS, a.report.whole)]
    ]
    yield from a.rows(_UNMATCHED, "reconciliation", items, columns=(0, 1, 2), prefix={1})


def emergencies(a: Against) -> Iterator[str]:
    """Each emergency with its steps."""
    zone = a.report.time_zone
    expected = [
        (
            words.clip(row.ticket, 60),
            words.local(row.opened_at, zone),
            a.w.text("not known") if row.changes is None else a.count(row.changes),
            words.local(row.closed_at, zone),
            words.local(row.reviewed_at, zone),
            words.local(row.returned_at, zone),
        )
        for row in a.populations.emergencies
    ]
    yield from a.rows(_EMERGENCIES, "emergencies", expected, columns=range(6), prefix={0, 4, 5})


def access(a: Against) -> Iterator[str]:
    """Rights by system, counted anew from the attached ones, and what became of those that were revoked."""
    numbers = [
        (
            row.system, row.rights, row.people, row.machines, row.groups, row.added, row.removed, row.changed, row.left, row.dormant,
            row.excessive,
        )
        for row in accessed.counts(a.populations.rights)
    ]  # fmt: skip
    expected = [(words.clip(name, 80, a.w), *map(a.count, counts)) for name, *counts in numbers]
    yield from a.rows(_RIGHTS, "access review", expected, columns=range(11), prefix={0})
    proof = [
        (
            words.clip(row.review, 40, a.w),
            words.clip(row.subject, 80, a.w),
            a.w.text(row.outcome.capitalize()),
        )
        for row in a.populations.revocations[: listed.rows(environment.RIGHTS_ROWS, a.report.whole)]
    ]
    yield from a.rows(_PROOF, "access review", proof, columns=(0, 1, 4), prefix={0, 4})
