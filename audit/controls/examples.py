"""Examples of controls: pipe tables to typed tables, with everything else that a judgement needs.

    changes
    | pr_number | landed_at        |
    | 7         | 2026-08-03 10:00 |

A table's name stands alone on its line, above its columns. `a1…` is the commit id that begins so, filled up with
zeros. Times are UTC. An empty cell is a missing value, or the empty text where none may be missing. Columns that are
not mentioned are filled with what says least:

- the repository, the cluster and the environment of the examples (`netbpf/netbpf-gitops`, `prod`, `prod`);
- an evidence object holds a record, speaks of the repository of the examples and was written after the quarter; records of hours are of
  the audit log;
- missing, where a value may be; else the empty text, false, the smallest number allowed (0 or 1), the first of the
  values allowed, and for a time the middle of the quarter.

The world of an example is 2026Q3, judged on 2 October 2026. Evidence that the control needs is there (objects of
every format, collected after the quarter; audit records of each cluster throughout; a roster; repositories with a
tip), except for what the example names in `without`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pandas as pd

from audit import settings as s
from audit import tables as t
from audit.controls.fresh import LOG
from audit.controls.interface import Control, Example, Need, Tables
from audit.controls.needs import FromClusters
from audit.controls.parts import when
from audit.controls.runner import run
from audit.joins.continuity import continuity, looked_at
from audit.normalise import natures
from audit.period import Period

REPOSITORY, CLUSTER = "netbpf/netbpf-gitops", "prod"
PERIOD = Period.quarter("2026Q3")
AS_OF = datetime(2026, 10, 2, tzinfo=UTC)

_NEUTRAL = {
    "repo": REPOSITORY,
    "cluster": CLUSTER,
    "environment": CLUSTER,
    "branch": "main",
    "tip": "0" * 40,
    "sha256": "0" * 64,
    "tree": "0" * 40,
    "sha": "0" * 40,
    "evidence": "0" * 64,
    "repos": REPOSITORY,
    "records": 1,
    "kept": 1,
    "format": LOG,
}
_DATED = {"last_modified": AS_OF}
_MIDDLE = pd.Timestamp("2026-08-15", tz="UTC")
_ABBREVIATED = re.compile(r"\b([0-9a-f]{1,39})…")


def parse(text: str) -> dict[str, list[dict[str, str]]]:
    """Cells by table and row; every cell is the text in it, trimmed.

    Raises:
        ValueError: a row stands under no table, or has more or fewer cells than columns are named.
    """
    found: dict[str, list[dict[str, str]]] = {}
    name, header = "", list[str]()
    for line in (line.strip() for line in expand(text).splitlines()):
        if not line:
            continue
        if not line.startswith("|"):
            name, header = line, []
            found[name] = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not header:
            header = cells
        elif len(cells) != len(header):
            raise ValueError(f"{name or 'table'}: {len(cells)} cells under {len(header)} columns: {line}")
        else:
            found.setdefault(name, []).append(dict(zip(header, cells, strict=True)))
    return found


def expand(text: str) -> str:
    """`a1…` as a commit id of 40 digits."""
    return _ABBREVIATED.sub(lambda match: match[1].ljust(40, "0"), text)


def frames(text: str) -> Tables:
    """Every table of the product: those of `text` with its rows, the others empty.

    Raises:
        ValueError: `text` names a table or column that is not declared.
    """
    cells = parse(text)
    unknown = sorted(set(cells) - set(t.TABLES))
    if unknown:
        raise ValueError(f"there is no table '{unknown[0]}'")
    return {
        name: _frame(table, cells[name]) if name in cells else t.empty(table)
        for name, table in t.TABLES.items()
    }


def _frame(table: type[t.Table], rows: list[dict[str, str]]) -> pd.DataFrame:
    declared = t.columns(table)
    unknown = sorted({name for row in rows for name in row} - set(declared))
    if unknown:
        raise ValueError(f"{table.__name__} has no column '{unknown[0]}'")
    typed = [
        {
            name: _value(column, row[name]) if name in row else _neutral(name, column)
            for name, column in declared.items()
        }
        for row in rows
    ]
    return t.conform(table, t.frame(table, typed))


def _value(column: Any, cell: str) -> object:
    """A cell as its column's type reads it."""
    kind = str(column.dtype)
    if cell == "":
        return None if column.nullable or not kind.startswith("string") else ""
    if kind == "Int64":
        return int(cell)
    if kind == "Float64":
        return float(cell)
    if kind == "boolean":
        return {"true": True, "false": False}[cell]
    return pd.Timestamp(cell, tz="UTC") if kind.startswith("datetime") else cell


def _neutral(name: str, column: Any) -> object:
    """What says least in a column that is not mentioned."""
    kind = str(column.dtype)
    if name in _DATED:
        return pd.Timestamp(_DATED[name])
    if column.nullable:
        return None
    if name in _NEUTRAL:
        return _NEUTRAL[name]
    checks = {check.name: check.statistics for check in column.checks}
    if "isin" in checks:
        return checks["isin"]["allowed_values"][0]
    if kind in ("Int64", "Float64"):
        return checks.get("greater_than_or_equal_to", {"min_value": 0})["min_value"]
    return {"boolean": False, "datetime64[us, UTC]": _MIDDLE}.get(kind, "")


