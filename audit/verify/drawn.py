"""What pages could show beside what their tags say: nothing hidden, nothing laid over, every page in its place.

Figures are read by the tags. A reader's eye sees what is drawn: so what this program never draws must not be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject

from audit.errors import IntegrityError
from audit.verify.opened import FAULTS
from audit.verify.pages import DEEPEST, content, item, kids
from audit.verify.verdicts import Check, Verdict, held

_STRING = re.compile(rb"<[0-9A-Fa-f\s]*>|\((?:\\.|[^\\()])*\)", re.DOTALL)
_MODE = re.compile(rb"(\d+)\s+Tr\b")
_INLINE = re.compile(rb"\bBI\s.*?\bID\s", re.DOTALL)
_DEEPEST = 8
"""Levels of drawings in drawings."""

_ACTS = ("/OpenAction", "/AA", "/OCProperties", "/Collection", "/URI", "/Threads")


def checks(reader: PdfReader) -> list[Check]:
    """What stands on the pages that this program never draws, a check each; else that there is nothing of that."""
    try:
        wrong = [*_file(reader.root_object), *_order(reader), *_pages(reader)]
    except (*FAULTS, IntegrityError) as error:
        return [Check("pages", Verdict.DIFFERS, f"they can't be read: {error or type(error).__name__}")]
    right = f"{len(reader.pages)} pages in the order of their tags; no hidden text, no picture, nothing laid over them"
    return held("pages", wrong, right)


def _file(root: Any) -> Iterator[str]:
    """What acts on its own when the file is opened, or shows other pages to others."""
    for name in _ACTS:
        if name in root:
            yield f"the file has {name}, which this program never writes"
    if "/JavaScript" in (item(root, "/Names") or {}):
        yield "the file has scripts"


def _order(reader: PdfReader) -> Iterator[str]:
    """Pages that stand elsewhere than their tags say, or of which tags say nothing, or that are gone."""
    pages: list[Any] = list(reader.pages)
    places = {page.indirect_reference.idnum: number for number, page in enumerate(pages, 1)}
    named = list(dict.fromkeys(_named(item(reader.root_object["/StructTreeRoot"], "/K"), 0)))
    gone = [one for one in named if one not in places]
    if gone:
        yield f"tags speak of {len(gone)} pages that are not there"
    order = [places[one] for one in named if one in places]
    moved = next((after for before, after in pairwise(order) if after < before), None)
    if moved:
        yield f"page {moved} stands before others that come first by the tags"
    for page, number in places.items():
        if page not in named and b"Tf" in content(pages[number - 1]):
            yield f"page {number} has text, and no tag speaks of it"


def _named(element: Any, depth: int) -> Iterator[int]:
    """The pages that elements stand on, in the order of the tags."""
    if depth > DEEPEST:
        raise ValueError(f"tags in more than {DEEPEST} levels")
    if isinstance(element, DictionaryObject) and "/Pg" in element:
        yield element.raw_get("/Pg").idnum
    if isinstance(element, DictionaryObject | ArrayObject):
        for kid in kids(element):
            yield from _named(kid, depth + 1)


def _pages(reader: PdfReader) -> Iterator[str]:
    seen: set[int] = set()
    for number, page in enumerate(reader.pages, 1):
        for problem in dict.fromkeys(
            [*_notes(page, last=number == len(reader.pages)), *_streams(page, seen, 0)]
        ):
            yield f"page {number} {problem}"
        if "/AA" in page:
            yield f"page {number} acts when it is shown"


def _notes(page: Any, *, last: bool) -> Iterator[str]:
    """Annotations other than links that draw nothing, and fields of signatures."""
    for one in kids(item(page, "/Annots")):
        kind, box = str(item(one, "/Subtype")), [float(edge) for edge in item(one, "/Rect") or ()]
        if kind == "/Link":
            target = item(one, "/A")
            if "/AP" in one or (target is not None and item(target, "/S") != "/URI"):
                yield "has a link that is more than one"
        elif kind != "/Widget" or item(one, "/FT") != "/Sig":
            yield f"has a note laid over it ({kind[1:]:.20})"
        elif len(set(box[::2])) > 1 and not last:
            yield "has a signature's frame laid over it, which only the last page may have"


def _streams(holder: Any, seen: set[int], depth: int) -> Iterator[str]:
    """What a page, or a drawing in it, draws in a way that this program never does."""
    if depth > _DEEPEST:
        raise ValueError(f"drawings in more than {_DEEPEST} levels")
    drawn = _STRING.sub(b"", content(holder) if not depth else holder.get_data())
    if any(int(mode) for mode in _MODE.findall(drawn)):
        yield "has text that is not shown"
    if _INLINE.search(drawn):
        yield "has a picture"
    resources = item(holder, "/Resources")
    for name in (item(resources, "/XObject") or {}) if resources is not None else ():
        inner = item(item(resources, "/XObject"), name)
        if inner.indirect_reference and inner.indirect_reference.idnum in seen:
            continue
        seen.add(inner.indirect_reference.idnum if inner.indirect_reference else -1)
        if item(inner, "/Subtype") != "/Form":
            yield "has a picture"
        else:
            yield from _streams(inner, seen, depth + 1)
