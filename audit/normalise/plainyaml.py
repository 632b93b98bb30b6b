"""YAML that people and tools write, as the JSON that it means.

Scalars are what JSON has: null, true, false, numbers as they are written (`1.10` stays that), else text; so days and
times stay text, and so do yes, no, on and off. Anchors, aliases, foreign tags and keys given twice are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import yaml
from yaml._yaml import CParser  # the type stubs export it from here alone
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

DEEPEST = 60
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_STR = "tag:yaml.org,2002:str"
_COLLECTIONS = (None, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class Item(NamedTuple):
    """A document, or an item of the list that a document is.

    Attributes:
        line: on which it begins, counted from 1.
        data: JSON.
    """

    line: int
    data: bytes


class NotPlain(Exception):
    """The text can't be read from some line on; the message names it and says why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"not plain YAML: line {line}: {reason}")
        self.line = line


class _Open:
    """A mapping or list that is being filled."""

    __slots__ = ("key", "lines", "value")

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self.key: str | None = None  # of the value to come, in a mapping
        self.lines: list[int] = []  # on which each of a list's items begins

    def add(self, value: Any, line: int) -> None:
        """Puts the next key, value or item in.

        Raises:
            NotPlain: a key is no text, or stands twice.
        """
        if isinstance(self.value, list):
            self.value.append(value)
            self.lines.append(line)
        elif self.key is not None:
            self.value[self.key], self.key = value, None
        else:
            raise NotPlain(line, "a key that is no text")

    def name(self, key: str, line: int) -> None:
        """Takes the key of the value to come."""
        if not isinstance(self.value, dict) or key in self.value:
            raise NotPlain(line, f"key {key[:40]!r} stands twice")
        self.key = key


def items(text: bytes) -> Iterator[Item]:
    """The documents of a text. Of one that is a list, or has one key and under it a list, the items of that list.

    Empty documents are left out.

    Raises:
        NotPlain: no YAML, or more than what is read; what stands before has been given by then.
    """
    try:
        yield from _items(CParser(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotPlain(mark.line + 1 if mark else 1, str(error.problem or error.context)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise NotPlain(1, " ".join(str(error).split())[:200]) from None


def _items(parser: Any) -> Iterator[Item]:
    while not isinstance(event := parser.get_event(), StreamEndEvent):
        if not isinstance(event, DocumentStartEvent):
            continue
        value, line, opened = _document(parser)
        if opened is not None:
            found = zip(opened.lines, opened.value, strict=True)
            yield from (Item(number, msgspec.json.encode(each)) for number, each in found)
        elif value is not None:
            yield Item(line, msgspec.json.encode(value))


def _document(parser: Any) -> tuple[Any, int, _Open | None]:
    """A document's value and line, and the list that it is, or that its only key names."""
    stack: list[_Open] = []
    lists: dict[int, _Open] = {}
    root: tuple[Any, int] | None = None
    while not isinstance(event := parser.get_event(), DocumentEndEvent):
        line = event.start_mark.line + 1
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            stack.pop()
            continue
        value = _value(event, line)
        if (
            stack
            and isinstance(stack[-1].value, dict)
            and stack[-1].key is None
            and isinstance(event, ScalarEvent)
        ):
            stack[-1].name(event.value, line)
            continue
        if stack:
            stack[-1].add(value, line)
        root = root or (value, line)
        if isinstance(value, dict | list):
            stack.append(_Open(value))
            if len(stack) <= 2 and isinstance(value, list):
                lists[id(value)] = stack[-1]
            if len(stack) > DEEPEST:
                raise NotPlain(line, f"nested deeper than {DEEPEST} levels")
    value, line = root or (None, 1)
    inner = next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value
    return value, line, lists.get(id(inner)) if isinstance(inner, list) else None


def _value(event: Any, line: int) -> Any:
    """What an event stands for; an empty mapping or list where it begins one."""
    if isinstance(event, AliasEvent) or event.anchor is not None:
        raise NotPlain(line, "anchors and aliases are not read")
    if isinstance(event, MappingStartEvent | SequenceStartEvent):
        if event.tag not in _COLLECTIONS:
            raise NotPlain(line, f"the tag {event.tag[:40]} is not read")
        return {} if isinstance(event, MappingStartEvent) else []
    if event.tag not in (None, _STR, "!"):
        raise NotPlain(line, f"the tag {event.tag[:40]} is not read")
    text = str(event.value)
    if event.tag is not None or event.style:  # plain has the style ""
        return text
    if text in _WORDS:
        return _WORDS[text]
    return msgspec.Raw(text.encode()) if _NUMBER.fullmatch(text) else text