def world(control: Control, example: Example) -> tuple[Tables, s.Settings]:
    """The tables and settings that an example speaks of."""
    values = {
        "organisation": {"name": "NETBPF"},
        "repositories": [{"name": REPOSITORY, "location": "netbpf-gitops"}],
        "clusters": [{"name": CLUSTER, "environment": CLUSTER}],
    } | example.settings
    settings = s.validate(values, where=Path("audit.toml"))
    tables = frames(example.given)
    given = {name for name, rows in tables.items() if len(rows)}
    for name, rows in _evidence(control, example, settings).items():
        if name not in given:
            tables[name] = _frame(t.TABLES[name], rows)
    if "evidence_gaps" not in given:
        tables |= _continuity(tables, settings)
    return tables, settings


World = Callable[[Control, Example], tuple[Tables, s.Settings]]
"""Gives what an example speaks of, as `world` does."""

_KNOWN: dict[tuple[str, ...], Tables] = {}


def _continuity(tables: Tables, settings: s.Settings) -> Tables:
    """Worked out once for the same words in what it looks at, which most examples share."""
    said = {"clusters", "sources", "thresholds"}
    words = (settings.model_dump_json(include=said), *(rows.to_csv() for rows in looked_at(tables).values()))
    if words not in _KNOWN:
        _KNOWN[words] = continuity(tables, settings, PERIOD, as_of=AS_OF)
    return _KNOWN[words]


def _evidence(control: Control, example: Example, settings: s.Settings) -> dict[str, list[dict[str, str]]]:
    """Rows that show the evidence a control needs, without what the example takes away."""
    needs = {need.name: need for need in control.needs if need.name not in example.without}
    objects: list[dict[str, str]] = []
    for name, need in needs.items():
        if isinstance(need, FromClusters):
            objects.extend(_object(need.formats[0], cluster.name) for cluster in settings.clusters)
        elif name not in ("evidence", "git", "roster"):
            objects.append(_object(_format(need), ""))
    rows: dict[str, list[dict[str, str]]] = {"evidence_objects": objects}
    if "git" in needs:
        rows["repositories"] = [
            {"repo": repository.name, "tip": "0" * 40} for repository in settings.repositories
        ]
    if "roster" in needs:
        rows["people"] = [{"person": "ada"}, {"person": "grace"}]
    logs = [one for one in objects if natures.NATURES.get(one["format"]) == natures.LOG]
    return rows | {"coverage": [_recorded(one) for one in logs]}


def _format(need: Need) -> str:
    """The format whose records a need asks for; the first where several will do."""
    formats: tuple[str, ...] = getattr(need, "formats", ())
    return formats[0] if formats else need.name


def _object(name: str, cluster: str) -> dict[str, str]:
    source = f"{name}-{cluster}" if cluster else name
    return {
        "source_name": source,
        "key": "1",
        "format": name,
        "cluster": cluster,
        "records": "1",
        "kept": "1",
        "collected_at": AS_OF.strftime("%Y-%m-%d"),
    }


def _recorded(log: dict[str, str]) -> dict[str, str]:
    """Coverage of an object of a log, whose records fill the quarter."""
    start, end = (f"{moment:%Y-%m-%d %H:%M}" for moment in (PERIOD.start, PERIOD.end))
    named = {name: log[name] for name in ("source_name", "format", "cluster")}
    return named | {"hour": start, "first_at": start, "last_at": end}


def outcome(control: Control, example: Example, world: World = world) -> tuple[str, pd.DataFrame]:
    """What the runner makes of an example: the conclusion, and the exceptions."""
    tables, settings = world(control, example)
    judged = run(tables, settings, PERIOD, as_of=AS_OF, controls=(control,))
    return cast("str", judged["conclusions"]["conclusion"].iloc[0]), judged["exceptions"]


def expected(example: Example) -> list[dict[str, str]]:
    """The exceptions that an example expects: cells by row."""
    return parse(example.exceptions).get("", [])


def failures(control: Control, world: World = world) -> Iterator[str]:
    """What examples of a control come to otherwise than they say, in words; none when all hold.

    An empty cell expects a missing value or the empty text; a time is written as `2026-07-01T09:00:00Z`.

    Args:
        world: gives the tables and settings of an example; they are not changed, so that it may remember them.
    """
    for example in control.examples:
        conclusion, exceptions = outcome(control, example, world)
        wanted = expected(example)
        columns = list(wanted[0]) if wanted else ["subject"]
        told = (
            exceptions[columns].assign(at=when(exceptions["at"])) if "at" in columns else exceptions[columns]
        )
        found = sorted(told.fillna("").itertuples(index=False, name=None))
        if conclusion != example.conclusion:
            yield f"{control.id}: {example.title}: {conclusion}, not {example.conclusion}"
        elif found != sorted(tuple(row.values()) for row in wanted):
            yield f"{control.id}: {example.title}: found {found or 'nothing'}"
