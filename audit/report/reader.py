"""pyHanko's reader, made quick for reports: their tags are thousands of objects packed into few streams.

pyHanko unpacks and scans a whole stream for each object in it; here each stream is unpacked and its index read once.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader


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
