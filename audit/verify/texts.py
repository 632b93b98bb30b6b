"""Everything that pages say, cell by cell, against what the templates make of the results: needs nothing to be laid out.

Laying a report out again proves more, and only with the same versions of what lays it out; this holds whatever version did.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

from audit.report import pdf, result
from audit.report.shapes import Report
from audit.verify.pages import Printed, squeezed
from audit.verify.verdicts import Check, Verdict, held

_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "li", "figcaption"})
_SILENT = frozenset({"head", "style", "script", "svg", "title"})
_PAGE = re.compile(r"→\d+")
_NUMBER = re.compile(r"\d+$")
SHOWN = 20
"""Differences that are told one by one."""


def checks(printed: Printed, report: Report, code: object) -> list[Check]:
    """What pages say, against what the results give: one check for each difference, else that there is none.

    Args:
        code: sha256 of the modules and templates that made the report.
    """
    if code != result.code():
        text = "what they say can't be compared with results.json word by word: other templates made them"
        return [Check("pages", Verdict.NOTE, text)]
    if report.theme is not None and report.theme.templates:
        text = (
            "what they say is not compared with results.json word by word: the theme has templates of its own"
        )
        return [Check("pages", Verdict.NOTE, text)]
    right = "every cell and every paragraph says what results.json gives"
    return held("pages", differing(printed, report), right)


def differing(printed: Printed, report: Report) -> Iterator[str]:
    """What pages say that the results do not give, and what they do not say that these give.

    Raises:
        UsageError: a template of the theme can't be filled.
    """
    wanted = _Page()
    wanted.feed(pdf.html(report))
    wanted.close()
    found: list[str] = []
    for head in {**wanted.tables, **printed.tables}:
        rows = printed.tables[head].rows if head in printed.tables else []
        said = Counter(tuple(map(_text, row)) for row in rows)
        name = " | ".join(head[:3])[:60] or "facts"
        found += _between(name, said, Counter(wanted.tables.get(head, [])))
    contents = {*wanted.contents}
    lines = [_text(line) for line in printed.paragraphs]
    lines = [_NUMBER.sub("", line) if _NUMBER.sub("", line) in contents else line for line in lines]
    found += _between("text", Counter(lines), Counter([*wanted.paragraphs, *wanted.contents]))
    yield from found[:SHOWN]
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN:,} more"


def _between(name: str, said: Counter, wanted: Counter) -> list[str]:  # type: ignore[type-arg]
    more = [f"{name}: printed is {_told(one)}, which the results do not give" for one in said - wanted]
    return more + [f"{name}: the results give {_told(one)}, which is not printed" for one in wanted - said]


def _told(one: str | tuple[str, ...]) -> str:
    return (one if isinstance(one, str) else " | ".join(one))[:160]


def _text(text: str) -> str:
    """Without white space, and without the number of a page that a reference names."""
    return _PAGE.sub("", squeezed(text).replace("\u200b", ""))


class _Page(HTMLParser):
    """The rows of tables by their head, and paragraphs, as `pages.printed` reads them from a PDF."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        self.paragraphs: list[str] = []
        self.contents: list[str] = []
        self._head: tuple[str, ...] = ()
        self._row: list[tuple[str, str]] = []
        self._said: list[str] | None = None
        self._silent = self._deep = self._listed = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _SILENT:
            self._silent += 1
        elif tag == "nav":
            self._listed += 1
        elif tag == "table":
            self._head = ()
        elif tag == "tr":
            self._row = []
        elif tag in ("th", "td"):
            self._said = []
        elif tag in _PARAGRAPHS and self._said is None:
            self._said, self._deep = [], 0
        elif tag in _PARAGRAPHS:
            self._deep += 1

    def handle_data(self, data: str) -> None:
        if self._said is not None and not self._silent:
            self._said.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent -= 1
        elif tag == "nav":
            self._listed -= 1
        elif tag in ("th", "td"):
            self._row.append((tag, _text("".join(self._said or []))))
            self._said = None
        elif tag == "tr" and self._row:
            self._end_row()
        elif tag in _PARAGRAPHS and self._deep:
            self._deep -= 1
        elif tag in _PARAGRAPHS and self._said is not None:
            listed = self._listed and tag == "li"
            (self.contents if listed else self.paragraphs).append(_text("".join(self._said)))
            self._said = None

    def _end_row(self) -> None:
        cells = tuple(text for _, text in self._row)
        if all(kind == "th" for kind, _ in self._row):
            self._head = cells
            self.tables.setdefault(cells, [])
        else:
            self.tables.setdefault(self._head, []).append(cells)
