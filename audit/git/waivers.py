"""Waivers of the policy: what the reviewed file of a repository says may be otherwise, and since which commit it does.

The file is a list on the default branch:

    - id: W-7
      control: CHG-05
      requester: ada                  (roster id, login or e-mail)
      approver: grace                 (who approved the pull request that brought this entry)
      reason: the check can't run while its service moves
      compensating_control: checked by hand, see OPS-123
      starts: 2026-08-01              (may be left out: when the entry landed)
      expires: 2026-09-01             (the waiver holds before that day)
      scope:                          (repository, environment, cluster, app, path, subject: each that is named narrows it)
        environment: dev
        app: checkout

Entries are read as they stand: what an entry lacks is left empty, and judged elsewhere. A file that can't be read so
waives nothing as long as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

import pandas as pd
import yaml

from audit.errors import UsageError
from audit.git.contents import Contents, Unreadable
from audit.git.secrets import nodes
from audit.model import Reader

SCOPE = ("repository", "environment", "cluster", "app", "path", "subject")
"""What a scope may name."""

_TEXTS = ("id", "control", "requester", "approver", "reason", "compensating_control")
_DAYS = ("starts", "expires")
_REMEDY = (
    "write a list of entries with 'id', 'control', 'requester', 'approver', 'reason', 'compensating_control', 'expires' (YYYY-MM-DD), "
    "'scope', and if need be 'starts'"
)

Rows = list[dict[str, Any]]


class Version(NamedTuple):
    """The file from one mainline commit on; `blob` is None where the commit took it away."""

    sha: str
    position: int
    blob: str | None


def read(contents: Contents, history: Mapping[str, pd.DataFrame], path: str) -> tuple[Rows, Rows]:
    """Every entry that the file at `path` ever had, from the commit that brought it as it is.

    Args:
        history: what `audit.git.history.read` gave.

    Returns:
        rows of `WaiverEntries` and of `UnreadFiles`, both without `repo`.
    """
    found: Rows = []
    wrong: Rows = []
    standing: dict[str, dict[str, Any]] = {}
    for version in _versions(history, path):
        entries: dict[str, dict[str, Any]] = {}
        try:
            entries = _entries(contents, version.blob, path)
        except UsageError as error:
            wrong.append(
                {
                    "sha": version.sha,
                    "path": path,
                    "reader": Reader.POLICY_WAIVERS.value,
                    "reason": error.problem,
                }
            )
        kept = {}
        for name, entry in entries.items():
            before = standing.pop(name, None)
            if before is not None and _said(before) == _said(entry):
                kept[name] = before
                continue
            if before is not None:
                standing[name] = before
            kept[name] = entry | {"sha": version.sha, "position": version.position, "ended": None}
            found.append(kept[name])
        for gone in standing.values():
            gone["ended"] = version.position
        standing = kept
    return found, wrong


def _said(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry without the place at which it stands."""
    return {name: entry.get(name) for name in (*_TEXTS, *_DAYS, *SCOPE)}


def _versions(history: Mapping[str, pd.DataFrame], path: str) -> Iterable[Version]:
    """The mainline commits that changed the file, the oldest first."""
    changes = history["file_changes"]
    changes = changes[changes["path"].eq(path) | (changes["old_path"].eq(path) & changes["status"].eq("R"))]
    rows = changes.merge(history["commits"][["sha", "position"]], on="sha").dropna(subset=["position"])
    for row in rows.sort_values("position", kind="stable").to_dict("records"):
        there = row["path"] == path and row["status"] != "D" and not pd.isna(row["blob"])
        yield Version(str(row["sha"]), int(row["position"]), str(row["blob"]) if there else None)


def _entries(contents: Contents, blob: str | None, path: str) -> dict[str, dict[str, Any]]:
    """Entries by id.

    Raises:
        UsageError: it is no such list; names file, line and remedy.
    """
    if blob is None:
        return {}
    try:
        documents = nodes.compose(contents.raw(blob))
    except Unreadable as error:
        raise UsageError(f"{path}: {error.reason}", remedy=_REMEDY) from None
    found: dict[str, dict[str, Any]] = {}
    for document in documents:
        if not isinstance(document, yaml.SequenceNode):
            raise _wrong(path, document, "this is no list")
        for node in document.value:
            entry = _entry(path, node)
            if entry["id"] in found:
                raise _wrong(path, node, f"'{entry['id'][:40]}' stands twice")
            found[entry["id"]] = entry | {"place": f"{path}@{blob}:{nodes.line(node)}"}
    return found


def _entry(path: str, node: yaml.Node) -> dict[str, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(path, node, "this is no entry")
    said: dict[str, yaml.Node] = {}
    for item in nodes.items(node):
        if item.key not in (*_TEXTS, *_DAYS, "scope") or item.key in said:
            raise _wrong(path, item.value, f"'{item.key[:40]}' is unknown, or stands twice")
        said[item.key] = item.value
    entry: dict[str, Any] = {name: _text(said.get(name)) for name in _TEXTS}
    for name in ("id", "control"):
        if not entry[name]:
            raise _wrong(path, node, f"'{name}' is missing")
    for name in _DAYS:
        entry[name] = _day(path, name, said[name]) if name in said else None
    return entry | _scope(path, said.get("scope"))


def _scope(path: str, node: yaml.Node | None) -> dict[str, str | None]:
    scope: dict[str, str | None] = dict.fromkeys(SCOPE)
    if node is None:
        return scope
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(path, node, "'scope' names nothing: write it as keys and values")
    for item in nodes.items(node):
        if item.key not in scope or scope[item.key] is not None:
            raise _wrong(
                path, item.value, f"'{item.key[:40]}' is nothing that a scope names, or stands twice"
            )
        scope[item.key] = _text(item.value) or None
    return scope


def _text(node: yaml.Node | None) -> str:
    return " ".join(nodes.scalar(node).split())


def _day(path: str, name: str, node: yaml.Node) -> str:
    """Midnight (UTC) at which a day begins."""
    try:
        return f"{date.fromisoformat(nodes.scalar(node).strip()).isoformat()}T00:00:00Z"
    except ValueError:
        raise _wrong(path, node, f"'{name}' is no date") from None


def _wrong(path: str, node: yaml.Node, what: str) -> UsageError:
    return UsageError(f"{path}, line {nodes.line(node)}: {what}", remedy=_REMEDY)
