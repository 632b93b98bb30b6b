"""The sections of the report, in their order: the file of each, and the headings that the contents list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.report import areas
from audit.report.shapes import Report


@dataclass(frozen=True)
class Part:
    """A section.

    Attributes:
        template: its file.
        headings: anchor and title of each chapter that the contents list.
    """

    template: str
    headings: tuple[tuple[str, str], ...]


def _one(template: str, anchor: str, title: str) -> Part:
    return Part(f"{template}.html", ((anchor, title),))


PARTS = {
    "cover": Part("cover.html", ()),
    "summary": _one("summary", "summary", "Summary"),
    "restatement": _one("restatement", "restatement", "What this edition restates"),
    "trends": _one("trends", "trends", "Trends"),
    "matrix": _one("matrix", "matrix", "Control matrix"),
    "subjects": Part("subjects.html", ()),
    "controls": _one("controls", "controls", "Controls, one by one"),
    "waivers": _one("waivers", "waivers", "Waivers"),
    "reconciliation": _one("reconciliation", "reconciliation", "Reconciliation"),
    "access": _one("access", "access", "Access review"),
    "completeness": _one("completeness", "completeness", "Completeness and accuracy of the evidence"),
    "changes": _one("annex_changes", "annex-a", "Annex A: changes that landed"),
    "deployments": _one("annex_deployments", "annex-b", "Annex B: production deployments"),
    "figures": _one("annex_figures", "annex-c", "Annex C: figures and their definitions"),
    "clauses": _one("annex_clauses", "annex-d", "Annex D: policy clauses and frameworks"),
    "evidence": _one("annex_evidence", "annex-e", "Annex E: evidence objects"),
    "samples": _one("annex_samples", "annex-f", "Annex F: sample sheets"),
    "definitions": _one("annex_definitions", "annex-g", "Annex G: definitions"),
    "settings": _one("annex_settings", "annex-h", "Annex H: settings"),
    "sign-off": _one("sign_off", "sign-off", "Sign-off"),
}
"""Every section by its name, in order."""


def names(report: Report) -> list[str]:
    """Names of the sections that this report has, in order."""
    wanted = report.theme.sections if report.theme else list(PARTS)
    return [name for name in wanted if name != "restatement" or report.restates]


def parts(report: Report) -> list[Part]:
    """The sections that this report has."""
    own = {one.name: _one(one.name, one.name, one.title) for one in report.theme.own} if report.theme else {}
    known = {**PARTS, **own}
    return [known[name] for name in names(report)]


def headings(report: Report, shown: Sequence[Part]) -> list[tuple[str, str]]:
    """Anchor and title of each chapter of some sections."""
    found: list[tuple[str, str]] = []
    for part in shown:
        found += part.headings
        if part is PARTS["subjects"]:
            subjects = areas.sections(report.controls, report.figures)
            found += [(one.area.id, one.area.title) for one in subjects]
    return found
