"""A roster kept as a table, CSV, as the YAML nodes that the same people would be: one row each, lines kept.

    id,name,kind,team,role,joined,left,git,github,kubernetes,argocd
    alindqvist,Ada Lindqvist,person,platform,lead,2024-03-01,,ada@example.com; al@example.com,ada-l,ada@example.com,ada

Several names in one system are separated by semicolons.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

import yaml

from audit.normalise.sheets import header_names, separator

_TAG = "tag:yaml.org,2002:"
_BETWEEN = ";"


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
    head = next((number for number, line in enumerate(lines) if line.strip()), None)
    if head is None:
        return None
    names = header_names(lines[head])
    if isinstance(names, str):
        raise NoTable(head + 1, names)
    for name in names:
        if name not in (*columns, *systems):
            raise NoTable(
                head + 1, f"unknown column '{name[:40]}': expected {', '.join((*columns, *systems))}"
            )
    people = [
        _person(dict(zip(names, cells, strict=True)), systems, line)
        for line, cells in _rows(lines, head + 1, len(names), separator(lines[head]))
    ]
    return _mapping([("people", _list(people, head + 1))], head + 1)


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
        if len(cells) != width:
            raise NoTable(line, f"{len(cells)} cells, where the header has {width}")
        yield line, cells


def _person(cells: dict[str, str], systems: Sequence[str], line: int) -> yaml.Node:
    own = [(name, _text(cell, line)) for name, cell in cells.items() if name not in systems]
    known = [
        (name, _list([_text(each, line) for each in cells[name].split(_BETWEEN)], line))
        for name in systems
        if cells.get(name, "").strip()
    ]
    return _mapping([*own, ("identities", _mapping(known, line))], line)


def _mark(line: int) -> yaml.Mark:
    return yaml.Mark("", 0, line - 1, 0, None, 0)


def _text(value: str, line: int) -> yaml.Node:
    return yaml.ScalarNode(f"{_TAG}str", value.strip(), _mark(line), _mark(line))


def _list(values: list[yaml.Node], line: int) -> yaml.Node:
    return yaml.SequenceNode(f"{_TAG}seq", values, _mark(line), _mark(line))


def _mapping(pairs: list[tuple[str, yaml.Node]], line: int) -> yaml.Node:
    nodes = [(_text(name, line), value) for name, value in pairs]
    return yaml.MappingNode(f"{_TAG}map", nodes, _mark(line), _mark(line))
