"""Where each landing takes effect: the path rules over the files that it changed."""

from __future__ import annotations

import pandas as pd

from audit import tables as t
from audit.git.paths import PathRules
from audit.model import MadeBy


def attribute(
    landings: pd.DataFrame, commits: pd.DataFrame, file_changes: pd.DataFrame, rules: PathRules
) -> pd.DataFrame:
    """Applications and environments that each landing reaches.

    A file that was renamed takes effect where it is and where it was. A landing none of whose files a rule
    matches has no row here.

    Returns:
        The table landing_environments.
    """
    places = commits.loc[commits["position"].notna(), ["repo", "sha", "landed_by"]]
    changes = file_changes.merge(places, on=["repo", "sha"])
    old = changes["old_path"].notna() & (changes["status"] == "R")
    touched = pd.concat(
        [
            changes[["repo", "landed_by", "path"]],
            changes.loc[old, ["repo", "landed_by", "old_path"]].rename(columns={"old_path": "path"}),
        ]
    )
    reached = _reached(touched["path"], rules)
    each = ["repo", "landed_by", "app", "environment"]
    touched = touched.merge(reached, on="path").sort_values([*each, "path"]).drop_duplicates(each)
    if touched.empty:
        return t.empty(t.LandingEnvironments)
    heads = landings[["repo", "head_sha", "first_position", "position"]].astype(
        {"first_position": "int64", "position": "int64"}
    )
    touched = pd.merge_asof(
        touched.astype({"landed_by": "int64"}).sort_values("landed_by"),
        heads.sort_values("position"),
        left_on="landed_by",
        right_on="position",
        by="repo",
        direction="forward",
    )
    touched = touched[touched["first_position"] <= touched["landed_by"]]
    each = ["repo", "head_sha", "app", "environment"]
    unique = touched.sort_values([*each, "path"]).drop_duplicates(each)
    return t.conform(t.LandingEnvironments, unique.assign(made_by=MadeBy.RULE.value, through=""))


def _reached(paths: pd.Series, rules: PathRules) -> pd.DataFrame:
    """path, app, environment of every distinct path that a rule matches: each path is matched once."""
    distinct = pd.Series(paths.unique(), dtype="str")
    pairs = distinct.map(rules.match).rename("pair")
    rows = pd.DataFrame({"path": distinct, "pair": pairs}).explode("pair").dropna(subset=["pair"])
    return pd.DataFrame(
        {
            "path": rows["path"],
            "app": rows["pair"].str[0].astype("str"),
            "environment": rows["pair"].str[1].astype("str"),
        }
    )
