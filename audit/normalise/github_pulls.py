"""GitHub pull requests, as REST gives them, in lists or one by one, to `pull_requests`."""

from __future__ import annotations

from typing import Literal

import msgspec

from audit.normalise.github import Account, login, repository
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, Number, has
from audit.normalise.times import Time, optional, utc


class _Label(msgspec.Struct):
    name: str


class _End(msgspec.Struct):
    ref: str
    sha: str


class Pull(msgspec.Struct):
    """One pull request. Lists leave out who merged it and how many commits it holds; old servers, `draft`."""

    url: str
    number: Number
    title: str
    state: Literal["open", "closed"]
    user: Account | None
    created_at: Time
    updated_at: Time
    merged_at: Time | None
    head: _End
    base: _End
    labels: list[_Label]
    merge_commit_sha: str | msgspec.UnsetType | None = msgspec.UNSET
    merged_by: Account | None = None
    commits: Id | None = None
    draft: bool = False


def _rows(pull: Pull, context: Context) -> Outcome:
    updated, merge = utc(pull.updated_at), pull.merge_commit_sha
    if pull.merged_at is None:
        merge = None  # before the merge it names a commit that the forge made only to try
    elif isinstance(merge, msgspec.UnsetType):
        raise Unreadable(
            "merge_commit_sha is missing, though it is merged: ask for it with the header X-GitHub-Api-Version: 2022-11-28 (later versions leave it out)"
        )
    row = {
        "repo": repository(pull.url, context),
        "number": pull.number,
        "title_text": pull.title,
        "state": pull.state,
        "author": login(pull.user),
        "created_at": utc(pull.created_at),
        "updated_at": updated,
        "merged_at": optional(pull.merged_at),
        "merged_by": login(pull.merged_by),
        "merge_sha": merge,
        "head_sha": pull.head.sha,
        "head_ref": pull.head.ref,
        "base_ref": pull.base.ref,
        "commits": pull.commits,
        "labels": ",".join(sorted(label.name for label in pull.labels)),
        "draft": pull.draft,
    }
    return Outcome([("pull_requests", row)], updated)


FORMAT = JsonFormat(
    "github-pulls", 2, ("pull_requests",), Pull, _rows, has(("number", "head", "base", "merged_at"))
)
