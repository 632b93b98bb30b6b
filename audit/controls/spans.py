"""What the controls of lasting states share: which spans lasted too long, who reported them, and what is untold."""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.controls.interface import Context, Gap, Tables
from audit.controls.parts import lasting, pointer, when

APPLICATION = ["cluster", "application"]
_SPAN = [*APPLICATION, "aspect", "start"]


def observed(
    spans: pd.DataFrame, limit: pd.Timedelta | pd.Series[pd.Timedelta], context: Context
) -> pd.DataFrame:
    """Spans that the quarter touches, judged by how long they lasted.

    A span belongs to every quarter that it touches, and fails in each in which it was over its limit.

    Args:
        spans: `start` and `end` (datetime64[us, UTC]; the end is missing while it lasts).
        limit: how long a span may last, one for all or for each; exactly as long is in time.

    Returns:
        `spans` with `resolved_at` (the end), `at` (the start, or the quarter's where it began before it), `until` (the end, cut at the last
        instant that is tested) and `late` (bool: over its limit while the quarter ran). What begins after the quarter
        has an `at` after it.
    """
    until = bounded(spans["end"].fillna(context.stop), upper=context.stop)
    late = bounded(spans["start"] + limit, lower=context.start) < until
    at = bounded(spans["start"], lower=context.start)
    touched = until > context.start
    return spans.assign(at=at, until=until, late=late, resolved_at=spans["end"])[touched].reset_index(
        drop=True
    )


def allowed(rows: pd.DataFrame, name: str, context: Context) -> pd.Series:
    """A threshold (int64) as it holds in the environment of each row: its `environment`, where it has none, everybody's."""
    limits = {one: context.settings.limit(name, one) for one in rows["environment"].dropna().unique()}
    return rows["environment"].map(limits).fillna(context.settings.limit(name, "")).astype("int64")


def allowed_of(rows: pd.DataFrame, name: str, tables: Tables, context: Context) -> pd.Series:
    """The same for rows of applications, by the environment that each is deployed to."""
    where = environments(placed(rows[APPLICATION], tables), context)
    return allowed(pd.DataFrame({"environment": where.to_numpy()}, index=rows.index), name, context)


def bounded(
    times: pd.Series, *, lower: pd.Timestamp | None = None, upper: pd.Timestamp | None = None
) -> pd.Series:
    """Times (datetime64[us, UTC]) that are not before `lower` nor after `upper`: those that are become the bound."""
    bounds: dict[str, Any] = {"lower": lower, "upper": upper}
    return times.clip(**bounds)


def lasted(rows: pd.DataFrame) -> pd.Series:
    """How long each span lasted, from when, until when: `for 3 h, from … until …`; what lasts says so."""
    ended = rows["end"] <= rows["until"]
    still = " and still so at " + when(rows["until"])
    return (
        "for "
        + lasting(rows["until"] - rows["start"])
        + ", from "
        + when(rows["start"])
        + (" until " + when(rows["until"])).where(ended, still)
    )


def placed(rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Rows of applications with `app`, `environment`, `repo` and `path` of their last deployment on record.

    Where none is on record the application is the object's name, and the rest is missing.
    """
    known = tables["deployments"].sort_values([*APPLICATION, "started_at"], kind="stable")
    known = known.drop_duplicates(APPLICATION, keep="last")
    rows = rows.merge(known[[*APPLICATION, "app", "environment", "repo", "path"]], on=APPLICATION, how="left")
    return rows.assign(app=rows["app"].fillna(rows["application"].str.rsplit("/", n=1).str[-1]))


def environments(rows: pd.DataFrame, context: Context) -> pd.Series:
    """Environment of each application: of its deployments, else of its cluster (str; missing where neither says)."""
    of_cluster = {cluster.name: cluster.environment for cluster in context.settings.clusters}
    return rows["environment"].fillna(rows["cluster"].map(of_cluster).astype("str"))


def states(tables: Tables, aspect: str) -> pd.DataFrame:
    """Spans of one aspect (sync or health) with a pointer to the report or snapshot that opened each (`evidence`)."""
    spans = tables["app_states"]
    spans = spans[spans["aspect"].eq(aspect)]
    reports = tables["state_changes"].rename(columns={"app": "application", "at": "start"})
    snapshots = tables["applications"].rename(columns={"app": "application", "observed_at": "start"})
    said = pd.concat(
        [
            reports.assign(evidence=pointer(reports))[[*_SPAN, "evidence"]],
            snapshots.assign(evidence=pointer(snapshots), aspect=aspect)[[*_SPAN, "evidence"]],
        ],
        ignore_index=True,
    ).drop_duplicates(_SPAN)
    spans = spans.merge(said, on=_SPAN, how="left")
    return spans.assign(evidence=spans["evidence"].fillna("").astype("str"))


def unreported(tables: Tables, context: Context, *, production: bool = False) -> tuple[Gap, ...]:
    """Gaps for operators whose snapshots or syncs are there, but none of their events.

    A snapshot shows that a state was there, and not how long it lasted; nor does it show every failure.

    Args:
        production: only applications of production are asked for.
    """
    objects = _objects(tables, context, production=production)
    read = tables["evidence_objects"][["cluster", "format"]].dropna(subset=["cluster"])
    read = read.assign(format=read["format"].str.split(",")).explode("format")
    told = set(read["cluster"] + " " + read["format"].astype("str").str.strip())
    return tuple(
        Gap(
            f"{cluster}: no events of {operator} ({operator}-event): snapshots do not tell how long a state lasted",
            cluster=cluster,
        )
        for cluster, operator in sorted(set(zip(objects["cluster"], objects["operator"], strict=True)))
        if f"{cluster} {operator}-event" not in told
    )


def untold(tables: Tables, context: Context, aspect: str, *, production: bool = False) -> tuple[Gap, ...]:
    """The gaps of `unreported`, and one for each application on record of which no state is.

    Args:
        production: only applications of production are asked for.
    """
    objects = _objects(tables, context, production=production)
    known = tables["app_states"]
    known = known.loc[known["aspect"].eq(aspect), APPLICATION].drop_duplicates().assign(known=True)
    silent = objects.merge(known, on=APPLICATION, how="left").query("known.isna()")
    names = (silent["cluster"] + "/" + silent["application"]).sort_values()
    gaps = tuple(Gap(f"{name}: its {aspect} status was never reported") for name in names)
    return (*unreported(tables, context, production=production), *gaps)


def _objects(tables: Tables, context: Context, *, production: bool) -> pd.DataFrame:
    """Every application on record, once, with its `operator`."""
    objects = pd.concat(
        [
            tables["applications"][["cluster", "app", "operator"]].rename(columns={"app": "application"}),
            tables["deployments"][[*APPLICATION, "operator"]],
        ],
        ignore_index=True,
    ).drop_duplicates(APPLICATION)
    if production:
        where = environments(placed(objects, tables), context)
        objects = objects[where.isin(context.settings.production).to_numpy()]
    return objects
