"""Where text is printed for people: a terminal shows what evidence says, and obeys none of it."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.text import Text


class Terminal(Console):
    """A console on which no text steers anything: control characters and marks of direction are printed as escapes.

    That holds for lines and for cells of tables. What stands between colons, as in `:skull:`, stays as it is.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """As `Console.render_str`, of a text that is harmless."""
        return super().render_str(harmless(text), **options)

    def out(self, *objects: Any, **options: Any) -> None:
        """As `Console.out`, of texts that are harmless."""
        super().out(*(harmless(str(each)) for each in objects), **options)


def tell(out: Console, line: str, style: str | None = None) -> None:
    """Prints a line as it stands: no markup, nothing highlighted, not wrapped."""
    out.print(harmless(line), style=style, markup=False, highlight=False, soft_wrap=True, emoji=False)


def harmless(text: str) -> str:
    """A text without anything that a terminal would obey but ends of lines and tabs: `\\u001b` stands for an escape."""
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def one_line(text: object) -> str:
    """Text from elsewhere as a part of a line: it can't end the line and begin one of its own."""
    return harmless(str(text)).replace("\n", "\\n").replace("\t", " ")


def harmless_json(line: str) -> str:
    """A line of JSON that says the same, its characters that a terminal would obey as escapes."""
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else _escaped(each) for each in line)


def _escaped(character: str) -> str:
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]


def _shown(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
