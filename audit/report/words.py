"""How values are printed: numbers, times, sizes, and text that others wrote.

Text from evidence is hostile: control characters, direction marks, and characters that no shipped font can draw
are printed as their code point, `[U+202E]`, so that what a reader sees is what was there.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from audit.report.shapes import Figure
from audit.report.templates import glyphs

LONGEST = 400
_UNBROKEN = 18
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


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


def clip(text: str, longest: int = LONGEST) -> str:
    """`text`, cut to `longest` characters with the count of what follows; results.json holds it whole."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … [{len(text) - longest:,} more characters in results.json]"


def clip_short(text: str, longest: int) -> str:
    """`text` cut where a page has the whole of it elsewhere."""
    return text if len(text) <= longest else f"{text[:longest].rstrip()} …"


def prose(text: str) -> Markup:
    """Documentation: `code` in backticks becomes code, nothing else is markup."""
    parts = re.split(r"`([^`]+)`", text)
    done = [escape(str(printable(part))) for part in parts]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(done)
    )


def count(value: float) -> str:
    """A whole number with thousands separated."""
    return f"{value:,.0f}"


def size(value: int) -> str:
    """Bytes, in the unit that leaves one to three digits before the point."""
    amount, unit = float(value), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{value:,} B" if unit == "B" else f"{amount:.1f} {unit}"


def figure(value: float, unit: str) -> str:
    """A metric's value with its unit."""
    if unit in ("ratio", "share", "fraction"):
        return f"{value * 100:.1f}%"
    if unit in ("percent", "%"):
        return f"{value:.1f}%"
    if unit in _SECONDS:
        return duration(value * _SECONDS[unit])
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def basis(figure: Figure) -> str:
    """What a metric's value is made of; a dash for a plain count."""
    if figure.numerator is None:
        return "–"
    if figure.denominator is not None:
        return f"{count(figure.numerator)} of {count(figure.denominator)}" if figure.denominator else "–"
    return f"{count(figure.numerator)} measured" if figure.unit in _SECONDS else "–"


def change(value: float, previous: float, unit: str) -> str:
    """The difference to the quarter before, in the metric's own unit (ratios: percentage points)."""
    difference = value - previous
    scale = 100 if unit in ("ratio", "share", "fraction") else 1
    if unit in ("ratio", "share", "fraction", "percent", "%"):
        text, tail = f"{abs(difference) * scale:.1f}", " pp"
    else:
        text, tail = figure(abs(difference), unit), ""
    if re.fullmatch(r"[0.]+( .*)?", text):
        return "same"
    return f"{'+' if difference > 0 else '−'}{text}{tail}"


def duration(seconds: float) -> str:
    """A length of time in its two largest units."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def local(moment: str, zone: str, form: str = "%Y-%m-%d %H:%M") -> str:
    """A UTC time of the model in the report's time zone; a dash where there is none."""
    if not moment:
        return "–"
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)).strftime(form)


def day(moment: str, zone: str, *, before: bool = False) -> str:
    """A day, as in 1 July 2026; with `before`, the day of the instant before it."""
    at = datetime.fromisoformat(moment) - timedelta(seconds=1 if before else 0)
    there = at.astimezone(ZoneInfo(zone))
    return f"{there.day} {there:%B %Y}"


def breaks(text: str) -> Markup:
    """An identifier or a path that prefers to break before `@` and `#` and after `/` and `:`."""
    parts = re.split(r"(?<=[/:])(?=.)|(?<=.)(?=[@#])", text)
    done = [escape(str(printable(part))) for part in parts]
    whole = [Markup('<span class="nowrap">{}</span>').format(p) if len(p) <= _UNBROKEN else p for p in done]
    return Markup("<wbr>").join(whole)


def pointer(text: str) -> str:
    """An evidence pointer with its hash cut to 12 digits: enough to find the object in the annex."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b", r"\1", text)
