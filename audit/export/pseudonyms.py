"""Pseudonyms for whoever the tables name: keyed, and the same for the same name in every table.

A pseudonym is `p-` and twelve hexadecimal digits of HMAC-SHA-256 of the name, in lower case, under the key; that of an
e-mail address keeps the form of one. So rows that name the same login still join, and whoever has no key can't tell
whether a name that they know is behind a pseudonym.

Whole values of the columns that name somebody are replaced, whoever it is. In every other text the same names are
looked for, and those of the roster (each part of a name too), and every e-mail address. A word of the text that happens
to be somebody's name is replaced as well: rather too much than too little. Machines keep their names.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pandas as pd

from audit import tables as t
from audit.errors import UsageError
from audit.export.named import MARKED, ONE, OURS, SEVERAL
from audit.settings import FormatName, Machines

KEY_BYTES = 32
"""A key is at least this long."""

_ADDRESS = re.compile(r"[\w.+%'-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_IDENTIFIER = re.compile(r"\b([A-Z]{3}-\d{2})-([0-9a-f]{10})\b")
_MEMBER = re.compile(
    r'(?P<name>"(?:\w{0,40}_)?(?:actor|user|author|sender|member|owner|assignee|reviewer)_(?:id|ip)"|"(?:\w{0,40}_)?ip"):'
    r'(?P<gap>\s{0,4})(?P<value>\d{1,20}|"[^"\\]{1,64}")'
)
"""A member of JSON in a text that is somebody's number, or the network address from which somebody came."""
_WORD = re.compile(r"[^\W_]+")
_MARKED = re.compile(r"(?<=\buser )[^\s,]+", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,]+")
_SHORTEST, _LONGEST = 3, 200  # characters of a name that is looked for in texts
_NOT_NAMES = {"root", "admin", "system", "github", "none", "unknown", "user", "default"} | {
    word for name in get_args(FormatName) for word in name.split("-")
}
_FORGE = {"noreply@github.com", "github", "web-flow"}


