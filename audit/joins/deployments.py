"""Deployments, and which landings each of them carried.

A landing is carried by a successful deployment when its last commit is after the revision of the successful
deployment before (of the same operator's object) and not after this one's, on the mainline, and when it touches the
application in that environment. The first deployment known carries nothing, for want of a baseline; nor does one that
goes back: from then on, what it went back to is the baseline.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.joins import placing
from audit.joins.identity import Resolver
from audit.joins.operations import operations
from audit.settings import Settings
from audit.tables import DeploymentLandings, Deployments, conform

_OBJECT = ["cluster", "application"]
_TARGET = ["repo", "app", "environment"]


def deployments(
    sync_records: pd.DataFrame,
    applications: pd.DataFrame,
    commits: pd.DataFrame,
    *,
    resolver: Resolver,
    rules: placing.Rules,
    settings: Settings,
) -> pd.DataFrame:
    """`Deployments` of `SyncRecords`, `Applications` and `Commits`: one row for each operation."""
    done = placing.sources(operations(sync_records), applications)
    done = done.assign(revision_kind=placing.kind(done))
    done = done.assign(repo=placing.repository(done, settings.repositories))
    placed = placing.places(done, commits)
    who = resolver.resolve(done["initiated_by"], "argocd", done["started_at"])
    done = done.rename(columns={"app": "application"}).assign(
        **{column: placed[column] for column in ("repo", "position", "on_branch")},
        **placing.belonging(done, rules, settings),
        person=who["person"].where(done["initiated_by"].notna()),
        content=placed["sha"].fillna(done["revision"]),
    )
    return conform(Deployments, done.assign(changed=_changed(done)))


def _changed(done: pd.DataFrame) -> pd.Series:
    """Which deployments succeeded and brought another revision than the successful one before them (bool).

    The first one of an application has none before it, and counts. `content` is the full revision.
    """
    succeeded = done[done["status"].eq("succeeded")].sort_values([*_OBJECT, "started_at"])
    content = succeeded["content"].fillna("")
    before = content.groupby([succeeded[column] for column in _OBJECT]).shift()
    return content.ne(before).reindex(done.index, fill_value=False)


def carried(
    deployments: pd.DataFrame, landings: pd.DataFrame, landing_environments: pd.DataFrame
) -> pd.DataFrame:
    """`DeploymentLandings` of `Deployments`, `Landings` and `LandingEnvironments`."""
    spans = _advances(deployments)
    places = landing_environments.merge(landings[["repo", "head_sha", "position"]], on=["repo", "head_sha"])
    spans, places = _numbered(spans, places)
    size = (
        int(max(spans["position"].max(), places["position"].max())) + 1 if len(spans) and len(places) else 1
    )
    places = places.assign(at=places["target"] * size + places["position"].astype("int64"))
    places = places.sort_values("at", kind="stable")
    at = places["at"].to_numpy(dtype="int64")
    base = spans["target"].to_numpy(dtype="int64") * size
    low = np.searchsorted(at, base + spans["baseline"].to_numpy(dtype="int64"), side="right")
    high = np.searchsorted(at, base + spans["position"].to_numpy(dtype="int64"), side="right")
    counts = high - low
    chosen = np.arange(counts.sum()) + np.repeat(low - (np.cumsum(counts) - counts), counts)
    pairs = spans.loc[spans.index.repeat(counts), [*_OBJECT, "started_at", *_TARGET]].reset_index(drop=True)
    pairs["head_sha"] = places["head_sha"].to_numpy()[chosen]
    return conform(DeploymentLandings, pairs.astype({"head_sha": "str"}))


def _advances(deployments: pd.DataFrame) -> pd.DataFrame:
    """Successful deployments that went forward on the mainline, with the `baseline` place they started from."""
    known = deployments[deployments["status"].eq("succeeded") & deployments["position"].notna()]
    known = known.sort_values([*_OBJECT, "started_at"], kind="stable")
    known = known.assign(baseline=known.groupby([*_OBJECT, "repo"])["position"].shift())
    forward = (known["position"] > known["baseline"]).fillna(False).astype(bool)
    return known[forward].reset_index(drop=True)


def _numbered(spans: pd.DataFrame, places: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both with `target`, one number (int64) for each `_TARGET`."""
    both = pd.concat([spans[_TARGET], places[_TARGET]], ignore_index=True)
    numbers = both.groupby(_TARGET, sort=False).ngroup().to_numpy(dtype="int64")
    return spans.assign(target=numbers[: len(spans)]), places.assign(target=numbers[len(spans) :])
