"""How changes reached production: how fast, how often, and how well."""

from __future__ import annotations

import pandas as pd

from audit.metrics.change import LANDING, landed
from audit.metrics.failures import DEPLOYMENT, outcomes, production, restore_hours
from audit.metrics.interface import (
    Count,
    Grouped,
    Median,
    Metric,
    Share,
    Span,
    Tables,
    by,
    earliest,
    hours,
    kept_for_all,
    kept_for_quarter,
)


@kept_for_quarter
def _bound(tables: Tables, span: Span) -> pd.DataFrame:
    """Landings of the span that reach production, with `live_at`: when the first production deployment that carried
    them was done (missing: not yet)."""
    places = tables["landing_environments"]
    bound = places.loc[places["environment"].isin(span.settings.production), LANDING].drop_duplicates()
    rows = landed(tables, span).merge(bound, on=LANDING)
    return rows.merge(_live(tables, span), on=LANDING, how="left")


@kept_for_all
def _live(tables: Tables, span: Span) -> pd.DataFrame:
    """When the first successful production deployment of each landing was done: `live_at`."""
    return earliest(_carried(tables, span), LANDING, "done_at").rename(columns={"done_at": "live_at"})


def _carried(tables: Tables, span: Span) -> pd.DataFrame:
    """Successful production deployments with each landing that they carried, and when they were done: `done_at`."""
    done = production(tables, span)
    done = done[done["status"].eq("succeeded") & (done["done_at"] < span.now)]
    return tables["deployment_landings"][[*DEPLOYMENT, *LANDING]].merge(
        done[[*DEPLOYMENT, "done_at"]], on=DEPLOYMENT
    )


def went_live(tables: Tables, span: Span) -> pd.DataFrame:
    """The deployments from whose end the times of `TIMED` are taken, by landing: `repo`, `head_sha`, `cluster`, `application`,
    `started_at`, `done_at`; several where they ended in the same moment."""
    carried = _carried(tables, span).merge(_live(tables, span), on=LANDING)
    first = carried[carried["done_at"].eq(carried["live_at"])]
    return first[[*LANDING, *DEPLOYMENT, "done_at"]].sort_values([*LANDING, *DEPLOYMENT], ignore_index=True)


TIMED = ("lead_time", "commit_to_production")
"""Figures of landings whose time ends with a deployment."""


def _lead_time(tables: Tables, span: Span) -> Grouped:
    rows = _bound(tables, span)
    rows = rows.assign(hours=hours(rows["live_at"] - rows["landed_at"]))
    return by(rows, app=_by_app(rows, tables, span))


def _by_app(rows: pd.DataFrame, tables: Tables, span: Span) -> pd.DataFrame:
    """Landings once for each application that they reach in production, as `group`."""
    places = tables["landing_environments"]
    apps = places.loc[
        places["environment"].isin(span.settings.production), [*LANDING, "app"]
    ].drop_duplicates()
    return rows.merge(apps, on=LANDING).rename(columns={"app": "group"})


def _from_first_commit(tables: Tables, span: Span) -> Grouped:
    rows = _bound(tables, span).merge(_begun(tables, span), on=LANDING, how="left")
    return by(rows.assign(hours=hours(rows["live_at"] - rows["begun_at"])))


@kept_for_all
def _begun(tables: Tables, _span: Span) -> pd.DataFrame:
    """When work on each landing began: the earliest author date of its commits, or the opening of its pull requests."""
    commits, landings = tables["commits"], tables["landings"]
    brought = pd.DataFrame(
        {
            "repo": commits["repo"],
            "place": commits["landed_by"].astype("int64"),
            "begun_at": commits["author_time"],
        }
    ).sort_values("place", kind="stable")
    held = pd.DataFrame(
        {
            "repo": landings["repo"],
            "head_sha": landings["head_sha"],
            "last": landings["position"].astype("int64"),
        }
    ).sort_values("last", kind="stable")
    written = pd.merge_asof(brought, held, left_on="place", right_on="last", by="repo", direction="forward")
    opened = tables["changes"][[*LANDING, "created_at"]].rename(columns={"created_at": "begun_at"})
    every = pd.concat(
        [written.loc[written["head_sha"].notna(), [*LANDING, "begun_at"]], opened], ignore_index=True
    )
    return earliest(every, LANDING, "begun_at")


