"""What a control is: a statement, the population it tests, and a pure test from tables to what failed.

A control never sees the clock and never asks what is missing: it judges what is there. Its needs say what must be
there for the judgement to hold, and the runner puts both together, so that missing evidence is never a pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, cast

import pandas as pd

from audit import tables as t
from audit.controls.waiving import waive
from audit.model import Severity
from audit.period import Period
from audit.settings import Settings

Tables = dict[str, pd.DataFrame]

FACTS = [name for name in t.columns(t.Exceptions) if name not in ("exception_id", "control", "severity")]
"""Columns of an exception that its test gives; the runner adds id, control and severity."""


@dataclass(frozen=True)
class Context:
    """What a test may know besides the tables.

    Attributes:
        as_of: when evidence was last collected (aware).
        judged: what controls came to that were judged already, over the same tables: others build on them.
        missed: gaps of needs that were asked for already, over the same tables: controls share most of them.
    """

    settings: Settings
    period: Period
    as_of: datetime
    judged: dict[str, Result] = field(default_factory=dict, compare=False, repr=False)
    missed: dict[Need, list[Gap]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def start(self) -> pd.Timestamp:
        """First instant of the quarter."""
        return pd.Timestamp(self.period.start)

    @property
    def stop(self) -> pd.Timestamp:
        """First instant not tested: the quarter's end, or `as_of` while the quarter is running."""
        return pd.Timestamp(min(self.period.end, self.as_of))

    @property
    def running(self) -> bool:
        """The quarter was not over when evidence was last collected."""
        return self.as_of < self.period.end

    def holds(self, times: pd.Series) -> pd.Series:
        """Which times (datetime64[us, UTC]) are tested; a missing time is not. Dtype bool."""
        return (times >= self.start) & (times < self.stop)


@dataclass(frozen=True)
class Gap:
    """Evidence that is missing, and what for.

    Attributes:
        text: in plain words, without '; ', which separates gaps from each other.
        blind: without it nothing in its scope can be judged, so that no exception is raised there either.
        repo, cluster: its scope; everything when both are None.
        after: what happened after this moment can't be judged in its scope, for evidence of it may be missing: no
            exception is raised there either.
        until: what happened after this moment can be judged again; never when None.
    """

    text: str
    blind: bool = False
    repo: str | None = None
    cluster: str | None = None
    after: pd.Timestamp | None = None
    until: pd.Timestamp | None = None


class Need(Protocol):
    """Evidence that a control needs."""

    @property
    def name(self) -> str:
        """Short: the format's name, such as `github-reviews`."""
        ...

    @property
    def what(self) -> str:
        """In words, for the catalogue."""
        ...

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """Where it is missing; none when all of it is there."""
        ...


