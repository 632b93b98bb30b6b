"""Populations to draw from: what happened in the quarter, each item with a number that is its own.

Changes and deployments have the numbers that they have in the report's annexes; the others are numbered in the order
of time and name. How the tables' rows lie makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from audit.model import PrincipalKind
from audit.period import Period
from audit.report import populations
from audit.report.plain import records
from audit.settings import Settings

Tables = Mapping[str, pd.DataFrame]

COLUMNS = ("number", "subject", "at", "environment", "targets", "says", "trace")
"""Of a population: its number from 1, its name, when (UTC, ISO 8601), environments (commas), how many applications of
production it reaches, what it is in words, and the name that `audit trace` knows it by."""

POPULATIONS = {
    "changes": "every change that landed",
    "deployments": "every production deployment that was started",
    "writes": "every write of a person to a cluster that changed something in scope",
    "exceptions": "everything that failed a control",
}


def numbered(name: str, tables: Tables, settings: Settings, period: Period, as_of: datetime) -> pd.DataFrame:
    """A population of the quarter: the `COLUMNS`, in the order of its numbers.

    Args:
        name: one of `POPULATIONS`.
        tables: every table of the checked quarter.
        as_of: up to when events count in it.
    """
    make = {"changes": _changes, "deployments": _deployments, "writes": _writes, "exceptions": _exceptions}[
        name
    ]
    rows = make(tables, settings, period, as_of)
    made = pd.DataFrame(rows, columns=COLUMNS[1:])
    made.insert(0, "number", range(1, len(made) + 1))
    return made.astype({name: "int64" if name in ("number", "targets") else "str" for name in COLUMNS})


Rows = list[dict[str, Any]]


def _changes(tables: Tables, settings: Settings, period: Period, as_of: datetime) -> Rows:
    reached = tables["landing_environments"]
    reached = reached[reached["environment"].isin(settings.production)]
    targets = reached.groupby(["repo", "head_sha"]).size().to_dict()
    rows = []
    for one in populations.landings(dict(tables), settings, period, as_of):
        name = f"{one.repo}@{one.head_sha}"
        rows.append(
            {
                "subject": name, "at": one.landed_at, "environment": ",".join(one.environments), "says": one.subject,
                "targets": targets.get((one.repo, one.head_sha), 0), "trace": name,
            }
        )  # fmt: skip
    return rows


def _deployments(tables: Tables, settings: Settings, period: Period, as_of: datetime) -> Rows:
    places = {
        f"{row['cluster']}/{row['application']}@{row['started_at']}": row["environment"]
        for row in records(tables["deployments"][["cluster", "application", "started_at", "environment"]])
    }
    rows = []
    for one in populations.deployments(dict(tables), settings, period, as_of):
        name = f"{one.cluster}/{one.application}@{one.started_at}"
        rows.append(
            {
                "subject": name, "at": one.started_at, "environment": places[name], "targets": 1, "trace": name,
                "says": f"{one.status}, revision {one.revision}, started by {one.started_by}",
            }
        )  # fmt: skip
    return rows


def _writes(tables: Tables, settings: Settings, period: Period, as_of: datetime) -> Rows:
    writes = tables["cluster_writes"]
    own = writes["principal_kind"].eq(PrincipalKind.PERSON.value) & writes["change"].astype(bool)
    rows = writes[own & period.holds(writes["at"]) & (writes["at"] < as_of)]
    rows = rows.sort_values(["at", "cluster", "audit_id", "variant"], kind="stable")
    return [
        {
            "subject": f"{row['cluster']}/{row['audit_id']}/{row['variant']}", "at": row["at"],
            "environment": row["environment"], "targets": int(row["environment"] in settings.production),
            "says": f"{row['verb']} of {row['resource']} {row['namespace']}/{row['name']} by {row['person']}",
            "trace": f"{row['evidence']}:{row['line']}",
        }
        for row in records(rows)
    ]  # fmt: skip


def _exceptions(tables: Tables, settings: Settings, _period: Period, _as_of: datetime) -> Rows:
    rows = tables["exceptions"].sort_values(["at", "exception_id"], kind="stable", na_position="first")
    return [
        {
            "subject": row["exception_id"], "at": row["at"], "environment": row["environment"],
            "targets": _reach(row, settings), "says": f"{row['subject']}: {row['found']}", "trace": row["exception_id"],
        }
        for row in records(rows)
    ]  # fmt: skip


def _reach(row: Mapping[str, Any], settings: Settings) -> int:
    """How many applications of production an exception is about; one where it names an environment alone."""
    environments = [name for name in row["environment"].split(",") if name in settings.production]
    return len(environments) * max(1, len([name for name in row["app"].split(",") if name]))
