"""How files name other files: paths within the repository, and addresses, of which some mean the repository itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import translate
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from audit.git.graph.units import Folder, Reads, Uses
from audit.settings import Repository

_URL = re.compile(
    r"git::|gh:|[a-z][a-z0-9+.-]*://|[^/\s@]+@[^/:\s]+:|(?:www\.)?(?:github|gitlab|bitbucket)\.[a-z]+[/:]"
    r"|[^/\s]+\.[a-z]{2,}/.*(?://|\.git(?:/|$|\?))|[^?]+\?(?:ref|version)=",
    re.IGNORECASE,
)
_CONTENT = re.compile(r"(?:releases/download|archive|raw|blob)/|refs/", re.IGNORECASE)
_PINS = ("ref", "version")
WILD = re.compile(r"[*?\[]")
OUTSIDE = "'{}' leads out of the repository"


@lru_cache(maxsize=16384)
def is_url(entry: str) -> bool:
    """Whether an entry of a kustomization is an address, not a path."""
    return _URL.match(entry) is not None


def remote(*parts: str) -> str:
    """An address as it may be shown: no user or password, of the query only which version, no white space."""
    said = "/".join(part.strip().strip("/") for part in parts if part.strip())
    said = re.sub(r"(?<=//)[^/@\s]*@", "", said)
    said = re.sub(r"^[^/@:\s]+:[^/@\s]*@", "", said)
    head, mark, query = said.partition("?")
    kept = urlencode([pair for pair in parse_qsl(query) if pair[0] in _PINS]) if mark else ""
    return re.sub(r"\s+", "%20", f"{head}?{kept}" if kept else head)


@lru_cache(maxsize=16384)
def inside(folder: str, entry: str) -> str | None:
    """The path that `entry` names from `folder`, normalised; None where it leads out of the repository.

    A path that begins with `/` is one from the repository's root.
    """
    parts = [] if entry.startswith("/") else [part for part in folder.split("/") if part]
    for part in entry.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def parent(path: str) -> str:
    """The folder that a path lies in."""
    return path.rpartition("/")[0]


def ancestors(path: str) -> Iterator[str]:
    """The folders that hold a path, the nearest first, the root last."""
    while path:
        path = parent(path)
        yield path


class Home:
    """Tells addresses that mean the repository itself.

    Args:
        repository: as the settings name it; without it every repository may be this one.
    """

    def __init__(self, repository: Repository | None) -> None:
        self._anyone = repository is None
        self._names: tuple[str, ...] = ()
        if repository is not None:
            location = re.sub(
                r"^(?:[a-z][a-z0-9+.-]*://[^/]*|[^/@\s]+@[^/:\s]+:)", "", repository.location, flags=re.I
            )
            names = (repository.name, location)
            self._names = tuple(name.strip("/").lower().removesuffix(".git").rstrip("/") for name in names)
        self._found = [
            re.compile(rf"(?:^|[/:]){re.escape(name)}(?:\.git)?(?:/+|$)(.*)", re.IGNORECASE | re.DOTALL)
            for name in self._names
            if name and name != "."
        ]

    def has(self, url: str) -> bool:
        """Whether an operator's source means this repository; what is not said, or filled in later, may."""
        return self._anyone or not url.strip() or "{{" in url or "${" in url or self.within(url) == ""

    def named(self, source: str) -> bool:
        """Whether the name of a Flux source that no file declares means this repository."""
        return (
            self._anyone
            or source == "flux-system"
            or any(name.rpartition("/")[2] == source.lower() for name in self._names)
        )

    def within(self, url: str) -> str | None:
        """The path that an address names within this repository; None where it names another."""
        if url.startswith("oci://"):
            return None
        bare = url.strip().partition("?")[0].removeprefix("git::")
        for pattern in self._found:
            found = pattern.search(bare)
            if found and not _CONTENT.match(found[1]) and "raw.githubusercontent." not in bare:
                return inside("", found[1])
        return None


def use_path(uses: Uses, folder: str, entry: Any) -> str | None:
    """Notes a file that is named from a folder; returns its path within the repository."""
    if not isinstance(entry, str) or not entry.strip():
        return None
    if is_url(entry):
        uses.remotes.add(remote(entry))
        return None
    path = inside(folder, entry)
    if path is None:
        uses.problems.add(OUTSIDE.format(entry))
    else:
        uses.files.add(path)
    return path


def use_folder(uses: Uses, folder: str, entry: Any, reads: Reads) -> str | None:
    """Notes a folder that is named from a folder; returns its path within the repository."""
    if not isinstance(entry, str) or not entry.strip():
        return None
    path = inside(folder, entry)
    if path is None:
        uses.problems.add(OUTSIDE.format(entry))
    else:
        uses.folders.add(Folder(path, reads))
    return path


@lru_cache(maxsize=4096)
def glob(pattern: str) -> re.Pattern[str]:
    """A pattern of paths as Argo CD reads them: `*` and `?` within one name, `**` any depth, `{a,b}` either."""
    result, at, depth = "", 0, 0
    for part in re.finditer(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^]]*\]|[{},]", pattern):
        result += re.escape(pattern[at : part.start()])
        at = part.end()
        piece = part[0]
        if piece == "{":
            depth += 1
            result += "(?:"
        elif piece == "}" and depth:
            depth -= 1
            result += ")"
        elif piece == "," and depth:
            result += "|"
        elif piece.startswith("["):
            result += translate(piece)[4:-3]
        else:
            result += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece, re.escape(piece))
    result += re.escape(pattern[at:]) + ")" * depth
    try:
        return re.compile(result, re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern))


def texts(value: Any) -> list[str]:
    """The entries of a list that are text; of one text, itself; of anything else none."""
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The entries of a list that are mappings; of one mapping, itself; of anything else none."""
    if isinstance(value, dict):
        return [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def mapping(value: Any, *keys: str) -> Mapping[str, Any]:
    """The mapping that keys lead to; empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def text(value: Any, *keys: str) -> str:
    """The text that keys lead to; empty where there is none, or an explicit null."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value.strip() if isinstance(value, str) and value not in ("null", "~") else ""
