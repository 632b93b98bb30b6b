"""What templates may use: filters that print values, drawings, and nothing that reaches further (sandboxed Jinja2)."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    FunctionLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
)
from jinja2.exceptions import SecurityError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from audit.errors import UsageError
from audit.report import (
    accessed,
    areas,
    charts,
    contents,
    judged,
    links,
    listed,
    populations,
    since,
    templates,
    themes,
    words,
)
from audit.report.shapes import Report
from audit.report.wording import Wording

QUARANTINE_ROWS = 50
RECONCILED_ROWS = 400
RIGHTS_ROWS = 60
RESTATED_ROWS = 400
RESTATED_OBJECTS = 8

SYMBOLS = {"effective": "✓", "exceptions": "×", "not tested": "?", "not applicable": "–"}


class Sandbox(ImmutableSandboxedEnvironment):
    """Reaches nothing but what it is given, and makes nothing huge of little."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """A product of numbers, or a list or text a few times over.

        Raises:
            SecurityError: it would be larger than any page needs.
        """
        numbers = all(isinstance(each, int | float) and abs(each) < _LARGEST for each in (left, right))
        several = [len(each) for each in (left, right) if hasattr(each, "__len__")]
        times = [each for each in (left, right) if isinstance(each, int)]
        if not (numbers and operator == "*") and not (
            several and times and several[0] * abs(times[0]) < _LARGEST
        ):
            raise SecurityError(f"'{operator}' would make more than a page needs")
        return super().call_binop(context, operator, left, right)


_LARGEST = 1_000_000_000


def environment(report: Report) -> Sandbox:
    """The templates' environment: every value is escaped, a missing one is an error."""
    w = themes.of_report(report)
    ours = FileSystemLoader(templates.folder())
    own = report.theme.templates if report.theme else {}
    theirs = FunctionLoader(lambda name: (own[name], name, None) if name in own else None)
    made = Sandbox(
        loader=ChoiceLoader([theirs, ours, PrefixLoader({"default": ours})]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=w.fit,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= _filters(report, w)
    shown = contents.parts(report)
    made.globals |= _lists(report) | {
        "_": w.html,
        "_n": _many(w),
        "say": w.text,
        "parts": shown,
        "headings": contents.headings(report, shown),
        "subjects": areas.sections(report.controls, report.figures),
        "worse": since.worse(report.controls, report.figures),
        "worse_rows": since.SHOWN,
        "ranked": charts.RANKED,
        "chart": _coloured(report, partial(charts.chart, w=w)),
        "control_ids": {control.id for control in report.controls},
        "by_id": {control.id: control for control in report.controls},
        "change": partial(words.change, w=w),
        "coverage_in_words": partial(charts.coverage_in_words, w=w),
        "fill": _coloured(report, charts.fill),
        "of_clause": partial(judged.of_clause, results=report.controls),
        "rows_of": links.rows(report),
        "commands": links.commands(report),
        "started": populations.STARTED,
        "soft_hyphen": Markup("&shy;"),
        "undetermined": charts.undetermined,
        "strip": _coloured(report, partial(charts.strip, w=w)),
        # The logo was checked by `themes`; the style is colours and a style sheet without markup.
        "logo": Markup(report.theme.logo if report.theme else ""),  # noqa: S704
        "style": Markup(_style(report)),  # noqa: S704
        "symbols": SYMBOLS,
        "restated_objects": RESTATED_OBJECTS,
    }
    return made


def _lists(report: Report) -> dict[str, Any]:
    """What pages print of long lists, and how much."""
    failed = (row for control in report.controls for row in control.exceptions)
    objects = listed.objects(report.evidence, failed, report.whole)
    return {
        "objects_of": {row.sha256: f"E{row.number}" for row in objects},
        "quarantine_rows": listed.rows(QUARANTINE_ROWS, report.whole),
        "objects": objects,
        "object_groups": listed.groups(report.evidence, report.time_zone),
        "figures": listed.figures(report.figures, report.whole),
        "asked": listed.queries(report.queries),
        "ties": listed.ties(report.ties, report.whole),
        "sources_of": Counter(row.table for row in report.ties if listed.tie(row)),
        "strips": listed.drawn(report.coverage, report.sources),
        "days_with_records": listed.days_with_records,
        "whole_days": listed.whole_days,
        "reconciled_rows": listed.rows(RECONCILED_ROWS, report.whole),
        "dormant_days": accessed.dormant_days(report.parameters),
        "rights_rows": listed.rows(RIGHTS_ROWS, report.whole),
        "restated_rows": listed.rows(RESTATED_ROWS, report.whole),
    }


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
        "nearby": partial(words.nearby, repos=[one.repo for one in report.repositories]),
        "number": w.number,
        "passage": partial(words.passage, w=w),
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


def _style(report: Report) -> str:
    """The theme's colours and style sheet."""
    if report.theme is None:
        return ""
    plain = {name: value for name, value in report.theme.colours.items() if _HEX.fullmatch(value)}
    colours = "".join(f"--{name}: {value};" for name, value in sorted(plain.items()))
    return f":root {{ {colours} }}\n{report.theme.css.replace('</', '')}"


_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def _coloured(report: Report, draw: Callable[..., Any]) -> Callable[..., Any]:
    """What draws, in the theme's colours."""
    said = report.theme.colours if report.theme else {}
    colours = {old: said[name] for name, old in charts.COLOURS.items() if name in said}
    if not colours:
        return draw

    def drawn(*values: Any) -> Any:
        found = draw(*values)
        return type(found)(_HEX.sub(lambda colour: colours.get(colour[0], colour[0]), found))

    return drawn


@contextmanager
def told(report: Report) -> Iterator[None]:
    """Makes what goes wrong in a theme's template an error that names it, the line and the remedy."""
    try:
        yield
    except (
        TemplateError,
        ValueError,
        TypeError,
        ArithmeticError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:
        if report.theme is None:
            raise
        names = report.theme.templates
        if isinstance(error, TemplateSyntaxError):
            name, line = error.name or "", error.lineno
        else:
            stack = traceback.extract_tb(error.__traceback__)
            where = [(frame.filename, frame.lineno or 0) for frame in stack if frame.filename in names]
            name, line = _template(error, where), where[-1][1] if where else 0
        raise UsageError(
            f"theme: templates/{name}:{line}: {error}" if name else f"theme: {error}",
            remedy="mend the template; docs/how-to/theme-the-report.md says what it may use",
        ) from None


def _template(error: Exception, where: list[tuple[str, int]]) -> str:
    """The template in which something went wrong, where that can be told."""
    if isinstance(error, TemplateNotFound):
        return str(error.name)
    return where[-1][0] if where else ""
