"""Landings against deployments, deployments against landings, writes to clusters against both: matched, explained, or neither.

Every item of the quarter has one outcome; of each side the outcomes add up to its population. What has no counterpart
is listed with why, and with the control that judges it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from audit.model import Origin, Side, Standing
from audit.period import Period
from audit.settings import Settings
from audit.tables import ReconciledChanges, ReconciledCounts, conform, frame

Tables = dict[str, pd.DataFrame]

_LANDING = ["repo", "head_sha"]
_TARGET = ["repo", "app", "environment"]
_OBJECT = ["cluster", "application"]
_DEPLOYMENT = [*_OBJECT, "started_at"]
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Outcome:
    """What may become of an item.

    Attributes:
        meaning: in words, as the report prints it.
        control: that judges it.
        listed: each item is listed.
    """

    name: str
    standing: Standing
    meaning: str
    control: str = ""
    listed: bool = True


_MATCHED, _EXPLAINED, _WAITING, _OPEN = Standing

LANDINGS = (
    Outcome(
        "deployed", _MATCHED, "carried by a successful deployment to everything it reaches", listed=False
    ),
    Outcome(
        "reaches nothing",
        _EXPLAINED,
        "not expected to be deployed: no environment is built from what it changed",
    ),
    Outcome(
        "before the first",
        _EXPLAINED,
        "not expected to be deployed: the first deployment on record already held it",
    ),
    Outcome("waiting", _WAITING, "landed too late in the quarter to be due at its end", "DEP-06"),
    Outcome("not deployed", _OPEN, "not deployed to everything it reaches, and due", "DEP-06"),
    Outcome(
        "nothing deploys it",
        _OPEN,
        "reaches an environment in which no successful deployment of it from Git is on record",
        "DEP-06",
    ),
)
DEPLOYMENTS = (
    Outcome("carrying", _MATCHED, "brought landings to an application that they reach", listed=False),
    Outcome("not on main", _OPEN, "of a revision that is not on main", "DEP-01"),
    Outcome("failed", _EXPLAINED, "did not succeed, and changed nothing that counts", "CLU-05"),
    Outcome("running", _WAITING, "had not ended when it was last seen", "CLU-05"),
    Outcome("packaged", _EXPLAINED, "of a chart or an artifact from a registry: no landing holds its content", "DEP-01"),
    Outcome("baseline", _EXPLAINED, "the first of its application on record: what came before it can't be told"),
    Outcome("rollback", _EXPLAINED, "went back to an older revision", "DEP-05"),
    Outcome("repeat", _EXPLAINED, "of the revision that was deployed already: corrected drift, or was asked for again"),
    Outcome("moved on", _EXPLAINED, "of a later revision, with nothing in between that reaches the application"),
)  # fmt: skip
WRITES = (
    Outcome(Origin.DEPLOYMENT, _MATCHED, "by the operator, while one of its deployments ran", listed=False),
    Outcome(
        Origin.RECORDS,
        _EXPLAINED,
        "by the operator, to the objects in which it keeps what it does",
        listed=False,
    ),
    Outcome(Origin.CLUSTER, _EXPLAINED, "by the cluster's own controllers and nodes", listed=False),
    Outcome(Origin.AUTOMATION, _EXPLAINED, "by automation that the roster or the settings name"),
    Outcome(Origin.BREAK_GLASS, _EXPLAINED, "by a person in an emergency that allows it", "CHG-09"),
    Outcome(Origin.OPERATOR, _OPEN, "by the operator, outside every deployment on record", "CLU-09"),
    Outcome(Origin.MACHINE, _OPEN, "by a machine that nobody names", "CLU-09"),
    Outcome(Origin.HAND, _OPEN, "by a person, by hand", "CLU-01"),
)
_WORST = ("nothing deploys it", "not deployed", "waiting", "deployed", "before the first")
"""Outcomes of what a landing reaches: the first among them is the landing's."""
OUTCOMES = {Side.LANDING: LANDINGS, Side.DEPLOYMENT: DEPLOYMENTS, Side.WRITE: WRITES}
"""Every outcome of each side, in the order in which they are printed."""


