"""Lays out the rows of lanes: `python -m audit.report.lanes FOLDER NUMBER ...`, run by `audit.report.layout`.

FOLDER holds `lane-NUMBER.json`; left there are PDFs of some pages each and `lane-NUMBER.pages.json`, which names them in
order. A piece of rows is laid out, its last page is put back for the next piece to begin with, so that pages are full.
Nothing is drawn in the margins: what stands there is known when all the pages are.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pydyf  # type: ignore[import-untyped]

from audit.report import finishing
from audit.report.drawing import Drawing
from audit.report.parts import Lane

ROWS = 500
"""Rows that are laid out together: some 25 pages, and a quarter of a gigabyte."""

VARIANT = "pdf/a-3a"
_MARK = "audit-row-"
_AWAY = "audit-link:"
_OWN_ID = re.compile(r'<tr\b[^>]*\bid="([^"]+)"')
_BOXES = (  # noqa: SIM905  # reads better as a text
    "top-left-corner top-left top-center top-right top-right-corner right-top right-middle right-bottom "
    "bottom-right-corner bottom-right bottom-center bottom-left bottom-left-corner left-bottom left-middle left-top"
).split()
_BARE = (
    f"@page {{ background: none !important; {' '.join(f'@{box} {{ content: none !important }}' for box in _BOXES)} }} "
    "html, body { background: none !important }"
)


class _Missing(logging.Handler):
    """Notes that the number of a page is asked for which is not known here."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found = False

    def emit(self, record: logging.LogRecord) -> None:
        """Looks at one message of WeasyPrint's."""
        self.found |= str(record.msg).startswith("Content discarded")


@dataclass
class _Work:
    """What all pieces of a lane share.

    Attributes:
        rows: each with an id.
        names: every id of the report: links to others go.
        missing: whether a row asked for the number of a page elsewhere.
    """

    drawing: Drawing
    lane: Lane
    rows: list[str]
    names: frozenset[str]
    missing: _Missing


def main(work: Path, number: int) -> None:
    """Lays out one lane; writes no page at all when one of its rows can't be laid out by itself."""
    told = json.loads((work / f"lane-{number}.json").read_text(encoding="utf-8"))
    lane, missing = Lane(told["before"], told["rows"], told["after"]), _Missing()
    logging.getLogger("weasyprint").addHandler(missing)
    rows = [_marked(row, at) for at, row in enumerate(lane.rows)]
    shared = _Work(Drawing(Path(told["assets"]), _BARE), lane, rows, frozenset(told["names"]), missing)
    pages: list[dict[str, Any]] = []
    at = 0
    while at < len(rows):
        path, note = work / f"lane-{number}-{at}.pdf", work / f"lane-{number}.piece.json"
        _in_a_child(partial(_piece, shared, at, path, note))
        kept, at, alone = json.loads(note.read_text(encoding="utf-8"))
        if alone:
            pages = []
            break
        pages += [{"file": path.name, "page": place, "names": found} for place, found in enumerate(kept)]
    (work / f"lane-{number}.pages.json").write_text(json.dumps(pages), encoding="utf-8")


def _in_a_child(function: Callable[[], None]) -> None:
    """Calls a function in a copy of this process, which takes its memory with it when it ends.

    Raises:
        ChildProcessError: it failed; stderr says why.
    """
    child = os.fork()
    if not child:
        status = 1
        try:
            function()
            status = 0
        except BaseException:  # told, then the copy ends: it must go no further
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if status:
        raise ChildProcessError("a piece could not be laid out")


def _piece(shared: _Work, at: int, path: Path, note: Path) -> None:
    """Lays out rows from a place on. Noted are the ids on each page, the place to go on from, and whether any is missing."""
    rows = shared.rows[at : at + ROWS]
    document, following = shared.drawing.render(shared.lane.page(rows), VARIANT), len(shared.rows)
    pages = document.pages
    own = {_id(row): place for place, row in enumerate(rows, at)}
    if at + ROWS < len(shared.rows):
        pages, following = _full(pages, own, at + ROWS)
    for page in pages:
        page.links = [_away(link) for link in page.links if link[0] != "internal" or link[1] in shared.names]
        for name in [name for name in page.anchors if name not in own or name.startswith(_MARK)]:
            del page.anchors[name]
    document.copy(pages).write_pdf(path, pdf_variant=VARIANT, finisher=_finish, uncompressed_pdf=True)
    found = [list(page.anchors) for page in pages]
    note.write_text(json.dumps([found, following, shared.missing.found]), encoding="utf-8")


def _marked(row: str, place: int) -> str:
    """A row with an id, by which it is found on its page."""
    return row if _OWN_ID.match(row) else row.replace("<tr", f'<tr id="{_MARK}{place}"', 1)


def _id(row: str) -> str:
    found = _OWN_ID.match(row)
    assert found
    return found[1]


def _full(pages: Sequence[Any], own: dict[str, int], following: int) -> tuple[Sequence[Any], int]:
    """The pages before the last one that begins with a row, and the place of that row; all, where there is none."""
    on = [[own[name] for name in page.anchors if name in own] for page in pages]
    for place in range(len(pages) - 1, 0, -1):
        first = min(on[place], default=None)
        if first is not None and first not in on[place - 1]:
            return pages[:place], first
    return pages, following


def _away(link: tuple[Any, ...]) -> tuple[Any, ...]:
    """A link into the report, as one that leads out of this piece."""
    kind, target, *rest = link
    return ("external", f"{_AWAY}{target}", *rest) if kind == "internal" else link


def _finish(_document: Any, pdf: Any) -> None:
    """Sets tags right, and the links into the report."""
    for item in pdf.objects:
        if isinstance(item, pydyf.Dictionary) and item.get("Subtype") == "/Link" and "A" in item:
            target = str(item["A"]["URI"].string)
            if target.startswith(_AWAY):
                del item["A"]
                item["Dest"] = pydyf.String(target.removeprefix(_AWAY))
                item["Contents"] = item["Dest"]
    finishing.tag(pdf)


if __name__ == "__main__":
    gc.disable()  # each piece is laid out in a process that ends with it
    for each in sys.argv[2:]:
        main(Path(sys.argv[1]), int(each))
