"""A roster kept as a table, CSV, as the YAML nodes that the same people would be: one row each, lines kept.

    id,name,kind,team,role,joined,left,git,github,kubernetes,argocd
    alindqvist,Ada Lindqvist,person,platform,lead,2024-03-01,,ada@example.com; al@example.com,ada-l,ada@example.com,ada

Several names in one system are separated by semicolons. A name that was somebody's for a while alone has that while behind
it: `ada-l [2026-05-01/2026-09-01]`, open as in `[2026-05-01/]`. With the columns `from` and `until`, a person may have
several rows, one for each span of role and team; what the first one says of the person need not be said again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

import yaml

from audit.normalise.sheets import header_names, said_separator, separator

_TAG = "tag:yaml.org,2002:"
_BETWEEN = ";"
_DATES = ("from", "until")
_HELD = ("role", "team", *_DATES)
_WHILE = re.compile(r"(?P<name>.*\S)\s*\[\s*(?P<since>[^\[\]/]*)/(?P<until>[^\[\]/]*)\]", re.DOTALL)


class NoTable(Exception):
    """The text is no such table; the message says why, `line` where, counted from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


def compose(text: str, columns: Sequence[str], systems: Sequence[str]) -> yaml.Node | None:
    """The node of `people: […]`; None when the text is empty.

    Args:
        columns: names that a column may have, besides `systems`, whose cells become `identities`.

    Raises:
        NoTable: it has no header, a column that is not known, or a row that does not fit the header.
    """
    lines = [f"{line}\n" for line in text.split("\n")]
    filled = (number for number, line in enumerate(lines) if line.strip())
    head = next(filled, None)
    between = None if head is None else said_separator(lines[head])
    head = head if between is None else next(filled, None)
    if head is None:
        return None
    between = between or separator(lines[head])
    names = header_names(lines[head], between)
    if isinstance(names, str):
        raise NoTable(head + 1, names)
    for name in names:
        if name not in (*columns, *systems):
            raise NoTable(
                head + 1, f"unknown column '{name[:40]}': expected {', '.join((*columns, *systems))}"
            )
    rows = [
        (line, dict(zip(names, cells, strict=True)))
        for line, cells in _rows(lines, head + 1, len(names), between)
    ]
    spanned = any(name in names for name in _DATES)
    each = _together(rows) if spanned else [[row] for row in rows]
    people = [_person(own, systems, spanned=spanned) for own in each]
    return _mapping([("people", _list(people, head + 1))], head + 1)


_Told = tuple[int, dict[str, str]]


def _together(rows: list[_Told]) -> list[list[_Told]]:
    """Rows of the same id, in the order of the first ones.

    Raises:
        NoTable: a later row says something else of the person than the first.
    """
    found: dict[str, list[_Told]] = {}
    for line, cells in rows:
        own = found.setdefault(cells.get("id", "").strip() or f"\0{line}", [])
        own.append((line, cells))
        for name in ("name", "kind", "joined", "left", "same_as"):
            said, first = cells.get(name, "").strip(), own[0][1].get(name, "").strip()
            if said not in ("", first):
                raise NoTable(line, f"'{name}' is '{said[:40]}', and '{first[:40]}' on line {own[0][0]}")
    return list(found.values())


def _rows(lines: list[str], first: int, width: int, between: str) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row begins, and its cells; empty rows are left out."""
    rows = csv.reader(lines[first:], delimiter=between, strict=True)
    while True:
        line = first + rows.line_num + 1
        try:
            cells = next(rows, None)
        except csv.Error as error:
            raise NoTable(line, f"not CSV: {error}") from None
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) != width:
            raise NoTable(line, f"{len(cells)} cells, where the header has {width}")
        yield line, cells


def _person(rows: list[_Told], systems: Sequence[str], *, spanned: bool) -> yaml.Node:
    """The node of the person of these rows; `spanned` when each tells a span of role and team."""
    line, first = rows[0]
    apart = (*systems, "same_as", *(_HELD if spanned else ()))
    own = [(name, _text(cell, line)) for name, cell in first.items() if name not in apart]
    if first.get("same_as", "").strip():
        own.append(("same_as", _dated(first["same_as"], "id", line)))
    if spanned:
        held = [
            _mapping([(name, _text(cells[name], at)) for name in _HELD if name in cells], at)
            for at, cells in rows
        ]
        own.append(("roles", _list(held, line)))
    known = [
        (
            name,
            _list(
                [
                    _dated(one, "name", at)
                    for at, cells in rows
                    for one in cells.get(name, "").split(_BETWEEN)
                ],
                line,
            ),
        )
        for name in systems
        if any(cells.get(name, "").strip() for _, cells in rows)
    ]
    return _mapping([*own, ("identities", _mapping(known, line))], line)


def _dated(cell: str, name: str, line: int) -> yaml.Node:
    """A name, with the while behind it if there is one."""
    told = _WHILE.fullmatch(cell.strip())
    if told is None:
        return _text(cell, line)
    parts = ((name, told["name"]), ("from", told["since"]), ("until", told["until"]))
    return _mapping([(key, _text(value, line)) for key, value in parts], line)


def _mark(line: int) -> yaml.Mark:
    return yaml.Mark("", 0, line - 1, 0, None, 0)


def _text(value: str, line: int) -> yaml.Node:
    return yaml.ScalarNode(f"{_TAG}str", value.strip(), _mark(line), _mark(line))


def _list(values: list[yaml.Node], line: int) -> yaml.Node:
    return yaml.SequenceNode(f"{_TAG}seq", values, _mark(line), _mark(line))


def _mapping(pairs: list[tuple[str, yaml.Node]], line: int) -> yaml.Node:
    nodes = [(_text(name, line), value) for name, value in pairs]
    return yaml.MappingNode(f"{_TAG}map", nodes, _mark(line), _mark(line))