def reconciled(tables: Tables, settings: Settings, period: Period, *, as_of: datetime) -> Tables:
    """`reconciled_changes` and `reconciled_counts` of a quarter.

    Args:
        tables: every git and joined table.
        as_of: aware; nothing at or after it counts.
    """
    stop = pd.Timestamp(min(period.end, as_of))
    sides = {
        Side.LANDING: _landings(tables, settings, stop),
        Side.DEPLOYMENT: _deployments(tables),
        Side.WRITE: _writes(tables),
    }
    listed, counts = [], []
    for side, every in sides.items():
        rows = every[period.holds(every["at"]) & (every["at"] < stop)]
        found = rows["outcome"].value_counts()
        known = {outcome.name: outcome for outcome in OUTCOMES[side]}
        counts.extend(_counted(side, known.values(), found))
        shown = rows[rows["outcome"].isin([name for name, one in known.items() if one.listed])]
        listed.append(_listed(side, shown, known))
    return {
        "reconciled_changes": conform(ReconciledChanges, pd.concat(listed, ignore_index=True)),
        "reconciled_counts": conform(ReconciledCounts, frame(ReconciledCounts, counts)),
    }


def _counted(side: Side, outcomes: Iterable[Outcome], found: pd.Series) -> list[dict[str, object]]:
    return [
        {
            "side": side.value,
            "outcome": str(one.name),
            "standing": one.standing.value,
            "meaning": one.meaning,
            "control": one.control,
            "items": int(found.get(one.name, 0)),
            "listed": one.listed,
        }
        for one in outcomes
    ]


def _listed(side: Side, rows: pd.DataFrame, known: dict[str, Outcome]) -> pd.DataFrame:
    def told(attribute: str) -> pd.Series:
        return (
            rows["outcome"]
            .map({name: str(getattr(one, attribute)) for name, one in known.items()})
            .astype("str")
        )

    made = {
        "side": side.value,
        "item": rows["item"],
        "subject": rows["subject"] if "subject" in rows else rows["item"],
        "at": rows["at"],
        "outcome": rows["outcome"],
        "standing": told("standing"),
        "explanation": told("meaning") + rows["detail"].mask(rows["detail"].ne(""), ": " + rows["detail"]),
        "control": told("control"),
        "evidence": rows["evidence"],
    }
    for name in ("repo", "cluster", "environment", "app", "person"):
        made[name] = rows[name] if name in rows else pd.Series(pd.NA, index=rows.index, dtype="str")
    return pd.DataFrame(made, index=rows.index).astype({"side": "str"})


def _landings(tables: Tables, settings: Settings, stop: pd.Timestamp) -> pd.DataFrame:
    """Every landing, by the worst that became of it in what it reaches."""
    landings = tables["landings"]
    reached = _reached(tables)
    hours = {one: settings.limit("deploy_hours", one) for one in reached["environment"].unique()}
    due = pd.to_timedelta(reached["environment"].map(hours).astype("int64"), unit="h")
    reached = reached.assign(
        outcome=reached["outcome"].mask(
            reached["outcome"].eq("not deployed") & (reached["landed_at"] + due >= stop), "waiting"
        )
    )
    reached = reached.assign(rank=reached["outcome"].map({name: rank for rank, name in enumerate(_WORST)}))
    lowest = reached.groupby(_LANDING)["rank"].transform("min")
    decisive = reached[reached["rank"].eq(lowest)]
    decisive = decisive.assign(place=decisive["app"] + " in " + decisive["environment"])
    told = decisive[[*_LANDING, "outcome"]].drop_duplicates(_LANDING)
    shown = decisive[decisive["outcome"].ne("deployed")]
    for name in ("place", "app", "environment"):
        distinct = shown[[*_LANDING, name]].drop_duplicates().sort_values([*_LANDING, name])
        told = told.merge(
            distinct.groupby(_LANDING)[name].agg(", ".join).reset_index(), on=_LANDING, how="left"
        )
    rows = landings[[*_LANDING, "landed_at", "pusher"]].merge(told, on=_LANDING, how="left")
    commit = rows["repo"] + "@" + rows["head_sha"]
    return rows.assign(
        outcome=rows["outcome"].fillna("reaches nothing").astype("str"),
        item=commit,
        at=rows["landed_at"],
        detail=rows["place"].fillna("").astype("str"),
        evidence=commit,
    )


