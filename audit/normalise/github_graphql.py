"""Answers of GitHub's GraphQL that hold pull requests, as `gh api graphql` prints them.

Whatever the query called its fields, and below whatever it put them (a repository, an organisation's repositories, a
search): an object that has a pull request's fields is one. Every list of them says what it leaves out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.normalise.github_graph import TABLES, pull
from audit.normalise.github_lists import is_list, listed, row
from audit.normalise.interface import Context, Outcome, Rows, Unreadable
from audit.normalise.jsonformat import JsonFormat, names

NAME = "github-graphql"
_DEEPEST = 40
_TOP = frozenset({"data", "errors", "extensions"})
_KIND = re.compile(r"[A-Z_]{1,40}")
_PULLS = "pullRequests"
_PULL = frozenset({"number", "headRefName", "baseRefName"})


@dataclass
class _Walk:
    """What was found on the way through an answer."""

    context: Context
    rows: Rows = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    at: datetime | None = None

    def down(self, value: Any, path: tuple[str, ...], repo: str | None) -> int:
        """Walks through a value; how many pull requests were below it."""
        if len(path) > _DEEPEST:
            raise Unreadable("nested too deep")
        if isinstance(value, list):
            return sum(self.down(item, path, repo) for item in value)
        if not isinstance(value, dict):
            return 0
        if _is_pull(value):
            self._pull(value, repo)
            return 1
        name = value.get("nameWithOwner")
        repo = name if isinstance(name, str) and name else repo
        if is_list(value):
            return self._list(value, path, repo)
        return sum(self.down(inner, (*path, key), repo) for key, inner in value.items())

    def _list(self, value: dict[str, Any], path: tuple[str, ...], repo: str | None) -> int:
        items = listed(value)
        held = sum(self.down(item, path, repo) for item in items.items)
        if held or path[-1:] == (_PULLS,):
            place = repo or self.context.repository
            self.rows.append(("export_lists", row(items, format=NAME, repo=place, name=".".join(path))))
            unseen = sum(item is None for item in items.items)
            self.failed.extend([f"{'.'.join(path)}: an item that is not shown"] * unseen)
        return held

    def _pull(self, value: dict[str, Any], repo: str | None) -> None:
        try:
            found = pull(value, self.context, format=NAME, repo=repo)
        except Unreadable as error:
            self.failed.append(str(error))
            return
        self.rows.extend(found.rows)
        self.failed.extend(found.failed)
        self.at = found.at if self.at is None else max(self.at, found.at)


def _is_pull(value: dict[str, Any]) -> bool:
    return value.get("__typename") == "PullRequest" or value.keys() >= _PULL


def _rows(answer: dict[str, Any], context: Context) -> Outcome:
    walk = _Walk(context)
    walk.down(answer.get("data"), (), None)
    errors = answer.get("errors")
    walk.failed.extend(_error(each) for each in (errors if isinstance(errors, list) else []))
    if not walk.rows and walk.failed:
        raise Unreadable(walk.failed[0])
    if not walk.rows:
        raise Unreadable("it holds no pull request, and no list of them")
    return Outcome(walk.rows, walk.at, tuple(walk.failed))


def _error(error: Any) -> str:
    """What GitHub could not answer; its words may hold anything, and are left out."""
    kind = error.get("type") if isinstance(error, dict) else None
    known = isinstance(kind, str) and _KIND.fullmatch(kind)
    return f"GitHub answered with an error{f' ({kind})' if known else ''}: what it concerns is missing"


def _looks(record: bytes) -> bool:
    if b'"data"' not in record:
        return False
    if not any(word in record for word in (b'"headRefName"', b'"pullRequest', b'"PullRequest"', b'"errors"')):
        return False
    found = names(record)
    return "data" in found and found <= _TOP


FORMAT = JsonFormat(NAME, 1, TABLES, dict[str, Any], _rows, _looks)
