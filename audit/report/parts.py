"""Long tables cut out of a page, so that their rows can be laid out apart: text in, text out.

A page of ten thousand rows takes minutes and gigabytes as one; in pieces it takes seconds and little. What is cut out
is rows alone, so that everything else is laid out as ever. The page is our own templates' (values are escaped), so
that a tag is a tag wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LONG = 400
"""Rows that a table has at most that is laid out with the rest of the page."""

FIRST, LAST = 40, 12
"""Rows of a long table that stay in the page: under its heading, and before what follows it."""

LANES = 2
"""Parts of a long table that are laid out at the same time; the first ends with a page that may not be full."""

SHARED = 1000
"""Rows of a table from which on it has so many parts; below it has one."""

PLACE = "audit-part-"
"""What the id of a blank page begins with, that a laid out one takes the place of."""

_TABLE = re.compile(r"<table\b[^>]*>.*?</table>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][\w:-]*)(?P<rest>[^>]*)>")
_EMPTY = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_ENDS = re.compile(r"(?:\s*</[\w:-]+>)*\s*(?:<section\b|$)")
_HREF = re.compile(r'\bhref="#([^"]+)"')
_ID = re.compile(r'\bid="([^"]+)"')


@dataclass(frozen=True)
class Lane:
    """Rows in a row, of one table, that are laid out one page after the other.

    Attributes:
        before: what stands around them: opening tags, from the body's on, and the table's head.
        after: the closing tags.
    """

    before: str
    rows: Sequence[str]
    after: str

    def page(self, rows: Iterable[str]) -> str:
        """A page of some of the rows, and of nothing else."""
        return f"{self.before}{''.join(rows)}{self.after}"


@dataclass(frozen=True)
class Cut:
    """A page and what was cut out of it.

    Attributes:
        pieces: of the page; between the one and the next, a lane was cut out.
    """

    pieces: Sequence[str]
    lanes: Sequence[Lane]

    def names(self) -> set[str]:
        """Every id of the page and of the rows."""
        return {name for text in self._texts() for name in _ID.findall(text)}

    def wanted(self) -> set[str]:
        """Ids that links of the page lead to."""
        return {name for piece in self.pieces for name in _HREF.findall(piece)}

    def _texts(self) -> Iterable[str]:
        yield from self.pieces
        for lane in self.lanes:
            yield from lane.rows

    def blank(self, pages: Sequence[Sequence[Iterable[str]]]) -> str:
        """The page with blank sheets in the place of each lane.

        Args:
            pages: of each lane, the ids on each of its pages; those that links of the page lead to are put on its sheet.
        """
        wanted, number, out = self.wanted(), 0, [self.pieces[0]]
        for lane, piece in zip(pages, self.pieces[1:], strict=True):
            for names in lane:
                marks = "".join(f'<div id="{name}"></div>' for name in names if name in wanted)
                out.append(
                    f'<div id="{PLACE}{number}" style="break-before: page; break-after: page">{marks}</div>\n'
                )
                number += 1
            out.append(piece)
        return "".join(out)


def cut(page: str, long: int = LONG) -> Cut:
    """A page with the rows of its long tables cut out; without any, it is one piece.

    Args:
        long: rows, from which on a table is cut.
    """
    pieces, lanes, at = [""], [], 0
    for found in _TABLE.finditer(page):
        head, body, foot = _parted(found[0])
        rows = _ROW.findall(body)
        if len(rows) <= long or "rowspan=" in body or "<table" in found[0][1:]:
            continue
        opened = _open(page[: found.start()])
        before = f"{_head(page)}{''.join(opened)}{head}"
        closed = "".join(f"</{_name(tag)}>" for tag in reversed(opened))
        after = f"{foot}{closed}</body></html>"
        ends = _ENDS.match(page, found.end()) is not None
        last = len(rows) if ends else len(rows) - LAST
        pieces[-1] += f"{page[at : found.start()]}{head}{''.join(rows[:FIRST])}{foot}"
        for some in _shared(rows[FIRST:last]):
            lanes.append(Lane(before, some, after))
            pieces.append("")
        if not ends:
            pieces[-1] = f"{head}{''.join(rows[last:])}{foot}"
        at = found.end()
    pieces[-1] += page[at:]
    return Cut(pieces, lanes)


def _parted(table: str) -> tuple[str, str, str]:
    """A table's head with all that opens it, its rows, and what closes it."""
    start = table.find("<tbody>") + len("<tbody>")
    end = table.rfind("</tbody>")
    if start < len("<tbody>") or end < start:
        return table, "", ""
    return table[:start], table[start:end], table[end:]


def _head(page: str) -> str:
    """The page up to its body, that one's tag included."""
    end = page.index("<body")
    return page[: page.index(">", end) + 1]


def _open(text: str) -> list[str]:
    """The tags that are open at the end of a text, from the first in the body on."""
    stack: list[str] = []
    text = _TABLE.sub("", text[text.index("<body") :])
    for tag in _TAG.finditer(text, text.index(">") + 1):
        if tag["end"]:
            stack.pop()
        elif tag["name"] not in _EMPTY and not tag["rest"].endswith("/"):
            stack.append(tag[0])
    return stack


def _name(tag: str) -> str:
    """What a tag opens."""
    found = _TAG.match(tag)
    assert found
    return found["name"]


def _shared(rows: Sequence[str]) -> list[Sequence[str]]:
    """Rows in so many parts as there are lanes; all but the last of an even number, for stripes to go on."""
    step = -(-len(rows) // (LANES if len(rows) > SHARED else 1))
    step += step % 2
    return [rows[at : at + step] for at in range(0, len(rows), step)]
