"""The roster file, YAML (or CSV, see `roster_csv`) that a person writes, to `people` and `identities`.

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
      kubernetes: [ada@example.com]
      argocd: [ada]
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import yaml

from audit import tables as t
from audit.errors import UsageError
from audit.normalise import roster_csv
from audit.settings import Settings

SYSTEMS = ("git", "github", "kubernetes", "argocd")
_KINDS = ("person", "machine")
_REQUIRED = ("id", "name")
_KEYS = (*_REQUIRED, "kind", "team", "role", "joined", "left", "identities")
_MAX_SIZE = 16 << 20
_ANCHORS = "anchors and aliases are not read"
_SCHEMA = "write it as the roster.yaml of 'audit init': people: a list of id, name, kind, team, role, joined, left, identities"
_COLUMNS = tuple(key for key in _KEYS if key != "identities")
_CSV_SCHEMA = (
    f"write a header with id, name and as needed {', '.join((*_COLUMNS[2:], *SYSTEMS))}, and one row for each person; "
    "several names in one cell are separated by semicolons"
)

Row = dict[str, Any]


def read(path: Path) -> dict[str, pd.DataFrame]:
    """`people` and `identities` of the roster at `path`; identifiers in lower case.

    Raises:
        UsageError: the file is missing, is no YAML (when its name ends in .csv: no CSV), uses anchors, or says
            something twice or wrong; names file and line.
    """
    people, identities = _Roster(path).read()
    return {
        "people": t.conform(t.People, t.frame(t.People, people)),
        "identities": t.conform(t.Identities, t.frame(t.Identities, identities)),
    }


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


class _Roster:
    """The reading of one file, which every error names."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._csv = path.suffix.lower() == ".csv"
        self._lines: dict[str, int] = {}  # line on which each person's id stands
        self._owners: dict[tuple[str, str], str] = {}

    def read(self) -> tuple[list[Row], list[Row]]:
        root = self._document()
        if root is None:
            self._fail(1, "it is empty")
        top = self._mapping(root, ("people",), required=("people",))
        people: list[Row] = []
        identities: list[Row] = []
        for node in self._list(top["people"], "people"):
            fields = self._mapping(node, _KEYS, required=_REQUIRED)
            people.append(self._person(fields))
            identities += self._identities(fields, people[-1]["person"])
        return people, identities

    def _document(self) -> yaml.Node | None:
        try:
            if self._path.stat().st_size > _MAX_SIZE:
                self._fail(1, f"it is larger than {_MAX_SIZE >> 20} MiB")
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
            return roster_csv.compose(text, _COLUMNS, SYSTEMS) if self._csv else _compose(text)
        except roster_csv.NoTable as error:
            self._fail(error.line, str(error))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = error.problem or error.context
            self._fail(
                mark.line + 1 if mark else 1, str(problem) if problem == _ANCHORS else f"not YAML: {problem}"
            )
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            self._fail(1, f"not YAML: {str(error).splitlines()[0]}")

    def _person(self, fields: dict[str, yaml.Node]) -> Row:
        person = self._text(fields["id"], "id")
        line = fields["id"].start_mark.line + 1
        if person in self._lines:
            self._fail(line, f"id '{person}' stands on line {self._lines[person]} too")
        self._lines[person] = line
        kind = self._text(fields["kind"], "kind") if "kind" in fields else "person"
        if kind not in _KINDS:
            self._fail(fields["kind"].start_mark.line + 1, f"kind is '{kind}': write person or machine")
        return {
            "person": person,
            "name": self._text(fields["name"], "name"),
            "kind": kind,
            **{k: self._text(fields[k], k) if k in fields else None for k in ("team", "role")},
            **{k: self._day(fields[k], k) if k in fields else None for k in ("joined", "left")},
        }

    def _identities(self, fields: dict[str, yaml.Node], person: str) -> list[Row]:
        if "identities" not in fields:
            return []
        rows = []
        for system, node in self._mapping(fields["identities"], SYSTEMS).items():
            for item in self._list(node, system):
                if self._is_empty(item):
                    continue
                identifier = self._text(item, system).lower()
                owner = self._owners.setdefault((system, identifier), person)
                if owner != person:
                    line = item.start_mark.line + 1
                    self._fail(line, f"{system} '{identifier}' belongs to both '{owner}' and '{person}'")
                rows.append({"system": system, "identifier": identifier, "person": person})
        return [row for number, row in enumerate(rows) if row not in rows[:number]]

    def _mapping(
        self, node: yaml.Node, allowed: tuple[str, ...], *, required: tuple[str, ...] = ()
    ) -> dict[str, yaml.Node]:
        """Keys and values of a mapping; keys without a value are as if they were not there."""
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            self._fail(line, f"expected {', '.join(allowed)}")
        found: dict[str, yaml.Node] = {}
        for name_node, value in node.value:
            name, at = str(name_node.value), name_node.start_mark.line + 1
            if name not in allowed:
                self._fail(at, f"unknown key '{name[:40]}': expected {', '.join(allowed)}")
            if name in found:
                self._fail(at, f"key '{name}' stands twice")
            found[name] = value
        missing = [name for name in required if name not in found or self._is_empty(found[name])]
        if missing:
            self._fail(line, f"'{missing[0]}' is missing")
        return {name: value for name, value in found.items() if not self._is_empty(value)}

    @staticmethod
    def _is_empty(node: yaml.Node) -> bool:
        return isinstance(node, yaml.ScalarNode) and (node.tag.endswith(":null") or not node.value.strip())

    def _list(self, node: yaml.Node, name: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            self._fail(node.start_mark.line + 1, f"'{name}' is not a list")
        return list(node.value)

    def _text(self, node: yaml.Node, name: str) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._fail(node.start_mark.line + 1, f"'{name}' is not a text")
        return str(node.value).strip()

    def _day(self, node: yaml.Node, name: str) -> datetime:
        text = self._text(node, name)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            self._fail(node.start_mark.line + 1, f"'{name}' is '{text[:40]}': write a day as in 2026-07-01")
        return datetime(day.year, day.month, day.day, tzinfo=UTC)

    def _fail(self, line: int, problem: str) -> NoReturn:
        raise UsageError(f"{self._path}:{line}: {problem}", remedy=_CSV_SCHEMA if self._csv else _SCHEMA)


def _compose(text: str) -> yaml.Node | None:
    """The document's nodes, which know their lines. Anchors and aliases, which can grow without bound, are refused."""
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            raise yaml.MarkedYAMLError(problem=_ANCHORS, problem_mark=token.start_mark)
    return yaml.compose(text, Loader=yaml.SafeLoader)
