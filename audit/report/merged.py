"""Fills the blank sheets of a laid out report with the pages of long tables that were laid out apart.

The sheets know what stands in their margins, their number, and where bookmarks and links of the whole lead; the pages
know their rows, and the links in them. A page takes the place of its sheet, whose margins are drawn under it, and its part
of the structure takes the place of the sheet's. The same files give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name

_MARGINS = Name("/Margins")


class _Whole:
    """The report that is put together: its structure's elements by page, its parents' tree, its destinations."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self.pdf = pdf
        root: Any = pdf.Root
        self.document = root.StructTreeRoot.K[0]
        self.elements = list(self.document.K)
        self.place = {_key(each.Pg): at for at, each in enumerate(self.elements)}
        self.parents = dict(_pairs(root.StructTreeRoot.ParentTree.Nums))
        self.next = max(self.parents) + 1
        self.names = {str(name): where for name, where in _pairs(root.Names.Dests.Names)}

    def finish(self) -> None:
        """Writes the lists back into the file's objects."""
        root: Any = self.pdf.Root
        self.document.K = Array(self.elements)
        nums = Array()
        for number in sorted(self.parents):
            nums.append(number)
            nums.append(self.parents[number])
        root.StructTreeRoot.ParentTree.Nums = nums
        names = Array()
        for name in sorted(self.names):
            names.append(pikepdf.String(name))
            names.append(self.names[name])
        root.Names.Dests.Names = names


def merge(sheets: Path, pages: Sequence[tuple[Path, int]], places: Sequence[int], path: Path) -> None:
    """Writes the whole report.

    Args:
        sheets: the report with a blank sheet for each page.
        pages: file and number (from 0) of each page, in order; those of one file follow each other.
        places: number (from 0) of the sheet of each page.

    Raises:
        ValueError: there are not as many sheets as pages.
    """
    with pikepdf.open(sheets) as pdf:
        whole = _Whole(pdf)
        todo = zip(pages, places, strict=True)
        for number, (file, some) in enumerate(groupby(todo, key=lambda one: one[0][0])):
            with pikepdf.open(file) as part:
                _rename_fonts(part, number)
                _fill(whole, part, [(page, place) for (_, page), place in some])
        whole.finish()
        pdf.save(
            path,
            min_version="1.7",
            deterministic_id=True,
            compress_streams=True,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )


def _fill(whole: _Whole, part: pikepdf.Pdf, places: Sequence[tuple[int, int]]) -> None:
    """Puts pages of a part into the places of their sheets."""
    root: Any = part.Root
    parents = dict(_pairs(root.StructTreeRoot.ParentTree.Nums))
    elements: dict[Any, list[Any]] = {}
    for element in root.StructTreeRoot.K[0].K:
        elements.setdefault(_key(element.Pg), []).append(element)
    numbers = {_key(part.pages[page].obj): place for page, place in places}
    for page, place in places:
        source, sheet = part.pages[page], whole.pdf.pages[place].obj
        margins = _drawn_once(whole.pdf, sheet)
        content = b"\n".join((b"q /Margins Do Q", b"q", source.obj.Contents.read_bytes(), b"Q", b""))
        number, at = int(sheet.StructParents), whole.place.pop(_key(sheet))
        whole.pdf.pages[place] = source
        copied: Any = whole.pdf.pages[place].obj
        copied.Contents = whole.pdf.make_stream(content)
        copied.Resources = _with(copied.Resources, margins)
        owners = part.make_indirect(parents[int(source.obj.StructParents)])
        copied.StructParents = number
        whole.parents[number] = whole.pdf.copy_foreign(owners)
        (element,) = elements[_key(source.obj)]
        whole.elements[at] = whole.pdf.copy_foreign(element)
        whole.elements[at].P = whole.document
        for note in copied.get("/Annots", ()):
            whole.parents[whole.next] = whole.pdf.copy_foreign(parents[int(note.StructParent)])
            note.StructParent = whole.next
            whole.next += 1
    for name, where in _pairs(root.Names.Dests.Names) if "/Dests" in root.get("/Names", {}) else ():
        leads_to = whole.pdf.pages[numbers[_key(where[0])]].obj
        whole.names[str(name)] = Array([leads_to, *list(where)[1:]])


def _drawn_once(pdf: pikepdf.Pdf, sheet: Any) -> Any:
    """What a sheet shows, as one thing to draw."""
    return pdf.make_stream(
        sheet.Contents.read_bytes(),
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=sheet.MediaBox,
        Resources=sheet.Resources,
    )


def _with(resources: Any, margins: Any) -> Any:
    """The resources of a page, and what its margins show."""
    own = Dictionary({name: value for name, value in resources.items() if name != "/XObject"})
    own.XObject = Dictionary(dict(resources.get("/XObject", Dictionary()).items()))
    own.XObject[_MARGINS] = margins
    return own


def _rename_fonts(part: pikepdf.Pdf, number: int) -> None:
    """Gives the fonts of a part tags of their own: another part of the same font is another font."""
    tail = f"{chr(65 + number // 26 % 26)}{chr(65 + number % 26)}"
    for font in part.pages[0].obj.Resources.Font.values():
        (inner,) = font.DescendantFonts
        tag, name = str(font.BaseFont).lstrip("/").split("+", 1)
        own = Name(f"/{tag[:4]}{tail}+{name}")
        font.BaseFont = inner.BaseFont = inner.FontDescriptor.FontName = own


def _key(item: Any) -> tuple[int, int]:
    """What tells an object of a file from every other."""
    found: tuple[int, int] = item.objgen
    return found


def _pairs(flat: Any) -> Iterator[tuple[Any, Any]]:
    """Keys and values of a tree's only leaf."""
    values = list(flat)
    for key, value in zip(values[::2], values[1::2], strict=True):
        yield (int(key) if not isinstance(key, pikepdf.String) else key), value
