"""Whether the number format of a workbook's cell shows another text than the cell holds.

A format has up to four sections: for numbers above, below and at zero, and for text. What stands in one in quotes, behind a
backslash or as a currency is shown as it is. Source: ECMA-376, part 1, 18.8.31 (`numFmt`).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from openpyxl.styles.numbers import BUILTIN_FORMATS

_HONEST = frozenset(BUILTIN_FORMATS.values())
"""Formats that a spreadsheet comes with; of one of them the library has lost the ends of its sections."""
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|[_*].|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[(?P<bracket>[^\]]*)\]|(?P<end>;)|(?P<code>.)',
    re.DOTALL,
)
_TIMED = re.compile(r"[hms]+", re.IGNORECASE)
_CONDITION = re.compile(r"[<>=]")
_TEXT, _PLAIN = "@", "general"
_DIGITS = re.compile(r"[1-9]")
_PLACES = re.compile(r"[0#?]")
_NUMBER = re.compile(r"[0#?.,%/+\-()E $€£¥ ']*", re.IGNORECASE)
_OF_DATES = re.compile(r"[ymdhs]", re.IGNORECASE)
_FOR_TEXT = 4
"""The section that is for text."""


class _Section(NamedTuple):
    literal: str
    """What is shown as it is."""
    codes: str
    """What stands for the value."""


def shows_another(value: object, form: str) -> bool:
    """Whether a cell that holds `value` shows another text: a part of the text of its own, or nothing.

    Args:
        value: text, number, truth value, day or time.
        form: the cell's number format.
    """
    if isinstance(value, bool) or form in _HONEST:
        return False
    sections, conditional = _sections(form)
    if isinstance(value, str):
        of_text = sections[_FOR_TEXT - 1 :] or [part for part in sections[-1:] if _TEXT in part.codes]
        return any((part.literal + part.codes).strip() != _TEXT for part in of_text[:1])
    if isinstance(value, date | datetime | time | timedelta):
        return any(_other_day(part) for part in _for_number(1, sections, conditional=conditional))
    if isinstance(value, int | float):
        return any(_other_number(part) for part in _for_number(value, sections, conditional=conditional))
    return False


def _sections(form: str) -> tuple[list[_Section], bool]:
    """The sections of a format, and whether conditions decide which one is for a number."""
    found, literal, codes, conditional = [], "", "", False
    for token in _TOKEN.finditer(form):
        if token["end"]:
            found.append(_Section(literal, codes))
            literal = codes = ""
        bracket = token["bracket"] or ""
        conditional |= _CONDITION.search(bracket) is not None
        literal += (token["quoted"] or "") + (token["escaped"] or "") + (token["currency"] or "")
        codes += (token["code"] or "") + (bracket if _TIMED.fullmatch(bracket) else "")
    return [*found, _Section(literal, codes)], conditional


def _for_number(value: float, sections: list[_Section], *, conditional: bool) -> list[_Section]:
    """The sections that may be for a number."""
    numeric = sections[: _FOR_TEXT - 1]
    if conditional:
        return numeric
    place = 0 if value > 0 else 1 if value < 0 else 2
    return [numeric[place] if place < len(numeric) else numeric[0]]


def _other_day(part: _Section) -> bool:
    """A day is shown by its codes; words beside them are not it, digits would be another one."""
    if part.codes.strip().lower() in (_PLAIN, _TEXT):
        return False
    return not _OF_DATES.search(part.codes) or bool(_DIGITS.search(part.literal + part.codes))


def _other_number(part: _Section) -> bool:
    codes = part.codes.strip()
    if codes.lower() in (_PLAIN, _TEXT):
        return _says(part.literal)
    return _says(part.literal) or not _PLACES.search(codes) or not _NUMBER.fullmatch(codes)


def _says(literal: str) -> bool:
    return any(character.isalnum() for character in literal)
