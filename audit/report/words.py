"""How values are printed: numbers, times, sizes, and text that others wrote. In English, where no wording is given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from audit.report.characters import printable
from audit.report.shapes import ControlResult, Figure
from audit.report.since import trend
from audit.report.wording import ENGLISH, Wording

__all__ = [
    "basis", "breaks", "change", "clip", "clip_short", "count", "day", "duration", "figure", "local", "nearby", "passage", "pointer", "printable",
    "prose", "since", "size",
]  # fmt: skip

LONGEST = 400
_UNBROKEN = 18
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def clip(text: str, longest: int = LONGEST, w: Wording = ENGLISH) -> str:
    """`text`, cut to `longest` characters with the count of what follows; results.json holds it whole."""
    return w.clip(text, longest)


def passage(text: str, w: Wording = ENGLISH) -> Markup:
    """A text of several lines for a wide cell."""
    return escape(str(printable(w.clip(text, 1200))))


def clip_short(text: str, longest: int) -> str:
    """`text` cut between words, where a page has the whole of it elsewhere; in a word where more than half would go with it."""
    if len(text) <= longest:
        return text
    begun = text[: longest + 1].rpartition(" ")[0].rstrip(" ,;:")
    return f"{begun if len(begun) * 2 >= longest else text[:longest].rstrip()} …"


def prose(text: str) -> Markup:
    """Documentation: `code` in backticks becomes code, nothing else is markup."""
    parts = re.split(r"`([^`]+)`", text)
    done = [escape(str(printable(part))) for part in parts]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(done)
    )


def count(value: float, w: Wording = ENGLISH) -> str:
    """A whole number with thousands separated."""
    return w.number(f"{value:,.0f}")


def size(value: int, w: Wording = ENGLISH) -> str:
    """Bytes, in the unit that leaves one to three digits before the point."""
    amount, unit = float(value), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return w.number(f"{value:,} B" if unit == "B" else f"{amount:.1f} {unit}")


def figure(value: float, unit: str, w: Wording = ENGLISH) -> str:
    """A metric's value with its unit."""
    if unit in ("ratio", "share", "fraction"):
        return w.number(f"{value * 100:.1f}%")
    if unit in ("percent", "%"):
        return w.number(f"{value:.1f}%")
    if unit in _SECONDS:
        return duration(value * _SECONDS[unit], w)
    return w.number(f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}")


def basis(figure: Figure, w: Wording = ENGLISH) -> str:
    """What a metric's value is made of; a dash for a plain count."""
    if figure.numerator is None:
        return "–"
    if figure.denominator is not None:
        if not figure.denominator:
            return "–"
        return w.text("{n} of {whole}", n=count(figure.numerator, w), whole=count(figure.denominator, w))
    return w.text("{n} measured", n=count(figure.numerator, w)) if figure.unit in _SECONDS else "–"


def change(value: float, previous: float, unit: str, w: Wording = ENGLISH) -> str:
    """The difference to the quarter before, in the metric's own unit (ratios: percentage points)."""
    difference = value - previous
    scale = 100 if unit in ("ratio", "share", "fraction") else 1
    if unit in ("ratio", "share", "fraction", "percent", "%"):
        text, tail = w.number(f"{abs(difference) * scale:.1f}"), f" {w.text('pp')}"
    else:
        text, tail = figure(abs(difference), unit, w), ""
    if not re.search(r"[1-9]", text):
        return w.text("same")
    return f"{'+' if difference > 0 else '−'}{text}{tail}"


def duration(seconds: float, w: Wording = ENGLISH) -> str:
    """A length of time in its two largest units."""
    if seconds < 60:
        return f"{seconds:.0f} {w.text('s')}"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} {w.text('min')}"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        whole = f"{hours} {w.text('h')}"
        return f"{whole} {minutes} {w.text('min')}" if minutes else whole
    days, hours = divmod(hours, 24)
    whole = f"{count(days, w)} {w.text('d')}"
    return f"{whole} {hours} {w.text('h')}" if hours else whole


def since(control: ControlResult, w: Wording = ENGLISH) -> str:
    """What changed in a control since the quarter before; `not known` where that is not known."""
    if not control.previous:
        return w.text("not known")
    if control.previous == control.conclusion == "exceptions" and control.previous_open is not None:
        more = control.open - control.previous_open
        if not more:
            return w.text("same")
        sign = f"{'+' if more > 0 else '−'}{count(abs(more), w)}"
        return w.text("worse: {change}" if more > 0 else "better: {change}", change=sign)
    if control.previous == control.conclusion:
        return w.text("same")
    direction = trend(control)
    text = "worse: was {before}" if direction < 0 else "better: was {before}" if direction else "was {before}"
    return w.text(text, before=w.text(control.previous))


def local(moment: str, zone: str, form: str = "%Y-%m-%d %H:%M") -> str:
    """A UTC time of the model in the report's time zone; a dash where there is none."""
    if not moment:
        return "–"
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)).strftime(form)


def day(moment: str, zone: str, *, before: bool = False, w: Wording = ENGLISH) -> str:
    """A day, as in 1 July 2026; with `before`, the day of the instant before it."""
    at = datetime.fromisoformat(moment) - timedelta(seconds=1 if before else 0)
    return w.date(at.astimezone(ZoneInfo(zone)))


def breaks(text: str) -> Markup:
    """An identifier or a path that prefers to break before `@` and `#` and after `/` and `:`."""
    parts = re.split(r"(?<=[/:])(?=.)|(?<=.)(?=[@#])", text)
    done = [escape(str(printable(part))) for part in parts]
    whole = [Markup('<span class="nowrap">{}</span>').format(p) if len(p) <= _UNBROKEN else p for p in done]
    return Markup("\u200b").join(whole)


def nearby(text: str, repos: Sequence[str]) -> str:
    """A pointer without the name of the repository, where there is only one."""
    return text.removeprefix(repos[0]) if len(repos) == 1 and text.startswith(f"{repos[0]}@") else text


def pointer(text: str) -> str:
    """An evidence pointer with its hash cut to 12 digits: enough to find the object in the annex."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b", r"\1", text)
