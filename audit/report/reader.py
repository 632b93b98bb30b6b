"""pyHanko's reader, made quick for reports: their tags are thousands of objects packed into few streams.

pyHanko unpacks and scans a whole stream for each object in it; here each stream is unpacked and its index read once.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

_DEEPEST = 64


class QuickReader(PdfFileReader):
    """A strict reader of a report's bytes."""

    def __init__(self, data: bytes) -> None:
        self._packed: dict[int, tuple[bytes, list[tuple[int, int]]]] = {}
        super().__init__(BytesIO(data), strict=True)

    def _get_object_from_stream(self, idnum: int, stmnum: int, idx: int) -> Any:
        """The object at a place of an object stream.

        Raises:
            PdfReadError: another object stands there.
        """
        content, index = self._index(stmnum)
        if not 0 <= idx < len(index) or index[idx][0] != idnum:
            raise PdfReadError(f"object {idnum} is not where the file says")
        stream = BytesIO(content)
        stream.seek(index[idx][1])
        found = generic.read_object(stream, generic.Reference(idnum, 0, self))
        if isinstance(found, generic.StreamObject | generic.IndirectObject):
            raise PdfReadError(f"object {idnum} can't stand in an object stream")
        return found

    def _index(self, number: int) -> tuple[bytes, list[tuple[int, int]]]:
        """The content of an object stream, and the number and place of each object in it."""
        if number not in self._packed:
            stream: Any = generic.Reference(number, 0, self).get_object()
            if not isinstance(stream, generic.StreamObject) or stream["/Type"] != "/ObjStm":
                raise PdfReadError(f"object {number} is not an object stream")
            content, first = bytes(stream.data), int(stream["/First"])
            numbers = [int(each) for each in content[:first].split()]
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            self._packed[number] = content, [(object_, first + offset) for object_, offset in pairs]
        return self._packed[number]


def page_of(reader: PdfFileReader, name: str) -> int | None:
    """The number (from 0) of the page to which a named destination leads; None where there is no such name."""
    tree = reader.root.get("/Names", {}).get("/Dests", {})
    found = next((target for named, target in _named(tree) if named == name), None)
    if isinstance(found, generic.DictionaryObject):
        found = found["/D"]
    if not isinstance(found, generic.ArrayObject) or not found:
        return None
    page = found.raw_get(0)
    for number, each in enumerate(_pages(reader.root["/Pages"])):
        if each == page:
            return number
    return None


def _named(tree: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Names and what they lead to, of a tree of names."""
    if depth < _DEEPEST:
        pairs = tree.get("/Names", ())
        yield from ((str(pairs[at]), pairs[at + 1]) for at in range(0, len(pairs) - 1, 2))
        for kid in tree.get("/Kids", ()):
            yield from _named(kid, depth + 1)


def _pages(tree: Any, depth: int = 0) -> Iterator[Any]:
    """References to the pages, in order."""
    kids = tree["/Kids"]
    for place in range(len(kids)):
        if "/Kids" in kids[place] and depth < _DEEPEST:
            yield from _pages(kids[place], depth + 1)
        else:
            yield kids.raw_get(place)
