"""Opening a PDF that anyone may have made: its attachments, and limits on what it may unpack to."""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from audit.errors import IntegrityError, UsageError

LARGEST = 1_000_000_000
"""Bytes of a file, and bytes that all its streams together may unpack to."""

_STEP = 1 << 20
_REMEDY = "ask for the report again, from where it was made"


FAULTS = (
    PyPdfError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    RecursionError,
    OSError,
    struct.error,
    zlib.error,
)
"""What readers of PDFs raise on a file that is broken, the one or the other."""


@dataclass(frozen=True)
class Opened:
    """A PDF that could be read.

    Attributes:
        data: the file's bytes.
        reader: of its last revision.
        attachments: bytes by name.
        problems: what is wrong with how they are attached, a sentence each.
        signed: it has fields for signatures.
    """

    data: bytes
    reader: PdfReader
    attachments: dict[str, bytes]
    problems: list[str]
    signed: bool


def read(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        UsageError: it can't be read, or is larger than `LARGEST`.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(
                f"{path}: larger than {LARGEST:,} bytes", remedy="name a report.pdf that 'audit report' made"
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path}: can't be read: {error.strerror}", remedy="check the path and its permissions"
        ) from None


def open_pdf(name: str, data: bytes) -> Opened:
    """The PDF in a file's bytes.

    Raises:
        IntegrityError: it is not a PDF that this program can have made; says why.
    """
    if not data.startswith(b"%PDF-"):
        raise IntegrityError(f"{name}: not a PDF", remedy=_REMEDY)
    _require_bounded(name, data)
    try:
        reader = PdfReader(io.BytesIO(data), strict=True)
        if reader.is_encrypted:
            raise ValueError("it is encrypted")
        attachments, problems = _attachments(reader)
    except FAULTS as error:
        raise IntegrityError(
            f"{name}: can't be read as a PDF: {error or type(error).__name__}", remedy=_REMEDY
        ) from None
    return Opened(data, reader, attachments, problems, "/AcroForm" in reader.root_object)


def _require_bounded(name: str, data: bytes) -> None:
    """Refuses a file whose streams unpack to more than `LARGEST`, or are packed in more than one way."""
    if re.search(rb"/Filter\s*\[\s*/\w+\s*/", data):
        raise IntegrityError(f"{name}: a stream is packed more than once", remedy=_REMEDY)
    left = LARGEST
    for found in re.finditer(rb"stream\r?\n", data):
        if data[found.start() - 3 : found.start()] == b"end":
            continue
        left -= _unpacked(memoryview(data)[found.end() :], left)
        if left <= 0:
            raise IntegrityError(f"{name}: unpacks to more than {LARGEST:,} bytes", remedy=_REMEDY)


def _unpacked(packed: memoryview, most: int) -> int:
    """How many bytes the zlib stream at the start of `packed` gives, counted no further than `most`."""
    machine, size, position = zlib.decompressobj(), 0, 0
    try:
        while not machine.eof and size < most and position < len(packed):
            chunk = machine.unconsumed_tail or bytes(packed[position : position + _STEP])
            if not machine.unconsumed_tail:
                position += _STEP
            size += len(machine.decompress(chunk, _STEP))
            while machine.unconsumed_tail and not machine.eof and size < most:
                size += len(machine.decompress(machine.unconsumed_tail, _STEP))
    except zlib.error:
        return size  # not packed, or broken: whoever reads it says so
    return size


def _attachments(reader: PdfReader) -> tuple[dict[str, bytes], list[str]]:
    root: Any = reader.root_object
    names = root["/Names"]["/EmbeddedFiles"]["/Names"]
    associated = [item.idnum for item in root["/AF"]]
    found: dict[str, bytes] = {}
    problems: list[str] = []
    for index in range(0, len(names), 2):
        name, described = str(names[index]), names[index + 1].get_object()
        if name in found:
            problems.append(f"{name}: attached twice")
        found[name] = described["/EF"]["/F"].get_data()
        problems += _described(name, described)
        if names[index + 1].idnum not in associated:
            problems.append(f"{name}: not among the file's associated files")
    if list(found) != sorted(found):
        problems.append("attachments are not sorted by name")
    return found, problems


def _described(name: str, described: Any) -> list[str]:
    """What is wrong with how an attachment is described."""
    problems = []
    if described.get("/AFRelationship") not in ("/Data", "/Source", "/Supplement"):
        problems.append(f"{name}: its relationship to the report is not said")
    if str(described.get("/UF", "")) != name:
        problems.append(
            f"{name}: is shown to readers under another name, {described.get('/UF', 'none')!s:.60}"
        )
    if not str(described.get("/Desc", "")):
        problems.append(f"{name}: has no description")
    return problems
