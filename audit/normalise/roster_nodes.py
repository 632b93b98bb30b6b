"""Reading a roster's YAML nodes, which know their lines, so that every complaint names file, line and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NoReturn

import yaml

from audit.errors import UsageError

ANCHORS = "anchors and aliases are not read"


def compose(text: str) -> yaml.Node | None:
    """The document's nodes. Anchors and aliases, which can grow without bound, are refused."""
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            raise yaml.MarkedYAMLError(problem=ANCHORS, problem_mark=token.start_mark)
    return yaml.compose(text, Loader=yaml.SafeLoader)


def line_of(node: yaml.Node) -> int:
    """The line on which a node begins, counted from 1."""
    return int(node.start_mark.line) + 1


class Nodes:
    """The nodes of one file: values, or a complaint.

    Args:
        schema: what to do about a complaint that has no remedy of its own.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path, self._schema = path, schema

    def fail(self, line: int, problem: str, remedy: str | None = None) -> NoReturn:
        """Raises `UsageError`."""
        raise UsageError(f"{self._path}:{line}: {problem}", remedy=remedy or self._schema)

    def mapping(
        self, node: yaml.Node, allowed: tuple[str, ...], *, required: tuple[str, ...] = ()
    ) -> dict[str, yaml.Node]:
        """Keys and values of a mapping; keys without a value are as if they were not there."""
        line = line_of(node)
        if not isinstance(node, yaml.MappingNode):
            self.fail(line, f"expected {', '.join(allowed)}")
        found: dict[str, yaml.Node] = {}
        for name_node, value in node.value:
            name, at = str(name_node.value), line_of(name_node)
            if name not in allowed:
                self.fail(at, f"unknown key '{name[:40]}': expected {', '.join(allowed)}")
            if name in found:
                self.fail(at, f"key '{name}' stands twice")
            found[name] = value
        missing = [name for name in required if name not in found or self.is_empty(found[name])]
        if missing:
            self.fail(line, f"'{missing[0]}' is missing")
        return {name: value for name, value in found.items() if not self.is_empty(value)}

    @staticmethod
    def is_empty(node: yaml.Node) -> bool:
        """Whether it is no value, or one of white space."""
        return isinstance(node, yaml.ScalarNode) and (node.tag.endswith(":null") or not node.value.strip())

    def list(self, node: yaml.Node, name: str) -> Iterator[yaml.Node]:
        """The items of a list that are not empty."""
        if not isinstance(node, yaml.SequenceNode):
            self.fail(line_of(node), f"'{name}' is not a list")
        return (item for item in node.value if not self.is_empty(item))

    def text(self, node: yaml.Node, name: str) -> str:
        """A text, trimmed."""
        if not isinstance(node, yaml.ScalarNode):
            self.fail(line_of(node), f"'{name}' is not a text")
        return str(node.value).strip()

    def day(self, node: yaml.Node | None, name: str) -> datetime | None:
        """A day's first instant, in UTC; None without a node."""
        if node is None:
            return None
        text = self.text(node, name)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            self.fail(line_of(node), f"'{name}' is '{text[:40]}': write a day as in 2026-07-01")
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
