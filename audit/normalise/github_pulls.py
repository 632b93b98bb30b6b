"""GitHub pull requests, as REST gives them, in lists or one by one, to `pull_requests`."""

from __future__ import annotations

from typing import Literal

import msgspec

from audit.normalise.github import Account, login, repository
from audit.normalise.interface import Context, Outcome
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
    merge_commit_sha: str | None
    head: _End
    base: _End
    labels: list[_Label]
    merged_by: Account | None = None
    commits: Id | None = None
    draft: bool = False


def _rows(pull: Pull, context: Context) -> Outcome:
    updated = utc(pull.updated_at)
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
        # Before the merge it names a commit that the forge made only to try.
        "merge_sha": pull.merge_commit_sha if pull.merged_at is not None else None,
        "head_sha": pull.head.sha,
        "head_ref": pull.head.ref,
        "base_ref": pull.base.ref,
        "commits": pull.commits,
        "labels": ",".join(sorted(label.name for label in pull.labels)),
        "draft": pull.draft,
    }
    return Outcome([("pull_requests", row)], updated)


FORMAT = JsonFormat(
    "github-pulls", 1, ("pull_requests",), Pull, _rows, has(("number", "head", "base", "merged_at"))
)
