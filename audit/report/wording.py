"""The report's language: every sentence of ours by its English text, and how numbers and days are written.

A catalogue is a TOML file: `[numbers]` with `decimal` and `thousands`, `[dates]` with `day` and `months`, and
`[texts]`, English text = text. What stands in braces, as in `{count}`, is put in; an English text without an entry
stays as it is, and so does what stands in braces without a value.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from audit.errors import UsageError
from audit.report import templates
from audit.report.characters import printable

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
FITS = 480
"""Characters of a text from elsewhere that a page prints at most."""
_NOTE = 60
_PLACE = re.compile(r"\{(\w+)\}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class Wording:
    """One language.

    Attributes:
        language: as documents name it (BCP 47).
        texts: by English text.
        day: how a day is written, of `{day}`, `{month}` and `{year}`.
    """

    language: str = "en"
    decimal: str = "."
    thousands: str = ","
    day: str = "{day} {month} {year}"
    months: tuple[str, ...] = _MONTHS
    texts: Mapping[str, str] = field(default_factory=dict)

    def text(self, text: str, /, **values: Any) -> str:
        """A text of ours with values put in."""
        return _PLACE.sub(lambda found: str(values.get(found[1], found[0])), self.texts.get(text, text))

    def many(self, count: int, one: str, several: str, /, **values: Any) -> str:
        """One of two texts, by how many there are: `{n}` stands for their number."""
        return self.text(one if count == 1 else several, n=self.number(f"{count:,}"), **values)

    def html(self, text: str, /, **values: Any) -> Markup:
        """The same for a page: escaped, and so are values that are no markup."""
        parts = _PLACE.split(self.texts.get(text, text))
        done = [
            escape(str(printable(part)))
            if place % 2 == 0
            else escape(self.fit(values.get(part, f"{{{part}}}")))
            for place, part in enumerate(parts)
        ]
        return Markup("").join(done)

    def clip(self, text: str, longest: int) -> str:
        """`text`, cut to `longest` characters with the count of what follows; results.json holds it whole."""
        if len(text) <= longest:
            return text
        more = self.many(
            len(text) - longest, "{n} more character in results.json", "{n} more characters in results.json"
        )
        return f"{text[:longest]} … [{more}]"

    def fit(self, value: object) -> object:
        """`value` as it goes on a page: no text is longer than the narrowest cell can hold on a page.

        Raises:
            ValueError: as `printable`.
        """
        shown = printable(value)
        if isinstance(shown, str) and not isinstance(shown, Markup) and len(shown) > FITS:
            return self.clip(shown, FITS - _NOTE)
        return shown

    def number(self, text: str) -> str:
        """A number that was written in English, with this language's marks."""
        return text.translate(str.maketrans(",.", self.thousands + self.decimal))

    def date(self, moment: datetime) -> str:
        """A day."""
        return _PLACE.sub(
            lambda found: {
                "day": str(moment.day),
                "month": self.months[moment.month - 1],
                "year": str(moment.year),
            }[found[1]],
            self.day,
        )


ENGLISH = Wording()


def has(language: str) -> bool:
    """Whether this product has a language."""
    return language == "en" or (templates.folder() / "languages" / f"{Path(language).name}.toml").is_file()


def shipped(language: str) -> Wording:
    """The wording of a language that this product has.

    Raises:
        UsageError: it has none; names those that it has.
    """
    if language == "en":
        return ENGLISH
    folder = templates.folder() / "languages"
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if language not in known:
        raise UsageError(
            f"report.language: there is no '{language[:20]}'",
            remedy=f"name one of en, {', '.join(known)}, or put its catalogue into a theme: languages/{language[:20]}.toml",
        )
    return read(folder / f"{language}.toml", language)


def read(path: Path, language: str, base: Wording = ENGLISH) -> Wording:
    """A catalogue, over the texts of `base`.

    Raises:
        UsageError: it is none; names the file, the key and the remedy.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: no catalogue: {error}", remedy="mend the file: TOML, in UTF-8") from None
    return worded(said, language, base, where=str(path))


def worded(said: Mapping[str, Any], language: str, base: Wording, *, where: str) -> Wording:
    """The wording that a catalogue says, over `base`.

    Raises:
        UsageError: a key is unknown, a value is no text, or a text lacks what is put into it; names it.
    """
    remedy = "write [texts], [numbers] (decimal, thousands) and [dates] (day, months) as docs/how-to/theme-the-report.md shows"
    if not _LANGUAGE.fullmatch(language):
        raise UsageError(f"{where}: '{language[:20]}' is no language, as in de", remedy=remedy)
    numbers, dates, texts = (dict(said.get(key, {})) for key in ("numbers", "dates", "texts"))
    allowed = {"texts": None, "numbers": {"decimal", "thousands"}, "dates": {"day", "months"}}
    for key, value in said.items():
        if key not in allowed or not isinstance(value, dict):
            raise UsageError(f"{where}: unknown key '{key[:40]}'", remedy=remedy)
        names = allowed[key]
        wrong = [name for name in value if names is not None and name not in names]
        if wrong:
            raise UsageError(f"{where}: unknown key '{key}.{wrong[0][:40]}'", remedy=remedy)
    months = tuple(dates.get("months", base.months))
    plain = [*numbers.values(), dates.get("day", ""), *months, *texts.values()]
    if len(months) != 12 or not all(isinstance(each, str) for each in plain):
        raise UsageError(f"{where}: a value is no text, or the months are not twelve", remedy=remedy)
    if any(len(str(mark)) != 1 for mark in numbers.values()):
        raise UsageError(f"{where}: a mark of [numbers] is not one character", remedy=remedy)
    for text, other in texts.items():
        if set(_PLACE.findall(other)) - set(_PLACE.findall(text)):
            raise UsageError(
                f"{where}: '{text[:60]}' has other {{places}} in its translation",
                remedy="put the same names in braces into both",
            )
    day = dates.get("day", base.day)
    if set(_PLACE.findall(day)) - {"day", "month", "year"}:
        raise UsageError(
            f"{where}: dates.day is '{day[:40]}'", remedy="write it of {day}, {month} and {year}"
        )
    return Wording(
        language,
        str(numbers.get("decimal", base.decimal)),
        str(numbers.get("thousands", base.thousands)),
        day,
        months,
        {**base.texts, **texts},
    )
