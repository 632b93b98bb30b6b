"""What a run came to: a short summary for people, everything as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from audit.model import Severity
from audit.pipeline import Run
from audit.report.publish import Published
from audit.terminal import one_line, tell

_SYMBOLS = {"exceptions": "✗", "not tested": "?", "effective": "✓", "not applicable": "–"}
"""Conclusions, those that ask for something first."""
_SOURCES = 5
"""Sources with problems that are named; of more, how many."""


def top_findings(exceptions: pd.DataFrame, count: int = 3) -> pd.DataFrame:
    """The most important exceptions that no waiver covers, in the order of the report's summary: one of each control, the worst first."""
    exceptions = exceptions[exceptions["waiver"].isna()]
    ranked = exceptions.assign(
        rank=exceptions["severity"].map({severity.value: severity.rank for severity in Severity}),
        nth=exceptions.groupby("control").cumcount(),
        fewer=-exceptions.groupby("control")["subject"].transform("size"),
    )
    ranked = ranked.sort_values(["nth", "rank", "fewer", "control", "subject"], kind="stable")
    return ranked.head(count).drop(columns=["rank", "nth", "fewer"])


def show_run(out: Console, run: Run, *, as_json: bool, every: bool = False) -> None:
    """What the controls came to, the three most important findings, what was missing, and where everything lies.

    Args:
        every: with each control's statement and counts, and all that is missing; else how many there are, and which file has them.
    """
    files = {
        name: run.folder / name for name in ("report.pdf", "results.json") if (run.folder / name).exists()
    }
    if as_json:
        print(json.dumps(_as_json(run, files), indent=1, sort_keys=True, default=str))
        return
    conclusions, top = run.tables["conclusions"], top_findings(run.tables["exceptions"])
    if every:
        _tell_every(out, run)
    tell(out, f"Controls, {run.period.label}: {len(conclusions)}", style="bold")
    for line in _counts(conclusions, run.tables["exceptions"]):
        tell(out, f"  {line}")
    for line in _objects(run):
        tell(out, line)
    if len(top):
        tell(out, "\nMost important findings:", style="bold")
    for row in top.itertuples():
        tell(out, f"  [{row.severity}] {row.control} {one_line(row.subject)}: {one_line(row.found)}")
    for problem in run.problems if every else run.problems[:_SOURCES]:
        tell(out, f"Missing: {problem}", style="red")
    if not every and len(run.problems) > _SOURCES:
        tell(out, f"Missing: {len(run.problems) - _SOURCES:,} more, which --all names", style="red")
    out.print("")
    if run.published:
        _tell_published(out, run.published)
    if not every:
        where = files.get("report.pdf", run.folder / "tables" / "conclusions.parquet")
        tell(out, f"Each control, and all that it lacks: {where}, or on the terminal with --all")
    for path in files.values():
        tell(out, f"{path}")
    tell(out, f"Everything lies in {run.folder}")


def _counts(conclusions: pd.DataFrame, exceptions: pd.DataFrame) -> Iterator[str]:
    """A line for each conclusion: how many controls came to it, and which."""
    for conclusion, symbol in _SYMBOLS.items():
        found = conclusions[conclusions["conclusion"].eq(conclusion)]
        if found.empty:
            continue
        named = ", ".join(map(str, found["control"]))
        own = exceptions[exceptions["control"].isin(found["control"])]
        waived = int(own["waiver"].notna().sum())
        more = f" ({len(own):,} exceptions, {waived:,} of them waived)" if len(own) else ""
        yield f"{symbol} {len(found)} {conclusion}{more}: {named}"


