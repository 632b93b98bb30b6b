"""Pseudonyms for whoever the tables name: keyed, and the same for the same name in every table.

A pseudonym is `p-` and twelve hexadecimal digits of HMAC-SHA-256 of the name, in lower case, under the key; that of an
e-mail address keeps the form of one. So rows that name the same login still join, and whoever has no key can't tell
whether a name that they know is behind a pseudonym.

Whole values of the columns that name somebody are replaced, whoever it is. In every other text the same names are
looked for, and those of the roster (each part of a name too), and every e-mail address, however they are composed, in capitals
or small letters, with accents or without. A word of the text that happens to be somebody's name is replaced as well: rather too
much than too little. Machines keep their names. Ids that are digests over such texts are digests under the key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pandas as pd

from audit import tables as t
from audit.errors import UsageError
from audit.export.named import DIGESTS, MARKED, ONE, OURS, SEVERAL
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
_DIGEST = re.compile(r"(?<![0-9A-Za-z])(?P<kind>sha256:|R-)?(?P<hex>[0-9a-f]{16,64})(?![0-9A-Za-z])")
"""An id that is a digest, with what stands before it."""
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
        places: Iterable[str] = (),
        digests: Iterable[str] = (),
    ) -> None:
        """The names to look for, and those that stay.

        Args:
            names: of the roster's people.
            seen: who else is named.
            robots, machines: whose names stay.
            places: names of environments, clusters and the like: as short as them, nobody is looked for in texts.
            digests: ids that are digests without a key.
        """
        self._key = key
        self._digests = set(digests)
        self._robots = {_same(name) for name in robots} | _FORGE
        patterns = machines or Machines()
        self._machines = [re.compile(p) for p in (*patterns.kubernetes, *patterns.forge, *patterns.argocd)]
        self._lengths: dict[str, list[int]] = {}
        known = {_same(name) for name in names}
        others = {_same(name) for name in seen if not self.is_machine(name)} - _NOT_NAMES
        others -= {place for name in places if len(place := _same(name)) <= _SHORTEST}
        self._terms: dict[str, set[str]] = {}
        for name in known | others:
            if _SHORTEST <= len(name) <= _LONGEST:
                for trimmed, spelling in _spellings(name):
                    self._terms.setdefault(spelling, set()).add(trimmed)
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
        names += [part for name in staff["name"] for part in _WORD.findall(_same(name))]
        names += [one.partition("@")[0] for one in own if "@" in one]
        robots = {*bots, *people.loc[people["person"].isin(bots), "name"]}
        robots |= set(identities.loc[identities["person"].isin(bots), "identifier"])
        return cls(
            key,
            names=names,
            seen=_seen(tables),
            robots=robots,
            machines=machines,
            places=_places(tables),
            digests=_digests(tables),
        )

    def is_machine(self, name: str) -> bool:
        """Whether a name is a machine's: the settings or the roster say so, or it is the forge itself."""
        return (
            _same(name) in self._robots
            or "[bot]" in name
            or name.startswith("system:")
            or any(pattern.fullmatch(name) for pattern in self._machines)
        )

    def name(self, name: str) -> str:
        """The pseudonym of one name; a machine's stays."""
        if not name or self.is_machine(name):
            return name
        digest = self._keyed(_same(name))[:12]
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
        value = _DIGEST.sub(self._digest, value)
        value = _MEMBER.sub(
            lambda found: f'{found["name"]}:{found["gap"]}"{self.name(found["value"].strip(chr(34)))}"', value
        )
        value = _ADDRESS.sub(lambda found: self.name(found[0].replace("%40", "@")), value)
        return "".join(self._replaced(value))

    def over(self, table: str, rows: pd.DataFrame) -> pd.DataFrame:
        """A table with every text column gone over; columns of which the declaration lists all values stay."""
        made = rows.copy(deep=False)
        for column, declared in t.columns(t.TABLES[table]).items():
            if column in DIGESTS.get(table, ()) and pd.api.types.is_integer_dtype(rows[column].dtype):
                made[column] = rows[column].map(self._number, na_action="ignore").astype(rows[column].dtype)
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

    def _keyed(self, text: str) -> str:
        """HMAC-SHA-256 of a text under the key, in 64 hexadecimal digits."""
        return hmac.new(self._key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()

    def _exception(self, found: re.Match[str]) -> str:
        return f"{found[1]}-{self._keyed(found[0])[:10]}"

    def _digest(self, found: re.Match[str]) -> str:
        """That of a right, or one of `DIGESTS`; any other stays."""
        if found["kind"] != "R-" and found[0] not in self._digests:
            return found[0]
        return f"{found['kind'] or ''}{self._keyed(found[0])[: len(found['hex'])]}"

    def _number(self, value: int) -> int:
        """A number below zero is made of a digest; the forge's own stays."""
        return value if value >= 0 else -1 - (int(self._keyed(f"number {value}")[:16], 16) >> 1)

    def _replaced(self, value: str) -> Iterator[str]:
        """The pieces of a text, those that are names replaced: the longest name that begins at a word wins."""
        plain, at = _plain(value)
        done, left = 0, 0
        for word in _WORD.finditer(plain):
            if word.start() < left:
                continue
            for length in self._lengths.get(word[0], ()):
                end = word.start() + length
                names = self._terms.get(plain[word.start() : end])
                if names and end < len(at) and not plain[end : end + 1].isalnum():
                    own = _same(value[at[word.start()] : at[end]])
                    yield value[done : at[word.start()]]
                    yield self.name(own if own in names else min(names))
                    done, left = at[end], end
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


def _places(tables: Mapping[str, pd.DataFrame]) -> set[str]:
    """Names of environments, clusters and applications."""
    found: set[str] = set()
    for rows in tables.values():
        for column in ("environment", "cluster", "app"):
            if column in rows:
                found |= set(rows[column].dropna())
    return found


def _digests(tables: Mapping[str, pd.DataFrame]) -> set[str]:
    """Every id that is a digest without a key."""
    return {
        str(value)
        for table, columns in DIGESTS.items()
        for column in columns
        for value in tables[table][column].dropna().unique()
    }


def _same(text: str) -> str:
    """What is the same for the same name: composed, and no capitals."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _plain(text: str) -> tuple[str, Sequence[int]]:
    """A text without accents and capitals, and where each of its characters, and its end, stands in the text as it is."""
    if text.isascii():
        return text.lower(), range(len(text) + 1)
    found: list[str] = []
    at: list[int] = []
    for place, each in enumerate(text):
        letters = [
            one for one in unicodedata.normalize("NFKD", each.casefold()) if not unicodedata.combining(one)
        ]
        found += letters
        at += [place] * len(letters)
    return "".join(found), [*at, len(text)]


def _spellings(name: str) -> Iterator[tuple[str, str]]:
    """A name from its first letter or digit to its last; beside it, as `_plain` has it, and as JSON escapes it."""
    words = list(_WORD.finditer(name))
    if words:
        trimmed = name[words[0].start() : words[-1].end()]
        for form in ("NFC", "NFD"):
            written = unicodedata.normalize(form, trimmed)
            yield trimmed, _plain(written)[0]
            yield trimmed, json.dumps(written)[1:-1].lower()
