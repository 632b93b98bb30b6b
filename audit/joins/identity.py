"""Who is behind a name: the roster's person or bot, or nobody it knows.

A name is resolved within its system and at the moment of the event, for logins and addresses pass from one person to the
next. What the roster does not know keeps its name (`github:octocat`), so that it stays one and the same wherever it
appears, is never taken for someone else, and can be counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from audit.joins.cloud_users import CloudUsers
from audit.joins.epochs import Epochs
from audit.joins.matching import matches_any
from audit.model import PrincipalKind
from audit.settings import Machines, Settings

System = Literal["git", "github", "kubernetes", "argocd", "vault", "sso", "iam", "roster"]

_SIGNED_ON = ("kubernetes", "argocd", "vault", "sso", "iam")
"""Systems into which people sign on with names from elsewhere."""
_SPAN = ["since", "until"]

_NOREPLY = r"^(?:\d+\+)?([^@+]+)@users\.noreply\.github\.com$"
_ISSUER = r"https?://[^#]*#"
"""What stands before the name of somebody whom an issuer of OIDC vouches for, where no prefix is set."""
_FORGE_EMAILS = ("noreply@github.com",)
_UNNAMED = "unknown"


def is_forge(emails: pd.Series) -> pd.Series:
    """Which e-mails (str) are the forge's own, under which it commits what people merge."""
    return emails.str.lower().isin(_FORGE_EMAILS)


def explained(commits: pd.DataFrame) -> pd.Series:
    """What `.mailmap` makes of addresses (str, by address, both in lower case).

    An address of which it makes several things is left out: nothing tells which of them is right.
    """
    pairs = pd.concat(
        [
            commits[[f"{who}_email", f"{who}_mailmap"]].dropna().set_axis(["said", "meant"], axis=1)
            for who in ("author", "committer")
        ]
    ).drop_duplicates()
    pairs = pairs.astype("str").apply(lambda column: column.str.lower()).drop_duplicates()
    meant: pd.Series = pairs.drop_duplicates("said", keep=False).set_index("said")["meant"]
    return meant


