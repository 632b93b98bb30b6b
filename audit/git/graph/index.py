"""Who uses what: the reverse of what units say, kept up to date unit by unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from audit.git.graph.references import ancestors, glob, parent
from audit.git.graph.units import OF_FOLDER, Folder, Kind, Reads, Unit

_Value = TypeVar("_Value")
_MANIFESTS = (".yaml", ".yml", ".json", ".jsonnet")
_OF_CHART = ("templates/", "crds/", "charts/", "Chart.", "values.yaml", "values.schema.json", "requirements.")
_BY_KIND = {
    Kind.KUSTOMIZATION: frozenset({Reads.KUSTOMIZATION, Reads.FILES, Reads.DEEP, Reads.BELOW, Reads.ALL}),
    Kind.CHART: frozenset({Reads.CHART, Reads.FILES, Reads.DEEP, Reads.ALL}),
}


class Index:
    """Units, found by the paths and folders that they use. What it answers depends on the units alone, not on the order they came in."""

    def __init__(self) -> None:
        self.unknown: dict[str, set[str]] = {}
        """Folders of kustomizations and charts that can't be read, each with the files that declare them."""
        self._folders: dict[Kind, dict[str, dict[Unit, None]]] = {kind: {} for kind in OF_FOLDER}
        self._declared: dict[str, dict[Unit, None]] = {}
        self._by_file: dict[str, dict[Unit, None]] = {}
        self._by_folder: dict[str, dict[Unit, tuple[Folder, ...]]] = {}
        self._globs: dict[Unit, None] = {}

    def add(self, unit: Unit) -> None:
        """Takes a unit in."""
        self._declared.setdefault(unit.file, {})[unit] = None
        for path in unit.files:
            self._by_file.setdefault(path, {})[unit] = None
        for folder in unit.folders:
            said = self._by_folder.setdefault(folder.path, {})
            said[unit] = (*said.get(unit, ()), folder)
        if unit.globs:
            self._globs[unit] = None
        if unit.kind in OF_FOLDER:
            self._folders[unit.kind].setdefault(parent(unit.file), {})[unit] = None

    def remove(self, unit: Unit) -> None:
        """Takes out a unit that was added."""
        _drop(self._declared, unit.file, unit)
        for path in unit.files:
            _drop(self._by_file, path, unit)
        for folder in {folder.path for folder in unit.folders}:
            _drop(self._by_folder, folder, unit)
        self._globs.pop(unit, None)
        if unit.kind in OF_FOLDER:
            _drop(self._folders[unit.kind], parent(unit.file), unit)

    def is_kustomization(self, folder: str) -> bool:
        """Whether a kustomization that can be read lies in a folder."""
        return folder in self._folders[Kind.KUSTOMIZATION]

    def at(self, folder: str) -> Iterator[Unit]:
        """The kustomization and the chart of a folder."""
        for kind in (Kind.KUSTOMIZATION, Kind.CHART):
            yield from self._folders[kind].get(folder, ())

    def users(self, path: str, quiet: frozenset[str] = frozenset()) -> set[Unit]:
        """Units that use the file `path` itself, whether it exists or not, or are declared in it.

        Args:
            quiet: what the file declares without a difference (`where` of units): that does not count as a use.
        """
        found = self._users(path)
        found.update(unit for unit in self._declared.get(path, ()) if unit.where not in quiet)
        return found

    def _users(self, path: str) -> set[Unit]:
        """Units that use a file otherwise than by being declared in it."""
        named = set(self._by_file.get(path, ()))
        named.update(unit for unit in self._globs if any(glob(each).fullmatch(path) for each in unit.globs))
        found = set(named)
        for folder in ancestors(path):
            if not named or not _is_value_file(path, folder):
                found.update(self._folders[Kind.CHART].get(folder, ()))
            for unit, references in self._by_folder.get(folder, {}).items():
                if any(self._admits(reference, path) for reference in references):
                    found.add(unit)
        return found

    def parents(self, unit: Unit) -> set[Unit]:
        """Units that use a unit, itself left out: of a folder's, who names the folder; of another, who uses its file."""
        if unit.users is not None:
            found = {each for folder in unit.users for each in self.at(folder)}
        elif unit.kind not in OF_FOLDER:
            found = self._users(unit.file)
        else:
            folder = parent(unit.file)
            found = set(self._named(folder, _BY_KIND[unit.kind]))
            if unit.kind is Kind.KUSTOMIZATION:
                found.update(self._around(folder))
        found.discard(unit)
        return found

    def _named(self, folder: str, reads: Iterable[Reads]) -> Iterator[Unit]:
        for unit, references in self._by_folder.get(folder, {}).items():
            if any(reference.reads in reads for reference in references):
                yield unit

    def _around(self, folder: str) -> Iterator[Unit]:
        """Who reads every manifest below a folder further up, and with them the kustomization of `folder`."""
        for above in ancestors(folder) if folder else ():
            if self._builds(above):
                return
            yield from self._named(above, (Reads.BELOW,))

    def _builds(self, folder: str) -> bool:
        return folder in self._folders[Kind.KUSTOMIZATION] or folder in self.unknown

    def _admits(self, reference: Folder, path: str) -> bool:
        """Whether a reference to a folder that holds `path` reads it, by what lies in that folder."""
        folder, reads = reference.path, reference.reads
        if reads is Reads.ALL:
            return True
        if reads in (Reads.KUSTOMIZATION, Reads.CHART) or not path.endswith(_MANIFESTS):
            return False
        if reads is Reads.BELOW:
            between = (each for each in ancestors(path) if len(each) >= len(folder))
            return not any(self._builds(each) for each in between)
        if self._builds(folder) or folder in self._folders[Kind.CHART]:
            return False
        below = path[len(folder) :].lstrip("/")
        return (
            (reads is Reads.DEEP or "/" not in below)
            and (not reference.include or glob(reference.include).fullmatch(below) is not None)
            and (not reference.exclude or glob(reference.exclude).fullmatch(below) is None)
        )


def _is_value_file(path: str, chart: str) -> bool:
    """Whether a file of a chart is one of values, if somebody names it: it is part of what they deploy alone."""
    below = path[len(chart) :].lstrip("/")
    return not below.startswith(_OF_CHART)


def _drop(index: dict[str, dict[Unit, _Value]], key: str, unit: Unit) -> None:
    held = index.get(key)
    if held is not None:
        held.pop(unit, None)
        if not held:
            del index[key]
