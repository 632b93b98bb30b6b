"""What a repository alone can say, with no settings and no evidence of a forge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from audit import tables as t
from audit.git import environments, history, landings
from audit.git.paths import PathRules
from audit.period import Period

Tables = dict[str, pd.DataFrame]


def mine(
    path: Path, *, repo: str | None = None, branch: str | None = None, rules: PathRules | None = None
) -> Tables:
    """Everything one repository says about its own changes. It is only read, never written to.

    Pull requests are known by the forge's own subjects alone: no link is certain.

    Args:
        path: the repository, bare or not.
        repo: its name; that of its folder when not given.
        branch: default branch; what HEAD names when not given.
        rules: path rules; the policy's layout when not given.

    Returns:
        The tables of `history.read`, landings, landing_pulls and landing_environments.

    Raises:
        UsageError: no repository, or no such branch.
        IntegrityError: it is shallow, partial, damaged or lacks objects.
    """
    name = repo if repo is not None else path.resolve().name.removesuffix(".git")
    tables = history.read(path, repo=name, branch=branch)
    tables |= landings.find(tables, t.empty(t.PullRequests), t.empty(t.GitOperations), forge_complete=False)
    tables["landing_environments"] = environments.attribute(
        tables["landings"], tables["commits"], tables["file_changes"], rules or PathRules((), ())
    )
    return tables


def summary(found: pd.DataFrame, reached: pd.DataFrame, period: Period | None = None) -> dict[str, Any]:
    """Landings counted, ready for JSON.

    Args:
        found: the table landings.
        reached: the table landing_environments.
        period: count only what landed in it; everything when None.

    Returns:
        `landings` in all; `by_kind`; `by_link`, a list of link, confidence and landings; `by_environment`, in
        which a landing counts once for each environment it reaches; `in_no_environment`; `commits`; `files`,
        `added` and `deleted`; `evil`; `reverts`; `first` and `last` landing (ISO 8601, None when there is none).
    """
    if period is not None:
        found = found[period.holds(found["landed_at"])]
    keys = found[["repo", "head_sha"]]
    places = reached.merge(keys, on=["repo", "head_sha"])[
        ["repo", "head_sha", "environment"]
    ].drop_duplicates()
    linked = found.groupby(["link", "confidence"]).size().rename("landings").reset_index()
    return {
        "landings": len(found),
        "by_kind": {
            kind: int((found["kind"] == kind).sum()) for kind in ("merge", "squash", "rebase", "direct")
        },
        "by_link": linked.to_dict("records"),
        "by_environment": {str(name): int(n) for name, n in places.groupby("environment").size().items()},
        "in_no_environment": len(found) - len(places[["repo", "head_sha"]].drop_duplicates()),
        **{name: int(found[name].sum()) for name in ("commits", "files", "added", "deleted", "evil")},
        "reverts": int(found["reverts"].notna().sum()),
        "first": _iso(found["landed_at"].min()),
        "last": _iso(found["landed_at"].max()),
    }


def _iso(moment: Any) -> str | None:
    return None if pd.isna(moment) else pd.Timestamp(moment).isoformat()