def _changing(tables: Tables, span: Span) -> Grouped:
    """Production deployments of the span that changed the revision: all, and by application."""
    rows = production(tables, span)
    rows = rows[rows["changed"].astype(bool) & span.holds(rows["started_at"])]
    return by(rows, app=rows.assign(group=rows["app"]))


def _failures(tables: Tables, span: Span) -> Grouped:
    rows = outcomes(tables, span)
    return by(rows, app=rows.assign(group=rows["app"]))


def _restore(tables: Tables, span: Span) -> Grouped:
    rows = outcomes(tables, span)
    rows = rows[rows["failed"]]
    restored = rows["restored_at"] < span.now
    return by(rows.assign(hours=restore_hours(rows).where(restored)))


def _batches(tables: Tables, span: Span) -> Grouped:
    rows = _changing(tables, span)["all"]
    carried = tables["deployment_landings"].groupby(DEPLOYMENT).size().rename("carried").reset_index()
    rows = rows.merge(carried, on=DEPLOYMENT)
    return by(rows, app=rows.assign(group=rows["app"]))


def _syncs(tables: Tables, span: Span) -> Grouped:
    rows = tables["deployments"]
    rows = rows[span.holds(rows["started_at"])]
    rows = rows.assign(succeeded=rows["status"].eq("succeeded"), known=rows["status"].ne("running"))
    return by(rows, **{column: rows.assign(group=rows[column]) for column in ("environment", "app")})


METRICS = (
    Metric(
        "lead_time",
        "Lead time to production",
        "hours",
        "Median hours from landing to the end of the first successful production deployment that carried the landing, "
        "over the quarter's landings that reach production. Undetermined: not deployed to production yet.",
        "deployments",
        "landing",
        _lead_time,
        Median("hours"),
    ),
    Metric(
        "commit_to_production",
        "First commit to production",
        "hours",
        "Median hours from the beginning of the work (the earliest author date of the landing's commits, or the "
        "opening of its pull request if that was earlier) to the end of the first successful production deployment "
        "that carried it, over the quarter's landings that reach production. Undetermined: not deployed to "
        "production yet.",
        "deployments",
        "landing",
        _from_first_commit,
        Median("hours"),
    ),
    Metric(
        "deployment_frequency",
        "Production deployments",
        "deployments",
        "Successful production deployments started in the quarter whose revision differs from the one before.",
        "deployments",
        "deployment",
        _changing,
        Count("one"),
    ),
    Metric(
        "deployments_per_week",
        "Production deployments a week",
        "deployments a week",
        "Successful production deployments started in the quarter whose revision differs from the one before, divided "
        "by the quarter's weeks, or those gone by.",
        "deployments",
        "deployment",
        _changing,
        Count("one", weekly=True),
    ),
    Metric(
        "batch_size",
        "Changes in a production deployment",
        "changes",
        "Median landings carried by a successful production deployment of the quarter whose revision differs from the one "
        "before, over those that carried any.",
        "deployments",
        "deployment",
        _batches,
        Median("carried"),
    ),
    Metric(
        "change_failure_rate",
        "Change failure rate",
        "share",
        "Production deployments that changed the revision and were followed, within the change failure window, by a "
        "rollback of the application, a revert of a landing that they carried, or degraded health of the "
        "application, divided by the production deployments that changed the revision. Rollback and degraded health "
        "count against the last such deployment before them. Undetermined, and not in the denominator: deployments "
        "without such a failure whose window is not over or whose application's health is not on record.",
        "deployments",
        "deployment",
        _failures,
        Share(hit="failed", known="known"),
    ),
    Metric(
        "restore_time",
        "Time to restore",
        "hours",
        "Median hours from the first failure of each failed production deployment to its end: for degraded health the "
        "next healthy state, for a rollback the end of that deployment, for a revert the end of the first production "
        "deployment that carried it. Undetermined: not restored yet.",
        "deployments",
        "deployment",
        _restore,
        Median("hours"),
    ),
    Metric(
        "sync_success_rate",
        "Successful syncs",
        "share",
        "Sync operations started in the quarter, in all environments, that succeeded, divided by those that succeeded "
        "or failed. Undetermined: still running.",
        "deployments",
        "deployment",
        _syncs,
        Share(hit="succeeded", known="known"),
    ),
)
