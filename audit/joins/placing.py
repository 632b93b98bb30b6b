"""Where an operation belongs: its repository, application and environment, and its place on the mainline."""

from __future__ import annotations

import re
from typing import Protocol

import pandas as pd

from audit.settings import Repository, Settings

WHOLE_ENVIRONMENT = "*"
_ANY_FILE = "any"
_SHA = r"[0-9a-f]{40,64}"
_ABBREVIATED = r"[0-9a-f]{7,39}"


class Rules(Protocol):
    """What places paths: `audit.git.paths.PathRules`."""

    def match(self, path: str) -> tuple[tuple[str, str], ...]:
        """(application, environment) pairs of a file; none when no rule matches."""
        ...


def sources(operations: pd.DataFrame, applications: pd.DataFrame) -> pd.DataFrame:
    """`operations` with `path` and `repo_url`, where no record says them, from the object's nearest snapshot.

    The last snapshot at or before the start counts; the first one after it where there is none.
    """
    filled = operations
    for direction in ("backward", "forward"):
        for column in ("path", "repo_url"):
            found = pd.merge_asof(
                filled[["cluster", "app", "started_at"]]
                .reset_index()
                .sort_values("started_at", kind="stable"),
                applications.dropna(subset=[column])[["cluster", "app", "observed_at", column]].sort_values(
                    "observed_at", kind="stable"
                ),
                left_on="started_at",
                right_on="observed_at",
                by=["cluster", "app"],
                direction=direction,
            )
            filled = filled.assign(**{column: filled[column].fillna(found.set_index("index")[column])})
    return filled


def kind(operations: pd.DataFrame) -> pd.Series:
    """`git` or `chart` (str). What Argo CD deploys from a path is in Git, though its revision be but a branch."""
    oci = operations["repo_url"].str.lower().str.startswith("oci://").fillna(False).astype(bool)
    path = operations["operator"].eq("argocd") & operations["path"].fillna("").ne("") & ~oci
    return operations["revision_kind"].mask(path, "git")


def repository(operations: pd.DataFrame, repositories: tuple[Repository, ...]) -> pd.Series:
    """Configured repository (str) that each operation's `repo_url` names; missing where none does.

    A URL names a repository in whichever form it is written. What is no URL is the name of a Flux source: it names
    the repository whose last part it is, or the only one that is configured (not for charts).
    """
    urls = operations[["repo_url", "revision_kind"]].drop_duplicates().dropna(subset=["repo_url"])
    named = [
        _named(url, repositories, alone=kind == "git")
        for url, kind in zip(urls["repo_url"], urls["revision_kind"], strict=True)
    ]
    urls = urls.assign(repo=pd.Series(named, index=urls.index, dtype="str"))
    return (
        operations[["repo_url", "revision_kind"]].merge(urls, how="left").set_index(operations.index)["repo"]
    )


def _named(url: str, repositories: tuple[Repository, ...], *, alone: bool) -> str | None:
    """The repository that one URL or name of a Flux source means."""
    path = _path_of(url)
    if path is None:
        source = url.rsplit("/", 1)[-1].lower()
        same = [r.name for r in repositories if r.name.rsplit("/", 1)[-1].lower() == source]
        if len(same) == 1:
            return same[0]
        return repositories[0].name if alone and len(repositories) == 1 else None
    for repo in repositories:
        name = repo.name.lower()
        location = _path_of(repo.location)
        if path == name or path.endswith("/" + name) or (location is not None and path == location):
            return repo.name
    return None


def _path_of(url: str) -> str | None:
    """`owner/name` of an https, ssh, git@ or file URL, lower case, without `.git`; None for what is no URL."""
    found = re.match(r"(?:[a-z+]+://[^/]*/|[^/@\s]+@[^/:]+:|(?=/))(.+)", url.strip(), re.IGNORECASE)
    if found is None:
        return None
    return found[1].strip("/").lower().removesuffix(".git").rstrip("/")


