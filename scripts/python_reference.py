"""Writes the reference of the Python interface from its signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from audit import api
from audit.export import Exported
from audit.trace.shapes import Item, Raw

PUBLIC: tuple[Any, ...] = (
    api.open,
    api.Audit,
    api.Quarter,
    api.Tables,
    api.Judgement,
    api.Trace,
    Item,
    Raw,
    Exported,
)
"""What `audit.open` leads to, in the order in which one meets it."""
_SECTION = re.compile(r"^(Args|Attributes|Raises|Yields|Returns): ?(.*)$")
_ENTRY = re.compile(r"^(\w+): (.+)$")


def text() -> str:
    """The body of the document."""
    return "".join(part for each in PUBLIC for part in _shown(each))


def _shown(one: Any) -> Iterator[str]:
    """A function, or a class with its public members in the order of the source."""
    name = "audit.open" if one is api.open else one.__name__
    yield f"## {name}\n\n"
    if inspect.isclass(one):
        yield _page(one.__doc__)
        for member, value in vars(one).items():
            if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                yield from _member(name, member, value)
    else:
        yield f"```text\n{_call(name, one)}\n```\n\n{_page(one.__doc__)}"


def _member(owner: str, name: str, value: Any) -> Iterator[str]:
    function = value.fget if isinstance(value, property) else value
    yield f"### {owner}.{name}\n\n```text\n"
    if isinstance(value, property):
        yield f"{name}: {inspect.signature(function).return_annotation}"
    else:
        yield _call(name, function)
    yield f"\n```\n\n{_page(function.__doc__)}"


def _call(name: str, function: Any) -> str:
    """How it is called: annotations as they are written, no quotes, no `self`."""
    signature = inspect.signature(function)
    given = [each for each in signature.parameters.values() if each.name != "self"]
    plain = signature.replace(parameters=given)
    return f"{name}{plain}".replace("'", "")


def _page(docstring: str | None) -> str:
    """A docstring as Markdown: its sections become lists."""
    lines, inside = [], False
    for line in inspect.cleandoc(docstring or "").splitlines():
        section = _SECTION.match(line)
        entry = _ENTRY.match(line.strip())
        if section:
            inside = True
            lines.append(f"**{section[1]}**\n")
            if section[2]:
                lines.append(f"- {section[2]}")
        elif inside and entry and line.startswith("    ") and not line.startswith("     "):
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        else:
            lines.append(line.strip() if inside and not line.strip() else line)
            inside = inside and (not line or line.startswith(" "))
    return "\n".join(lines).rstrip() + "\n\n"
