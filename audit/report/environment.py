"""What templates may use: filters that print values, drawings, and nothing that reaches further (sandboxed Jinja2)."""

from __future__ import annotations

from functools import partial

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from audit.report import charts, templates, words
from audit.report.shapes import Report

QUARANTINE_ROWS = 50
EVIDENCE_ROWS = 400
RECONCILED_ROWS = 400
RESTATED_ROWS = 400
RESTATED_OBJECTS = 8

SYMBOLS = {"effective": "✓", "exceptions": "×", "not tested": "?", "not applicable": "–"}


def environment(report: Report) -> ImmutableSandboxedEnvironment:
    """The templates' environment: every value is escaped, a missing one is an error."""
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(templates.folder()),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=words.printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "basis": words.basis,
        "breaks": words.breaks,
        "clip": words.clip,
        "clip_short": words.clip_short,
        "count": words.count,
        "figure": words.figure,
        "local": partial(words.local, zone=report.time_zone),
        "day": partial(words.day, zone=report.time_zone),
        "last_day": partial(words.day, zone=report.time_zone, before=True),
        "pointer": words.pointer,
        "prose": words.prose,
        "size": words.size,
    }
    made.globals |= {
        "chart": charts.chart,
        "control_ids": {control.id for control in report.controls},
        "change": words.change,
        "coverage_in_words": charts.coverage_in_words,
        "fill": charts.fill,
        "soft_hyphen": Markup("&shy;"),
        "strip": charts.strip,
        "symbols": SYMBOLS,
        "quarantine_rows": QUARANTINE_ROWS,
        "evidence_rows": EVIDENCE_ROWS,
        "reconciled_rows": RECONCILED_ROWS,
        "restated_rows": RESTATED_ROWS,
        "restated_objects": RESTATED_OBJECTS,
    }
    return made
