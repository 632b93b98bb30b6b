"""What a sample that was looked at says of its population: the upper limit of the deviation rate.

An item that could not be determined counts as a deviation: what is not shown is not passed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.normalise.cells import unguarded
from audit.normalise.sheets import separator
from audit.sampling.sheets import COLUMNS, PLAN, Plan
from audit.sampling.sizes import rate, upper_limit, upper_rate

RESULTS = ("pass", "deviation", "not determined")
_LARGEST = 10_000_000  # bytes of a filled sheet


@dataclass(frozen=True)
class Evaluation:
    """What came of a sample.

    Attributes:
        examined: how many were drawn and looked at; an item that was drawn twice counts twice.
        deviations: of them, those that deviate or could not be determined.
        undetermined: those of them that could not be determined.
        limit: the most that may deviate of `plan.whole`, at the plan's confidence.
        rate: the same as a share of `plan.whole`.
        clopper_pearson: the upper limit for a population without end.
        met: no more may deviate than is tolerated.
    """

    plan: Plan
    examined: int
    deviations: int
    undetermined: int
    limit: int
    rate: float
    clopper_pearson: float
    met: bool


def evaluate(path: Path) -> Evaluation:
    """Reads a filled `sample.csv`, with the plan that lies beside it.

    Raises:
        UsageError: it is not the sample that was drawn, or not filled in to its end.
    """
    plan = _plan(path.with_name(PLAN))
    results: Counter[str] = Counter()
    drawn: list[str] = []
    for line, row in _rows(path):
        result = row["result"].strip().lower()
        if result not in RESULTS:
            raise UsageError(
                f"{path}:{line}: the result is '{result[:40]}'", remedy=f"write one of: {', '.join(RESULTS)}"
            )
        hits = (
            int(row["hits"])
            if row["hits"].isascii() and row["hits"].isdigit() and len(row["hits"]) < 10
            else 0
        )
        results[result] += hits
        drawn.append(json.dumps([_number(row["number"]), unguarded(row["subject"]), hits]))
    if hashlib.sha256("".join(f"{one}\n" for one in drawn).encode()).hexdigest() != plan.sample_sha256:
        raise UsageError(
            f"{path}: its items are not those that were drawn, in their order",
            remedy="fill in the sheet as it was written: no item may be left out, put in, moved or changed",
        )
    confidence, tolerable = rate("confidence", plan.confidence), rate("tolerable", plan.tolerable)
    deviations = results["deviation"] + results["not determined"]
    limit = upper_limit(plan.whole, plan.size, deviations, confidence)
    return Evaluation(
        plan=plan,
        examined=plan.size,
        deviations=deviations,
        undetermined=results["not determined"],
        limit=limit,
        rate=limit / plan.whole,
        clopper_pearson=upper_rate(plan.size, deviations, confidence),
        met=limit < tolerable * plan.whole,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The sheet's lines, each with its number."""
    try:
        content = path.read_bytes()[: _LARGEST + 1]
        if len(content) > _LARGEST:
            raise UsageError(
                f"{path}: is larger than {_LARGEST:,} bytes", remedy="give the filled sample.csv"
            )
        text = content.decode("utf-8-sig")
        between = separator(text.partition("\n")[0])  # a spreadsheet writes what its country has
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True)
        lines = [(reader.line_num, cells) for cells in reader if any(cells)]
    except OSError as error:
        raise UsageError(
            f"{path}: can't be read: {error.strerror}", remedy="name the filled sample.csv"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: is no CSV in UTF-8: {error}", remedy="save it as CSV, UTF-8") from None
    if not lines or tuple(lines[0][1]) != COLUMNS:
        raise UsageError(
            f"{path}:1: has other columns than {', '.join(COLUMNS)}", remedy="leave the columns as they are"
        )
    for line, cells in lines[1:]:
        if len(cells) != len(COLUMNS):
            raise UsageError(
                f"{path}:{line}: has {len(cells)} cells, not {len(COLUMNS)}", remedy="mend the line"
            )
    return [(line, dict(zip(COLUMNS, cells, strict=True))) for line, cells in lines[1:]]


def _plan(path: Path) -> Plan:
    """The plan as it was written."""
    kinds: dict[str, Any] = {field.name: int if field.type == "int" else str for field in fields(Plan)}
    try:
        said = json.loads(path.read_bytes()[:1_000_000].decode())
    except OSError as error:
        raise UsageError(
            f"{path}: can't be read: {error.strerror}",
            remedy="keep the filled sheet beside the plan.json of its sample",
        ) from None
    except (ValueError, RecursionError):
        said = None
    if (
        not isinstance(said, dict)
        or set(said) != set(kinds)
        or any(type(said[name]) is not kinds[name] for name in kinds)
    ):
        raise UsageError(
            f"{path}: is no plan of a sample", remedy="restore the plan.json that 'audit sample' wrote"
        )
    plan = Plan(**said)
    if not 0 < plan.size <= plan.whole < 10**12:
        raise UsageError(
            f"{path}: is no plan of a sample", remedy="restore the plan.json that 'audit sample' wrote"
        )
    return plan
