"""The roster file, YAML (or CSV, see `roster_csv`) that a person writes, to `people`, `roles` and `identities`.

people:
  - id: alindqvist            # stable; what the report and break-glass spans name
    name: Ada Lindqvist
    kind: person              # or machine: a bot of the organisation's own
    team: platform            # team, role, joined, left: as far as known
    role: lead
    joined: 2024-03-01
    left: 2026-08-01          # first day no longer there
    identities:
      git: [ada@example.com]
      github: [ada-l]

What was not so all along is told by spans, from their first day to the first day on which they no longer hold. A span
without `role` or `team` has the person's own:

    team: platform
    roles:
      - {role: engineer, until: 2026-06-01}
      - {role: lead, from: 2026-06-01}
    identities:
      github: [ada-l, {name: spare-login, from: 2026-05-01, until: 2026-09-01}]

Two entries that are found to be one person are told to be so, for ever or for a while, and are two again as soon as
that is taken out: `same_as: alindqvist`, or `same_as: {id: alindqvist, from: 2026-05-01}`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from audit import tables as t
from audit.errors import UsageError
from audit.normalise import roster_csv, roster_spans
from audit.normalise.roster_nodes import ANCHORS, Nodes, compose, line_of
from audit.normalise.roster_spans import Span
from audit.normalise.sheets import header_names, said_separator
from audit.settings import Settings
from audit.tables.people import SYSTEMS

_KINDS = ("person", "machine")
_REQUIRED = ("id", "name")
_PLAIN = (*_REQUIRED, "kind", "team", "role", "joined", "left")
_KEYS = (*_PLAIN, "roles", "same_as", "identities")
_HELD = ("role", "team")
_DATES = ("from", "until")
_MAX_SIZE = 16 << 20
_BEGINS = 64 << 10
_SCHEMA = (
    f"write it as the roster.yaml of 'audit init': people: a list of {', '.join(_KEYS)}; "
    "roles: a list of role, team, from, until"
)
_COLUMNS = (*_PLAIN, *_DATES, "same_as")
_CSV_SCHEMA = (
    f"write a header with id, name and as needed {', '.join((*_COLUMNS[2:], *SYSTEMS))}, and one row for each person, or with "
    "'from' and 'until' one for each span of role and team; several names in one cell are separated by semicolons"
)

Row = dict[str, Any]


def read(path: Path) -> dict[str, pd.DataFrame]:
    """`people`, `roles` and `identities` of the roster at `path`; identifiers in lower case.

    Raises:
        UsageError: the file is missing, is no YAML (when its name ends in .csv: no CSV), uses anchors, or says
            something twice or wrong; names file and line.
    """
    people, roles, identities = _Roster(path).read()
    return {
        "people": t.conform(t.People, t.frame(t.People, people)),
        "roles": t.conform(t.Roles, t.frame(t.Roles, roles)),
        "identities": t.conform(t.Identities, t.frame(t.Identities, identities)),
    }


def rows(path: Path) -> list[tuple[str, Row]]:
    """The rows of `read` with the tables that they are of, each with the `line` on which its person's entry stands.

    Raises:
        UsageError: as `read`.
    """
    roster = _Roster(path)
    found = zip(("people", "roles", "identities"), roster.read(), strict=True)
    return [(table, row | {"line": roster.line(row)}) for table, each in found for row in each]


def looks(path: Path) -> bool:
    """Whether a file's name and beginning are those of a roster: a list of `people`, or a table with its columns alone."""
    ending = path.suffix.lower()
    if ending not in (".csv", ".yaml", ".yml"):
        return False
    with path.open("rb") as file:
        begins = file.read(_BEGINS).decode("utf-8-sig", "replace").splitlines()
    told = [
        line
        for line in begins
        if line.strip() and not line.lstrip().startswith("#") and line.strip() != "---"
    ]
    if not told:
        return False
    if ending != ".csv":
        return re.match(r"people\s*:\s*(?:#.*)?$", told[0]) is not None
    between = said_separator(told[0])
    names = header_names(told[0 if between is None else min(1, len(told) - 1)], between)
    return isinstance(names, list) and {*_REQUIRED} <= {*names} <= {*_COLUMNS, *SYSTEMS}


