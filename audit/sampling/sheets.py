"""The folder of a sample: `plan.json`, `sample.csv` to fill in, and a packet for each item."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit.export.folder import put_in_place
from audit.normalise.cells import guarded
from audit.report.plain import records
from audit.sampling import packets
from audit.trace.shapes import Item

PLAN = "plan.json"
FILLED = ("result", "remark", "examined_by", "examined_on")
"""Columns that are left to fill in."""
COLUMNS = ("number", "subject", "at", "environment", "targets", "hits", "packet", *FILLED)


@dataclass(frozen=True)
class Plan:
    """How a sample was drawn: whoever has the tables draws the same one again.

    Attributes:
        whole: what was drawn of: items, or the applications of production that they reach.
        population_sha256: of the numbers and names of the whole population, one a line.
        confidence, tolerable, expected: rates, as they were written.
        size: how many were drawn; an item that was drawn twice counts twice.
        allowed: deviations up to which the tolerable rate is met.
        sample_sha256: of the numbers, names and hits of what was drawn, one a line.
    """

    quarter: str
    as_of: str
    population: str
    items: int
    whole: int
    population_sha256: str
    method: str
    seed: int
    confidence: str
    tolerable: str
    expected: str
    size: int
    allowed: int
    sample_sha256: str


def fingerprint(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    """sha256 of some columns, a line for each row."""
    lines = (json.dumps([row[name] for name in columns]) for row in records(rows))
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def write(
    folder: Path,
    plan: Plan,
    drawn: pd.DataFrame,
    find: Callable[[str], Sequence[Item]],
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> None:
    """Makes the folder of a sample beside its place, and puts it there when all is in it.

    Args:
        drawn: as `audit.sampling.draw` gives it.
        find: what the evidence says of an item, by the name that `audit trace` knows.
        progress: told (packets written, packets).

    Raises:
        UsageError: the folder exists and is not empty, or can't be written.
    """
    with put_in_place(folder) as aside:
        (aside / "packets").mkdir()
        rows = records(drawn)
        for number, row in enumerate(rows):
            progress(number, len(rows))
            items, name = find(row["trace"]), _packet(row)
            (aside / f"{name}.json").write_bytes(packets.as_json(row, items, plan.population))
            (aside / f"{name}.md").write_bytes(packets.as_markdown(row, items, plan.population))
        progress(len(rows), len(rows))
        (aside / "sample.csv").write_bytes(_csv(rows))
        (aside / PLAN).write_text(json.dumps(asdict(plan), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _packet(row: dict[str, Any]) -> str:
    return f"packets/{row['number']:06d}"


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """`sample.csv`. A cell that a spreadsheet would take for a formula is led by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        whole = row | {"packet": f"{_packet(row)}.md"} | dict.fromkeys(FILLED, "")
        writer.writerow([guarded(str(whole[name])) for name in COLUMNS])
    return out.getvalue().encode("utf-8", "backslashreplace")
