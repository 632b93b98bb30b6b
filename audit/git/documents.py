"""YAML and JSON as plain values, every scalar the text that was written: `1.10` must not become 1.1, nor `on` True.

Built from libyaml's events, without the nodes, tags and types that PyYAML makes in between: two to three times faster,
and an anchor that is given twice means its last node, as YAML says and Kubernetes' own tools do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml
from yaml._yaml import CParser  # the type stubs export it from here alone
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

_DEEPEST = 200
_MOST_VALUES = 500_000
_BEGINS = re.compile(rb"^(?=---(?:\s|\Z))", re.MULTILINE)
_DIRECTIVE = re.compile(rb"^%", re.MULTILINE)
_NO_KEY = object()
_MERGE = object()
_MERGE_TAG = "tag:yaml.org,2002:merge"
_TOO_DEEP = f"nested deeper than {_DEEPEST} levels"


class Unreadable(Exception):
    """A file can't be read as what it seems to be.

    Attributes:
        reason: why, in words for a report.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(raw: bytes) -> tuple[Any, ...]:
    """The documents of YAML (or JSON) text; scalars are text, aliases and merge keys are resolved.

    What an alias names is shared with its anchor: never change it.

    Raises:
        Unreadable: not YAML (with the line), not UTF-8, too deep, or it expands without bound.
    """
    pieces = parts(raw)
    if len(pieces) > 1:
        try:
            return tuple(each for piece in pieces for each in _part(piece))
        except Unreadable:
            pass  # the whole text tells the line
    return _read(raw)


def parts(raw: bytes) -> list[bytes]:
    """YAML text cut where documents begin: one document in each part, or none. In one piece where directives are given."""
    if b"\n---" not in raw or _DIRECTIVE.search(raw):
        return [raw]
    return [part for part in _BEGINS.split(raw) if part]


@lru_cache(maxsize=4096)
def _part(raw: bytes) -> tuple[Any, ...]:
    """One document of several. Most of a long file are the same in all its versions: they are read once."""
    return _read(raw)


def _read(raw: bytes) -> tuple[Any, ...]:
    _require_shallow(raw)
    try:
        return tuple(_Builder(raw).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise Unreadable(f"not YAML: {where}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"not YAML: {' '.join(str(error).split())[:200]}") from None


def _require_shallow(raw: bytes) -> None:
    """Refuses brackets and dashes nested so deeply that a parser's own stack would be at risk."""
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST or re.search(rb"(?:[-?:] *){200}", raw):
        depth = deepest = 0
        for byte in re.findall(rb"[\[{\]}]", raw):
            depth += 1 if byte in b"[{" else -1
            deepest = max(deepest, depth)
        if deepest > _DEEPEST or re.search(rb"(?:[-?:] *){200}", raw.replace(b"----", b"")):
            raise Unreadable(_TOO_DEEP)


class _Open:
    """A mapping or list that is being filled.

    Attributes:
        key: of the value to come, in a mapping; `_NO_KEY` when the key itself is to come.
        merged: mappings that `<<` names, each to be overlaid by the next and by the mapping's own keys.
        before: values counted before it began.
    """

    __slots__ = ("anchor", "before", "key", "merged", "value")

    def __init__(self, value: Any, anchor: str | None, before: int) -> None:
        self.value, self.anchor, self.before = value, anchor, before
        self.key: Any = _NO_KEY
        self.merged: list[dict[Any, Any]] | None = None


class _Builder:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._anchors: dict[str, tuple[Any, int] | None] = {}  # value and size; None while it is being filled
        self._count = 0

    def documents(self) -> Iterator[Any]:
        parser = CParser(self._raw)
        try:
            while True:
                event: Any = parser.get_event()
                if type(event) is DocumentStartEvent:
                    self._anchors, self._count = {}, 0
                    yield self._document(parser)
                elif type(event) is StreamEndEvent:
                    return
        finally:
            parser.dispose()

    def _document(self, parser: CParser) -> Any:
        """The next value with everything in it. One loop: this is where the time goes."""
        get, stack = parser.get_event, list[_Open]()
        value: Any
        while True:
            event: Any = get()
            kind = type(event)
            if kind is ScalarEvent:
                value = self._scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                stack.append(_Open({} if kind is MappingStartEvent else [], event.anchor, self._count))
                self._begun(event, len(stack))
                continue
            else:
                value = self._aliased(event) if kind is AliasEvent else self._filled(stack.pop())
            if not stack:
                return value
            last = stack[-1]
            if type(last.value) is list:
                last.value.append(value)
            elif last.key is _NO_KEY:
                last.key = _key(value, event)
            elif last.key is _MERGE:
                self._merge(last, value, event)
            else:
                last.value[last.key] = value
                last.key = _NO_KEY

    def _scalar(self, event: Any) -> str:
        self._counted(1)
        value: str = event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        return value

    def _counted(self, size: int) -> None:
        self._count += size
        if self._count > _MOST_VALUES:
            raise Unreadable(f"it expands to more than {_MOST_VALUES} values")

    def _begun(self, event: Any, depth: int) -> None:
        self._counted(1)
        if depth > _DEEPEST:
            raise Unreadable(_TOO_DEEP)
        if event.anchor is not None:
            self._anchors[event.anchor] = None

    def _filled(self, one: _Open) -> Any:
        value: Any = one.value
        if one.merged is not None:
            value = {}
            for each in one.merged:
                value.update(each)
            value.update(one.value)
        if one.anchor is not None:
            self._anchors[one.anchor] = (value, self._count - one.before)
        return value

    def _aliased(self, event: Any) -> Any:
        line = event.start_mark.line + 1
        if event.anchor not in self._anchors:
            raise Unreadable(f"not YAML: line {line}: found undefined alias")
        found = self._anchors[event.anchor]
        if found is None:
            raise Unreadable("an alias refers to what it is in")
        self._counted(found[1])
        return found[0]

    def _merge(self, into: _Open, value: Any, event: Any) -> None:
        """Notes what `<<` names; of a list, the first overlays the others."""
        parts = value[::-1] if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            raise Unreadable(f"not YAML: line {event.start_mark.line + 1}: '<<' names no mapping")
        into.merged = [*(into.merged or []), *parts]
        into.key = _NO_KEY


def _key(value: Any, event: Any) -> Any:
    """A mapping's key; `_MERGE` for a `<<` that is not quoted, or that says it is one."""
    if type(value) is not str:
        raise Unreadable(f"not YAML: line {event.start_mark.line + 1}: a key that is no scalar")
    if type(event) is ScalarEvent and (event.tag == _MERGE_TAG or (value == "<<" and event.implicit[0])):
        return _MERGE
    return value
