"""Production deployments that failed, by what followed them, and when they were restored."""

from __future__ import annotations

import pandas as pd

from audit.metrics.interface import Span, Tables, hours, kept_for_all

APPLICATION = ["cluster", "application"]
DEPLOYMENT = [*APPLICATION, "started_at"]


@kept_for_all
def production(tables: Tables, span: Span) -> pd.DataFrame:
    """Production deployments, of all times until `as_of`, with `one` = 1 and `done_at` (finished, else started)."""
    rows = tables["deployments"]
    rows = rows[rows["environment"].isin(span.settings.production) & (rows["started_at"] < span.now)]
    return rows.assign(one=1, done_at=rows["finished_at"].fillna(rows["started_at"]))


def outcomes(tables: Tables, span: Span) -> pd.DataFrame:
    """Production deployments of the span that changed the revision, and what followed them.

    Returns:
        The columns of `production`, and `failed_at` (first failure within the window), `restored_at` (when that was
        over), both missing where there is none; `failed` (bool); `known` (bool: it failed, or the window is over
        and the application's health is on record).
    """
    rows = _outcomes(tables, span)
    return rows[span.holds(rows["started_at"])].reset_index(drop=True)


@kept_for_all
def _outcomes(tables: Tables, span: Span) -> pd.DataFrame:
    """The same of all times."""
    window = pd.Timedelta(hours=span.settings.thresholds.change_failure_hours)
    every = production(tables, span)
    changed = every[every["changed"].astype(bool)]
    events = pd.concat(
        [
            _rollbacks(every, changed, window),
            _reverts(tables, every, changed, window),
            _degraded(tables, changed, window, span),
        ],
        ignore_index=True,
    )
    first = events.sort_values([*DEPLOYMENT, "failed_at", "restored_at"]).drop_duplicates(DEPLOYMENT)
    rows = changed.merge(first, on=DEPLOYMENT, how="left")
    health = tables["app_states"]
    watched = health.loc[health["aspect"].eq("health"), APPLICATION].drop_duplicates().assign(watched=True)
    rows = rows.merge(watched, on=APPLICATION, how="left")
    failed = rows["failed_at"].notna()
    over = rows["started_at"] + window <= span.now
    return rows.assign(failed=failed, known=failed | (over & rows["watched"].notna()))


def _latest(
    events: pd.DataFrame, changed: pd.DataFrame, at: str, window: pd.Timedelta, *, exact: bool
) -> pd.DataFrame:
    """Events with `started_at` of the application's last changed deployment before them, within the window.

    Args:
        exact: a deployment that started at the very instant of the event counts as before it.
    """
    left = events.assign(_at=events[at]).sort_values("_at", kind="stable")
    right = changed[DEPLOYMENT].sort_values("started_at", kind="stable")
    matched = pd.merge_asof(
        left,
        right,
        left_on="_at",
        right_on="started_at",
        by=APPLICATION,
        direction="backward",
        tolerance=window,
        allow_exact_matches=exact,
    )
    return matched[matched["started_at"].notna()].drop(columns="_at")


def _rollbacks(every: pd.DataFrame, changed: pd.DataFrame, window: pd.Timedelta) -> pd.DataFrame:
    """Successful deployments that took an older revision back: the failure of the one before them."""
    back = every[every["status"].eq("succeeded")].rename(
        columns={"started_at": "failed_at", "done_at": "restored_at"}
    )
    asked = back["options"].str.contains(r"(?:^|,)\s*rollback\s*(?:,|$)", regex=True)
    columns = [*APPLICATION, "failed_at", "restored_at", "position", "asked"]
    matched = _latest(back.assign(asked=asked)[columns], changed, "failed_at", window, exact=False)
    before = changed[[*DEPLOYMENT, "position"]].rename(columns={"position": "before"})
    matched = matched.merge(before, on=DEPLOYMENT)
    older = matched["position"].lt(matched["before"]).fillna(False).astype(bool)
    return matched.loc[matched["asked"] | older, [*DEPLOYMENT, "failed_at", "restored_at"]]


def _reverts(
    tables: Tables, every: pd.DataFrame, changed: pd.DataFrame, window: pd.Timedelta
) -> pd.DataFrame:
    """Landings that revert what a deployment carried: its failure, over when the revert is in production."""
    landings = tables["landings"]
    reverts = landings.loc[landings["reverts"].notna(), ["repo", "head_sha", "reverts", "landed_at"]]
    reverts = reverts.rename(columns={"head_sha": "revert", "reverts": "head_sha", "landed_at": "failed_at"})
    carried = tables["deployment_landings"][[*DEPLOYMENT, "repo", "head_sha"]]
    hit = carried.merge(changed[DEPLOYMENT], on=DEPLOYMENT).merge(reverts, on=["repo", "head_sha"])
    after = hit["failed_at"] - hit["started_at"]
    hit = hit[(after >= pd.Timedelta(0)) & (after <= window)]
    arrived = carried.merge(every[[*DEPLOYMENT, "done_at"]], on=DEPLOYMENT)
    arrived = arrived.groupby([*APPLICATION, "repo", "head_sha"], sort=True)["done_at"].min().reset_index()
    arrived = arrived.rename(columns={"head_sha": "revert", "done_at": "restored_at"})
    hit = hit.merge(arrived, on=[*APPLICATION, "repo", "revert"], how="left")
    return hit[[*DEPLOYMENT, "failed_at", "restored_at"]]


def _degraded(tables: Tables, changed: pd.DataFrame, window: pd.Timedelta, span: Span) -> pd.DataFrame:
    """Spans of degraded health: the failure of the deployment before them, over with the next healthy span."""
    states = tables["app_states"]
    states = states[states["aspect"].eq("health") & (states["start"] < span.now)]
    bad = states.loc[states["state"].eq("Degraded"), [*APPLICATION, "start"]].rename(
        columns={"start": "failed_at"}
    )
    matched = _latest(bad, changed, "failed_at", window, exact=True)
    healthy = states.loc[states["state"].eq("Healthy"), [*APPLICATION, "start"]].rename(
        columns={"start": "restored_at"}
    )
    return pd.merge_asof(
        matched.sort_values("failed_at", kind="stable"),
        healthy.sort_values("restored_at", kind="stable"),
        left_on="failed_at",
        right_on="restored_at",
        by=APPLICATION,
        direction="forward",
    )[[*DEPLOYMENT, "failed_at", "restored_at"]]


def restore_hours(rows: pd.DataFrame) -> pd.Series:
    """Hours from each failure until it was over, Float64."""
    return hours(rows["restored_at"] - rows["failed_at"])
