"""Secrets that Git declares, as controls look at them: who they are, since when, and what of them is not known."""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Gap, Tables
from audit.controls.parts import commit
from audit.model import Reader


def kept(tables: Tables, context: Context) -> pd.DataFrame:
    """Secrets at the tips that had landed before the quarter's end.

    Returns:
        `SecretReferences` with `subject`, `created_at` (when it landed; missing where that is not known) and `at`, missing:
        a secret belongs to every quarter since.
    """
    rows = tables["secret_references"]
    commits = tables["commits"][["repo", "sha", "position"]].dropna(subset=["position"])
    places = rows.merge(commits, left_on=["repo", "created_sha"], right_on=["repo", "sha"], how="left")
    found = (
        places[places["position"].notna()]
        .astype({"position": "Int64"})
        .sort_values("position", kind="stable")
    )
    heads = tables["landings"][["repo", "position", "landed_at"]].sort_values("position")
    found = pd.merge_asof(found, heads, on="position", by="repo", direction="forward")
    rest = places[places["position"].isna()].assign(
        landed_at=pd.Series(
            pd.NaT, index=places.index[places["position"].isna()], dtype="datetime64[us, UTC]"
        )
    )
    rows = pd.concat([found, rest], ignore_index=True).rename(columns={"landed_at": "created_at"})
    rows = rows[~rows["created_at"].ge(context.stop).fillna(False).astype(bool)].reset_index(drop=True)
    name = rows["kind"] + "/" + rows["namespace"] + "/" + rows["name"]
    return rows.assign(
        subject=rows["repo"] + ":" + rows["path"] + ":" + name,
        at=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]"),
    ).sort_values("subject", ignore_index=True)


def commit_of(rows: pd.DataFrame, column: str) -> pd.Series:
    """`repo@commit` of the commit that a column names."""
    return commit(rows, column)


def unread(tables: Tables) -> tuple[Gap, ...]:
    """A gap for each repository whose contents were never read, or of which files could not be."""
    blind = tables["repositories"].query("observed_from.isna()")["repo"]
    files = tables["unread_files"]
    counts = files[files["reader"].eq(Reader.SECRETS.value)].groupby("repo")["path"].nunique()
    return (
        *(Gap(f"{repo}: its contents were not read for secrets", repo=repo) for repo in sorted(blind)),
        *(
            Gap(f"{repo}: {n} files could not be read for secrets (unread_files)", repo=str(repo))
            for repo, n in counts.items()
        ),
    )
