"""The populations an auditor draws from: changes that landed, and production deployments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from audit.period import Period
from audit.report.plain import records, words
from audit.report.shapes import DeploymentRow, LandingRow
from audit.settings import Settings

_DEPLOYMENT = ["cluster", "application", "started_at"]
_LANDING = ["repo", "head_sha"]

STARTED = frozenset({"the operator", "by hand", "not recorded"})
"""What a deployment was started by, in our words, where no name says."""


def landings(
    tables: dict[str, pd.DataFrame], settings: Settings, period: Period, as_of: datetime
) -> list[LandingRow]:
    """Every landing of the quarter, unfiltered, in the order of landing, with what became of it."""
    rows = _landed(tables, period, as_of)
    rows = rows.merge(_reviewed(tables), on=_LANDING, how="left")
    rows = rows.merge(_reached(tables["landing_environments"]), on=_LANDING, how="left")
    rows = rows.merge(_first_production(tables, settings), on=_LANDING, how="left")
    rows = rows.sort_values("number", kind="stable")
    failed = _failed(tables["exceptions"])
    return [_landing(row["number"], row, failed) for row in records(rows)]


def _landed(tables: dict[str, pd.DataFrame], period: Period, as_of: datetime) -> pd.DataFrame:
    """The quarter's landings, numbered from 1 in the order of landing: `number` (int64)."""
    rows = tables["landings"]
    rows = rows[period.holds(rows["landed_at"]) & (rows["landed_at"] < as_of)]
    rows = rows.sort_values(["landed_at", "repo", "position"], kind="stable")
    return rows.assign(number=range(1, len(rows) + 1))


def _landing(number: int, row: dict[str, Any], failed: dict[str, list[str]]) -> LandingRow:
    numbers = {str(row["pr_number"] or ""), *row["numbers"].split()} - {""}
    subjects = [f"{row['repo']}@{row['head_sha']}", *(f"{row['repo']}#{number}" for number in numbers)]
    return LandingRow(
        number=number,
        repo=row["repo"],
        head_sha=row["head_sha"],
        landed_at=row["landed_at"],
        landed_at_source=row["landed_at_source"],
        kind=row["kind"],
        pull_request=row["pr_number"] or 0,
        link=row["link"],
        confidence=row["confidence"],
        subject=row["subject"],
        authors=words(row["people"] or row["authors"]),
        approvers=words(row["approvers"]),
        files=row["files"],
        environments=words(row["environments"], ","),
        production=row["production_at"],
        controls=sorted({control for subject in subjects for control in failed.get(subject, [])}),
    )


def _reviewed(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Over all pull requests of each landing: `numbers`; of those it landed by, `people` and `approvers` (all str)."""
    aside = tables["landing_pulls"][["repo", "pr_number", "aside"]]
    rows = tables["changes"].merge(aside, on=["repo", "pr_number"], how="left")
    rows = rows.assign(number=rows["pr_number"].astype("str"))
    numbers = rows.groupby(_LANDING)["number"].agg(_union).rename("numbers").astype("str")
    own = rows[~rows["aside"].fillna(False).astype(bool)].groupby(_LANDING)
    people = own["authors"].agg(_union).rename("people").astype("str")
    approvers = own["approvers"].agg(_union).rename("approvers").astype("str")
    return pd.concat([numbers, people, approvers], axis=1).reset_index()


def _union(words_of: pd.Series) -> str:
    return " ".join(sorted(set(" ".join(words_of).split())))


def _reached(environments: pd.DataFrame) -> pd.DataFrame:
    """The environments that each landing reaches, as one text a landing."""
    distinct = (
        environments[[*_LANDING, "environment"]].drop_duplicates().sort_values([*_LANDING, "environment"])
    )
    joined = distinct.groupby(_LANDING)["environment"].agg(",".join)
    return joined.rename("environments").reset_index().astype({"environments": "str"})


def _first_production(tables: dict[str, pd.DataFrame], settings: Settings) -> pd.DataFrame:
    """When each landing was first carried to production by a successful deployment."""
    carried = tables["deployment_landings"]
    carried = carried[carried["environment"].isin(settings.production)]
    return carried.groupby(_LANDING)["started_at"].min().rename("production_at").reset_index()


def _failed(exceptions: pd.DataFrame) -> dict[str, list[str]]:
    """Controls failed, by subject."""
    failed: dict[str, list[str]] = {}
    for row in records(exceptions[["control", "subject"]]):
        failed.setdefault(row["subject"], []).append(row["control"])
    return failed


def deployments(
    tables: dict[str, pd.DataFrame], settings: Settings, period: Period, as_of: datetime
) -> list[DeploymentRow]:
    """Every production deployment started in the quarter, with the landings that it carried."""
    rows = tables["deployments"]
    held = period.holds(rows["started_at"]) & (rows["started_at"] < as_of)
    rows = rows[held & rows["environment"].isin(settings.production)]
    rows = rows.merge(_carried(tables, period, as_of), on=_DEPLOYMENT, how="left")
    rows = rows.sort_values(["started_at", "cluster", "application"], kind="stable")
    failed = _failed(tables["exceptions"])
    return [
        DeploymentRow(
            number=number,
            started_at=row["started_at"],
            cluster=row["cluster"],
            application=row["application"],
            repo=row["repo"],
            revision=row["revision"],
            status=row["status"],
            started_by=_started_by(row),
            carried=len(words(row["carries"])),
            carries=words(row["carries"]),
            changed=bool(row["changed"]),
            controls=failed.get(f"{row['cluster']}/{row['application']}@{row['started_at']}", []),
        )
        for number, row in enumerate(records(rows), 1)
    ]


def _carried(tables: dict[str, pd.DataFrame], period: Period, as_of: datetime) -> pd.DataFrame:
    """What each deployment carried, as one text (`carries`): `A12` for a landing of the quarter, repo@commit for any other."""
    own = _landed(tables, period, as_of)[[*_LANDING, "number"]]
    rows = tables["deployment_landings"].merge(own, on=_LANDING, how="left")
    rows = rows.sort_values([*_DEPLOYMENT, "number", *_LANDING], kind="stable")
    other = rows["repo"] + "@" + rows["head_sha"]
    numbered = "A" + rows["number"].astype("Int64").astype("str")
    rows = rows.assign(name=numbered.where(rows["number"].notna(), other))
    joined = rows.groupby(_DEPLOYMENT, sort=True)["name"].agg(" ".join).rename("carries")
    return joined.reset_index().astype({"carries": "str"})


def _started_by(row: dict[str, Any]) -> str:
    """The person, or the operator, or that no record says; a name that is one of these words stands in quotation marks."""
    if row["automated"]:
        return "the operator"
    name = str(row["person"] or row["initiated_by"])
    if name in STARTED:
        return f"“{name}”"
    return name or ("not recorded" if row["automated"] is None else "by hand")
