"""Who owns a path, by the CODEOWNERS files of the repositories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pandas as pd

from audit.report.plain import records

_ANY = "**"


@dataclass(frozen=True)
class _Rule:
    """A line of a file.

    Attributes:
        names: of folders and files, with `*`; `**` for any number of them.
        inside: what lies below a match counts too; only: a match itself does not.
    """

    names: tuple[str, ...]
    inside: bool
    only: bool
    owners: str

    def fits(self, path: str) -> bool:
        """Whether it matches a path, in as many steps as both have names: whatever a hostile line asks for."""
        parts = path.split("/") if path else []
        states = self._reached({0})
        for part in parts:
            if self.inside and len(self.names) in states:
                return True
            states = self._reached(
                {
                    state + (self.names[state] != _ANY)
                    for state in states
                    if state < len(self.names) and self._is(self.names[state], part)
                }
            )
        return len(self.names) in states and not self.only

    def _reached(self, states: set[int]) -> set[int]:
        """The states, and those that a `**` for nothing leads to."""
        found = set(states)
        for state in range(len(self.names)):
            if state in found and self.names[state] == _ANY:
                found.add(state + 1)
        return found

    @staticmethod
    def _is(name: str, part: str) -> bool:
        return name == _ANY or fnmatchcase(part, name)


class Owned:
    """Owners by repository and path.

    Args:
        table: `CodeOwners`.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self._rules: dict[str, list[_Rule]] = {}
        for row in records(table.sort_values(["repo", "number"], kind="stable")):
            self._rules.setdefault(row["repo"], []).append(_rule(row["pattern"], row["owners"]))

    def of(self, row: Mapping[str, str]) -> str:
        """Owners of an exception's path, or of all of its repository where it has none; empty for nobody.

        Args:
            row: with `repo` and `path`; of several paths, separated by commas, the first that has an owner counts.
        """
        rules = self._rules.get(row["repo"] or "", [])
        for path in (row["path"] or "").split(","):
            found = next((rule.owners for rule in reversed(rules) if rule.fits(path.strip())), "")
            if found:
                return ", ".join(found.split())
        return ""


def _rule(pattern: str, owners: str) -> _Rule:
    """A line as its forge reads it.

    Without a slash but at its end, a pattern matches at any depth; `docs/*` matches what lies in `docs` itself, not deeper.
    """
    inner = pattern.strip("/")
    anchored = pattern.startswith("/") or "/" in inner
    names = tuple(name.replace("[", "[[]") for name in inner.split("/") if name)
    whole = names if anchored else (_ANY, *names)
    if whole[-1:] == ("*",) and not anchored:
        whole = (_ANY,)  # everything
    return _Rule(
        whole, inside=not inner.endswith("/*"), only=pattern.endswith("/") and bool(inner), owners=owners
    )