def _reached(tables: Tables) -> pd.DataFrame:
    """Each landing once for each object that deploys what it reaches, or once for a target that none does, with its outcome."""
    places = tables["landing_environments"][[*_LANDING, "app", "environment"]].drop_duplicates()
    places = places.merge(tables["landings"][[*_LANDING, "position", "landed_at"]], on=_LANDING)
    done = tables["deployments"]
    done = done[done["status"].eq("succeeded") & done["position"].notna() & done["repo"].notna()]
    first = done.sort_values(_DEPLOYMENT, kind="stable").drop_duplicates([*_OBJECT, *_TARGET])
    first = first[[*_OBJECT, *_TARGET, "position"]].rename(columns={"position": "first"})
    carried = tables["deployment_landings"][[*_OBJECT, *_LANDING]].drop_duplicates().assign(carried=True)
    rows = places.merge(first, on=_TARGET, how="left").merge(carried, on=[*_OBJECT, *_LANDING], how="left")
    outcome = pd.Series("not deployed", index=rows.index, dtype="str")
    outcome = outcome.mask(rows["carried"].notna(), "deployed")
    outcome = outcome.mask((rows["position"] <= rows["first"]).fillna(False).astype(bool), "before the first")
    outcome = outcome.mask(rows["first"].isna(), "nothing deploys it")
    return rows.assign(outcome=outcome)


def _deployments(tables: Tables) -> pd.DataFrame:
    """Every deployment, by what it brought."""
    rows = tables["deployments"].sort_values(_DEPLOYMENT, kind="stable")
    counts = tables["deployment_landings"].groupby(_DEPLOYMENT).size().rename("carried").reset_index()
    rows = rows.merge(counts, on=_DEPLOYMENT, how="left")
    good = rows["status"].eq("succeeded")
    content = rows["revision"].where(good)
    by = [rows[name] for name in _OBJECT]
    before = content.groupby(by).ffill().groupby(by).shift()
    place = rows["position"].where(good).astype("Float64")
    behind = place.groupby(by).ffill().groupby(by).shift()
    git = rows["revision_kind"].eq("git")
    outcome = pd.Series("moved on", index=rows.index, dtype="str")
    for which, became in (  # the last that applies holds
        ((rows["position"].astype("Float64") < behind), "rollback"),
        (rows["revision"].eq(before) | rows["position"].astype("Float64").eq(behind), "repeat"),
        (before.isna(), "baseline"),
        (~git, "packaged"),
        (rows["carried"].notna(), "carrying"),
        (rows["status"].eq("running"), "running"),
        (rows["status"].eq("failed"), "failed"),
        (git & (rows["position"].isna() | rows["repo"].isna()), "not on main"),
    ):
        outcome = outcome.mask(which.fillna(False).astype(bool), became)
    return rows.assign(
        outcome=outcome,
        item=rows["cluster"] + "/" + rows["application"] + "@" + rows["started_at"].dt.strftime(_TIME),
        at=rows["started_at"],
        detail=("revision " + rows["revision"]).fillna("no revision recorded").astype("str"),
        evidence=rows["evidence"] + ":" + rows["line"].astype("str"),
    )


def _writes(tables: Tables) -> pd.DataFrame:
    """Every write that changed something in scope, by where it came from."""
    rows = tables["cluster_writes"]
    rows = rows[rows["change"].astype(bool)].drop(columns="outcome").rename(columns={"origin": "outcome"})
    unlisted = [one.name for one in WRITES if not one.listed]
    rows = rows.assign(item="", subject="", detail="", pointer="")
    shown = rows[~rows["outcome"].isin(unlisted)]
    several = ("~" + shown["variant"].astype("str")).where(shown["variant"].gt(0), "")
    where = (shown["namespace"] + "/" + shown["name"]).str.strip("/")
    ticket = (" under " + shown["break_glass"]).fillna("")
    rows.loc[shown.index, "item"] = shown["cluster"] + "/" + shown["audit_id"] + several
    rows.loc[shown.index, "detail"] = (
        shown["user"] + ": " + (shown["verb"] + " " + shown["resource"] + " " + where).str.strip() + ticket
    )
    mine = shown["outcome"].isin([one.name for one in WRITES if one.control == "CLU-09"])
    rows.loc[shown.index, "subject"] = rows.loc[shown.index, "item"].mask(
        mine, shown["cluster"] + "/" + shown["user"]
    )
    rows.loc[shown.index, "pointer"] = shown["evidence"] + ":" + shown["line"].astype("str")
    return rows.assign(evidence=rows["pointer"])
