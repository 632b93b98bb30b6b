"""Every figure on the pages, held against the attached populations, and these against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from audit.report import contents, listed, words
from audit.report.listed import Shown
from audit.report.pieces import SampleSheet
from audit.report.shapes import ControlResult, Report
from audit.report.wording import Wording
from audit.verify import charted, measured, overview, tied
from audit.verify.against import Against
from audit.verify.pages import Printed
from audit.verify.recounted import Populations, tally
from audit.verify.verdicts import Check, Verdict, held

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
_COLLECTED = (
    "Source",
    "Collected on",
    "Objects",
    "Size",
    "Records",
    "Kept",
    "Quaran~tined",
    "sha256 of their sha256",
)
_DEFINITIONS = ("Figure", "Definition", "Value", "Made of", "Undeter~mined")
_UNPROVED = (
    "not counted anew, for want of what they are made of in the file: figures other than those, populations of other controls, hours "
    "of coverage, rows parsed, earlier quarters of charts; with --settings they are, from raw bytes"
)
"""What the file alone can't prove of its figures."""
_SHEET = ("Sheet", "Item", "When", "What it is", "Environ~ments")


def checks(printed: Printed, populations: Populations, report: Report, w: Wording) -> list[Check]:
    """One check for each part of the pages: what differs, figure by figure, else that all of it agrees.

    Args:
        w: the wording of the pages.
    """
    a = Against(printed, populations, report, w)
    shown = {"", *contents.names(report)}
    parts = [
        *_attached(populations, report),
        ("the summary's sentences", overview.sentences(a), "summary"),
        ("the summary's counts of controls by conclusion", overview.counts(a), "summary"),
        ("the summary's findings", overview.findings(a), "summary"),
        ("what got worse", overview.worse(a), "summary"),
        ("the summary's key figures", overview.key_figures(a), "summary"),
        (
            f"{len(report.trends)} charts, compared with the figures of the quarter and the one before",
            charted.trends(a, printed="trends" in shown),
            "",
        ),
        (f"the control matrix of {len(populations.controls)} controls", overview.matrix(a), "matrix"),
        ("the sections by subject", overview.subjects(a), "subjects"),
        ("population and conclusion on each control's page", _control_pages(a), "controls"),
        (f"{len(populations.exceptions):,} exceptions", _exceptions(a), "controls"),
        (f"{len(populations.waivers):,} waivers", _waivers(a), "waivers"),
        (f"annex A: {len(populations.changes):,} changes", _changes(a), "changes"),
        (f"annex B: {len(populations.deployments):,} deployments", _deployments(a), "deployments"),
        (f"annex C: {len(populations.figures):,} figures", _definitions(a), "figures"),
        (
            f"reconciliation: {len(populations.reconciliation):,} items",
            overview.reconciliation(a),
            "reconciliation",
        ),
        (f"{len(populations.emergencies):,} emergencies", overview.emergencies(a), "reconciliation"),
        (f"access review: {len(populations.rights):,} rights", overview.access(a), "access"),
        (f"annex D: {len(report.clauses):,} clauses", overview.clauses(a), "clauses"),
        (
            f"annex E: {len(populations.evidence):,} objects, and the sha256 of each that it lists",
            _evidence(a),
            "evidence",
        ),
        (f"annex F: {len(populations.samples):,} items drawn", _samples(a), "samples"),
    ]
    found = [
        check
        for right, wrong, section in parts
        for check in (
            held("figures", wrong, right)
            if section in shown
            else [Check("figures", Verdict.NOTE, f"the theme leaves its section out: {right}")]
        )
    ]
    found += held("figures", (), f"read back: {tally(populations)}")
    return [*found, Check("figures", Verdict.NOTE, _UNPROVED)]


