"""Who is behind a name: the roster's person or bot, or nobody it knows.

A name is resolved within its system. What the roster does not know keeps its name (`github:octocat`), so that it
stays one and the same wherever it appears, is never taken for someone else, and can be counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import pandas as pd

from audit.model import PrincipalKind
from audit.settings import Machines

System = Literal["git", "github", "kubernetes", "argocd"]

_NOREPLY = r"^(?:\d+\+)?([^@+]+)@users\.noreply\.github\.com$"
_OIDC = r"^(?:oidc:|https?://[^#]*#)"
_FORGE_EMAILS = ("noreply@github.com",)
_UNNAMED = "unknown"


def matches_any(names: pd.Series, patterns: Iterable[str]) -> pd.Series:
    """Which of `names` (str) one of the regular expressions matches whole; False where the name is missing."""
    patterns = tuple(patterns)
    if not patterns or names.empty:
        return pd.Series(False, index=names.index, dtype=bool)
    text, found = names.astype("str"), pd.Series(False, index=names.index, dtype=bool)
    for pattern in patterns:  # one by one: flags such as (?i) hold for the pattern that they begin alone
        found |= text.str.fullmatch(pattern).fillna(False).astype(bool)
    return found


def is_forge(emails: pd.Series) -> pd.Series:
    """Which e-mails (str) are the forge's own, under which it commits what people merge."""
    return emails.str.lower().isin(_FORGE_EMAILS)


class Resolver:
    """Resolves names of one system after the other against one roster.

    Args:
        people: `People`.
        identities: `Identities`.
        machines: rules that name machines which need not be in the roster.

    Attributes:
        people: ids of everyone in the roster.
    """

    def __init__(
        self, people: pd.DataFrame, identities: pd.DataFrame, machines: Machines | None = None
    ) -> None:
        self._machines = machines or Machines()
        self.people = frozenset(people["person"])
        self._left = people.drop_duplicates("person").set_index("person")["left"]
        self._kinds = people.drop_duplicates("person").set_index("person")["kind"]
        self._known = {
            str(system): rows.drop_duplicates("identifier").set_index("identifier")["person"]
            for system, rows in identities.groupby("system", sort=True)
        }

    def resolve(self, names: pd.Series, system: System) -> pd.DataFrame:
        """Who `names` (str, of `system`) are; one row for each, with the same index.

        Returns:
            `person` (str): roster id, or `system:name` of someone unknown; a missing name is `system:unknown`.
            `known` (bool): the roster has them. `kind` (str): person or machine; what no rule and no roster
            entry calls a machine is a person.
        """
        codes, distinct = pd.factorize(names.astype("str"), use_na_sentinel=True)
        resolved = self._resolve(pd.Series(distinct, dtype="str"), system)
        unnamed = pd.DataFrame(
            {"person": [f"{system}:{_UNNAMED}"], "known": [False], "kind": [PrincipalKind.PERSON.value]}
        )
        result = pd.concat([resolved, unnamed]).iloc[codes]  # a missing name has code -1: the last row
        return result.set_axis(names.index).astype({"person": "str", "known": bool, "kind": "str"})

    def gone(self, persons: pd.Series, times: pd.Series) -> pd.Series:
        """Which persons (str, roster ids or others) the roster says had left at `times` (bool)."""
        left = persons.map(self._left.dropna().to_dict()).astype("datetime64[us, UTC]")
        return (left <= times).fillna(False).astype(bool)

    def _resolve(self, names: pd.Series, system: System) -> pd.DataFrame:
        """`resolve` for names that are distinct and present."""
        lower = names.str.strip().str.lower()
        login = lower.str.extract(_NOREPLY, expand=False)
        login = login.where(pd.Series(system == "git", index=names.index))
        person = self._look_up(lower, system)
        if system == "git":
            person = person.fillna(self._look_up(login, "github"))
        elif system == "kubernetes":
            bare = lower.str.replace(_OIDC, "", regex=True)
            person = person.fillna(self._look_up(bare, "kubernetes")).fillna(self._look_up(bare, "git"))
        elif system == "argocd":
            person = person.fillna(self._look_up(lower, "git"))
        known = person.notna()
        folded = lower if system in ("git", "github") else names
        unknown = (f"{system}:" + folded).where(login.isna(), "github:" + login)
        machine = person.map(self._kinds).eq(PrincipalKind.MACHINE) | self._by_rule(
            names, lower, login, system
        )
        kind = pd.Series(PrincipalKind.PERSON.value, index=names.index, dtype="str")
        return pd.DataFrame(
            {
                "person": person.fillna(unknown).astype("str"),
                "known": known.astype(bool),
                "kind": kind.mask(machine, PrincipalKind.MACHINE.value),
            }
        )

    def _look_up(self, names: pd.Series, system: str) -> pd.Series:
        """Persons by exact name in `system`; missing where nobody has it."""
        if system not in self._known:
            return pd.Series(pd.NA, index=names.index, dtype="str")
        return names.map(self._known[system]).astype("str")

    def _by_rule(self, names: pd.Series, lower: pd.Series, login: pd.Series, system: System) -> pd.Series:
        """Which names a rule of the settings calls machines."""
        if system == "git":
            return matches_any(login, self._machines.forge)
        if system == "github":
            return matches_any(lower, self._machines.forge) | matches_any(names, self._machines.forge)
        rules = self._machines.kubernetes if system == "kubernetes" else self._machines.argocd
        return matches_any(names, rules)
