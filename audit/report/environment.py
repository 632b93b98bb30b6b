"""What templates may use: filters that print values, drawings, and nothing that reaches further (sandboxed Jinja2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from audit.report import areas, charts, contents, judged, links, since, templates, words
from audit.report.shapes import Report
from audit.report.wording import ENGLISH, Wording

QUARANTINE_ROWS = 50
EVIDENCE_ROWS = 400
RECONCILED_ROWS = 400
RIGHTS_ROWS = 60
RESTATED_ROWS = 400
RESTATED_OBJECTS = 8

SYMBOLS = {"effective": "✓", "exceptions": "×", "not tested": "?", "not applicable": "–"}


def environment(report: Report, w: Wording = ENGLISH) -> ImmutableSandboxedEnvironment:
    """The templates' environment: every value is escaped, a missing one is an error.

    Args:
        w: in which the pages are worded.
    """
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(templates.folder()),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=words.printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= _filters(report, w)
    shown = contents.parts(report)
    made.globals |= {
        "_": w.html,
        "_n": _many(w),
        "say": w.text,
        "parts": shown,
        "headings": contents.headings(report, shown),
        "subjects": areas.sections(report.controls, report.figures),
        "worse": since.worse(report.controls, report.figures),
        "worse_rows": since.SHOWN,
        "chart": partial(charts.chart, w=w),
        "control_ids": {control.id for control in report.controls},
        "by_id": {control.id: control for control in report.controls},
        "change": partial(words.change, w=w),
        "coverage_in_words": partial(charts.coverage_in_words, w=w),
        "fill": charts.fill,
        "of_clause": partial(judged.of_clause, results=report.controls),
        "rows_of": links.rows(report),
        "objects_of": {row.sha256: f"E{row.number}" for row in report.evidence[:EVIDENCE_ROWS]},
        "commands": links.commands(report),
        "soft_hyphen": Markup("&shy;"),
        "strip": partial(charts.strip, w=w),
        "symbols": SYMBOLS,
        "quarantine_rows": QUARANTINE_ROWS,
        "evidence_rows": EVIDENCE_ROWS,
        "reconciled_rows": RECONCILED_ROWS,
        "rights_rows": RIGHTS_ROWS,
        "restated_rows": RESTATED_ROWS,
        "restated_objects": RESTATED_OBJECTS,
    }
    return made


def _filters(report: Report, w: Wording) -> dict[str, Callable[..., Any]]:
    day = partial(words.day, zone=report.time_zone, w=w)
    return {
        "basis": partial(words.basis, w=w),
        "breaks": words.breaks,
        "clip": partial(words.clip, w=w),
        "clip_short": words.clip_short,
        "count": partial(words.count, w=w),
        "figure": partial(words.figure, w=w),
        "local": partial(words.local, zone=report.time_zone),
        "day": day,
        "last_day": partial(day, before=True),
        "number": w.number,
        "pointer": words.pointer,
        "prose": words.prose,
        "since": partial(words.since, w=w),
        "size": partial(words.size, w=w),
    }


def _many(w: Wording) -> Callable[..., Markup]:
    """One of two texts for a page, by how many there are."""

    def many(count: int, one: str, several: str, /, **values: Any) -> Markup:
        return w.html(one if count == 1 else several, n=words.count(count, w), **values)

    return many
