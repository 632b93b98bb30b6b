"""A pull request as GraphQL names its fields, with what hangs on it, to the rows that REST exports give.

Both GraphQL's answers and `gh … --json` hold such objects; in the one, lists are connections, in the other plain lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Literal

import msgspec

from audit.normalise.github_graph_items import Actor, Commit, check, converted, event, login, review
from audit.normalise.github_graph_place import asked
from audit.normalise.github_lists import Listed, is_list, listed, row
from audit.normalise.interface import Context, Row, Rows, Unreadable
from audit.normalise.jsonformat import Number
from audit.normalise.times import Time, optional, utc

TABLES = ("pull_requests", "reviews", "review_dismissals", "checks", "export_lists")
_PLACE = re.compile(r"^(?:https?://[^/?#]+)?/([^/?#]+/[^/?#]+)/pull/[0-9]+")


class _Repository(msgspec.Struct):
    nameWithOwner: str


class _Named(msgspec.Struct):
    name: str


class Pull(msgspec.Struct, rename="camel", kw_only=True):
    """A pull request. What the table can't do without has no default, so that a query that lacks it is loud."""

    number: Number
    title: str
    state: Literal["OPEN", "CLOSED", "MERGED"]
    author: Actor | None
    created_at: Time
    updated_at: Time
    merged_at: Time | None
    merge_commit: Commit | None
    head_ref_oid: str
    head_ref_name: str
    base_ref_name: str
    is_draft: bool
    labels: Any
    merged_by: Actor | None = None
    url: str | None = None
    resource_path: str | None = None
    repository: _Repository | None = None
    commits: Any = None
    reviews: Any = None
    timeline_items: Any = None
    status_check_rollup: Any = None


@dataclass
class Found:
    """What a pull request gave.

    Attributes:
        rows: by table.
        at: when it was changed last.
        failed: why, for each review, check or event that can't be read though the rest can.
    """

    rows: Rows
    at: datetime
    failed: list[str] = field(default_factory=list)


def pull(value: Any, context: Context, *, format: str, repo: str | None = None) -> Found:
    """The rows of a pull request and of all that hangs on it.

    Args:
        repo: repository that it stands below, where it does not name its own.

    Raises:
        Unreadable: it lacks what the table of pull requests needs.
    """
    node = asked(value, Pull, "pull request")
    return _Reading(node, repository(node, context, repo), format).read()


def repository(node: Pull, context: Context, repo: str | None) -> str:
    """owner/name: as the object says, its address, what it stands below, or the source."""
    if node.repository is not None:
        return node.repository.nameWithOwner
    found = next((m for text in (node.url, node.resource_path) if text and (m := _PLACE.search(text))), None)
    known = found[1] if found is not None else repo or context.repository
    if known is None:
        raise Unreadable("neither the record nor its source names a repository")
    return known


class _Reading:
    """The reading of one pull request."""

    def __init__(self, node: Pull, repo: str, format: str) -> None:
        self._node, self._repo, self._format = node, repo, format
        self._found = Found([], utc(node.updated_at))
        self._named = 0

    def read(self) -> Found:
        node = self._node
        labels = listed(node.labels)
        self._told("labels", labels)
        row_ = {
            "repo": self._repo,
            "number": node.number,
            "title_text": node.title,
            "state": "open" if node.state == "OPEN" else "closed",
            "author": login(node.author),
            "created_at": utc(node.created_at),
            "updated_at": utc(node.updated_at),
            "merged_at": optional(node.merged_at),
            "merged_by": login(node.merged_by),
            "merge_sha": node.merge_commit.oid if node.merged_at and node.merge_commit else None,
            "head_sha": node.head_ref_oid,
            "head_ref": node.head_ref_name,
            "base_ref": node.base_ref_name,
            "commits": self._commits(),
            "labels": ",".join(sorted(converted(label, _Named, "label").name for label in labels.items)),
            "draft": node.is_draft,
        }
        self._found.rows.append(("pull_requests", row_))
        self._each("reviews", node.reviews, partial(review, repo=self._repo, pull=node.number))
        self._each("timelineItems", node.timeline_items, partial(event, repo=self._repo, pull=node.number))
        for name, sha, contexts in self._contexts():
            self._each(name, contexts, partial(check, repo=self._repo, sha=sha))
        return self._found

    def _each(self, name: str, value: Any, read: Callable[[Any], tuple[str, Row] | None]) -> None:
        """Reads a list that may not have been asked for; what can't be read of it is told item by item."""
        if value is None:
            return
        try:
            items = listed(value)
        except Unreadable as error:
            self._found.failed.append(f"#{self._node.number}.{name}: {error}")
            return
        self._told(name, items)
        for item in items.items:
            try:
                found = read(item)
            except Unreadable as error:
                self._found.failed.append(f"#{self._node.number}.{name}: {error}")
            else:
                self._found.rows.extend([found] if found is not None else [])

    def _told(self, name: str, items: Listed) -> None:
        """Tells of a list that does not show to be whole."""
        if not items.is_whole:
            node = self._node
            told = row(
                items, format=self._format, repo=self._repo, name=f"#{node.number}.{name}", number=node.number,
                start=utc(node.created_at), end=utc(node.updated_at),
            )  # fmt: skip
            self._found.rows.append(("export_lists", told))

    def _commits(self) -> int | None:
        """How many it holds, where the list of them says so or is whole."""
        try:
            held = listed(self._node.commits)
        except Unreadable:
            count = self._node.commits.get("totalCount") if isinstance(self._node.commits, dict) else None
            return count if isinstance(count, int) and 0 <= count < 2**63 else None
        if held.total is not None:
            return held.total
        return len(held.items) if held.is_whole and held.items else None

    def _contexts(self) -> Iterator[tuple[str, str, Any]]:
        """Lists of checks with the commit that was checked: of the pull request, and of its commits."""
        head = self._node.head_ref_oid
        rollup = self._node.status_check_rollup
        if isinstance(rollup, list):
            yield "statusCheckRollup", head, rollup
        elif isinstance(rollup, dict):
            yield "statusCheckRollup", _oid(rollup.get("commit")) or head, rollup.get("contexts")
        commits = self._node.commits
        nodes = listed(commits).items if is_list(commits) else []
        for commit in (node.get("commit") for node in nodes if isinstance(node, dict)):
            rollup = commit.get("statusCheckRollup") if isinstance(commit, dict) else None
            sha = _oid(commit)
            if isinstance(rollup, dict):
                if sha is None:
                    self._found.failed.append(
                        f"#{self._node.number}.commits: oid is missing beside its checks"
                    )
                else:
                    yield f"commits.{sha}", sha, rollup.get("contexts")


def _oid(commit: Any) -> str | None:
    oid = commit.get("oid") if isinstance(commit, dict) else None
    return oid if isinstance(oid, str) and oid else None
