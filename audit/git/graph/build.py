"""The build graph of a repository, moved along its mainline commit by commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from audit.git.contents import Change, Contents, Step, Unreadable
from audit.git.graph import helm, kustomize, operators
from audit.git.graph.index import Index
from audit.git.graph.labels import Labels, Root
from audit.git.graph.references import Home, mappings, parent, text
from audit.git.graph.tree import Tree
from audit.git.graph.units import Unit
from audit.git.paths import PathRules
from audit.model import MadeBy
from audit.settings import Cluster, Repository

_Units = dict[str, tuple[Unit, ...]]
_AT_ONCE = 512  # files that are read together
_MOST_PLACES = 50_000  # of paths that are remembered while no unit changes


class Reached(NamedTuple):
    """Where a path takes effect.

    `made_by` says what found it. `through` is the root by which the graph did: the folder of an overlay or chart, or
    `file#name` of an operator's object; empty for a path rule.
    """

    path: str
    app: str
    environment: str
    made_by: MadeBy
    through: str


class BuildGraph:
    """What every file of a repository is built into, at one revision after another.

    A path belongs to every root that is built from it: overlays, charts and operators' objects that path rules, clusters
    or names put into an environment. Path rules decide for a path that no root is built from. Only files that say
    what is built from what are parsed, and again only when they change.

    Args:
        contents: the repository's files.
        rules: path rules of the settings.
        clusters: clusters in scope, with the environments that they serve.
        repository: the repository as the settings name it; without it any Git address may mean this one.
        environments: names of environments beyond those of the path rules, such as production's.

    Attributes:
        unread: (commit, path, reason) of files of the graph that could not be read, or lead out of the repository.
    """

    def __init__(
        self,
        contents: Contents,
        rules: PathRules,
        clusters: Sequence[Cluster],
        repository: Repository | None,
        environments: Iterable[str] = (),
    ) -> None:
        self.unread: list[tuple[str, str, str]] = []
        self._contents = contents
        self._home = Home(repository)
        self._clusters = tuple(clusters)
        self._rules = rules
        self._environments = (*rules.environments, *environments)
        self._clear({})

    def begin(self, tree: Mapping[str, str], sha: str = "") -> None:
        """Takes the state at a revision.

        Args:
            tree: blob id by path of every regular file.
            sha: the revision, to say where a file was found that can't be read.
        """
        self._clear(tree)
        self._read(self._tree.blobs, sha)

    def step(self, step: Step) -> list[Reached]:
        """Moves the state by one mainline commit.

        Returns:
            What the files that it changed take effect in, before it or after it, sorted.
        """
        touched = {change.path: self._quiet(change) for change in step.changes}
        for change in step.changes:
            if change.status == "R" and change.old_path is not None:
                touched.setdefault(change.old_path, frozenset())
        before = {path: self._reached(path, quiet) for path, quiet in touched.items()}
        after = before
        if self._move(step):
            after = {path: self._reached(path, quiet) for path, quiet in touched.items()}
        return _nearest({each for path in touched for each in _either(before[path], after[path])})

    def walk(self, steps: Iterable[Step]) -> Iterator[tuple[Step, list[Reached]]]:
        """Each of consecutive mainline commits with what `step` gives for it; their files are read many at a time."""
        for some in _runs(steps):
            changes = (change for step in some for change in step.changes)
            self._contents.ahead(each.blob for each in changes if each.blob and _may_matter(each.path))
            for step in some:
                yield step, self.step(step)

    def of_path(self, path: str) -> tuple[Reached, ...]:
        """What a path takes effect in, in the present state, sorted."""
        return self._reached(path, frozenset())

    def _reached(self, path: str, quiet: frozenset[str]) -> tuple[Reached, ...]:
        """What a path takes effect in, but for objects that it declares without a difference."""
        known = self._known_places.get((path, quiet))
        if known is None:
            if len(self._known_places) >= _MOST_PLACES:
                self._known_places.clear()
            known = self._known_places[path, quiet] = self._found(path, quiet)
        return known

    def _found(self, path: str, quiet: frozenset[str]) -> tuple[Reached, ...]:
        nearest: dict[tuple[str, str], tuple[int, str]] = {}
        for root in self._roots_of(path, quiet):
            pair = (root.app, root.environment)
            nearest[pair] = min(
                nearest.get(pair, (root.distance, root.through)), (root.distance, root.through)
            )
        found = [
            Reached(path, app, environment, MadeBy.GRAPH, through)
            for (app, environment), (_distance, through) in nearest.items()
        ]
        ruled = self._labels.of_path(path)
        if nearest:
            ruled = tuple(pair for pair in ruled if pair in self._unknown and pair not in nearest)
        found += [Reached(path, app, environment, MadeBy.RULE, "") for app, environment in ruled]
        return tuple(sorted(found))

    def _quiet(self, change: Change) -> frozenset[str]:
        """Operators' objects that a changed file goes on to declare as it did."""
        if change.status != "M" or change.blob is None or not self._objects.has(change.path):
            return frozenset()
        try:
            return self._objects.quiet(change.path, self._contents.documents(change.blob))
        except Unreadable:
            return frozenset()

    def roots(self) -> list[dict[str, Any]]:
        """Rows of the table `graph_roots` without `repo`: every root of the present state, sorted."""
        files: dict[tuple[str, str, str], set[str]] = {}
        kinds: dict[tuple[str, str, str], set[str]] = {}
        remotes: dict[tuple[str, str, str], set[str]] = {}
        for path in self._tree.blobs:
            for root in self._roots_of(path):
                key = (root.through, root.app, root.environment)
                files.setdefault(key, set()).add(path)
                kinds.setdefault(key, set()).add(root.kind.value)
        for unit in self._all_units():
            for root in self._labels.reached(unit) if unit.remotes else ():
                remotes.setdefault((root.through, root.app, root.environment), set()).update(unit.remotes)
        return [
            {
                "root": key[0],
                "kind": min(kinds[key]),
                "app": key[1],
                "environment": key[2],
                "files": len(files[key]),
                "remote": " ".join(sorted(remotes.get(key, ()))),
            }
            for key in sorted(files)
        ]

    def _all_units(self) -> Iterator[Unit]:
        for held in (self._declared, self._expanded):
            for units in held.values():
                yield from units

    def _roots_of(self, path: str, quiet: frozenset[str] = frozenset()) -> set[Root]:
        return {root for unit in self._index.users(path, quiet) for root in self._labels.reached(unit)}

    def _clear(self, tree: Mapping[str, str]) -> None:
        self._tree = Tree(tree)
        self._index = Index()
        self._labels = Labels(self._index, self._rules, self._clusters, self._environments)
        self._declared: _Units = {}
        self._expanded: _Units = {}
        self._objects = operators.Objects(self._contents, self._tree, self._home, self._clusters)
        self._unknown: frozenset[tuple[str, str]] = frozenset()
        self._known_places: dict[tuple[str, frozenset[str]], tuple[Reached, ...]] = {}

    def _move(self, step: Step) -> bool:
        """Takes a commit's files into the state; says whether any unit changed."""
        self._tree.flipped.clear()
        left = {each.old_path for each in step.changes if each.status == "R" and each.old_path is not None}
        changed = left | {change.path for change in step.changes}
        charts = {path for path in changed if path.rpartition("/")[2] == helm.CHART}
        before = {path for path in charts if path in self._tree.blobs}
        for path in left:
            self._tree.drop(path)
        for change in step.changes:
            if change.blob is None or change.status == "D":
                self._tree.drop(change.path)
            else:
                self._tree.put(change.path, change.blob)
        flipped = before ^ {path for path in charts if path in self._tree.blobs}
        reread = changed.union(*(self._tree.below(parent(path)) for path in flipped))
        return self._read(reread, step.sha)

    def _read(self, paths: Iterable[str], sha: str) -> bool:
        """Reads files anew, present or gone; says whether any unit changed."""
        moved = False
        changed = set(paths)
        unknown = {folder: set(files) for folder, files in self._index.unknown.items()}
        ordered = sorted(changed)
        for at, path in enumerate(ordered):
            if at % _AT_ONCE == 0:
                self._ahead(ordered[at : at + _AT_ONCE])
            units: tuple[Unit, ...] = ()
            blob = self._tree.blobs.get(path)
            self._known(path)
            documents: tuple[Any, ...] = ()
            if blob is not None:
                try:
                    units, documents = self._parsed(path, blob)
                except Unreadable as error:
                    self.unread.append((sha, path, error.reason))
                    self._unreadable(path)
            self._objects.put(path, documents)
            moved |= self._replace(self._declared, path, units, sha)
        for path, units in self._objects.expanded(changed, self._tree.flipped):
            moved |= self._replace(self._expanded, path, units, sha)
        if moved or unknown != self._index.unknown:
            moved = True
            self._labels.forget()
            self._known_places.clear()
            self._unknown = frozenset(self._unknown_pairs())
        return moved

    def _ahead(self, paths: Iterable[str]) -> None:
        blobs = self._tree.blobs
        self._contents.ahead(blobs[path] for path in paths if path in blobs and _may_matter(path))

    def _parsed(self, path: str, blob: str) -> tuple[tuple[Unit, ...], tuple[Any, ...]]:
        """The units that a file declares by itself, and its documents where they may hold operators' objects."""
        name = path.rpartition("/")[2]
        if name in kustomize.NAMES:
            documents = self._contents.documents(blob)
            if kustomize.is_flux(documents):
                return (), documents
            return (kustomize.unit(path, documents, self._home),), ()
        if name == helm.CHART or (name == helm.REQUIREMENTS and self._has_chart(parent(path))):
            return (helm.unit(path, self._contents.documents(blob)),), ()
        if not operators.may_declare(path, self._contents, blob) or helm.is_template(path, self._has_chart):
            return (), ()
        documents = self._contents.documents(blob)
        plugins = [
            each
            for document in documents
            for each in mappings(document)
            if text(each, "apiVersion") == kustomize.BUILT_IN
        ]
        return tuple(kustomize.plugin(path, each, self._home) for each in plugins), documents

    def _has_chart(self, folder: str) -> bool:
        return (f"{folder}/{helm.CHART}" if folder else helm.CHART) in self._tree.blobs

    def _replace(self, held: _Units, path: str, units: tuple[Unit, ...], sha: str) -> bool:
        """Puts the units of a file in the place of those it had; says whether they differ."""
        before = held.get(path, ())
        if [unit.facts() for unit in before] == [unit.facts() for unit in units]:
            return False
        for unit in before:
            self._index.remove(unit)
        for unit in units:
            self._index.add(unit)
        if units:
            held[path] = units
        else:
            del held[path]
        known = {each for unit in before for each in unit.problems}
        problems = {each for unit in units for each in unit.problems} - known
        self.unread += [(sha, path, problem) for problem in sorted(problems)]
        return True

    def _unreadable(self, path: str) -> None:
        if path.rpartition("/")[2] in (*kustomize.NAMES, helm.CHART):
            self._index.unknown.setdefault(parent(path), set()).add(path)

    def _known(self, path: str) -> None:
        folder = parent(path)
        files = self._index.unknown.get(folder)
        if files is not None:
            files.discard(path)
            if not files:
                del self._index.unknown[folder]

    def _unknown_pairs(self) -> Iterable[tuple[str, str]]:
        """Applications and environments of overlays that can't be read: for them path rules go on to speak."""
        for folder in self._index.unknown:
            pairs = self._labels.of_folder(folder)
            if len({environment for _app, environment in pairs}) == 1:
                yield from pairs


def _runs(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Steps in runs that change some hundreds of files each."""
    some, files = list[Step](), 0
    for step in steps:
        some.append(step)
        files += len(step.changes)
        if files >= _AT_ONCE:
            yield some
            some, files = [], 0
    if some:
        yield some


def _may_matter(path: str) -> bool:
    """Whether a file's name is one that the graph looks into."""
    return path.endswith(operators.MANIFESTS) or path.rpartition("/")[2] in kustomize.NAMES


def _either(before: tuple[Reached, ...], after: tuple[Reached, ...]) -> tuple[Reached, ...]:
    """What a path takes effect in before or after a commit: rules guess for it only where it never is in the graph."""
    explained = [each for each in (before, after) if any(one.made_by is MadeBy.GRAPH for one in each)]
    return sum(explained, ()) if explained else before + after


def _nearest(found: set[Reached]) -> list[Reached]:
    """One row for each path, application and environment: the graph's before a rule's."""
    kept: dict[tuple[str, str, str], Reached] = {}
    for each in sorted(found, key=lambda each: (each.made_by is MadeBy.RULE, each)):
        kept.setdefault((each.path, each.app, each.environment), each)
    return sorted(kept.values())
