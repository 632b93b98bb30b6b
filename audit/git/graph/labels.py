"""Which application and environments a unit stands for, and so which roots a change reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from audit.git.graph.index import Index
from audit.git.graph.references import parent
from audit.git.graph.units import OF_FOLDER, OPERATED, Kind, Unit
from audit.git.paths import WHOLE, PathRules
from audit.settings import Cluster

_ANY_FILE = "any"
_STRUCTURE = frozenset(
    {
        "overlays",
        "overlay",
        "environments",
        "environment",
        "envs",
        "env",
        "clusters",
        "kustomize",
        "manifests",
    }
    | {"deploy", "deployments", "k8s", "kubernetes", "base", "apps"}
)


class Root(NamedTuple):
    """Something that is deployed, with how many units lie between it and where the walk began."""

    app: str
    environment: str
    through: str
    kind: Kind
    distance: int


class Labels:
    """Names what is deployed. What it found is kept until `forget`.

    Args:
        index: the units.
        rules: path rules: a folder that they put into one environment is a root of that environment.
        clusters: what serves which environment.
        environments: names of environments, which folders may bear.
    """

    def __init__(
        self, index: Index, rules: PathRules, clusters: Sequence[Cluster], environments: Iterable[str]
    ) -> None:
        self._index = index
        self._rules = rules
        self._clusters = {cluster.name: cluster.environment for cluster in clusters}
        self._environments = frozenset(environments)
        self._matched: dict[str, tuple[tuple[str, str], ...]] = {}
        self._inherited: dict[Unit, frozenset[str]] = {}
        self._reached: dict[Unit, tuple[Root, ...]] = {}
        self._users: dict[Unit, set[Unit]] = {}
        self._words: dict[Unit, frozenset[str]] = {}

    def forget(self) -> None:
        """Units changed: nothing that was found before holds."""
        for found in (self._inherited, self._reached, self._users, self._words):
            found.clear()

    def reached(self, unit: Unit) -> tuple[Root, ...]:
        """Every root that a unit is or leads up to; an operator's object that is one ends the way up."""
        found = self._reached.get(unit)
        if found is None:
            found = self._reached[unit] = tuple(self._climb(unit))
        return found

    def of_folder(self, folder: str) -> tuple[tuple[str, str], ...]:
        """What the path rules say of a file in a folder."""
        return self.of_path(f"{folder}/{_ANY_FILE}" if folder else _ANY_FILE)

    def of_path(self, path: str) -> tuple[tuple[str, str], ...]:
        """What the path rules say of a file."""
        found = self._matched.get(path)
        if found is None:
            if len(self._matched) > 100_000:
                self._matched.clear()
            found = self._matched[path] = self._rules.match(path)
        return found

    def _climb(self, start: Unit) -> Iterable[Root]:
        seen, level, distance = {start}, [start], 0
        while level:
            above: set[Unit] = set()
            for unit in level:
                label = self._label(unit)
                if label is not None:
                    app, environments = label
                    for environment in environments:
                        yield Root(app, environment, unit.where, unit.kind, distance)
                if unit.kind not in OPERATED:
                    above |= self._parents(unit)
            level, distance = list(above - seen), distance + 1
            seen |= above

    def _label(self, unit: Unit) -> tuple[str, frozenset[str]] | None:
        """Application and environments of a unit that is deployed; None of one that only is a part of others."""
        if unit.kind in OPERATED:
            environments = self._inherited.get(unit)
            if environments is None:
                environments = self._inherited[unit] = self._environments_of(unit)
            return (self._app(unit), environments) if environments else None
        environments = self._said(unit) or self._hinted(unit)
        if not environments:
            return None
        folder = parent(unit.file)
        pairs = self.of_folder(folder)
        return (pairs[0][0] if pairs else _app_by_name(folder, environments), environments)

    def _environments_of(self, unit: Unit) -> frozenset[str]:
        """Environments of an operator's object: its own word, else its users', else what names suggest.

        Where a generator chose among clusters in a way that can't be known, those of its users' environments are it.
        """
        said = self._said(unit)
        if said and unit.siblings:
            users = self._above(unit, self._said)
            served = {environment for each in unit.siblings if (environment := self._of_cluster(each))}
            if users & served:
                return said & users
        return said or self._above(unit, self._said) or self._hinted(unit) or self._above(unit, self._hinted)

    def _above(self, start: Unit, said: Callable[[Unit], frozenset[str]]) -> frozenset[str]:
        """What the nearest users that say anything say; each way up ends at the first that does."""
        seen, level, found = {start}, [start], frozenset[str]()
        while level:
            above: set[Unit] = set()
            for unit in level:
                above |= self._parents(unit)
            level = []
            for unit in above - seen:
                environments = said(unit)
                if environments:
                    found |= environments
                else:
                    level.append(unit)
            seen |= above
        return found

    def _parents(self, unit: Unit) -> set[Unit]:
        found = self._users.get(unit)
        if found is None:
            found = self._users[unit] = self._index.parents(unit)
        return found

    def _said(self, unit: Unit) -> frozenset[str]:
        """What a unit says of its environment, or a path rule of its folder."""
        found = self._words.get(unit)
        if found is None:
            found = self._words[unit] = self._word(unit)
        return found

    def _word(self, unit: Unit) -> frozenset[str]:
        folders = (parent(unit.file),) if unit.kind in OF_FOLDER else unit.sources
        for folder in folders if unit.kind in OF_FOLDER or unit.kind in OPERATED else ():
            named = {environment for _app, environment in self.of_folder(folder)}
            if len(named) == 1:
                return frozenset(named)
        environment = self._of_cluster(unit.cluster)
        return frozenset({environment}) if environment else frozenset()

    def _of_cluster(self, cluster: str) -> str | None:
        """Environment of a cluster by its name, or by an address whose host bears its name."""
        if not cluster:
            return None
        if cluster in self._clusters:
            return self._clusters[cluster]
        host = cluster.partition("://")[2].partition("/")[0].partition(":")[0]
        found = {self._clusters[part] for part in (host, *host.split(".")) if part in self._clusters}
        return found.pop() if len(found) == 1 else None

    def _hinted(self, unit: Unit) -> frozenset[str]:
        """What the names of folders suggest: of an operator's object, and of a kustomization that none uses."""
        if unit.kind in OPERATED:
            named = {environment for _app, environment in self.of_path(unit.file)}
            if len(named) == 1:
                return frozenset(named)
            return next(
                (found for each in (*unit.sources, unit.file) if (found := self._in(each))), frozenset()
            )
        if unit.kind is not Kind.KUSTOMIZATION or self._parents(unit):
            return frozenset()
        return self._in(parent(unit.file))

    def _in(self, path: str) -> frozenset[str]:
        """The environment that the last folder named like one names."""
        named = [part for part in path.split("/") if part in self._environments]
        return frozenset(named[-1:])

    def _app(self, unit: Unit) -> str:
        return next((pairs[0][0] for each in unit.sources if (pairs := self.of_folder(each))), unit.name)


def _app_by_name(folder: str, environments: frozenset[str]) -> str:
    """The application of an overlay that no rule knows: the nearest folder above the environment's that names one."""
    parts = folder.split("/")
    at = max(index for index, part in enumerate(parts) if part in environments)
    before = [part for part in parts[:at] if part not in _STRUCTURE and part not in environments]
    after = [part for part in parts[at + 1 :] if part not in _STRUCTURE]
    return (before[-1:] or after[:1] or [WHOLE])[0]
