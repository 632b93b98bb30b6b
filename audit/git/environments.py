"""Where each landing takes effect: what contents said of its commits, else the path rules over the files it changed."""

from __future__ import annotations

import pandas as pd

from audit import tables as t
from audit.git.paths import PathRules
from audit.model import MadeBy

_PLACE = ["app", "environment"]


def attribute(
    landings: pd.DataFrame,
    commits: pd.DataFrame,
    file_changes: pd.DataFrame,
    rules: PathRules,
    *,
    repositories: pd.DataFrame,
    commit_environments: pd.DataFrame,
) -> pd.DataFrame:
    """Applications and environments that each landing reaches.

    Commits whose contents were read (`observed_from` of their repository on) are attributed by `commit_environments`
    alone, earlier ones by the path rules. A landing reaches what any of its mainline commits reaches; where both the
    build graph and a rule say so, the graph is named. A landing that reaches nothing known has no row here.

    Returns:
        The table landing_environments.
    """
    line = commits.loc[commits["position"].notna(), ["repo", "sha", "position"]]
    line = line.merge(repositories[["repo", "observed_from"]], on="repo", how="left")
    observed = line["position"].ge(line["observed_from"]).fillna(False).astype(bool)
    line = line.astype({"position": "int64"}).drop(columns="observed_from")
    read = commit_environments.merge(line[observed], on=["repo", "sha"])
    ruled = _ruled(file_changes.merge(line[~observed], on=["repo", "sha"]), rules)
    touched = pd.concat([read, ruled], ignore_index=True)
    if touched.empty:
        return t.empty(t.LandingEnvironments)
    heads = landings[["repo", "head_sha", "first_position", "position"]].astype(
        {"first_position": "int64", "position": "int64"}
    )
    touched = pd.merge_asof(
        touched.sort_values("position", kind="stable"),
        heads.rename(columns={"position": "last"}).sort_values("last"),
        left_on="position",
        right_on="last",
        by="repo",
        direction="forward",
    )
    touched = touched[touched["first_position"] <= touched["position"]]
    each = ["repo", "head_sha", *_PLACE]
    touched = touched.assign(rule=touched["made_by"].eq(MadeBy.RULE.value))
    return t.conform(
        t.LandingEnvironments,
        touched.sort_values([*each, "rule", "path"], kind="stable").drop_duplicates(each),
    )


def _ruled(changes: pd.DataFrame, rules: PathRules) -> pd.DataFrame:
    """What the path rules make of changed files: one row for each commit and place.

    A file that was renamed takes effect where it is and where it was.
    """
    old = changes["old_path"].notna() & (changes["status"] == "R")
    touched = pd.concat(
        [
            changes[["repo", "position", "path"]],
            changes.loc[old, ["repo", "position", "old_path"]].rename(columns={"old_path": "path"}),
        ]
    )
    each = ["repo", "position", *_PLACE]
    touched = touched.merge(_reached(touched["path"], rules), on="path")
    touched = touched.sort_values([*each, "path"]).drop_duplicates(each)
    return touched.assign(made_by=MadeBy.RULE.value, through="")


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