def _attached(p: Populations, report: Report) -> list[tuple[str, Iterator[str], str]]:
    """What is attached, held against what else is attached: the same whatever the pages show."""
    known = measured.recounted(p, report)
    anew = sum((one.metric, one.dimension, one.group) in known for one in p.figures)
    return [
        (right, wrong, "")
        for right, wrong in (
            (
                "each control's exceptions, waived ones, places, owner, due and conclusion, counted anew from the exceptions",
                tied.controls(p),
            ),
            (
                f"populations of {', '.join(tied.COUNTED)}, counted anew; controls rest on sources of the report",
                tied.tested(p, report),
            ),
            ("uses of waivers, counted anew from the exceptions", tied.waivers(p)),
            (
                "controls that each change and each deployment failed, counted anew from the exceptions",
                tied.failures(p),
            ),
            (
                "how much each deployment carried, and when changes came to production, counted anew from what they carried",
                tied.carried(p, report),
            ),
            ("sources and quarantine, counted anew from the objects of evidence", tied.sources(p, report)),
            ("counts from step to step tie where they are said to", tied.steps(report)),
            ("gaps, summary, reconciliation and rights, summed anew", tied.summed(p, report)),
            (f"{len(p.figures):,} figures, worked out from what they are made of", measured.arithmetic(p)),
            (
                f"{anew:,} of {len(p.figures):,} figures, counted anew from changes, deployments and exceptions",
                measured.figures(p, report),
            ),
            ("charts of all key figures and of the exceptions", measured.undrawn(p, report)),
        )
    ]


def _control_pages(a: Against) -> Iterator[str]:
    facts = a.printed.table()
    rows = facts.rows if facts else []
    controls = a.populations.controls
    failed = [control for control in controls if a.populations.open(control.id)]
    nobody = a.w.text("nobody named")
    for label, those, expected in (
        ("Conclusion", controls, [a.concluded(one) for one in controls]),
        ("Population", controls, [_fact(one, a) for one in controls]),
        ("Since {quarter}", controls, [_since(one, a) for one in controls]),
        (
            "Owner, due",
            failed,
            [f"{words.clip(one.owner, 120, a.w) or nobody}, {one.due}" for one in failed],
        ),
    ):
        name = a.shown(a.w.text(label, quarter=a.report.previous_quarter))
        shown = [row[1] for row in rows if len(row) == 2 and row[0] == name]
        said = label.partition(" {")[0].lower()
        if len(shown) != len(expected):
            yield f"controls: {said} is printed of {len(shown)} of {len(expected)} controls"
            continue
        for control, text, value in zip(those, expected, shown, strict=True):
            if not (value == a.shown(text) or value.startswith(a.shown(f"{text}:"))):
                yield f"{control.id}: {said} is printed as {value:.60}, by what is attached it is {text}"


def _since(control: ControlResult, a: Against) -> str:
    return (
        words.since(control, a.w)
        if control.previous
        else words.clip(control.previous_told, words.LONGEST, a.w)
    )


def _fact(control: ControlResult, a: Against) -> str:
    failed = a.populations.failed(control.id)
    if not failed:
        return a.population(control)
    said = a.w.text("{failed} failed", failed=a.count(failed))
    waived = a.populations.waived(control.id)
    if waived:
        said += a.w.text(", {waived} of them waived", waived=a.count(waived))
    share = f" ({a.w.number(f'{100 * failed / control.population:.1f}')}%)" if control.population else ""
    return f"{a.population(control)}; {said}{share}"


def _exceptions(a: Against) -> Iterator[str]:
    expected = [(words.clip(row.exception_id, 60, a.w),) for row in a.populations.exceptions]
    yield from a.rows(_EXCEPTIONS, "exceptions", expected, columns=(0,), prefix={0})


def _waivers(a: Against) -> Iterator[str]:
    expected = [
        (
            words.clip(row.id, 60, a.w),
            words.clip(row.control, 20, a.w),
            a.count(row.uses),
            a.w.text(row.state.capitalize()),
        )
        for row in a.populations.waivers
    ]
    yield from a.rows(_WAIVERS, "waivers", expected, columns=(0, 1, 5, 6), prefix={0, 6})


