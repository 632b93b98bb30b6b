"""Objects of Argo CD and Flux, wherever in the repository they are declared, and the units that they come to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import Any

from audit.git.contents import Contents
from audit.git.graph import appsets, argocd, flux
from audit.git.graph.objects import Context, Declared, declared
from audit.git.graph.references import Home, mappings, text
from audit.git.graph.tree import Asked, Askers, Tree
from audit.git.graph.units import Unit
from audit.settings import Cluster

MANIFESTS = (".yaml", ".yml", ".json")
_HINTS = (b"argoproj.io/v", b"fluxcd.io/v", b"fluxcd.controlplane.io/v")
_BUILT_IN = re.compile(rb"apiVersion['\"]?:\s*['\"]?builtin")
_UNITS = frozenset({argocd.GROUP, flux.KUSTOMIZE, flux.HELM, flux.OPERATOR})


def may_declare(path: str, contents: Contents, blob: str) -> bool:
    """Whether a file is worth parsing: its bytes name what this package knows.

    Raises:
        Unreadable: it can't be read at all.
    """
    if not path.endswith(MANIFESTS):
        return False
    raw = contents.raw(blob)
    return any(hint in raw for hint in _HINTS) or (b"builtin" in raw and _BUILT_IN.search(raw) is not None)


class Objects:
    """Objects by the file that declares them, and what their expansion depended on."""

    def __init__(self, contents: Contents, tree: Tree, home: Home, clusters: Sequence[Cluster]) -> None:
        self._context = Context(tree, home, clusters, contents.documents, lambda *_: None)
        self._objects: dict[str, tuple[Declared, ...]] = {}
        self._sources: dict[tuple[str, str], dict[str, list[Declared]]] = {}
        self._asked = Askers()
        self._moved: set[str] = set()

    def put(self, path: str, documents: tuple[Any, ...]) -> None:
        """Takes the objects that a file declares in the place of those it had."""
        before = self._objects.pop(path, ())
        known = tuple(each for each in declared(path, documents) if each.group in _UNITS or _names(each))
        for key in (key for each in before for key in _names(each)):
            self._moved.add(key[1])
            self._sources.get(key, {}).pop(path, None)
        for each in known:
            for key in _names(each):
                self._moved.add(key[1])
                self._sources.setdefault(key, {}).setdefault(path, []).append(each)
        if known:
            self._objects[path] = known

    def has(self, path: str) -> bool:
        """Whether a file declares objects."""
        return path in self._objects

    def quiet(self, path: str, documents: tuple[Any, ...]) -> frozenset[str]:
        """Which objects of a file (by `where`) stay word for word what they are when it comes to hold `documents`."""
        before = _by_where(self._objects.get(path, ()))
        after = _by_where(declared(path, documents)) if before else {}
        return frozenset(where for where, found in before.items() if after.get(where) == found)

    def expanded(self, changed: set[str], flipped: set[str]) -> Iterator[tuple[str, tuple[Unit, ...]]]:
        """Files whose objects come to something else now, or may, with the units that they come to.

        Args:
            changed: files that were put, or whose content changed.
            flipped: folders that came or went.
        """
        stale = {path for path in changed if path in self._objects or path in self._asked}
        stale |= self._asked.concerned(flipped, changed, self._moved)
        self._moved.clear()
        for path in sorted(stale):
            asked = Asked()
            context = replace(self._context, asked=asked, source=partial(self._source, asked))
            units = tuple(unit for each in self._objects.get(path, ()) for unit in _units(each, context))
            self._asked.drop(path)
            if path in self._objects:
                self._asked.put(path, asked)
            yield path, units

    def _source(self, asked: Asked, near: str, kind: str, namespace: str, name: str) -> Declared | None:
        """The object that a source's kind, namespace and name mean to an object in the file `near`.

        Where several files declare it, each cluster its own, it is the one that lies nearest; of those the first by path.
        """
        asked.sources.add(name)
        held = self._sources.get((kind, name), {})
        found = [
            each
            for path in sorted(held, key=lambda path: (-_shared(near, path), path))
            for each in held[path]
        ]
        same = [each for each in found if not namespace or each.namespace in ("", namespace)]
        return next(iter(same), None)


def _shared(one: str, other: str) -> int:
    """How many folders lead to both files."""
    folders = zip(one.split("/")[:-1], other.split("/")[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], folders))


def _by_where(objects: Iterable[Declared]) -> dict[str, list[Declared]]:
    found: dict[str, list[Declared]] = {}
    for each in objects:
        found.setdefault(each.where, []).append(each)
    return found


def _names(each: Declared) -> list[tuple[str, str]]:
    """Kinds and names by which others may refer to a source."""
    if each.group == flux.EXTENSIONS and each.kind == "ArtifactGenerator":
        artifacts = mappings(each.spec.get("artifacts"))
        return [("ExternalArtifact", text(artifact, "name")) for artifact in artifacts]
    return [(each.kind, each.name)] if each.group == flux.SOURCE else []


def _units(each: Declared, context: Context) -> Iterator[Unit]:
    match each.group, each.kind:
        case argocd.GROUP, "Application":
            yield from argocd.units(each, each.name, each.spec, context)
        case argocd.GROUP, "ApplicationSet":
            yield from appsets.units(each, context)
        case flux.KUSTOMIZE, "Kustomization":
            yield flux.kustomization(each, context)
        case flux.OPERATOR, "FluxInstance":
            yield flux.instance(each, context)
        case flux.HELM, "HelmRelease":
            yield flux.helm_release(each, context)
