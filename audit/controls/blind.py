"""Where the lineage from changes to production ends: deployments and changes that nothing ties to each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.controls.interface import Context, Gap, Tables
from audit.controls.parts import DEPLOYMENT, LANDING, commit, deployment

_OBJECT = ["cluster", "application"]
_TARGET = ["repo", "app", "environment"]
_MANIFEST = r"(?i)\.(?:ya?ml|json|jsonnet|libsonnet|cue|tpl|toml|env|properties)$"
_NO_MANIFEST = r"^(?:\.github|docs?)/"


def unattributed(tables: Tables, context: Context, failed: pd.DataFrame) -> tuple[Gap, ...]:
    """Gaps for what production deployments of the quarter may have carried, unknown to the lineage.

    - The first deployment on record has none before it to start from.
    - Nothing ties any change to what a deployment deployed: neither the build graph nor a path rule.
    - A change that failed before and touches manifests reaches nothing that is known, and was deployed over.

    Args:
        failed: `LANDING` of changes that failed earlier controls.
    """
    deployed = _deployed(tables, context)
    return (*_first(deployed), *_untied(deployed, tables), *_lost(deployed, tables, failed))


def _deployed(tables: Tables, context: Context) -> pd.DataFrame:
    """Successful production deployments of the quarter from the mainline, with the `baseline` place before each."""
    known = tables["deployments"]
    known = known[known["status"].eq("succeeded") & known["position"].notna() & known["repo"].notna()]
    known = known.sort_values(DEPLOYMENT, kind="stable")
    known = known.assign(baseline=known.groupby([*_OBJECT, "repo"])["position"].shift())
    production = known["environment"].isin(context.settings.production)
    return known[production & context.holds(known["started_at"])]


def _first(deployed: pd.DataFrame) -> list[Gap]:
    first = deployed[deployed["baseline"].isna()]
    return [
        Gap(f"{name}: no deployment before it is on record, so that what it carried can't be told")
        for name in deployment(first)
    ]


def _untied(deployed: pd.DataFrame, tables: Tables) -> list[Gap]:
    moved = deployed[(deployed["position"] > deployed["baseline"]).fillna(False).astype(bool)]
    known = tables["landing_environments"][_TARGET].drop_duplicates().assign(known=True)
    untied = moved.merge(known, on=_TARGET, how="left")
    untied = untied[untied["known"].isna()].drop_duplicates([*_OBJECT, *_TARGET])
    return [
        Gap(
            f"{cluster}/{name}: neither the build graph nor a path rule ties any change of {repo} to {app} in {where}"
        )
        for cluster, name, repo, app, where in untied[[*_OBJECT, *_TARGET]].itertuples(index=False)
    ]


def _lost(deployed: pd.DataFrame, tables: Tables, failed: pd.DataFrame) -> list[Gap]:
    landings = failed[LANDING].drop_duplicates().merge(tables["landings"], on=LANDING)
    reached = tables["landing_environments"][LANDING].drop_duplicates().assign(reached=True)
    landings = landings.merge(reached, on=LANDING, how="left").query("reached.isna()")
    over = landings[_passed(landings, deployed)]
    files = tables["file_changes"]
    manifest = files["path"].str.contains(_MANIFEST) & ~files["path"].str.contains(_NO_MANIFEST)
    places = tables["commits"][["repo", "sha", "position"]].dropna(subset=["position"])
    touched = files[manifest].merge(places, on=["repo", "sha"])
    lost = over[_touching(over, touched)].sort_values(LANDING)
    return [
        Gap(
            f"{name}: it failed before, changes manifests, and reaches nothing that is known: production may carry it"
        )
        for name in commit(lost)
    ]


def _passed(landings: pd.DataFrame, deployed: pd.DataFrame) -> np.ndarray:
    """Which landings' last place lies between a deployment's `baseline` and its `position`, which it includes (bool)."""
    moved = deployed[(deployed["position"] > deployed["baseline"]).fillna(False).astype(bool)]
    at, begun, ended = _in_line(
        (landings, "position"), (moved, "baseline"), (moved, "position"),
    )  # fmt: skip
    return np.searchsorted(np.sort(begun), at, side="left") > np.searchsorted(np.sort(ended), at, side="left")


def _touching(landings: pd.DataFrame, touched: pd.DataFrame) -> np.ndarray:
    """Which landings hold one of the places `touched` (bool)."""
    first, last, places = _in_line(
        (landings, "first_position"), (landings, "position"), (touched, "position"),
    )  # fmt: skip
    places = np.sort(places)
    return np.searchsorted(places, first, side="left") < np.searchsorted(places, last, side="right")


def _in_line(*places: tuple[pd.DataFrame, str]) -> list[np.ndarray]:
    """Places on the mainlines of several repositories as places on one line (int64), each mainline behind another."""
    rows = pd.concat([rows[["repo"]].assign(place=rows[column]) for rows, column in places])
    numbers = rows.groupby("repo", sort=False).ngroup().to_numpy(dtype="int64")
    place = rows["place"].to_numpy(dtype="int64")
    line = numbers * (int(place.max(initial=0)) + 1) + place
    return np.split(line, np.cumsum([len(rows) for rows, _ in places])[:-1])
