"""What follows the report's own bytes: later revisions may add signatures and what keeps them verifiable, and change nothing.

A later revision can put another object in the place of any. Readers show the last one, whatever the bytes before it say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError

from audit.report.reader import QuickReader
from audit.verify.opened import FAULTS

_CATALOGUE = {"/AcroForm", "/Perms", "/DSS", "/Extensions", "/Metadata", "/Version"}
"""What signing adds to the root of a file, or sets anew in it."""

_INFO = {"/Producer", "/ModDate"}
_PAGE = {"/Annots"}


def changed(data: bytes, own: int) -> str:
    """What later revisions change in the report; empty when they only add signatures.

    Args:
        own: bytes of the report itself, with which the file begins.
    """
    try:
        before, now = QuickReader(data[:own]), QuickReader(data)
        start = before.xrefs.get_startxref_for_revision(0)
        if before.xrefs.total_revisions != 1 or now.xrefs.get_startxref_for_revision(0) != start:
            return "it is not added to the report"
        return next(_changed(before, now), "")
    except (*FAULTS, PdfError) as error:
        return f"it can't be read: {error or type(error).__name__}"


def _changed(before: QuickReader, now: QuickReader) -> Iterator[str]:
    """Each object of the report that later revisions put another in the place of, but for what signing changes."""
    root, info = before.root_ref, before.trailer.raw_get("/Info").reference
    if now.root_ref != root:
        yield "it names another root"
    may = {root: _CATALOGUE, info: _INFO} | dict.fromkeys(_pages(before.root.raw_get("/Pages")), _PAGE)
    metadata = before.root.raw_get("/Metadata").reference
    known = before.xrefs.explicit_refs_in_revision(0)
    for number in range(1, now.xrefs.total_revisions):
        added = now.xrefs.explicit_refs_in_revision(number)
        gone = now.xrefs.refs_freed_in_revision(number) & known
        for ref in sorted(gone | added & known - {metadata}, key=lambda ref: int(ref.idnum)):
            old, new = (each.get_object(ref) for each in (before, now))  # type: ignore[no-untyped-call]
            if ref in gone or not _same(old, new, may.get(ref, set())):
                yield f"it changes object {ref.idnum} of the report"


def _pages(node: Any) -> Iterator[Any]:
    """References of all pages below a node of their tree."""
    inside = node.get_object()
    if "/Kids" not in inside:
        yield node.reference
        return
    kids = inside["/Kids"]
    for place in range(len(kids)):
        yield from _pages(kids.raw_get(place))


def _same(old: Any, new: Any, may: set[str]) -> bool:
    """Whether an object is the one before, but for entries that may be others. Notes on a page may only become more."""
    if type(old) is not type(new) or not isinstance(old, generic.DictionaryObject):
        return bool(old == new)
    if isinstance(old, generic.StreamObject) and old.data != new.data:
        return False
    if may == _PAGE:
        notes = [_references(each.get("/Annots", ())) for each in (old, new)]
        if notes[1][: len(notes[0])] != notes[0]:
            return False
    names = (old.keys() | new.keys()) - may
    return all(name in old and name in new and old.raw_get(name) == new.raw_get(name) for name in names)


def _references(notes: Any) -> list[Any]:
    return [notes.raw_get(place).reference for place in range(len(notes))] if notes else []
