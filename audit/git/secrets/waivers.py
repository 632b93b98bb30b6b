"""Findings that a reviewed file in the repository says are none.

The file is a list on the default branch's tip:

    - fingerprint: 64 hexadecimal digits, as the findings show them
      reason: why it is no secret
      approved_by: who said so        (may be left out)
      expires: 2027-01-31             (may be left out; the waiver holds before that day)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import yaml

from audit.errors import UsageError
from audit.git.contents import Contents, Unreadable
from audit.git.secrets import nodes

_KEYS = ("fingerprint", "reason", "approved_by", "expires")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_REMEDY = "write a list of entries with 'fingerprint' (64 hexadecimal digits), 'reason', and if need be 'approved_by' and 'expires' (YYYY-MM-DD)"


class Waiver(NamedTuple):
    """One entry.

    Attributes:
        line: where it begins, counted from 1.
        expires: the first day on which it no longer holds; None when it has no end.
    """

    fingerprint: str
    reason: str
    approved_by: str
    expires: date | None
    line: int


class Waivers(NamedTuple):
    """The waivers of one repository.

    Attributes:
        where: `path@blob`: the file, and the object id of its content; empty when there is no such file.
    """

    where: str
    by_fingerprint: Mapping[str, Waiver]

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the table `secret_waivers`, without `repo`, sorted."""
        return [
            {
                "fingerprint": mark,
                "reason": each.reason,
                "approved_by": each.approved_by,
                "expires": None if each.expires is None else f"{each.expires.isoformat()}T00:00:00Z",
                "place": f"{self.where}:{each.line}",
            }
            for mark, each in sorted(self.by_fingerprint.items())
        ]


def read(contents: Contents, tree: Mapping[str, str], path: str) -> Waivers:
    """The waivers in the file at `path` of a tree; none when it is not there.

    Raises:
        UsageError: it can't be read, or an entry is wrong; names file, line and remedy.
    """
    blob = tree.get(path)
    if blob is None:
        return Waivers("", {})
    try:
        documents = nodes.compose(contents.raw(blob))
    except Unreadable as error:
        raise UsageError(f"{path}: {error.reason}", remedy=_REMEDY) from None
    found: dict[str, Waiver] = {}
    for document in documents:
        if not isinstance(document, yaml.SequenceNode):
            raise _wrong(path, document, "this is no list")
        for entry in document.value:
            waiver = _entry(path, entry)
            if waiver.fingerprint in found:
                first = found[waiver.fingerprint].line
                raise _wrong(path, entry, f"the fingerprint is waived on line {first} already")
            found[waiver.fingerprint] = waiver
    return Waivers(f"{path}@{blob}", found)


def _entry(path: str, node: yaml.Node) -> Waiver:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(path, node, "this is no entry")
    said: dict[str, str] = {}
    for item in nodes.items(node):
        if item.key not in _KEYS or item.key in said:
            raise _wrong(path, item.value, f"'{item.key[:40]}' is unknown, or stands twice")
        said[item.key] = nodes.scalar(item.value).strip()
    if not _FINGERPRINT.fullmatch(said.get("fingerprint", "")):
        raise _wrong(path, node, "'fingerprint' is missing or is none")
    if not said.get("reason"):
        raise _wrong(path, node, "'reason' is missing")
    try:
        expires = date.fromisoformat(said["expires"]) if "expires" in said else None
    except ValueError:
        raise _wrong(path, node, "'expires' is no date") from None
    return Waiver(
        said["fingerprint"],
        " ".join(said["reason"].split()),
        said.get("approved_by", ""),
        expires,
        nodes.line(node),
    )


def _wrong(path: str, node: yaml.Node, what: str) -> UsageError:
    return UsageError(f"{path}, line {nodes.line(node)}: {what}", remedy=_REMEDY)