def require_named(people: pd.DataFrame, settings: Settings) -> None:
    """Makes sure that the roster has everyone whom the settings' break-glass spans name.

    Raises:
        UsageError: it has not; names the ticket and the id.
    """
    known = set(people["person"])
    for span in settings.break_glass:
        if span.person not in known:
            raise UsageError(
                f"break_glass: '{span.ticket}' names '{span.person}', who is not in the roster",
                remedy="write the id that the roster (people.roster) gives the person",
            )


class _Name(NamedTuple):
    """A name in a system that is an entry's for a while."""

    system: str
    identifier: str
    entry: str
    span: Span


class _Merge(NamedTuple):
    """An entry that is another one's person for a while."""

    person: str
    span: Span


class _Roster:
    """The reading of one file, which every error names."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._csv = path.suffix.lower() == ".csv"
        self._nodes = Nodes(path, _CSV_SCHEMA if self._csv else _SCHEMA)
        self._lines: dict[str, int] = {}  # line on which each person's id stands
        self._merges: dict[str, _Merge] = {}
        self._names: dict[tuple[str, str], list[_Name]] = {}

    def read(self) -> tuple[list[Row], list[Row], list[Row]]:
        root = self._document()
        if root is None:
            self._nodes.fail(1, "it is empty")
        top = self._nodes.mapping(root, ("people",), required=("people",))
        people: list[Row] = []
        roles: list[Row] = []
        for node in self._nodes.list(top["people"], "people"):
            fields = self._nodes.mapping(node, _KEYS, required=_REQUIRED)
            person = self._person(fields)
            people.append(person)
            roles += self._roles(fields, person)
            self._identities(fields, person["person"])
        self._require_merges({row["person"]: row["kind"] for row in people})
        names = [name for each in self._names.values() for name in each]
        identities = [row for name in names for row in self._owned(name)]
        for entry, merge in self._merges.items():
            identities.append(_identity("roster", entry.lower(), merge.person, merge.span, entry))
        return people, roles, identities

    def line(self, row: Row) -> int:
        """The line on which the entry stands that a row comes from."""
        return self._lines.get(str(row.get("entry") or row["person"]), 1)

    def _document(self) -> yaml.Node | None:
        fail = self._nodes.fail
        try:
            if self._path.stat().st_size > _MAX_SIZE:
                fail(1, f"it is larger than {_MAX_SIZE >> 20} MiB")
            text = self._path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise UsageError(
                f"{self._path}: there is no such file", remedy="mend people.roster in the settings"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{self._path}: can't be read: {error}", remedy="check its permissions and that it is UTF-8"
            ) from None
        try:
            return roster_csv.compose(text, _COLUMNS, SYSTEMS) if self._csv else compose(text)
        except roster_csv.NoTable as error:
            fail(error.line, str(error))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = error.problem or error.context
            fail(mark.line + 1 if mark else 1, str(problem) if problem == ANCHORS else f"not YAML: {problem}")
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            fail(1, f"not YAML: {str(error).splitlines()[0]}")

    def _person(self, fields: dict[str, yaml.Node]) -> Row:
        nodes = self._nodes
        person, line = nodes.text(fields["id"], "id"), line_of(fields["id"])
        if person in self._lines:
            nodes.fail(line, f"id '{person}' stands on line {self._lines[person]} too")
        self._lines[person] = line
        kind = nodes.text(fields["kind"], "kind") if "kind" in fields else "person"
        if kind not in _KINDS:
            nodes.fail(line_of(fields["kind"]), f"kind is '{kind}': write person or machine")
        if "same_as" in fields:
            self._merges[person] = self._merge(fields["same_as"])
        return {
            "person": person,
            "name": nodes.text(fields["name"], "name"),
            "kind": kind,
            **{key: nodes.day(fields.get(key), key) for key in ("joined", "left")},
        }

    def _roles(self, fields: dict[str, yaml.Node], person: Row) -> list[Row]:
        """A row for each span of which a role or a team is told."""
        own = {key: self._nodes.text(fields[key], key) if key in fields else None for key in _HELD}
        if "roles" not in fields:
            whole = Span(None, None, line_of(fields["id"]))
            return [_role(person["person"], own, whole)] if any(own.values()) else []
        rows, spans = [], []
        for node in self._nodes.list(fields["roles"], "roles"):
            told = self._nodes.mapping(node, (*_HELD, *_DATES))
            spans.append(roster_spans.read(self._nodes, told, line_of(node)))
            held = {key: self._nodes.text(told[key], key) if key in told else own[key] for key in _HELD}
            rows.append(_role(person["person"], held, spans[-1]))
        if spans:
            roster_spans.require_whole(self._nodes, person["person"], spans, person["joined"], person["left"])
        return [row for row in rows if any(row[key] for key in _HELD)]

    def _identities(self, fields: dict[str, yaml.Node], entry: str) -> None:
        if "identities" not in fields:
            return
        for system, node in self._nodes.mapping(fields["identities"], SYSTEMS).items():
            for item in self._nodes.list(node, system):
                told = {"name": item}
                if isinstance(item, yaml.MappingNode):
                    told = self._nodes.mapping(item, ("name", *_DATES), required=("name",))
                identifier = self._nodes.text(told["name"], system).lower()
                span = roster_spans.read(self._nodes, told, line_of(item))
                self._add(_Name(system, identifier, entry, span))

    def _add(self, name: _Name) -> None:
        """Takes a name in, unless the same is told already."""
        known = self._names.setdefault((name.system, name.identifier), [])
        for other in known:
            if other.entry == name.entry and other.span[:2] == name.span[:2]:
                return
            if other.span.overlaps(name.span):
                whose = f"to both '{other.entry}' and '{name.entry}'"
                text = f"{name.system} '{name.identifier}' belongs "
                text += whose if other.entry != name.entry else f"to '{name.entry}' twice at a time"
                self._nodes.fail(
                    name.span.line,
                    f"{text} ({name.span.words()}, on line {other.span.line} {other.span.words()})",
                    "let one of them have it, or one after the other, with 'from' and 'until'; where both are one person, 'same_as' says so",
                )
        known.append(name)

    def _merge(self, node: yaml.Node) -> _Merge:
        told = {"id": node}
        if isinstance(node, yaml.MappingNode):
            told = self._nodes.mapping(node, ("id", *_DATES), required=("id",))
        return _Merge(
            self._nodes.text(told["id"], "same_as"), roster_spans.read(self._nodes, told, line_of(node))
        )

    def _require_merges(self, kinds: dict[str, str]) -> None:
        """Makes sure that merges lead to somebody who is nobody else's."""
        for entry, (person, span) in self._merges.items():
            said = f"'{entry}' is said to be the same as '{person}'"
            if person not in kinds:
                self._nodes.fail(span.line, f"{said}, who is not in the roster")
            if person == entry or person in self._merges:
                self._nodes.fail(
                    span.line, f"{said}, which says so itself", "name the entry that stays, in all others"
                )
            if kinds[person] != kinds[entry]:
                self._nodes.fail(span.line, f"{said}: one is a person, the other a machine")

    def _owned(self, name: _Name) -> list[Row]:
        """Rows of a name: while its entry is another's, that one's; else the entry's own."""
        merge = self._merges.get(name.entry)
        if merge is None:
            return [_identity(name.system, name.identifier, name.entry, name.span, None)]
        inside = name.span.within(merge.span)
        rows = [
            _identity(name.system, name.identifier, name.entry, span, None)
            for span in name.span.without(merge.span)
        ]
        if inside is not None:
            rows.append(_identity(name.system, name.identifier, merge.person, inside, name.entry))
        return rows


def _role(person: str, held: dict[str, str | None], span: Span) -> Row:
    return {"person": person, **held, "since": span.since, "until": span.until}


def _identity(system: str, identifier: str, person: str, span: Span, entry: str | None) -> Row:
    return {
        "system": system,
        "identifier": identifier,
        "person": person,
        "since": span.since,
        "until": span.until,
        "entry": entry,
    }
