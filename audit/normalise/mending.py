"""What of a report can be read though some of its items can't: those are found by halving, and left out one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from audit.normalise.interface import Outcome, Unreadable

TRIES = 400
"""How often a report is read before it is given up whole; an item that can't be read takes about twice the binary
logarithm of their number."""

Place = tuple[str | int, ...]
"""Keys and numbers that lead to an item."""


def mend(
    record: bytes, lists: tuple[str, ...], read: Callable[[bytes], Outcome]
) -> tuple[Outcome, tuple[str, ...]]:
    """What `read` gives without the items of `lists` that it can't read, and why not, item by item.

    Args:
        lists: where items are, outer lists before those within their items: `Results`, `Results[].Secrets`.

    Raises:
        Unreadable: it can't be read without all of its items, or too many of them can't.
    """
    whole = msgspec.json.decode(record)
    try:
        failed = _mended(whole, lists, _Attempts(read))
    except _TooMany:
        raise Unreadable("too many of its items can't be read") from None
    return read(msgspec.json.encode(whole)), tuple(failed)


def _mended(whole: Any, lists: tuple[str, ...], attempts: _Attempts) -> list[str]:
    """Takes out of `whole` what can't be read; returns why not."""
    failed: list[str] = []
    for depth, path in enumerate(lists):
        items = list(_items(whole, path))
        inner = lists[depth + 1 :]
        try:
            _reads(attempts, whole, path, (), inner)
        except Unreadable as error:
            if depth == 0:
                raise
            failed.append(f"{path}: {error}")
            continue
        for place, reason in _bad(attempts, whole, path, items, inner):
            failed.append(f"{_written(place)}: {reason}")
            _drop(whole, place)
        _sweep(whole, path)
    return failed


class _TooMany(Exception):
    """It is not worth the time."""


class _Attempts:
    """Reads, so many times and no more."""

    def __init__(self, read: Callable[[bytes], Outcome]) -> None:
        self._read, self._left = read, TRIES

    def __call__(self, document: Any) -> None:
        if not self._left:
            raise _TooMany
        self._left -= 1
        self._read(msgspec.json.encode(document))


_GONE = object()


def _items(document: Any, path: str) -> list[Place]:
    """Places of the items of a list, or of the lists of that name in all items of an outer one."""
    places: list[Place] = [()]
    for name in path.split("."):
        many = name.endswith("[]")
        places = [(*place, name.removesuffix("[]")) for place in places]
        if many:
            places = [(*place, number) for place in places for number in range(_length(document, place))]
    return [(*place, number) for place in places for number in range(_length(document, place))]


def _length(document: Any, place: Place) -> int:
    found = _at(document, place)
    return len(found) if isinstance(found, list) else 0


def _at(document: Any, place: Place) -> Any:
    for step in place:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _reads(
    attempts: _Attempts, whole: Any, path: str, kept: tuple[Place, ...], inner: tuple[str, ...]
) -> None:
    """Reads the document with `kept` alone of a list's items, and without any of the lists in `inner`."""
    wanted = {place[:-1]: [] for place in _items(whole, path)} | _by_list(kept)
    changes: dict[Place, list[Any]] = {
        place: [_at(whole, (*place, number)) for number in numbers] for place, numbers in wanted.items()
    }
    document = _replaced(whole, changes)
    for deeper in inner:
        document = _replaced(document, {place[:-1]: [] for place in _items(document, deeper)})
    attempts(document)


def _by_list(places: tuple[Place, ...]) -> dict[Place, list[Any]]:
    found: dict[Place, list[Any]] = {}
    for place in places:
        found.setdefault(place[:-1], []).append(place[-1])
    return found


def _replaced(document: Any, changes: dict[Place, list[Any]]) -> Any:
    """A copy with other lists at some places; what does not change is shared."""
    if () in changes:
        return changes[()]
    below: dict[str | int, dict[Place, list[Any]]] = {}
    for place, value in changes.items():
        below.setdefault(place[0], {})[place[1:]] = value
    if not below:
        return document
    copy = document.copy()
    for step, deeper in below.items():
        copy[step] = _replaced(copy[step], deeper)
    return copy


def _bad(
    attempts: _Attempts, whole: Any, path: str, items: list[Place], inner: tuple[str, ...]
) -> list[tuple[Place, str]]:
    """Items that can't be read, in order, with the reasons: each half that can be read is read no more."""
    if not items:
        return []
    try:
        _reads(attempts, whole, path, tuple(items), inner)
    except Unreadable as error:
        if len(items) == 1:
            return [(items[0], str(error))]
        half = len(items) // 2
        first = _bad(attempts, whole, path, items[:half], inner)
        return first + _bad(attempts, whole, path, items[half:], inner)
    return []


def _drop(document: Any, place: Place) -> None:
    _at(document, place[:-1])[place[-1]] = _GONE


def _sweep(document: Any, path: str) -> None:
    """Takes out what was dropped."""
    for place in {place[:-1] for place in _items(document, path)}:
        items = _at(document, place)
        items[:] = [item for item in items if item is not _GONE]


def _written(place: Place) -> str:
    """As in `Results[3].Vulnerabilities[17]`: places as the report has them, counted from 0."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
