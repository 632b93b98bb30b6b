"""Objects of Argo CD and Flux as they are declared, and what is needed to say what they deploy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from audit.git.graph.references import WILD, Home, inside, mappings, text
from audit.git.graph.tree import Asked, Tree
from audit.git.graph.units import Uses
from audit.settings import Cluster

UNKNOWN = "*"
"""Stands for a part of a path that can't be known; it matches any one name."""


class Declared(NamedTuple):
    """One object: the file that declares it, what it is, and its whole document."""

    file: str
    group: str
    kind: str
    namespace: str
    name: str
    document: Mapping[str, Any]

    @property
    def where(self) -> str:
        """How it is named in reports."""
        return f"{self.file}#{self.name}"

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its specification; empty where there is none."""
        spec = self.document.get("spec")
        return spec if isinstance(spec, dict) else {}


@dataclass(slots=True)
class Context:
    """What an object's meaning depends on beyond itself; `asked` notes what of it was looked at."""

    tree: Tree
    home: Home
    clusters: Sequence[Cluster]
    documents: Callable[[str], tuple[Any, ...]]
    source: Callable[[str, str, str, str], Declared | None]
    asked: Asked = field(default_factory=Asked)

    def folders(self, path: str, uses: Uses) -> list[str]:
        """The folders that a path means: itself, or those that a path with unknown parts matches."""
        folder = inside("", path)
        if folder is None:
            uses.problems.add(f"'{path}' leads out of the repository")
            return []
        if not WILD.search(folder):
            return [folder]
        if not folder.replace(UNKNOWN, "").replace("/", ""):
            uses.problems.add("the path of what it deploys can't be known")
            return []
        return self.tree.folders(folder, self.asked)


def declared(file: str, documents: tuple[Any, ...]) -> Iterator[Declared]:
    """The objects of a file, those in lists of Kubernetes too."""
    for document in documents:
        for each in mappings(document):
            if text(each, "kind").endswith("List") and isinstance(each.get("items"), list):
                yield from declared(file, tuple(each["items"]))
                continue
            group, _slash, version = text(each, "apiVersion").rpartition("/")
            if group and version:
                yield Declared(
                    file,
                    group,
                    text(each, "kind"),
                    text(each, "metadata", "namespace"),
                    text(each, "metadata", "name"),
                    each,
                )
