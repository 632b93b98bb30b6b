"""Controls, their exceptions and what most needs acting on, as plain values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from audit.controls.clauses import Clause, reason
from audit.model import Conclusion, Severity
from audit.report import acts
from audit.report.earlier import Earlier
from audit.report.pieces import ClauseRow
from audit.report.plain import records, words
from audit.report.shapes import (
    Block,
    ControlResult,
    Count,
    ExceptionRow,
    Gap,
    Passage,
    Reference,
    SourceRow,
)

MOST_IMPORTANT = 5


class Described(Protocol):
    """A control as the catalogue describes it."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def clause(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def frameworks(self) -> Mapping[str, Sequence[str]]: ...
    @property
    def needs(self) -> Sequence[str]: ...
    @property
    def formats(self) -> Sequence[str]: ...
    @property
    def remedy(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def evidence(self) -> str: ...
    @property
    def limits(self) -> str: ...
    @property
    def remediation(self) -> str: ...


NO_SOURCE = (("git", "Git"), ("roster", "roster"), ("evidence", "all sources"))
"""Needs that no source of the settings gives by itself, and what a report calls what they rest on."""


@dataclass(frozen=True)
class Beside:
    """What is known of controls beside their tests.

    Attributes:
        duties: who must act, and by when.
        earlier: what they came to in the quarter before.
        sources: of the evidence.
    """

    duties: acts.Duties
    earlier: Earlier
    sources: Sequence[SourceRow]


def controls(
    conclusions: pd.DataFrame, exceptions: pd.DataFrame, catalogue: Iterable[Described], beside: Beside
) -> list[ControlResult]:
    """Every control of the catalogue with its conclusion and exceptions, in the catalogue's order.

    Raises:
        KeyError: a control of the catalogue has no conclusion: that is a defect, never a blank.
    """
    judged = {row["control"]: row for row in records(conclusions)}
    failed: dict[str, list[ExceptionRow]] = {}
    for row in records(exceptions):
        owner, due = beside.duties.of(row)
        row["evidence"] = words(row["evidence"])
        failed.setdefault(row["control"], []).append(ExceptionRow(**row, owner=owner, due=due))
    return [_control(entry, judged[entry.id], failed.get(entry.id, []), beside) for entry in catalogue]


def _control(
    entry: Described, judged: dict[str, Any], failed: list[ExceptionRow], beside: Beside
) -> ControlResult:
    failed = sorted(failed, key=lambda row: (Severity(row.severity).rank, row.at, row.subject))
    expected = {row.expected for row in failed}
    unwaived = [row for row in failed if not row.waiver]
    worst = (unwaived or failed)[0].severity if failed else str(judged["severity"])
    owner, due = acts.of_control(unwaived)
    previous, previous_open, previous_told = beside.earlier.of(entry.id)
    return ControlResult(
        id=entry.id,
        title=entry.title.rstrip("."),
        clause=entry.clause,
        severity=worst,
        references=[Reference(name, list(items)) for name, items in entry.frameworks.items()],
        passages=_passages(entry),
        remedy=entry.remedy,
        conclusion=str(judged["conclusion"]),
        population=judged["population"],
        exception_count=int(judged["exceptions"]),
        waived_count=int(judged["waived"]),
        scoped_out=int(judged["scoped_out"]),
        scope=words(judged["scope"], "; "),
        gaps=words(judged["gaps"], "; "),
        design=str(judged["design"]),
        design_reason=str(judged["design_reason"]),
        operation=str(judged["operation"]),
        operation_reason=str(judged["operation_reason"]),
        expected=next(iter(expected)) if len(expected) == 1 else "",
        where=where(unwaived or failed),
        sources=_sources(entry.formats, beside.sources),
        owner=owner,
        due=due,
        previous=previous,
        previous_open=previous_open,
        previous_told=previous_told,
        responses=beside.duties.answers(entry.id, failed),
        exceptions=failed,
    )


def _sources(formats: Sequence[str], sources: Sequence[SourceRow]) -> list[str]:
    """The repositories, the roster, all evidence as such, and the sources whose records are of one of these formats."""
    own = [name for given, name in NO_SOURCE if given in formats]
    return own + [source.name for source in sources if set(formats) & set(source.formats)]


def clauses(known: Iterable[Clause], results: Sequence[ControlResult]) -> list[ClauseRow]:
    """Every clause of the policy with the controls of this report that test it, or why none does."""
    ids = {result.id for result in results}
    found = []
    for clause in known:
        tested = [name for name in clause.controls if name in ids]
        why = "" if tested else reason(clause) or "the controls that test it are not in this report"
        found.append(ClauseRow(clause.path, tested, why))
    return found


def of_clause(row: ClauseRow, results: Iterable[ControlResult]) -> str:
    """What a clause comes to: the worst of its controls; `not tested` without any."""
    return worst(row, [(result, result.conclusion) for result in results])


def worst(row: ClauseRow, concluded: Iterable[tuple[ControlResult, str]]) -> str:
    """The same, of controls beside their conclusions."""
    order = (Conclusion.EXCEPTIONS, Conclusion.NOT_TESTED, Conclusion.EFFECTIVE, Conclusion.NOT_APPLICABLE)
    found = {conclusion for result, conclusion in concluded if result.id in row.controls}
    return next((str(each) for each in order if each in found), str(Conclusion.NOT_TESTED))


def counts(results: Iterable[ControlResult]) -> list[Count]:
    """How many controls came to each conclusion; every conclusion is named, also where it is nobody's."""
    found = [result.conclusion for result in results]
    order = (Conclusion.EXCEPTIONS, Conclusion.NOT_TESTED, Conclusion.EFFECTIVE, Conclusion.NOT_APPLICABLE)
    return [Count(str(conclusion), found.count(conclusion)) for conclusion in order]


def gaps(results: Sequence[ControlResult]) -> list[Gap]:
    """Every gap once, the one that most controls have first.

    A control that rests on others repeats their gaps as `CHG-01: …`: that is the same gap.
    """
    return numbered((result.id, result.gaps) for result in results)


def numbered(gaps_of: Iterable[tuple[str, Sequence[str]]]) -> list[Gap]:
    """The same, of controls' ids beside what each lacks, in the catalogue's order."""
    found: dict[str, list[str]] = {}
    for control, texts in gaps_of:
        for text in dict.fromkeys(re.sub(r"^[A-Z]{3}-\d{2}: ", "", gap) for gap in texts):
            found.setdefault(text, []).append(control)
    ranked = sorted(found.items(), key=lambda item: -len(item[1]))
    return [Gap(f"G{number}", text, controls) for number, (text, controls) in enumerate(ranked, 1)]


def most_important(results: Iterable[ControlResult]) -> list[ControlResult]:
    """The controls with exceptions that no waiver covers, the worst severity first, then the most exceptions; five at most."""
    failed = [result for result in results if result.open > 0]
    failed.sort(key=lambda result: (Severity(result.severity).rank, -result.open, result.id))
    return failed[:MOST_IMPORTANT]


def where(failed: Sequence[ExceptionRow]) -> str:
    """The people and the places with the most exceptions, in words; empty without exceptions."""
    people = _most([row.person or row.person_raw for row in failed])
    places = _most([row.cluster or row.repo for row in failed])
    return "; ".join(part for part in (people and f"by {people}", places and f"in {places}") if part)


def _most(values: Iterable[str], shown: int = 2) -> str:
    """`x (3), y (1) and 2 more`, the most frequent first."""
    tally: dict[str, int] = {}
    for value in values:
        if value:
            tally[value] = tally.get(value, 0) + 1
    ranked = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
    text = ", ".join(f"{_short(value)} ({count})" for value, count in ranked[:shown])
    return f"{text} and {len(ranked) - shown} more" if len(ranked) > shown else text


def _short(name: str, longest: int = 60) -> str:
    """A name that leaves room for others."""
    return name if len(name) <= longest else f"{name[:longest]}…"


def _passages(entry: Described) -> list[Passage]:
    """A control's page, heading by heading; a passage without text is left out."""
    needs = [Block("ul", list(entry.needs))] if entry.needs else []
    found = [
        Passage("Why it matters", blocks(entry.why)),
        Passage("Evidence used", [*blocks(entry.evidence), *needs]),
        Passage("Limits of the test", blocks(entry.limits)),
        Passage("Remediation", blocks(entry.remediation)),
    ]
    return [passage for passage in found if passage.blocks]


def blocks(text: str) -> list[Block]:
    """Paragraphs and lists, each line break inside one of them joined."""
    found: list[Block] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        paragraph: list[str] = []
        items: list[str] = []
        for line in part.splitlines():
            stripped = line.strip()
            if stripped.startswith(("- ", "* ")):
                items.append(stripped[2:])
            elif items:
                items[-1] += f" {stripped}"
            elif stripped:
                paragraph.append(stripped)
        if paragraph:
            found.append(Block("p", [" ".join(paragraph)]))
        if items:
            found.append(Block("ul", items))
    return found
