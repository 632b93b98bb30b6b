"""The files of a repository at each mainline commit, as far as secrets need to know of others than the changed one."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from audit.git.contents import Contents, Step, Unreadable
from audit.git.secrets import manifests, nodes, sops
from audit.git.secrets.key import fingerprint


class State:
    """Blob by path after each step, with SOPS' creation rules and Kustomize's generators found in it.

    `fresh` may be given bytes of files that the present step changed: they need not be read again.

    Args:
        first: the first step; the state begins before it.
    """

    def __init__(self, contents: Contents, first: Step) -> None:
        self._contents = contents
        self._files = contents.tree(first.sha)
        for change in first.changes:
            self._files.pop(change.path, None)
        for change in first.changes:
            if change.old_blob is not None:
                self._files[change.old_path or change.path] = change.old_blob
        self.fresh: dict[str, bytes] = {}
        self._rules: dict[str, list[sops.Rule]] = {}
        self._fitting: dict[tuple[str, str, str], sops.Rule | None] = {}
        self.kustomizations = {
            path for path in self._files if posixpath.basename(path) in manifests.KUSTOMIZATIONS
        }
        self._configs = {path for path in self._files if posixpath.basename(path) == sops.CONFIG}

    def step(self, step: Step) -> None:
        """Moves the state by one commit."""
        self.fresh.clear()
        gone = {change.old_path or change.path for change in step.changes if change.status in "DR"}
        now = {change.path: change.blob for change in step.changes if change.status != "D"}
        for path in gone | now.keys():
            self._files.pop(path, None)
            self.kustomizations.discard(path)
            self._configs.discard(path)
        for path, blob in now.items():
            if blob is None:
                continue
            self._files[path] = blob
            name = posixpath.basename(path)
            if name in manifests.KUSTOMIZATIONS:
                self.kustomizations.add(path)
            elif name == sops.CONFIG:
                self._configs.add(path)

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None when it is not there or can't be read."""
        if path in self.fresh:
            return self.fresh[path]
        blob = self._files.get(path)
        if blob is None:
            return None
        try:
            return self._contents.raw(blob)
        except Unreadable:
            return None

    def rule(self, path: str) -> sops.Rule | None:
        """The creation rule for a file: the first that fits in the nearest `.sops.yaml` above it.

        A `.sops.yaml` that can't be read has no rules; that it can't is said of the commit that brought it.
        """
        if not self._configs:
            return None
        folder = posixpath.dirname(path)
        while True:
            config = posixpath.join(folder, sops.CONFIG)
            if config in self._configs:
                place = (self._files[config], config, path)
                if place not in self._fitting:
                    self._fitting[place] = sops.rule_for(path, folder, self._of(config))
                return self._fitting[place]
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    def _of(self, config: str) -> list[sops.Rule]:
        blob = self._files[config]
        if blob not in self._rules:
            raw = self.read(config)
            try:
                self._rules[blob] = [] if raw is None else sops.rules(raw)
            except Unreadable:
                self._rules[blob] = []
        return self._rules[blob]


class Taken(NamedTuple):
    """A value in the clear that a generator takes: the file that holds it, its line, what it is, its fingerprint."""

    path: str
    line: int
    rule: str
    fingerprint: str


class Generators:
    """What each kustomization's `secretGenerator` takes in the clear, kept up to date step by step.

    Args:
        state: moved by its owner before each step of this.
        key: key of the fingerprints.
    """

    def __init__(self, state: State, key: bytes) -> None:
        self._state = state
        self._key = key
        self._used: dict[str, set[str]] = {}
        self._taken: dict[str, list[Taken]] = {}
        for path in state.kustomizations:
            self._look(path)

    def step(self, step: Step) -> list[Taken]:
        """What generators take after a step that they did not take before it."""
        renamed = {change.path: change.old_path for change in step.changes if change.status == "R"}
        changed = {change.path for change in step.changes} | {old for old in renamed.values() if old}
        touched = {path for path in changed if posixpath.basename(path) in manifests.KUSTOMIZATIONS}
        touched |= {path for path, used in self._used.items() if used & changed}
        before = {path: self._taken.get(renamed.get(path) or path, []) for path in touched}
        new = []
        for path in sorted(touched):
            self._look(path)
            known = {(each.rule, each.fingerprint) for each in before[path]}
            new += [each for each in self._taken.get(path, []) if (each.rule, each.fingerprint) not in known]
        return new

    def _look(self, path: str) -> None:
        self._used.pop(path, None)
        self._taken.pop(path, None)
        raw = self._state.read(path) if path in self._state.kustomizations else None
        if raw is None or not nodes.mentions(raw, manifests.GENERATOR, b"secretGenerator"):
            return
        try:
            documents = nodes.compose(raw)
        except Unreadable:
            return
        folder = posixpath.dirname(path)
        self._used[path] = {
            file
            for document in documents
            for entry in nodes.elements(nodes.at(document, "secretGenerator"))
            for file, _ in manifests.files(entry, folder)
        }
        self._taken[path] = [
            Taken(file or path, clear.line, clear.rule, fingerprint(self._key, clear.value))
            for file, clear in manifests.of_generators(documents, folder, self._state.read)
        ]