@dataclass(frozen=True)
class Result:
    """What a test gives.

    Attributes:
        population: every item tested: `subject` (str), `at` (datetime64[us, UTC], missing for what has no time of
            its own and belongs to every quarter), and whatever columns help others (`repo`, `head_sha`).
        exceptions: the columns `FACTS`, one row for each subject that failed.
        gaps: missing evidence that only the test itself can see.
    """

    population: pd.DataFrame
    exceptions: pd.DataFrame
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Example:
    """A small world and what the control must find in it; see `audit.controls.examples` for how it is written.

    Attributes:
        given: pipe tables, each under its table's name.
        conclusion: what the control comes to.
        exceptions: a pipe table with `subject` and, where it helps, `found`; empty for none.
        without: names of needs whose evidence is taken away; all others are there.
        settings: keys of the settings that differ from the examples' own.
    """

    title: str
    given: str
    conclusion: str
    exceptions: str = ""
    without: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Control:
    """One control: all that is known of it stands in its own file.

    Attributes:
        page: the module's docstring: the statement that is tested, then `## Why`, `## Evidence`, `## Limits` and
            `## Remediation`.
        clause: clause of the policy, from the section down.
        frameworks: references by framework, identifiers only.
        needs: evidence without which the control is `not tested`.
        remediation: what to do about an exception, one short sentence.
        test: judges all that the tables hold, whatever the quarter; the runner cuts the result to the quarter.
    """

    id: str
    page: str | None
    clause: str
    severity: Severity
    frameworks: dict[str, tuple[str, ...]]
    needs: tuple[Need, ...]
    remediation: str
    examples: tuple[Example, ...]
    test: Callable[[Tables, Context], Result]

    @property
    def title(self) -> str:
        """The statement that is tested, without its full stop."""
        return self._parts()[0].strip().removesuffix(".")

    def section(self, name: str) -> str:
        """The text under `## name` of its page.

        Raises:
            KeyError: the page has no such section.
        """
        parts = self._parts()
        return dict(zip(parts[1::2], (" ".join(part.split()) for part in parts[2::2]), strict=True))[name]

    def judge(self, tables: Tables, context: Context) -> Result:
        """The test's result with the gaps of all needs, no exception where a gap leaves it blind, and what is waived.

        Worked out once for each context, which speaks of one set of tables.
        """
        if self.id not in context.judged:
            context.judged[self.id] = self._judged(tables, context)
        return context.judged[self.id]

    def _judged(self, tables: Tables, context: Context) -> Result:
        result = self.test(tables, context)
        for need in self.needs:
            if need not in context.missed:
                context.missed[need] = need.gaps(tables, context)
        gaps = [gap for need in self.needs for gap in context.missed[need]]
        known = set(gaps)
        gaps.extend(gap for gap in dict.fromkeys(result.gaps) if gap not in known)
        failed = result.exceptions
        for scope in dict.fromkeys(
            replace(gap, text="") for gap in gaps if gap.blind or gap.after is not None
        ):
            within = _within(failed, scope)
            failed = failed[~(within if scope.blind else within & _meanwhile(failed["at"], scope))]
        failed = waive(self.id, failed, tables["waivers"], at=context.stop - pd.Timedelta(microseconds=1))
        return Result(result.population, failed, tuple(gaps))

    def _parts(self) -> list[str]:
        if self.page is None:
            raise TypeError(f"{self.id}: its file has no docstring, which is its page in the catalogue")
        return re.split(r"^## (.+)$", self.page, flags=re.MULTILINE)


def _within(rows: pd.DataFrame, gap: Gap) -> pd.Series:
    """Which rows lie in a gap's scope."""
    within = pd.Series(True, index=rows.index)
    if gap.repo is not None:
        within &= rows["repo"].eq(gap.repo).fillna(False).astype(bool)
    if gap.cluster is not None:
        within &= rows["cluster"].eq(gap.cluster).fillna(False).astype(bool)
    return within


def _meanwhile(times: pd.Series, gap: Gap) -> pd.Series:
    """Which times lie in a gap's span (bool)."""
    meanwhile = times > gap.after
    if gap.until is not None:
        meanwhile &= times <= gap.until
    return meanwhile.fillna(False).astype(bool)


def failures(rows: pd.DataFrame, **facts: pd.Series | str) -> pd.DataFrame:
    """Exceptions from rows that failed: the facts given, and of the others what `rows` itself has.

    A fact is a column aligned with `rows` or one text for all. A fact that may be missing and is neither given nor a
    column of `rows` is missing.
    """
    declared = t.columns(t.Exceptions)
    made = {}
    for name in FACTS:
        dtype = "datetime64[us, UTC]" if name in ("at", "resolved_at") else "str"
        value = facts[name] if name in facts else rows.get(name)
        if value is None and not declared[name].nullable:
            raise KeyError(f"an exception needs '{name}'")
        column: pd.Series = (
            value if isinstance(value, pd.Series) else pd.Series(value, index=rows.index, dtype=dtype)
        )
        made[name] = column.astype(cast("Any", dtype))
    return pd.DataFrame(made).reset_index(drop=True)