class Pseudonyms:
    """The names that a quarter's tables hold, and what to write in their stead."""

    def __init__(
        self,
        key: bytes,
        *,
        names: Iterable[str],
        seen: Iterable[str] = (),
        robots: Iterable[str] = (),
        machines: Machines | None = None,
    ) -> None:
        """Args: names, of the roster's people; seen, who else is named; robots and machines, whose names stay."""
        self._key = key
        self._robots = {_lower(name) for name in robots} | _FORGE
        patterns = machines or Machines()
        self._machines = [re.compile(p) for p in (*patterns.kubernetes, *patterns.forge, *patterns.argocd)]
        self._lengths: dict[str, list[int]] = {}
        known = {_lower(name) for name in names}
        others = {_lower(name) for name in seen if not self.is_machine(name)}
        self._terms = {term for term in known if _SHORTEST <= len(term) <= _LONGEST}
        self._terms |= {term for term in others - _NOT_NAMES if _SHORTEST < len(term) <= _LONGEST}
        self._terms = {trimmed for term in self._terms for trimmed in _spellings(term)}
        for term in sorted(self._terms, key=len, reverse=True):
            first = _WORD.match(term)
            lengths = self._lengths.setdefault(first[0] if first else "", [])
            if len(term) not in lengths:
                lengths.append(len(term))

    @classmethod
    def of(cls, tables: Mapping[str, pd.DataFrame], machines: Machines, *, key_file: Path) -> Pseudonyms:
        """Those for everyone whom the tables name.

        Raises:
            UsageError: the key can't be read, or is too short.
        """
        key = _read_key(key_file)
        people, identities = tables["people"], tables["identities"]
        bots = set(people.loc[people["kind"].eq("machine"), "person"])
        own = identities.loc[~identities["person"].isin(bots), "identifier"]
        staff = people[~people["person"].isin(bots)]
        names = [*staff["person"], *staff["name"], *own]
        names += [part for name in staff["name"] for part in _WORD.findall(name)]
        names += [one.partition("@")[0] for one in own if "@" in one]
        robots = {*bots, *people.loc[people["person"].isin(bots), "name"]}
        robots |= set(identities.loc[identities["person"].isin(bots), "identifier"])
        return cls(key, names=names, seen=_seen(tables), robots=robots, machines=machines)

    def is_machine(self, name: str) -> bool:
        """Whether a name is a machine's: the settings or the roster say so, or it is the forge itself."""
        return (
            _lower(name) in self._robots
            or "[bot]" in name
            or name.startswith("system:")
            or any(pattern.fullmatch(name) for pattern in self._machines)
        )

    def name(self, name: str) -> str:
        """The pseudonym of one name; a machine's stays."""
        if not name or self.is_machine(name):
            return name
        digest = hmac.new(self._key, _lower(name).encode(), hashlib.sha256).hexdigest()[:12]
        return f"p-{digest}@pseudonym.invalid" if _ADDRESS.fullmatch(name) else f"p-{digest}"

    def names(self, value: str) -> str:
        """Names separated by spaces or commas, each replaced."""
        ends = [0, *(edge for gap in _BETWEEN.finditer(value) for edge in gap.span()), len(value)]
        pieces = [value[start:end] for start, end in pairwise(ends)]
        return "".join(self.name(piece) if number % 2 == 0 else piece for number, piece in enumerate(pieces))

    def marked(self, value: str) -> str:
        """Several things, of which `user NAME` is somebody; the others as any text."""
        return self.text(_MARKED.sub(lambda found: self.name(found[0]), value))

    def text(self, value: str) -> str:
        """A text with every name in it replaced, every e-mail address, and the ids of exceptions, which tell subjects."""
        value = _IDENTIFIER.sub(self._exception, value)
        value = _MEMBER.sub(
            lambda found: f'{found["name"]}:{found["gap"]}"{self.name(found["value"].strip(chr(34)))}"', value
        )
        value = _ADDRESS.sub(lambda found: self.name(found[0].replace("%40", "@")), value)
        return "".join(self._replaced(value))

    def over(self, table: str, rows: pd.DataFrame) -> pd.DataFrame:
        """A table with every text column gone over; columns of which the declaration lists all values stay."""
        made = rows.copy(deep=False)
        for column, declared in t.columns(t.TABLES[table]).items():
            if not pd.api.types.is_string_dtype(rows[column].dtype) or column in OURS.get(table, ()):
                continue
            if any(check.name == "isin" for check in declared.checks):
                continue
            write: Callable[[str], str] = self.text
            if column in ONE.get(table, ()):
                write = self.name
            elif column in SEVERAL.get(table, ()):
                write = self.names
            elif column in MARKED.get(table, ()):
                write = self.marked
            values = {value: write(value) for value in rows[column].dropna().unique()}
            made[column] = rows[column].map(values, na_action="ignore").astype(rows[column].dtype)
        return made

    def _exception(self, found: re.Match[str]) -> str:
        digest = hmac.new(self._key, found[0].encode(), hashlib.sha256).hexdigest()[:10]
        return f"{found[1]}-{digest}"

    def _replaced(self, value: str) -> Iterator[str]:
        """The pieces of a text, those that are names replaced: the longest name that begins at a word wins."""
        low, done = _lower(value), 0
        for word in _WORD.finditer(low):
            if word.start() < done:
                continue
            for length in self._lengths.get(word[0], ()):
                end = word.start() + length
                if low[word.start() : end] in self._terms and not low[end : end + 1].isalnum():
                    yield value[done : word.start()]
                    yield self.name(value[word.start() : end])
                    done = end
                    break
        yield value[done:]


def _read_key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path}: the key of pseudonyms can't be read: {error.strerror}",
            remedy=f"make one: head -c {KEY_BYTES} /dev/urandom > FILE, readable by you alone",
        ) from None
    if len(key) < KEY_BYTES:
        raise UsageError(
            f"{path}: the key of pseudonyms has {len(key)} bytes, and needs {KEY_BYTES} at least",
            remedy=f"make one: head -c {KEY_BYTES} /dev/urandom > FILE, readable by you alone",
        )
    return key


def _seen(tables: Mapping[str, pd.DataFrame]) -> set[str]:
    """Everyone whom a column names."""
    found: set[str] = set()
    for table, columns in ONE.items():
        for column in columns:
            found |= set(tables[table][column].dropna())
    for table, columns in SEVERAL.items():
        for column in columns:
            found |= {
                one for value in tables[table][column].dropna().unique() for one in _BETWEEN.split(value)
            }
    for table, columns in MARKED.items():
        for column in columns:
            found |= {
                one for value in tables[table][column].dropna().unique() for one in _MARKED.findall(value)
            }
    return found - {""}


def _lower(text: str) -> str:
    """In lower case, character for character: no text becomes longer or shorter."""
    whole = text.lower()
    if len(whole) == len(text):
        return whole
    return "".join(low if len(low := each.lower()) == 1 else each for each in text)


def _spellings(term: str) -> Iterator[str]:
    """A name from its first letter or digit to its last, as it is and as JSON escapes it."""
    words = list(_WORD.finditer(term))
    if words:
        trimmed = term[words[0].start() : words[-1].end()]
        yield trimmed
        yield _lower(json.dumps(trimmed)[1:-1])