def belonging(operations: pd.DataFrame, rules: Rules, settings: Settings) -> pd.DataFrame:
    """`app` and `environment` (str) of each operation, with its index.

    A path that belongs to one environment says both; one that belongs to several, the cluster's environment. Where
    no rule knows the path, and for charts, the application is the object's name.
    """
    of_cluster = operations["cluster"].map(
        {name: settings.environment_of(name) for name in operations["cluster"].unique()}
    )
    name = operations["app"].str.rsplit("/", n=1).str[-1]
    path = operations["path"].where(operations["revision_kind"].eq("git"))
    targets = {each: rules.match(_file_below(each)) for each in path.dropna().unique()}
    apps = {each: pairs[0][0] for each, pairs in targets.items() if pairs}
    alone = {each: pairs[0][1] for each, pairs in targets.items() if len({e for _, e in pairs}) == 1}
    return pd.DataFrame(
        {
            "app": path.map(apps).astype("str").fillna(name),
            "environment": path.map(alone).astype("str").fillna(of_cluster),
        }
    ).astype("str")


def _file_below(path: str) -> str:
    """A file in the folder `path`, as rules for files want it."""
    folder = path.strip().removeprefix("./").strip("/")
    return f"{folder}/{_ANY_FILE}" if folder not in ("", ".") else _ANY_FILE


def places(operations: pd.DataFrame, commits: pd.DataFrame) -> pd.DataFrame:
    """Where revisions are in the history of `repo`, with the operations' index.

    Args:
        operations: with `repo` (missing where unknown), `repo_url`, `revision`, `revision_kind`.
        commits: `Commits`.

    Returns:
        `repo` (str; where nothing names one, the only repository that has the commit), `sha` (str: full id;
        missing where the revision is no commit of that repository), `position` (Int64), `on_branch` (bool).
    """
    git = operations["revision_kind"].eq("git")
    revision = operations["revision"].where(git).str.lower()
    history = commits[["repo", "sha", "position"]]
    repo = operations["repo"].where(operations["repo_url"].notna(), _only_repository(revision, history))
    wanted = pd.DataFrame({"repo": repo.astype("str"), "sha": _full(repo, revision, history)})
    found = (
        wanted.reset_index().merge(history, on=["repo", "sha"], how="left", indicator=True).set_index("index")
    )
    known = found["_merge"].eq("both")
    return pd.DataFrame(
        {
            "repo": found["repo"],
            "sha": found["sha"].where(known),
            "position": found["position"],
            "on_branch": known & found["position"].isna(),
        }
    ).reindex(operations.index)


def _only_repository(revision: pd.Series, history: pd.DataFrame) -> pd.Series:
    """The repository that alone has the commit `revision` names in full (str)."""
    alone = history[~history["sha"].duplicated(keep=False)].set_index("sha")["repo"]
    return revision.map(alone).astype("str")


def _full(repo: pd.Series, revision: pd.Series, history: pd.DataFrame) -> pd.Series:
    """Full commit ids (str): of an abbreviated one, when just one commit of its repository begins with it."""
    full = revision.where(revision.str.fullmatch(_SHA).fillna(False).astype(bool))
    short = revision.str.fullmatch(_ABBREVIATED).fillna(False).astype(bool) & repo.notna()
    if not short.any():
        return full.astype("str")
    ids = (history["repo"] + "@" + history["sha"]).sort_values(ignore_index=True)
    prefix = repo[short] + "@" + revision[short]
    first = ids.searchsorted(prefix.to_numpy(dtype=object))
    last = ids.searchsorted((prefix + "g").to_numpy(dtype=object))  # "g" is after every hexadecimal digit
    one = last - first == 1
    found = pd.Series(ids.to_numpy()[first[one]], index=prefix.index[one], dtype="str")
    return full.astype("str").fillna(found.str.rsplit("@", n=1).str[-1].reindex(repo.index))
