"""Every text of ours that a page may print, found in templates and code: what a language must word."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

import audit.report
from audit.controls.registry import CONTROLS
from audit.joins.reconciling import OUTCOMES
from audit.metrics import JUDGED, METRICS
from audit.model import Conclusion, LandingKind, Severity, Side, Standing
from audit.report import areas, contents, links
from audit.report.templates import folder
from audit.sampling.draws import METHODS
from audit.sampling.packets import ATTRIBUTES
from audit.verify import overview

CALLS = {"_": 1, "_n": 3, "say": 1}
"""Functions of templates, and how many of their first arguments are texts (or a number before texts)."""


def strings() -> set[str]:
    """All of them."""
    return {*_of_templates(), *_of_code(), *_of_data()}


def titles() -> set[str]:
    """Statements that controls test: one that a language does not word yet is printed in English."""
    return {control.title for control in CONTROLS}


def _of_templates() -> Iterator[str]:
    for path in sorted(folder().glob("*.html")):
        tree = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in CALLS:
                for argument in call.args[: CALLS[call.node.name]]:
                    yield from (each.value for each in _constants(argument) if isinstance(each.value, str))
            if isinstance(call.node, nodes.Getattr) and call.node.attr == "head":
                yield from (
                    each.value.replace("#", "")
                    for each in _constants(call.args[0])
                    if each.value not in ("", "#")
                )


def _constants(node: nodes.Node) -> Iterator[nodes.Const]:
    if isinstance(node, nodes.Const):
        yield node
    elif isinstance(node, nodes.CondExpr):
        yield from _constants(node.expr1)
        if node.expr2:
            yield from _constants(node.expr2)
    elif isinstance(node, nodes.List):
        for each in node.items:
            yield from _constants(each)


def _of_code() -> Iterator[str]:
    """Arguments of `.text(…)` and `.many(…)`."""
    for path in sorted(Path(audit.report.__file__).parent.glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                wanted = {"text": call.args[:1], "many": call.args[1:3]}.get(call.func.attr, [])
                for argument in wanted:
                    yield from (
                        each.value
                        for each in ast.walk(argument)
                        if isinstance(each, ast.Constant)
                        and isinstance(each.value, str)
                        and " " in each.value
                    )
    yield from ("once", "twice", "none", "same", "pp", "s", "min", "h", "d")


def _of_data() -> Iterator[str]:
    for area in areas.AREAS:
        yield from (area.title, area.told, *(dimension for _, dimension in area.by))
    for part in contents.PARTS.values():
        yield from (title for _, title in part.headings)
    yield from (metric.title for metric in (*METRICS, *JUDGED))
    for each in (*Conclusion, *Severity):
        yield str(each).capitalize()
    yield from (*map(str, Conclusion), *map(str, LandingKind), "draft", "final", "Draft", "Final")
    yield from (str(each).capitalize() for each in Side)
    yield from map(str, Standing)
    yield from (str(one.name).capitalize() for outcomes in OUTCOMES.values() for one in outcomes)
    yield from ("in place", "lapsed", "worked")
    yield from (
        "succeeded",
        "failed",
        "running",
        "the operator",
        "by hand",
        "In force",
        "Ended",
        "Without effect",
    )
    yield from (
        "Why it matters",
        "Evidence used",
        "Limits of the test",
        "Remediation",
        "Exceptions by control",
    )
    yield from ("Changes", "Deployments", "Writes", "Exceptions", *METHODS.values())
    yield from (text for texts in ATTRIBUTES.values() for text in texts)
    yield from (told for _, told in links.commands(_Named()))  # type: ignore[arg-type]
    yield from (
        "Sheet",
        "Environ~ments",
        "What it is",
        "n/d",
        "worse: was {before}",
        "better: was {before}",
        "was {before}",
    )
    yield "{tested} of {whole} controls could be tested, on {basis}."
    yield "{tested} of {whole} controls could be tested, {partly} of them only in part, on {basis}."
    yield from (*overview._MATRIX, *overview._TESTED)
    for kind in (
        "late evidence",
        "evidence no longer read",
        "repository",
        "roster",
        "setting",
        "version",
        "unexplained",
    ):
        yield kind.capitalize()


class _Named:
    quarter, as_of = "2026Q3", "2026-10-05T06:00:00Z"
