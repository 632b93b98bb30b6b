"""One record of an evidence object as it lies there: what a row's `evidence` and `line` point to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from audit.normalise.decompress import blocks
from audit.normalise.records import is_value
from audit.normalise.sheets import splitter


def records(path: Path, key: str, numbers: Iterable[int]) -> dict[int, bytes | str]:
    """Some records of the object at `path`, by number; of one that can't be read the reason, as text.

    Args:
        key: the object's key: its ending tells how it is split.
        numbers: of records, counted from 1. One that the object has not is left out.
    """
    wanted, found = set(numbers), dict[int, bytes | str]()
    split = splitter(key, blocks(path, key=key))
    for record in split:
        if record.reason is None and not record.whole and not is_value(record.data):
            split.reject()  # as reading does, so that records have the same numbers
            continue
        if record.number in wanted:
            found[record.number] = record.data if record.reason is None else record.reason
            if len(found) == len(wanted):
                break
    return found
