"""One record of an evidence object as it lies there: what a row's `evidence` and `line` point to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from audit.normalise.decompress import Broken, blocks
from audit.normalise.records import Record
from audit.normalise.sheets import splitter
from audit.normalise.values import is_value

SHOWN = 1000
"""Bytes of an unreadable record that are given at most."""


class Unread(NamedTuple):
    """A record that can't be read.

    Attributes:
        offset: where it begins in the uncompressed object, in bytes.
        reason: why it can't be read.
        begins: its first bytes, at most `SHOWN`; none where the object itself broke off there.
        size: bytes that it has, so far as the object goes.
    """

    offset: int
    reason: str
    begins: bytes
    size: int


def records(path: Path, key: str, numbers: Iterable[int]) -> dict[int, bytes | Unread]:
    """Some records of the object at `path`, by number.

    Args:
        key: the object's key: its ending tells how it is split.
        numbers: of records, counted from 1. One that the object has not is left out.
    """
    wanted, found = set(numbers), dict[int, bytes | Unread]()
    failed: list[tuple[Record, int | None]] = []
    for record, following in pairwise(_split(path, key)):
        if record is None or record.number not in wanted:
            continue
        if record.reason is None:
            found[record.number] = record.data
        else:
            failed.append((record, following.offset if following is not None else None))
        if len(found) + len(failed) == len(wanted):
            break
    for record, end in failed:
        begins, size = _part(path, key, record.offset, end)
        found[record.number] = Unread(record.offset, record.reason or "", begins, size)
    return found


def _split(path: Path, key: str) -> Iterator[Record | None]:
    """Its records, and None behind the last."""
    split = splitter(key, blocks(path, key=key))
    for record in split:
        if record.reason is None and not record.whole and not is_value(record.data):
            split.reject()  # as reading does, so that records have the same numbers
        else:
            yield record
    yield None


def _part(path: Path, key: str, start: int, end: int | None) -> tuple[bytes, int]:
    """The first bytes of what lies from `start` to before `end`, or the end of what can be had, and how many there are."""
    begins, place = b"", 0
    try:
        for block in blocks(path, key=key):
            part = block[max(0, start - place) : None if end is None else max(0, end - place)]
            begins += part[: SHOWN - len(begins)]
            place += len(block)
            if end is not None and place >= end:
                break
    except Broken:
        pass  # that it breaks off is told by the record behind
    size = (place if end is None else min(place, end)) - start
    return begins, max(size, 0)
