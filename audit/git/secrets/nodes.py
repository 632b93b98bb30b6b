"""YAML and JSON with line numbers, and the Kubernetes objects in it.

Text is read twice: by `contents.parse`, which bounds depth and expansion, and then into nodes, which know their
lines. Keys that stand twice in a mapping are both seen, so that neither can hide the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import yaml

from audit.git import contents
from audit.git.contents import Unreadable

_ESCAPED = re.compile(rb"\\(?:x[4-7]|u00[4-7]|U000000[4-7]|(?<=[A-Za-z]\\)\r?\n\s*[A-Za-z])")


class Item(NamedTuple):
    """One key of a mapping: its text, its line (counted from 1) and its value."""

    key: str
    line: int
    value: yaml.Node


class Kube(NamedTuple):
    """One Kubernetes object.

    Attributes:
        api: its apiVersion.
        node: the whole object.
    """

    api: str
    kind: str
    namespace: str
    name: str
    node: yaml.MappingNode


def mentions(raw: bytes, words: re.Pattern[bytes], literal: bytes) -> bool:
    """Whether YAML text may hold one of `words`, each of which has `literal` in it: it stands there, or is escaped."""
    return (literal in raw and words.search(raw) is not None) or escapes(raw)


def escapes(raw: bytes) -> bool:
    """Whether YAML text has escapes that could spell a word."""
    return b"\\" in raw and _ESCAPED.search(raw) is not None


@lru_cache(maxsize=16)
def compose(raw: bytes) -> list[yaml.Node]:
    """The documents of YAML or JSON text as nodes; empty documents are left out.

    The last few are kept: several finders look at the same text.

    Raises:
        Unreadable: as `contents.parse`.
    """
    contents.parse(raw)
    try:
        return [node for node in yaml.compose_all(raw, Loader=yaml.CBaseLoader) if node is not None]
    except yaml.YAMLError as error:
        raise Unreadable(f"not YAML: {' '.join(str(error).split())[:200]}") from None


def items(node: yaml.Node | None) -> Iterator[Item]:
    """Keys of a mapping, those merged into it (`<<`) last; nothing for what is no mapping."""
    merged: list[yaml.Node] = []
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value == "<<":
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
        else:
            yield Item(key.value, key.start_mark.line + 1, value)
    for other in merged:
        yield from items(other)


def elements(node: yaml.Node | None) -> list[yaml.Node]:
    """Elements of a sequence; none for what is no sequence."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def at(node: yaml.Node | None, *keys: str) -> yaml.Node | None:
    """The value under a path of keys, the first of each; None when it is not there."""
    for key in keys:
        node = next((item.value for item in items(node) if item.key == key), None)
    return node


def scalar(node: yaml.Node | None) -> str:
    """Text of a scalar; empty for anything else, and for null."""
    if not isinstance(node, yaml.ScalarNode) or (not node.style and node.value in ("null", "~")):
        return ""
    return str(node.value)


def line(node: yaml.Node) -> int:
    """Line on which a node begins, counted from 1."""
    return int(node.start_mark.line) + 1


def objects(documents: list[yaml.Node]) -> Iterator[Kube]:
    """Kubernetes objects of documents, those in lists too."""
    for node in documents:
        if not isinstance(node, yaml.MappingNode):
            continue
        kind = scalar(at(node, "kind"))
        if kind.endswith("List") and isinstance(at(node, "items"), yaml.SequenceNode):
            inner: list[yaml.Node] = []
            for element in elements(at(node, "items")):
                if isinstance(element, yaml.MappingNode):
                    _type(element, kind.removesuffix("List"), scalar(at(node, "apiVersion")))
                inner.append(element)
            yield from objects(inner)
        elif kind and at(node, "apiVersion") is not None:
            yield Kube(
                scalar(at(node, "apiVersion")),
                kind,
                scalar(at(node, "metadata", "namespace")),
                scalar(at(node, "metadata", "name")),
                node,
            )


def _type(element: yaml.MappingNode, kind: str, api: str) -> None:
    """Gives an element of a typed list the kind and version that it may leave out."""
    for key, value in (("kind", kind), ("apiVersion", api)):
        if at(element, key) is None:
            element.value.append((_text(key, element), _text(value, element)))


def _text(value: str, beside: yaml.Node) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", value, beside.start_mark, beside.end_mark)