def _changes(a: Against) -> Iterator[str]:
    zone = a.report.time_zone
    expected = [
        (
            f"A{row.number}",
            words.local(row.landed_at, zone),
            a.w.text(row.kind),
            f"#{row.pull_request}" if row.pull_request else "–",
            row.head_sha[:12],
            words.local(row.production, zone),
            " ".join(row.controls),
        )
        for row in a.populations.changes
    ]
    yield from a.rows(_CHANGES, "annex A", expected, columns=(0, 1, 2, 3, 4, 8, 9), prefix={4})


def _deployments(a: Against) -> Iterator[str]:
    zone = a.report.time_zone
    expected = [
        (
            f"B{row.number}",
            words.local(row.started_at, zone),
            row.cluster,
            a.w.text(row.status),
            a.count(row.carried),
            " ".join(row.controls),
        )
        for row in a.populations.deployments
    ]
    yield from a.rows(_DEPLOYMENTS, "annex B", expected, columns=(0, 1, 2, 5, 7, 8))


def _definitions(a: Against) -> Iterator[str]:
    expected = [
        (
            _named(one, a),
            a.value(one.figure),
            a.basis(one.figure),
            a.count(one.figure.undetermined),
        )
        for one in listed.figures(a.populations.figures, a.report.whole)
    ]
    yield from a.rows(_DEFINITIONS, "annex C", expected, columns=(0, 2, 3, 4), prefix={0})


def _named(one: Shown, a: Against) -> str:
    """What leads a row: the figure, or the group of the one above it."""
    if one.first or not one.figure.group:
        return a.w.text(one.figure.title)
    return f"{a.w.text(one.figure.dimension)}: {words.clip(one.figure.group, 120, a.w)}"


def _evidence(a: Against) -> Iterator[str]:
    sums = [
        (
            row.source,
            row.day,
            a.count(row.objects),
            words.size(row.size, a.w),
            a.count(row.records),
            a.count(row.kept),
            a.count(row.quarantined),
            row.digest,
        )
        for row in listed.groups(a.populations.evidence, a.report.time_zone)
    ]
    yield from a.rows(_COLLECTED, "annex E", sums, columns=range(8))
    expected = [
        (
            f"E{row.number}",
            row.sha256,
            words.size(row.size, a.w),
            a.count(row.records),
            a.count(row.kept),
        )
        for row in listed.objects(a.populations.evidence, a.populations.exceptions, a.report.whole)
    ]
    yield from a.rows(_EVIDENCE, "annex E", expected, columns=(0, 3, 5, 6, 7), prefix={3})


def _samples(a: Against) -> Iterator[str]:
    """Sheets of as many columns stand in one table of the structure; each item must be that of its population."""
    subjects = {
        "changes": {row.number: f"{row.repo}@{row.head_sha}" for row in a.populations.changes},
        "deployments": {
            row.number: f"{row.cluster}/{row.application}@{row.started_at}"
            for row in a.populations.deployments
        },
    }
    sheets = [sheet for sheet in a.report.samples if not sheet.problem]
    for width in sorted(Counter(len(sheet.columns) for sheet in sheets)):
        expected = []
        for sheet in (one for one in sheets if len(one.columns) == width):
            drawn = [row for row in a.populations.samples if row.sample == sheet.id]
            if sum(row.hits for row in drawn) != sheet.size:
                yield f"{sheet.id}: {sum(row.hits for row in drawn)} are drawn, {sheet.size} were planned"
            known = subjects.get(sheet.population)
            for row in drawn:
                expected.append((row.sample, _item(sheet, row.number, row.hits)))
                if known is not None and known.get(row.number) != row.subject:
                    yield f"{sheet.id}: item {row.number} is {row.subject:.80}, not that of its population"
        head = (*_SHEET, *"abcdefgh"[:width], "Result, remark, initials, date")
        yield from a.rows(head, "annex F", expected, columns=(0, 1))


def _item(sheet: SampleSheet, number: int, hits: int) -> str:
    letter = {"changes": "A", "deployments": "B"}.get(sheet.population, "")
    return f"{letter}{number}" + (f" ×{hits}" if hits > 1 else "")
