"""What a repository alone can say, with no settings and no evidence of a forge."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from audit import tables as t
from audit.git import environments, history, landings, observe, strays
from audit.git.paths import PathRules
from audit.model import Link, Via
from audit.period import Period
from audit.settings import Repository

Tables = dict[str, pd.DataFrame]

_FULL = 40  # digits
_LISTED = 200


def mine(
    path: Path,
    *,
    repo: str | None = None,
    branch: str | None = None,
    rules: PathRules | None = None,
    reviews: Literal["github", "gerrit"] | None = None,
    key: bytes | None = None,
    since: datetime | None = None,
) -> Tables:
    """Everything one repository says about its own changes. It is only read, never written to.

    Pull requests are known by the forge's own subjects alone: no link is certain.

    Args:
        path: the repository, bare or not.
        repo: its name; that of its folder when not given.
        branch: default branch; what HEAD names when not given.
        rules: path rules; the policy's layout when not given.
        reviews: where changes are reviewed; when not given, on Gerrit if most mainline commits carry its trailers.
        key: key of the secrets' fingerprints; without it, contents are not read, and path rules alone say where
            landings take effect.
        since: moment from which contents are read; all of them when not given.

    Returns:
        The tables of `history.read` and `observe.read`, landings, landing_pulls and landing_environments.

    Raises:
        UsageError: no repository, or no such branch.
        IntegrityError: it is shallow, partial, damaged or lacks objects.
    """
    name = repo if repo is not None else path.resolve().name.removesuffix(".git")
    tables = history.read(path, repo=name, branch=branch)
    settings = Repository(name=name, location=str(path), reviews=reviews or _reviews(tables["commits"]))
    tables |= landings.find(
        tables,
        t.empty(t.PullRequests),
        t.empty(t.GitOperations),
        forge_complete=False,
        strays=strays.find(path, repo=name, commits=tables["commits"]),
        repositories=[settings],
    )
    chosen = rules or PathRules((), ())
    tables |= (
        {each: t.empty(t.TABLES[each]) for each in observe.TABLES}
        if key is None
        else observe.read(path, tables, observe.Scope(chosen, key, settings), since=since)
    )
    tables["landing_environments"] = environments.attribute(
        tables["landings"],
        tables["commits"],
        tables["file_changes"],
        chosen,
        repositories=tables["repositories"],
        commit_environments=tables["commit_environments"],
    )
    return tables


def _reviews(commits: pd.DataFrame) -> Literal["github", "gerrit"]:
    """Where most of the mainline claims to have been reviewed; a merge counts by what it merged."""
    named = commits[commits["change_id"].notna()]
    claimed = named["landed_by"].nunique()
    return "gerrit" if 2 * claimed > commits["position"].count() else "github"


def summary(tables: Tables, period: Period | None = None) -> dict[str, Any]:
    """Landings counted, ready for JSON.

    Args:
        tables: what `mine` gave.
        period: count only what landed in it; everything when None.

    Returns:
        `landings` in all; `by_kind`; `by_via`; `by_link`, a list of link, confidence and landings; `linked`, the
        share of landings with a pull request or change (None without landings); `unmatched`, the others: sha,
        subject and at, the latest 200, the last first; `by_environment`, in which a landing counts once for each environment it reaches;
        `in_no_environment`; `by_attribution`, what said so, each landing and place once; `contents`, what the landings'
        files say (None when they were not read from the first of them on), see `_contents`; `commits`; `files`, `added` and `deleted`; `evil`; `reverts`; `reinstates`; `picks`;
        `named_reverts`, commits that name the full id of what they revert, and how many of those ids are `known` and
        `linked`; `first` and `last` landing (ISO 8601, None when there is none).
    """
    found, commits, reached = (tables[name] for name in ("landings", "commits", "landing_environments"))
    if period is not None:
        found = found[period.holds(found["landed_at"])]
    keys = found[["repo", "head_sha"]]
    places = reached.merge(keys, on=["repo", "head_sha"])[
        ["repo", "head_sha", "environment"]
    ].drop_duplicates()
    linked = found.groupby(["link", "confidence"]).size().rename("landings").reset_index()
    lone = found[found["link"] == Link.NONE].sort_values(["landed_at", "position"], ascending=False)
    latest = lone.head(_LISTED)
    return {
        "landings": len(found),
        "by_kind": {
            kind: int((found["kind"] == kind).sum()) for kind in ("merge", "squash", "rebase", "direct")
        },
        "by_via": {str(via): int((found["via"] == via).sum()) for via in Via},
        "by_link": linked.to_dict("records"),
        "linked": 1 - len(lone) / len(found) if len(found) else None,
        "unmatched": [
            {"sha": sha, "subject": subject, "at": _iso(at)}
            for sha, subject, at in zip(
                latest["head_sha"], latest["subject"], latest["landed_at"], strict=True
            )
        ],
        "by_environment": {str(name): int(n) for name, n in places.groupby("environment").size().items()},
        "in_no_environment": len(found) - len(places[["repo", "head_sha"]].drop_duplicates()),
        "by_attribution": {
            str(by): int(n) for by, n in reached.merge(keys).groupby("made_by").size().items()
        },
        "contents": _contents(tables, found),
        **{name: int(found[name].sum()) for name in ("commits", "files", "added", "deleted", "evil")},
        **{name: int(found[name].notna().sum()) for name in ("reverts", "reinstates", "picks")},
        "named_reverts": _named_reverts(found, commits),
        "first": _iso(found["landed_at"].min()),
        "last": _iso(found["landed_at"].max()),
    }


def _contents(tables: Tables, found: pd.DataFrame) -> dict[str, Any] | None:
    """`images`, settings of images that commits changed; `secrets` in the clear by kind, and `secret_values`, how many
    different ones; `unread`, files that could not be read, by what for; `references` to secrets and `roots` of the build
    graph at the tip."""
    start = tables["repositories"]["observed_from"].iloc[0]
    if pd.isna(start) or not found["first_position"].ge(start).all():
        return None
    commits = tables["commits"]
    place = commits.loc[commits["position"].notna(), ["sha", "position"]].astype({"position": "int64"})
    first, last = found["first_position"].astype("int64"), found["position"].astype("int64")
    spans = pd.IntervalIndex.from_arrays(first, last, closed="both")
    inside = spans.get_indexer(pd.Index(place["position"])) >= 0
    shas = place["sha"][inside]
    rows = {
        name: tables[name][tables[name]["sha"].isin(shas)]
        for name in ("image_settings", "secret_findings", "unread_files")
    }
    secrets = rows["secret_findings"]
    return {
        "images": len(rows["image_settings"].drop_duplicates(["sha", "path", "locator", "image"])),
        "secrets": {str(kind): int(n) for kind, n in secrets.groupby("kind").size().items()},
        "secret_values": int(secrets["fingerprint"].nunique()),
        "unread": {str(by): int(n) for by, n in rows["unread_files"].groupby("reader").size().items()},
        "references": len(tables["secret_references"]),
        "roots": len(tables["graph_roots"]),
    }


def _named_reverts(found: pd.DataFrame, commits: pd.DataFrame) -> dict[str, int]:
    """Commits of landings that name a full id: how many, of how many it is known, and how many are linked.

    Known is what the history holds, or a pull request's branch. Linked is a commit when its landing reverts another
    one, or holds itself what it names.
    """
    place = commits.set_index(["repo", "sha"])["landed_by"]
    ends = found[["repo", "position", "first_position", "reverts"]].astype({"position": "int64"})
    said = commits[commits["reverts"].str.len() >= _FULL].astype({"landed_by": "int64"})
    said = pd.merge_asof(
        said.sort_values("landed_by"), ends.sort_values("position"),
        left_on="landed_by", right_on="position", by="repo", direction="forward", suffixes=("", "_landing"),
    )  # fmt: skip
    said = said[said["first_position"] <= said["landed_by"]]
    target = place.reindex(pd.MultiIndex.from_frame(said[["repo", "reverts"]])).set_axis(said.index)
    own = target.between(said["first_position"], said["position_landing"]).fillna(False)
    known, linked = target.notna() | said["reverts_landing"].notna(), said["reverts_landing"].notna() | own
    return {"commits": len(said), "known": int(known.sum()), "linked": int(linked.sum())}


def _iso(moment: Any) -> str | None:
    return None if pd.isna(moment) else pd.Timestamp(moment).isoformat()
