"""Trees of files as real objects of a real repository, and build graphs over them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from git_repo import Repo

from audit.git.contents import Change, Contents, Step
from audit.git.graph import BuildGraph, Reached
from audit.git.paths import PathRules
from audit.settings import Cluster, PathRule, Repository

OVERLAYS = PathRule(pattern="apps/{app}/overlays/{environment}/**")
CLUSTERS = (
    Cluster(name="dev-1", environment="dev"),
    Cluster(name="prod-1", environment="prod"),
    Cluster(name="prod-2", environment="prod"),
)
HOME = Repository(name="acme/gitops", location="https://git.example.org/acme/gitops.git")
URL = "https://git.example.org/acme/gitops.git"
Files = Mapping[str, str | bytes]
Found = set[tuple[str, str, str]]


class Lab(NamedTuple):
    """A repository into which files are put as objects, without commits."""

    repo: Repo
    contents: Contents

    def blob(self, content: str | bytes) -> str:
        """Writes an object as git does; its id."""
        raw = content.encode() if isinstance(content, str) else content
        data = b"blob %d\0%b" % (len(raw), raw)
        sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        path: Path = self.repo.path / ".git/objects" / sha[:2] / sha[2:]
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(data))
        return sha

    def tree(self, files: Files) -> dict[str, str]:
        """Blob ids by path."""
        return {path: self.blob(content) for path, content in files.items()}

    def graph(
        self,
        files: Files,
        *,
        rules: tuple[PathRule, ...] = (OVERLAYS,),
        clusters: tuple[Cluster, ...] = CLUSTERS,
        repository: Repository | None = HOME,
    ) -> BuildGraph:
        """A graph that begins with files."""
        environments = [cluster.environment for cluster in clusters]
        graph = BuildGraph(self.contents, PathRules(rules, environments), clusters, repository, ("prod",))
        graph.begin(self.tree(files), "start")
        return graph

    def step(
        self, graph: BuildGraph, before: Files, after: Files, renames: Mapping[str, str] | None = None
    ) -> list[Reached]:
        """Moves a graph from some files to others; `renames`: new paths with the old ones."""
        old, new, moved = self.tree(before), self.tree(after), renames or {}
        changes = [
            Change(path, moved.get(path), "R" if path in moved else _status(path, old, new), old.get(path), new.get(path))
            for path in sorted({path for path, _ in old.items() ^ new.items()} - set(moved.values()))
        ]  # fmt: skip
        return graph.step(Step("next", 1, tuple(changes)))


def _status(path: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return "M" if path in old and path in new else "A" if path in new else "D"


def found(graph: BuildGraph, path: str) -> Found:
    """(app, environment, root) that the graph itself finds for a path."""
    return {
        (each.app, each.environment, each.through)
        for each in graph.of_path(path)
        if each.made_by == "build graph"
    }


def places(reached: list[Reached] | tuple[Reached, ...]) -> set[tuple[str, str, str]]:
    """(app, environment, what found it)."""
    return {(each.app, each.environment, each.made_by.value) for each in reached}
