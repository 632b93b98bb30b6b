"""What a report's own numbers and names mean: rows of its annexes, of the reconciliation and the access review, gaps, waivers, emergencies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import pandas as pd

from audit.controls.own import controls
from audit.period import Period
from audit.report import accessed, complete, emergencies, judged, populations, reconciliation, waived
from audit.report.plain import records, words
from audit.settings import Settings
from audit.trace.shapes import Item

Tables = dict[str, pd.DataFrame]
Found = tuple[str, dict[str, str], list[Item]]
"""Kind, what is said of it, and what it is made of."""

_ROW = re.compile(r"([ABE])(\d{1,9})")
_RECORD = re.compile(r"(E\d{1,9}):(\d{1,18})")
"""A line of evidence as the exceptions of a report print it: row of annex E, and record."""
_GAP = re.compile(r"G\d{1,9}")


def subject(name: str, tables: Tables, settings: Settings, period: Period, as_of: datetime) -> str | None:
    """What a row of annex A, B or E is about: a change, a deployment, an object, or a line of it (E3:17); None for any other name."""
    line = _RECORD.fullmatch(name)
    if line is not None:
        whole = subject(line[1], tables, settings, period, as_of)
        return f"{whole}:{line[2]}" if whole else None
    match = _ROW.fullmatch(name)
    if match is None:
        return None
    kind, number = match[1], int(match[2])
    named: list[str] = []
    if kind == "A":
        landings = populations.landings(tables, settings, period, as_of)
        named = [f"{one.repo}@{one.head_sha}" for one in landings if one.number == number]
    elif kind == "B":
        deployed = populations.deployments(tables, settings, period, as_of)
        named = [
            f"{one.cluster}/{one.application}@{one.started_at}" for one in deployed if one.number == number
        ]
    else:
        named = [one.sha256 for one in complete.evidence(tables["evidence_objects"]) if one.number == number]
    return named[0] if named else None


def row(name: str, tables: Tables, period: Period, as_of: datetime) -> Found | None:
    """What a row of the reconciliation (R1) or of the access review (AR1, or a right's id), a waiver's id or an emergency's ticket
    stands for: its kind, what is said of it, and what proves it; None for any other name."""
    exceptions = tables["exceptions"]
    numbered = reconciliation.items(tables["reconciled_changes"], exceptions) if name.startswith("R") else ()
    for one in numbered:
        if name == f"R{one.number}":
            return _found("reconciliation", [(one, (one.side, one.item, one.at, one.explanation))])
    for right in accessed.rights(tables["access_rights"]) if name.startswith(("AR", "R-")) else ():
        if name in (f"AR{right.number}", right.right_id):
            says = f"{right.right} on {right.system}"
            return _found("right", [(right, ("right", right.holder, right.held_since, says))])
    waivers = [
        (one, ("waiver", f"{one.repo}: {one.place}", one.covers_from, f"{one.state}: {one.reason}"))
        for one in waived.waivers(tables["waivers"], exceptions, period, as_of)
        if one.id == name
    ]
    if waivers:
        kind, facts, items = _found("waiver", waivers)
        return kind, facts, items + _covered(name, {one.control for one, _ in waivers}, exceptions)
    opened = [
        (one, ("emergency", f"{one.person} in {one.cluster}", one.opened_at, f"told by {one.told_by}"))
        for one in emergencies.emergencies(tables["emergencies"], exceptions, period, as_of)
        if one.ticket == name
    ]
    return _found("emergency", opened) if opened else None


def gap(name: str, tables: Tables, settings: Settings) -> Found | None:
    """What a gap of the control matrix (G1) says, and the controls that have it; None for any other name."""
    if _GAP.fullmatch(name) is None:
        return None
    rows = {row["control"]: row for row in records(tables["conclusions"])}
    own = [one.id for one in controls(settings) if one.id in rows]
    for one in judged.numbered((control, words(rows[control]["gaps"], "; ")) for control in own):
        if one.id == name:
            items = [Item("lacking", control, "", rows[control]["conclusion"]) for control in one.controls]
            return "gap", {"gap": one.text, "controls": "; ".join(one.controls)}, items
    return None


def _covered(waiver: str, of: set[str], exceptions: pd.DataFrame) -> list[Item]:
    """Exceptions of some controls that a waiver covers."""
    rows = exceptions[exceptions["control"].isin(of) & exceptions["waiver"].notna()]
    return [
        Item("waived", str(one.exception_id), "", str(one.found), tuple(str(one.evidence).split()))
        for one in rows.itertuples()
        if waiver in str(one.waiver).split("; ")
    ]


def _found(kind: str, rows: Sequence[tuple[Any, tuple[str, str, str, str]]]) -> Found:
    """Rows of the report, each with what its item says. The facts are those of the last one."""
    return kind, _facts(rows[-1][0]), [Item(*said, tuple(one.evidence)) for one, said in rows]


def _facts(one: Any) -> dict[str, str]:
    """What a row of the report says, without what is empty, and without pointers: those are of its items."""
    return {
        column: "; ".join(map(str, value)) if isinstance(value, list) else str(value)
        for column, value in asdict(one).items()
        if value not in ("", None, []) and column != "evidence"
    }
