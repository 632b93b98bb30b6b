"""What a report's own numbers and names mean: rows of its annexes, of the reconciliation and the access review, gaps, waivers, emergencies."""

from __future__ import annotations

import re
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

_ROW = re.compile(r"(AR|[ABER])(\d{1,9})")
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
    elif kind == "E":
        named = [one.sha256 for one in complete.evidence(tables["evidence_objects"]) if one.number == number]
    return named[0] if named else None


def row(
    name: str, tables: Tables, period: Period, as_of: datetime
) -> tuple[str, dict[str, str], list[Item]] | None:
    """What a row of the reconciliation (R1) or of the access review (AR1, or a right's id), a waiver's id or an emergency's ticket
    stands for: its kind, what is said of it, and what proves it; None for any other name."""
    match = _ROW.fullmatch(name)
    number = int(match[2]) if match else 0
    if match and match[1] == "R":
        table, exceptions = tables["reconciled_changes"], tables["exceptions"]
        for one in reconciliation.items(table, exceptions):
            if one.number == number:
                return (
                    "reconciliation",
                    _facts(one),
                    [Item(one.side, one.item, one.at, one.explanation, tuple(one.evidence))],
                )
    for right in accessed.rights(tables["access_rights"]) if match or name.startswith("R-") else ():
        if name == right.right_id or (match and match[1] == "AR" and right.number == number):
            says = f"{right.right} on {right.system}"
            return (
                "right",
                _facts(right),
                [Item("right", right.holder, right.held_since, says, tuple(right.evidence))],
            )
    return _waiver(name, tables, period, as_of) or _emergency(name, tables, period, as_of)


def gap(name: str, tables: Tables, settings: Settings) -> tuple[str, dict[str, str], list[Item]] | None:
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


def _waiver(
    name: str, tables: Tables, period: Period, as_of: datetime
) -> tuple[str, dict[str, str], list[Item]] | None:
    rows = [
        one
        for one in waived.waivers(tables["waivers"], tables["exceptions"], period, as_of)
        if one.id == name
    ]
    if not rows:
        return None
    items = [
        Item(
            "waiver",
            f"{one.repo}: {one.place}",
            one.covers_from,
            f"{one.state}: {one.reason}",
            tuple(one.evidence),
        )
        for one in rows
    ]
    exceptions = tables["exceptions"]
    covered = exceptions[
        exceptions["waiver"].fillna("").map(lambda text: name in text.split("; ")).astype(bool)
        & exceptions["control"].isin([one.control for one in rows])
    ]
    items += [
        Item("waived", str(one.exception_id), "", str(one.found), tuple(str(one.evidence).split()))
        for one in covered.itertuples()
    ]
    return "waiver", _facts(rows[-1]), items


def _emergency(
    name: str, tables: Tables, period: Period, as_of: datetime
) -> tuple[str, dict[str, str], list[Item]] | None:
    found = [
        one
        for one in emergencies.emergencies(tables["emergencies"], tables["exceptions"], period, as_of)
        if one.ticket == name
    ]
    if not found:
        return None
    items = [
        Item(
            "emergency",
            f"{one.person} in {one.cluster}",
            one.opened_at,
            f"told by {one.told_by}",
            tuple(one.evidence),
        )
        for one in found
    ]
    return "emergency", _facts(found[-1]), items


def _facts(one: Any) -> dict[str, str]:
    """What a row of the report says, without what is empty, and without pointers: those are of its items."""
    return {
        column: "; ".join(map(str, value)) if isinstance(value, list) else str(value)
        for column, value in asdict(one).items()
        if value not in ("", None, []) and column != "evidence"
    }