class Resolver:
    """Resolves names of one system after the other against one roster, as it was at the moment of each event.

    Args:
        people: `People`.
        identities: `Identities`.
        machines: rules that name machines which need not be in the roster.
        roles: `Roles`.
        mailmap: e-mail addresses (lower case, str) by the address that a believed `.mailmap` explains.
        cloud: what is known of the cloud's identities.
        prefixes: what may stand before the name of somebody who signed on elsewhere.

    Attributes:
        people: ids of everyone in the roster.
        cloud: what is known of the cloud's identities.
    """

    def __init__(
        self,
        people: pd.DataFrame,
        identities: pd.DataFrame,
        machines: Machines | None = None,
        *,
        roles: pd.DataFrame | None = None,
        mailmap: pd.Series | None = None,
        cloud: CloudUsers | None = None,
        prefixes: tuple[str, ...] = ("oidc:",),
    ) -> None:
        self._machines = machines or Machines()
        self._prefix = "^(?:" + "|".join([*map(re.escape, prefixes), _ISSUER]) + ")"
        self.cloud = cloud
        self._mailmap = mailmap
        self.people = frozenset(people["person"])
        facts = people.drop_duplicates("person").set_index("person")
        self._left, self._joined, self._kinds = facts["left"], facts["joined"], facts["kind"]
        spanned = identities if roles is None else pd.concat([identities[_SPAN], roles[_SPAN]])
        self._epochs = Epochs(spanned)
        self._roles = None if roles is None else self._epochs.placed(roles)
        self._known = {
            str(system): rows for system, rows in self._epochs.placed(identities).groupby("system", sort=True)
        }

    @classmethod
    def of(cls, tables: Mapping[str, pd.DataFrame], settings: Settings) -> Resolver:
        """The one of a build: by its `people`, `roles` and `identities`, and the `.mailmap` of repositories that are believed."""
        believed = [one.name for one in settings.repositories if one.believe_mailmap]
        commits = tables["commits"]
        return cls(
            tables["people"],
            tables["identities"],
            settings.machines,
            roles=tables["roles"],
            mailmap=explained(commits[commits["repo"].isin(believed)]),
            cloud=CloudUsers(tables["cluster_identities"], settings.people.session_roles),
            prefixes=tuple(prefix.lower() for prefix in settings.people.oidc_prefixes),
        )

    def resolve(self, names: pd.Series, system: System, at: pd.Series) -> pd.DataFrame:
        """Who `names` (str, of `system`) were at `at` (datetime64[us, UTC]); one row for each, with the same index.

        A name that was several people's one after the other is nobody's when the moment is missing.

        Returns:
            `person` (str): roster id, or `system:name` of someone unknown; a missing name is `system:unknown`.
            `known` (bool): the roster has them. `kind` (str): person or machine; what no rule and no roster
            entry calls a machine is a person.
        """
        codes, distinct = pd.factorize(names.astype("str"), use_na_sentinel=True)
        width = len(self._epochs) + 1
        pairs = np.where(codes < 0, -1, codes * width + self._epochs.of(at) + 1)
        places, asked = pd.factorize(pairs)
        there = asked >= 0
        name = pd.Series(distinct[asked[there] // width], dtype="str")
        resolved = self._resolve(name, system, asked[there] % width - 1)
        unnamed = pd.DataFrame(
            {"person": [f"{system}:{_UNNAMED}"], "known": [False], "kind": [PrincipalKind.PERSON.value]}
        )
        row = np.full(len(asked), len(resolved))
        row[there] = np.arange(len(resolved))
        result = pd.concat([resolved, unnamed]).iloc[row[places]]
        return result.set_axis(names.index).astype({"person": "str", "known": bool, "kind": "str"})

    def gone(self, persons: pd.Series, times: pd.Series) -> pd.Series:
        """Which persons (str, roster ids or others) the roster says had left at `times` (bool)."""
        left = persons.map(self._left.dropna().to_dict()).astype("datetime64[us, UTC]")
        return (left <= times).fillna(False).astype(bool)

    def held(self, persons: pd.Series, times: pd.Series) -> pd.DataFrame:
        """`role` and `team` (both str) that persons (roster ids or others) held at `times`, with the index of `persons`.

        Missing where the roster tells none for that moment.

        Raises:
            TypeError: it was made without roles.
        """
        if self._roles is None:
            raise TypeError("a resolver without roles can't tell who held which")
        asked = pd.DataFrame({"person": persons.array, "epoch": self._epochs.of(times)})
        asked = asked.assign(place=np.arange(len(asked)))
        found = Epochs.holding(asked.merge(self._roles, on="person")).set_index("place")
        both = found[["role", "team"]].reindex(asked["place"]).set_axis(persons.index)
        return both.astype({"role": "str", "team": "str"})

    def ever(self, names: pd.Series, system: System) -> pd.DataFrame:
        """Everyone whom `names` (str) ever were in `system`: `name` as given and `person` (both str), each pair once."""
        asked = pd.DataFrame({"name": names.dropna().unique()}).astype("str")
        asked["identifier"] = asked["name"].str.strip().str.lower()
        known = self._known.get(system)
        if known is None:
            return asked[["name"]].assign(person=pd.Series(dtype="str")).iloc[:0]
        return asked.merge(known, on="identifier")[["name", "person"]].drop_duplicates(ignore_index=True)

    def _resolve(self, names: pd.Series, system: System, epochs: np.ndarray) -> pd.DataFrame:
        """`resolve` for names that are present, each with the number of an epoch."""
        lower = names.str.strip().str.lower()
        login = lower.str.extract(_NOREPLY, expand=False)
        login = login.where(pd.Series(system == "git", index=names.index))
        person = self._look_up(lower, system, epochs)
        if system == "git":
            person = person.fillna(self._look_up(login, "github", epochs))
            if self._mailmap is not None:
                meant = lower.map(self._mailmap).mask(self._ever_held(lower, login))
                person = person.fillna(self._look_up(meant, "git", epochs))
        elif system == "roster":
            person = person.fillna(names.where(names.isin(self.people)))
        elif system in _SIGNED_ON:
            bare = lower.str.replace(self._prefix, "", regex=True)
            for name, other in ((bare, system), (bare, "sso"), (bare, "git")):
                person = person.fillna(self._look_up(name, other, epochs))
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

    def _ever_held(self, addresses: pd.Series, logins: pd.Series) -> pd.Series:
        """Which addresses, or the logins in them, the roster gives to anybody at any time (bool)."""
        held = pd.Series(False, index=addresses.index)
        for names, system in ((addresses, "git"), (logins, "github")):
            if system in self._known:
                held |= names.isin(self._known[system]["identifier"])
        return held

    def _look_up(self, names: pd.Series, system: str, epochs: np.ndarray) -> pd.Series:
        """Persons by exact name in `system` and epoch; missing where nobody has it then."""
        if system not in self._known:
            return pd.Series(pd.NA, index=names.index, dtype="str")
        asked = pd.DataFrame({"identifier": names.astype("str").array, "epoch": epochs})
        asked = asked.assign(place=np.arange(len(asked)))
        found = Epochs.holding(asked.merge(self._known[system], on="identifier"))
        person = found.drop_duplicates("place").set_index("place")["person"]
        return person.reindex(asked["place"]).set_axis(names.index).astype("str")

    def _by_rule(self, names: pd.Series, lower: pd.Series, login: pd.Series, system: System) -> pd.Series:
        """Which names a rule of the settings calls machines."""
        if system == "git":
            return matches_any(login, self._machines.forge)
        if system == "github":
            return matches_any(lower, self._machines.forge) | matches_any(names, self._machines.forge)
        rules = {"kubernetes": self._machines.kubernetes, "argocd": self._machines.argocd}
        return matches_any(names, rules.get(system, ()))
