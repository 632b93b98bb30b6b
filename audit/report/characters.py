"""Text that others wrote, as it may stand on a page.

Text from evidence is hostile: control characters, direction marks, and characters that no shipped font can draw
are printed as their code point, `[U+202E]`, so that what a reader sees is what was there.
"""

from __future__ import annotations

import math
import unicodedata

from markupsafe import Markup

from audit.report.templates import glyphs


def printable(value: object) -> object:
    """`value` as it goes on a page: every expression of every template passes through here.

    Raises:
        ValueError: it is None or not a number: a template must say in words what is missing.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"{value!r} would be printed: say what is missing instead")
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    if value.isascii() and value.isprintable():
        return value
    return "".join(map(_character, value))


def _character(character: str) -> str:
    if character in "\n\t":
        return " "
    if ord(character) in glyphs() and unicodedata.category(character)[0] != "C":
        return character
    return f"[U+{ord(character):04X}]"