def _objects(run: Run) -> Iterator[str]:
    """How the objects that sources listed tie to those that this quarter was judged by."""
    counts = run.tables.get("source_counts")
    if counts is None or counts.empty:
        return
    total = {
        name: int(counts[name].fillna(0).sum())
        for name in counts.columns
        if name not in ("source_name", "ties", "complete")
    }
    whose = "" if counts["ties"].all() else "; they do NOT tie, see the report"
    yield (
        f"Objects of evidence: {total['listed']:,} listed = {total['collected']:,} collected + {total['unread']:,} that could not be had"
    )
    contents = run.tables["evidence_objects"]["sha256"].nunique()
    yield (
        f"  {total['stored']:,} in the store, of {contents:,} different contents = {total['read']:,} that concern {run.period.label} + "
        f"{total['out_of_period']:,} of other times alone + {total['quarantined']:,} of which nothing could be read{whose}"
    )
    tested = run.tables["conclusions"].set_index("control")["population"].get("EVD-04")
    if tested is not None and not pd.isna(tested):
        yield f"  {int(tested):,} are tested by EVD-04: those of the quarter, and what befell the places where they lie"


def _tell_every(out: Console, run: Run) -> None:
    """A table of all controls, and what each lacks."""
    conclusions = run.tables["conclusions"]
    table = Table(title=f"Controls, {run.period.label}", title_justify="left")
    for heading, justify in (
        ("Control", "left"),
        ("Statement", "left"),
        ("Tested", "right"),
        ("Failed", "right"),
        ("Waived", "right"),
        ("Conclusion", "left"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]  # rich's literal
    for row in conclusions.itertuples():
        tested = "–" if row.population is pd.NA else f"{row.population:,}"
        table.add_row(
            str(row.control),
            escape(str(row.title_text)),
            tested,
            f"{row.exceptions:,}",
            str(row.waived or "–"),
            f"{_SYMBOLS[str(row.conclusion)]} {row.conclusion}",
        )
    out.print(table)
    for row in conclusions[conclusions["gaps"] != ""].itertuples():
        tell(out, f"{row.control}: {one_line(row.gaps)}")


def _as_json(run: Run, files: dict[str, Path]) -> dict[str, Any]:
    top = top_findings(run.tables["exceptions"])
    return {
        "quarter": run.period.label,
        "as_of": run.as_of.isoformat(),
        "exit_code": int(run.exit_code),
        "conclusions": json.loads(run.tables["conclusions"].to_json(orient="records")),
        "most_important": json.loads(top.to_json(orient="records", date_format="iso")),
        "problems": [str(problem) for problem in run.problems],
        "folder": str(run.folder),
        "report": _published(run.published) if run.published else None,
        "files": {name: str(path) for name, path in files.items()},
    }


def show_published(out: Console, done: Published, *, as_json: bool) -> None:
    """Which edition a report is, and what it restates."""
    if as_json:
        print(json.dumps(_published(done), indent=1, sort_keys=True, default=str))
        return
    _tell_published(out, done)
    tell(out, f"Report: {done.path}")


def _published(done: Published) -> dict[str, Any]:
    return {
        "report": str(done.path),
        "edition": done.edition,
        "as_of": done.as_of.isoformat(),
        "new": done.new,
        "restates": asdict(done.restates) if done.restates else None,
    }


def _tell_published(out: Console, done: Published) -> None:
    as_of = f"{done.as_of:%Y-%m-%d %H:%M} UTC"
    if not done.edition:
        lines = ["A draft: nothing is frozen."]
    elif not done.new:
        lines = [f"Edition {done.edition}, frozen as of {as_of}: nothing that is known now changes it."]
    elif done.restates is None:
        lines = [f"Edition {done.edition}, frozen as of {as_of}: what comes later leads to a restatement."]
    else:
        before = done.restates
        counts = ", ".join(f"{count} in {table}" for table, count in before.counts.items())
        lines = [
            f"Edition {done.edition} restates edition {before.number}, as of {as_of}: "
            f"{len(before.rows)} facts differ ({counts}).",
            *(f"  because of {cause.kind}: {one_line(cause.text)}" for cause in before.causes),
        ]
    for line in lines:
        tell(out, line)
