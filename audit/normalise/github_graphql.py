"""Answers of GitHub's GraphQL, as `gh api graphql` prints them: pull requests, and what `github_graph_others` reads.

Whatever the query called its fields, and below whatever it put them (a repository, an organisation's repositories, a
search): an object that has a pull request's fields is one; others are known by the name of the list or field that holds them. Every
list of them says what it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.normalise import github_graph_others as others
from audit.normalise.github_graph import TABLES, pull
from audit.normalise.github_graph_place import Place
from audit.normalise.github_lists import Listed, is_list, listed, row
from audit.normalise.interface import Context, Outcome, Rows, Unreadable
from audit.normalise.jsonformat import JsonFormat, names

NAME = "github-graphql"
_DEEPEST = 40
_TOP = frozenset({"data", "errors", "extensions"})
_KIND = re.compile(r"[A-Z_]{1,40}")
_PULLS = ("pullRequests", "pullRequest")
_OF_PULLS = frozenset({"headRefName", "baseRefName", "headRefOid", "mergedAt", "mergeCommit"})
_ADDRESS = re.compile(r"/pull/[0-9]+$")
_WORDS = tuple(
    f'"{word}'.encode()
    for word in (
        "headRefName", "pullRequest", "PullRequest", "errors", "branchProtectionRule", "ruleset", "collaborators", "membersWithRole",
        "team", "deployment", "checkSuites", "statusCheckRollup",
    )
)  # fmt: skip
"""How the names begin of which an answer has one; what it holds decides."""


@dataclass
class _Walk:
    """What was found on the way through an answer."""

    context: Context
    rows: Rows = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    at: datetime | None = None

    def down(self, value: Any, path: tuple[str, ...], place: Place) -> int:
        """Walks through a value; how much was found that is read."""
        if len(path) > _DEEPEST:
            raise Unreadable("nested too deep")
        if isinstance(value, list):
            return sum(self.down(item, path, place) for item in value)
        if not isinstance(value, dict):
            return 0
        name = path[-1] if path else ""
        if _is_pull(value, name):
            self._pull(value, place.repo)
            return 1
        if is_list(value):
            return self._list(value, path, place)
        place = place.within(value, name)
        read = others.reader(value, name)
        if read is not None:
            self._take(lambda: read(value, place, self.failed))
        return (read is not None) + sum(self.down(inner, (*path, key), place) for key, inner in value.items())

    def _list(self, value: dict[str, Any], path: tuple[str, ...], place: Place) -> int:
        items, name = listed(value), path[-1] if path else ""
        if others.has_edges(name, place):
            return self._edges(items, value.get("edges"), path, place)
        inner = name in others.INNER and place.label != ""
        held = 0
        for number, item in enumerate(items.items, 1):
            held += self.down(item, (*path, str(number)) if inner else path, place)
        if held or inner or name == _PULLS[0] or (name in others.LISTS and not items.items):
            self._told(items, path, place)
        return held

    def _edges(self, items: Listed, edges: Any, path: tuple[str, ...], place: Place) -> int:
        """A list whose items say in which role somebody is in it."""
        for item in edges if isinstance(edges, list) else [None] * len(items.items):
            self._take(lambda item=item: others.edge(item, path[-1], place))  # type: ignore[misc]
        self._told(items, path, place, unseen=False)
        return len(items.items)

    def _told(self, items: Listed, path: tuple[str, ...], place: Place, *, unseen: bool = True) -> None:
        """What a list says of what it leaves out."""
        repo, name = place.repo or self.context.repository, ".".join(path)
        name = f"{place.label}: {name}" if place.label else name
        self.rows.append(("export_lists", row(items, format=NAME, repo=repo, name=name)))
        hidden = sum(item is None for item in items.items) * unseen
        self.failed.extend([f"{'.'.join(path)}: an item that is not shown"] * hidden)

    def _take(self, read: Callable[[], Rows]) -> None:
        try:
            self.rows.extend(read())
        except Unreadable as error:
            self.failed.append(str(error))

    def _pull(self, value: dict[str, Any], repo: str | None) -> None:
        try:
            found = pull(value, self.context, format=NAME, repo=repo)
        except Unreadable as error:
            self.failed.append(str(error))
            return
        self.rows.extend(found.rows)
        self.failed.extend(found.failed)
        self.at = found.at if self.at is None else max(self.at, found.at)


def _is_pull(value: dict[str, Any], name: str) -> bool:
    """Whether it is a pull request: one that lacks what is needed is one too, and told."""
    if value.get("__typename") == "PullRequest":
        return True
    if "number" not in value:
        return False
    addresses = (value.get("url"), value.get("resourcePath"))
    return (
        name in _PULLS
        or not _OF_PULLS.isdisjoint(value)
        or any(isinstance(each, str) and _ADDRESS.search(each) for each in addresses)
    )


def _rows(answer: dict[str, Any], context: Context) -> Outcome:
    walk = _Walk(context)
    walk.down(answer.get("data"), (), Place(context.repository))
    errors = answer.get("errors")
    walk.failed.extend(_error(each) for each in (errors if isinstance(errors, list) else []))
    if not walk.rows and walk.failed:
        raise Unreadable(walk.failed[0])
    if not walk.rows:
        raise Unreadable(
            "it holds nothing that is read: no pull request, rule, right, team, deployment or check"
        )
    return Outcome(walk.rows, walk.at, tuple(walk.failed))


def _error(error: Any) -> str:
    """What GitHub could not answer; its words may hold anything, and are left out."""
    kind = error.get("type") if isinstance(error, dict) else None
    known = isinstance(kind, str) and _KIND.fullmatch(kind)
    return f"GitHub answered with an error{f' ({kind})' if known else ''}: what it concerns is missing"


def _looks(record: bytes) -> bool:
    if b'"data"' not in record:
        return False
    if not any(word in record for word in _WORDS):
        return False
    found = names(record)
    return "data" in found and found <= _TOP


FORMAT = JsonFormat(NAME, 2, (*TABLES, *others.TABLES), dict[str, Any], _rows, _looks)
