"""What stands on the pages: the tables and paragraphs of a tagged PDF, as its structure and its content streams say.

Text is found by the marked content that each cell of the structure names, and decoded with its font's own map to
Unicode: where a figure stands on the sheet does not matter, and what it says is read from what draws it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject

from audit.errors import IntegrityError
from audit.verify.opened import FAULTS

DEEPEST = 60
"""Levels of structure that are followed: a report has some twenty."""

_TOKEN = re.compile(
    rb"/MCID\s+(?P<mcid>\d+)[^<>]*>>\s*(?P<begin>BDC)|(?P<other>\bB[MD]C\b)|(?P<end>\bEMC\b)"
    rb"|/(?P<font>[^\s/<>\[\]()]+)\s+[-.\d]+\s+Tf\b|\[(?P<texts>[^\]]*)\]\s*TJ\b|<(?P<text>[0-9A-Fa-f\s]*)>\s*Tj\b"
)


@dataclass
class Table:
    """The rows of every table with the same head, whatever pages it runs over; all text without white space."""

    head: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)


@dataclass
class Printed:
    """What stands on the pages.

    Attributes:
        tables: by their head's cells.
        paragraphs: headings, paragraphs and list items, in reading order, without white space.
        figures: what each drawing says in words, without white space.
    """

    tables: dict[tuple[str, ...], Table]
    paragraphs: list[str]
    figures: list[str] = field(default_factory=list)

    def table(self, *head: str) -> Table | None:
        """The table whose head is that; None when no page has it."""
        return self.tables.get(tuple(map(squeezed, head)))


def squeezed(text: str) -> str:
    """Text without white space, which line breaks put anywhere, and without hyphens that only break a line."""
    return re.sub(r"[\s\u00ad\u2010]+", "", text)


def printed(reader: PdfReader) -> Printed:
    """The tables and paragraphs of every page.

    Raises:
        IntegrityError: the file has no structure, or one that can't be followed.
    """
    try:
        texts = _Texts()
        found = Printed({}, [])
        _walk(item(reader.root_object["/StructTreeRoot"], "/K"), texts, found, None, 0)
    except FAULTS as error:
        raise IntegrityError(
            f"the pages can't be read by their tags: {error or type(error).__name__}",
            remedy="ask for the report again, from where it was made",
        ) from None
    return found


def item(holder: Any, key: Any) -> Any:
    """What stands under a key or at a place, followed to where it is; None where there is nothing."""
    if isinstance(holder, DictionaryObject) and key not in holder:
        return None
    found = holder.raw_get(key) if isinstance(holder, DictionaryObject) else list.__getitem__(holder, key)
    return found.get_object() if hasattr(found, "get_object") else found


def kids(element: Any) -> Iterator[Any]:
    """What stands in an element of the structure, or in a list, each followed to where it is."""
    inside = item(element, "/K") if isinstance(element, DictionaryObject) else element
    if isinstance(inside, ArrayObject):
        yield from (item(inside, index) for index in range(len(inside)))
    elif inside is not None:
        yield inside


def _walk(element: Any, texts: _Texts, found: Printed, page: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"deeper than {DEEPEST} levels")
    if isinstance(element, ArrayObject):
        for kid in kids(element):
            _walk(kid, texts, found, page, depth + 1)
        return
    if not isinstance(element, DictionaryObject) or "/S" not in element:
        return
    page, kind = item(element, "/Pg") or page, str(item(element, "/S"))
    if kind == "/Table":
        _table(element, texts, found, page)
    elif kind == "/Figure":
        found.figures.append(squeezed(str(item(element, "/Alt") or "")))
    elif kind in ("/P", "/H1", "/H2", "/H3", "/LBody", "/Caption"):
        found.paragraphs.append(squeezed("".join(_text(element, texts, page, depth))))
    else:
        for kid in kids(element):
            _walk(kid, texts, found, page, depth + 1)


def _text(element: Any, texts: _Texts, page: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise ValueError(f"deeper than {DEEPEST} levels")
    if isinstance(element, int):
        yield texts.of(page, int(element))
    elif isinstance(element, DictionaryObject) and item(element, "/Type") == "/MCR":
        yield texts.of(item(element, "/Pg") or page, int(item(element, "/MCID")))
    elif isinstance(element, DictionaryObject | ArrayObject):
        own = (item(element, "/Pg") if isinstance(element, DictionaryObject) else None) or page
        for kid in kids(element):
            yield from _text(kid, texts, own, depth + 1)


def _table(element: Any, texts: _Texts, found: Printed, page: Any) -> None:
    head: tuple[str, ...] = ()
    for row in _of_kind(element, "/TR", 0):
        cells = [cell for cell in kids(row) if cell["/S"] in ("/TH", "/TD")]
        said = tuple(squeezed("".join(_text(cell, texts, page, 0))) for cell in cells)
        if cells and all(cell["/S"] == "/TH" for cell in cells):
            head = said
            found.tables.setdefault(head, Table(head))
        else:
            found.tables.setdefault(head, Table(head)).rows.append(said)


def _of_kind(element: Any, kind: str, depth: int) -> Iterator[Any]:
    if depth > DEEPEST:
        raise ValueError(f"deeper than {DEEPEST} levels")
    for kid in kids(element):
        if isinstance(kid, DictionaryObject):
            if item(kid, "/S") == kind:
                yield kid
            else:
                yield from _of_kind(kid, kind, depth + 1)


class _Texts:
    """The text of each piece of marked content, page by page, each page read once."""

    def __init__(self) -> None:
        self._pages: dict[Any, dict[int, str]] = {}
        self._fonts: dict[Any, dict[int, str]] = {}

    def of(self, page: Any, mcid: int) -> str:
        """The text of a piece; empty for one that draws none, or that is not there."""
        place = page.indirect_reference.idnum
        if place not in self._pages:
            self._pages[place] = self._read(page)
        return self._pages[place].get(mcid, "")

    def _read(self, page: Any) -> dict[int, str]:
        found: dict[int, list[str]] = {}
        fonts = item(page["/Resources"], "/Font") or {}
        marks: list[int | None] = []
        letters: dict[int, str] = {}
        for token in _TOKEN.finditer(content(page)):
            if token["begin"]:
                marks.append(int(token["mcid"]))
            elif token["other"]:
                marks.append(None)
            elif token["end"]:
                marks.pop()
            elif token["font"]:
                letters = self._letters(item(fonts, f"/{token['font'].decode('ascii')}"))
            else:
                mark = next((one for one in reversed(marks) if one is not None), None)
                if mark is not None:
                    found.setdefault(mark, []).append(
                        _decoded(token["texts"] or token["text"] or b"", letters)
                    )
        return {mark: "".join(parts) for mark, parts in found.items()}

    def _letters(self, font: Any) -> dict[int, str]:
        place = font.indirect_reference.idnum
        if place not in self._fonts:
            self._fonts[place] = _to_unicode(font["/ToUnicode"].get_data())
        return self._fonts[place]


def content(page: Any) -> bytes:
    """What draws a page."""
    content = item(page, "/Contents")
    parts = list(kids(content)) if isinstance(content, ArrayObject) else [content]
    return b"\n".join(part.get_data() for part in parts)


def _decoded(texts: bytes, letters: dict[int, str]) -> str:
    parts = re.findall(rb"<([0-9A-Fa-f\s]*)>", texts) if b"<" in texts else [texts]
    whole = bytes.fromhex("".join(part.decode("ascii") for part in parts))
    codes = (int.from_bytes(whole[at : at + 2]) for at in range(0, len(whole), 2))
    return "".join(letters.get(code, "\ufffd") for code in codes)


def _to_unicode(stream: bytes) -> dict[int, str]:
    """Characters by glyph, as `beginbfchar` lists them."""
    found = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", stream, re.DOTALL):
        for code, text in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            found[int(code, 16)] = bytes.fromhex(text.decode("ascii")).decode("utf-16-be", "replace")
    return found
