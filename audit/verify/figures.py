"""Every figure on the pages, held against the attached populations, from which it is counted anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from audit.model import Side
from audit.report import environment, words
from audit.report.shapes import ControlResult, DeploymentRow, Figure, LandingRow, Report
from audit.verify.pages import Printed, squeezed
from audit.verify.recounted import Populations, tally
from audit.verify.verdicts import Check, held

_MATRIX = ("Control", "Statement tested", "Policy clause", "Population", "Exceptions", "Waived", "Conclusion")
_FINDINGS = ("Control", "Severity", "Finding")
_EXCEPTIONS = ("Id", "When", "Who", "Where", "Found", "Evidence")
_CHANGES = (
    "No.", "Landed", "Kind", "Request", "Commit", "Subject", "Authors", "Approved by", "In production", "Failed", "",
)  # fmt: skip
_DEPLOYMENTS = (
    "No.", "Started", "Cluster", "Application", "Revision", "Status", "Started by", "Carried", "Failed", "",
)  # fmt: skip
_WAIVERS = (
    "Waiver", "Control", "Asked by, granted by", "Reason, and what is done instead", "Scope", "Covers", "State",
)  # fmt: skip
_EVIDENCE = ("No.", "Source", "Key", "sha256, object version", "Collected", "Size", "Records", "Kept")
_OUTCOMES = ("Outcome", "Meaning", "Standing", "Control", "Items")
_UNMATCHED = ("No.", "Side", "When", "Item", "Explanation, or what it raised")
_DEFINITIONS = ("Figure", "Definition", "Value", "Made of", "Undetermined")


def checks(printed: Printed, populations: Populations, report: Report) -> list[Check]:
    """One check for each part of the pages: what differs, figure by figure, else that all of it agrees."""
    zone = report.time_zone
    parts = [
        ("the attached controls, exceptions and conclusions agree with each other", _recounted(populations)),
        ("the summary's sentences", _sentences(printed, populations, report)),
        ("the summary's counts of controls by conclusion", _counts(printed, populations)),
        ("the summary's findings", _findings(printed, populations)),
        ("the summary's key figures", _key_figures(printed, populations, report)),
        (f"the control matrix of {len(populations.controls)} controls", _matrix(printed, populations)),
        ("population and conclusion on each control's page", _control_pages(printed, populations)),
        (f"{len(populations.exceptions):,} exceptions", _exceptions(printed, populations)),
        (f"{len(populations.waivers):,} waivers", _waivers(printed, populations)),
        (f"annex A: {len(populations.changes):,} changes", _changes(printed, populations.changes, zone)),
        (
            f"annex B: {len(populations.deployments):,} deployments",
            _deployments(printed, populations.deployments, zone),
        ),
        (f"annex C: {len(populations.figures):,} figures", _definitions(printed, populations.figures)),
        (
            f"reconciliation: {len(populations.reconciliation):,} items",
            _reconciliation(printed, populations, report),
        ),
        ("annex E: the sha256 of each object that it lists", _evidence(printed, populations)),
    ]
    found = [check for right, wrong in parts for check in held("figures", wrong, right)]
    return [*found, *held("figures", (), f"counted anew: {tally(populations)}")]


def _recounted(populations: Populations) -> Iterator[str]:
    known = {control.id for control in populations.controls}
    for control in populations.controls:
        failed = populations.failed(control.id)
        if control.exception_count != failed:
            yield f"{control.id}: {control.exception_count} exceptions in controls.parquet, {failed} in exceptions.parquet"
        waived = populations.waived(control.id)
        if control.waived_count != waived:
            yield f"{control.id}: {control.waived_count} waived in controls.parquet, {waived} in exceptions.parquet"
        if control.conclusion != populations.conclusion(control):
            yield (
                f"{control.id}: {control.conclusion} in controls.parquet; its exceptions, gaps and population "
                f"come to {populations.conclusion(control)}"
            )
    for name in sorted({row.control for row in populations.exceptions} - known):
        yield f"{name}: has exceptions, and is not among the controls"


def _sentences(printed: Printed, populations: Populations, report: Report) -> Iterator[str]:
    for sentence in populations.sentences(report):
        if _shown(sentence) not in printed.paragraphs:
            yield f"summary: not on the pages, as counted anew: {sentence}"


def _counts(printed: Printed, populations: Populations) -> Iterator[str]:
    counted = populations.counts()
    for head, table in printed.tables.items():
        said = {cell.lstrip("✓×?–"): index for index, cell in enumerate(head)}
        wanted = {squeezed(name.capitalize()): count for name, count in counted.items()}
        if said.keys() == wanted.keys() and len(table.rows) == 1:
            for name, count in wanted.items():
                shown = table.rows[0][said[name]]
                if shown != words.count(count):
                    yield f"summary: {shown} controls {name}, counted anew {count}"
            return
    yield "summary: the counts of controls by conclusion are not on the pages"


def _findings(printed: Printed, populations: Populations) -> Iterator[str]:
    expected = [
        (control.id, control.severity.capitalize(), f"{_failed(control, populations)}:")
        for control in populations.worst()
    ]
    yield from _rows(printed, _FINDINGS, "summary", expected, columns=(0, 1, 2), prefix={2})


def _failed(control: ControlResult, populations: Populations) -> str:
    failed = words.count(populations.failed(control.id))
    of = f" of {words.count(control.population)}" if control.population else ""
    waived = populations.waived(control.id)
    return f"{failed}{of} failed{f', {words.count(waived)} waived' if waived else ''}"


def _key_figures(printed: Printed, populations: Populations, report: Report) -> Iterator[str]:
    head = ("Figure", report.quarter, report.previous_quarter, "Change", "Made of")
    expected = [
        (
            figure.title,
            _value(figure),
            "–" if figure.previous is None else words.figure(figure.previous, figure.unit),
            _difference(figure),
            words.basis(figure),
        )
        for figure in populations.key_figures()
    ]
    yield from _rows(printed, head, "key figures", expected, columns=range(5))


def _value(figure: Figure) -> str:
    return "not determined" if figure.value is None else words.figure(figure.value, figure.unit)


def _difference(figure: Figure) -> str:
    if figure.value is None or figure.previous is None:
        return "–"
    return words.change(figure.value, figure.previous, figure.unit)


def _matrix(printed: Printed, populations: Populations) -> Iterator[str]:
    expected = [
        (
            control.id,
            _population(control),
            _matrix_count(control, populations),
            _dashed(populations.waived(control.id)),
            _concluded(control, populations),
        )
        for control in populations.controls
    ]
    yield from _rows(printed, _MATRIX, "control matrix", expected, columns=(0, 3, 4, 5, 6))


def _population(control: ControlResult) -> str:
    if control.population is None:
        return "not known"
    if control.population == 0:
        return "none seen" if control.conclusion == "not tested" else "none"
    return words.count(control.population)


def _matrix_count(control: ControlResult, populations: Populations) -> str:
    tested = populations.conclusion(control) in ("effective", "exceptions")
    return words.count(populations.failed(control.id)) if tested else "–"


def _dashed(number: int) -> str:
    return words.count(number) if number else "–"


def _concluded(control: ControlResult, populations: Populations) -> str:
    name = populations.conclusion(control)
    return f"{environment.SYMBOLS[name]} {name.capitalize()}"


def _control_pages(printed: Printed, populations: Populations) -> Iterator[str]:
    facts = printed.table()
    rows = facts.rows if facts else []
    for label, expected in (
        ("Conclusion", [_concluded(control, populations) for control in populations.controls]),
        ("Population", [_fact(control, populations) for control in populations.controls]),
    ):
        shown = [row[1] for row in rows if len(row) == 2 and row[0] == label]
        if len(shown) != len(expected):
            yield f"controls: {label.lower()} is printed of {len(shown)} of {len(expected)} controls"
            continue
        for control, text, value in zip(populations.controls, expected, shown, strict=True):
            if not (value == _shown(text) or value.startswith(_shown(f"{text}:"))):
                yield f"{control.id}: {label.lower()} is printed as {value:.60}, counted anew {text}"


def _fact(control: ControlResult, populations: Populations) -> str:
    failed = populations.failed(control.id)
    if not failed:
        return _population(control)
    share = f" ({100 * failed / control.population:.1f}%)" if control.population else ""
    waived = populations.waived(control.id)
    covered = f", {words.count(waived)} of them waived" if waived else ""
    return f"{_population(control)}; {words.count(failed)} failed{covered}{share}"


def _exceptions(printed: Printed, populations: Populations) -> Iterator[str]:
    expected = [(words.clip(row.exception_id, 60),) for row in populations.exceptions]
    yield from _rows(printed, _EXCEPTIONS, "exceptions", expected, columns=(0,), prefix={0})


def _waivers(printed: Printed, populations: Populations) -> Iterator[str]:
    expected = [
        (words.clip(row.id, 60), words.clip(row.control, 20), words.count(row.uses), row.state.capitalize())
        for row in populations.waivers
    ]
    yield from _rows(printed, _WAIVERS, "waivers", expected, columns=(0, 1, 5, 6), prefix={0, 6})


def _changes(printed: Printed, changes: Sequence[LandingRow], zone: str) -> Iterator[str]:
    expected = [
        (
            str(row.number),
            words.local(row.landed_at, zone),
            row.kind,
            f"#{row.pull_request}" if row.pull_request else "–",
            row.head_sha[:12],
            words.local(row.production, zone),
            " ".join(row.controls),
        )
        for row in changes
    ]
    yield from _rows(printed, _CHANGES, "annex A", expected, columns=(0, 1, 2, 3, 4, 8, 9), prefix={4})


def _deployments(printed: Printed, deployments: Sequence[DeploymentRow], zone: str) -> Iterator[str]:
    expected = [
        (
            str(row.number),
            words.local(row.started_at, zone),
            row.cluster,
            row.status,
            words.count(row.carried),
            " ".join(row.controls),
        )
        for row in deployments
    ]
    yield from _rows(printed, _DEPLOYMENTS, "annex B", expected, columns=(0, 1, 2, 5, 7, 8))


def _definitions(printed: Printed, figures: Sequence[Figure]) -> Iterator[str]:
    expected = [
        (figure.title, _value(figure), words.basis(figure), words.count(figure.undetermined))
        for figure in figures
    ]
    yield from _rows(printed, _DEFINITIONS, "annex C", expected, columns=(0, 2, 3, 4), prefix={0})


def _reconciliation(printed: Printed, populations: Populations, report: Report) -> Iterator[str]:
    """Counts of outcomes that are listed, as the attached items give them; the others as the results have them."""
    listed = Counter((row.side, row.outcome) for row in populations.reconciliation)
    changes = sum(row.items for row in report.reconciled_counts if row.side == Side.LANDING)
    if changes != len(populations.changes):
        yield f"reconciliation: {changes:,} landings in its counts, {len(populations.changes):,} are attached"
    expected = []
    for side in Side:
        rows = [row for row in report.reconciled_counts if row.side == side]
        numbers = [listed[side, row.outcome] if row.listed else row.items for row in rows]
        expected += [
            (row.outcome.capitalize(), words.count(number)) for row, number in zip(rows, numbers, strict=True)
        ]
        expected.append((f"{words.count(sum(numbers))} ", words.count(sum(numbers))))
    yield from _rows(printed, _OUTCOMES, "reconciliation", expected, columns=(0, -1), prefix={0})
    items = [
        (str(row.number), row.side.capitalize(), words.local(row.at, report.time_zone))
        for row in populations.reconciliation[: environment.RECONCILED_ROWS]
    ]
    yield from _rows(printed, _UNMATCHED, "reconciliation", items, columns=(0, 1, 2), prefix={1})


def _evidence(printed: Printed, populations: Populations) -> Iterator[str]:
    expected = [
        (str(row.number), row.sha256, words.size(row.size), words.count(row.records), words.count(row.kept))
        for row in populations.evidence[: environment.EVIDENCE_ROWS]
    ]
    yield from _rows(printed, _EVIDENCE, "annex E", expected, columns=(0, 3, 5, 6, 7), prefix={3})


def _rows(
    printed: Printed,
    head: Sequence[str],
    where: str,
    expected: Sequence[tuple[str, ...]],
    *,
    columns: Iterable[int],
    prefix: Iterable[int] = (),
) -> Iterator[str]:
    """What differs between the rows of a printed table and those that are expected, in their order.

    Args:
        columns: of the table, to which the expected texts belong.
        prefix: of them, those whose cell only begins with the expected text.
    """
    table = printed.table(*head)
    shown = table.rows if table else []
    if len(shown) != len(expected):
        yield f"{where}: {len(shown):,} rows are printed, {len(expected):,} are attached"
        return
    begins = set(prefix)
    for cells, texts in zip(shown, expected, strict=True):
        for column, text in zip(columns, texts, strict=True):
            cell, wanted = (cells[column] if column < len(cells) else ""), _shown(text)
            if not (cell.startswith(wanted) if column in begins else cell == wanted):
                yield f"{where}, {texts[0]:.60}: {head[column]} is printed as {cell:.80}, counted anew {text:.80}"


def _shown(text: str) -> str:
    return squeezed(str(words.printable(text)))
