"""Secrets that mainline commits added in the clear: one pass over what each of them changed.

Three finders look at each changed file: the scanner at the added lines; and what knows Kubernetes, Kustomize and
SOPS at the whole file after the commit and before it, of which only what is new counts. The same value has the same
fingerprint whichever finder saw it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from audit.git import documents
from audit.git.contents import Change, Contents, Step, Unreadable
from audit.git.secrets import added, blobs, manifests, nodes, scanner, sops
from audit.git.secrets.key import fingerprint
from audit.git.secrets.state import Generators, State
from audit.git.secrets.values import Clear

VERSION = 2
"""Raised whenever the same commits would give other rows."""

_OF_MANIFESTS = "kubernetes-secret-yaml"
"""The scanner's rule for Secret manifests: it speaks only of those that can't be read as such (Helm's templates)."""

_YAML = (".yaml", ".yml", ".json")


class Finding(NamedTuple):
    """A row of the table `secret_findings`, without its repository and whether it is waived."""

    sha: str
    path: str
    line: int
    kind: str
    rule: str
    fingerprint: str


class Unread(NamedTuple):
    """A row of the table `unread_files`, without its repository."""

    sha: str
    path: str
    reason: str


def scan(
    view: Path, contents: Contents, steps: Iterable[Step], *, key: bytes
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What mainline commits added in the clear.

    Args:
        view: git directory of a view of the repository.
        contents: reads of the same view.
        steps: consecutive mainline commits, the oldest first.
        key: key of the fingerprints.

    Returns:
        Rows of `secret_findings` without `repo`, `waived` and `waiver`; and rows of `unread_files` without `repo`.
        Both sorted. What a commit gives depends on nothing but the commit, its parent and the key.

    Raises:
        IntegrityError: git failed.
        ScannerFailed: the scanner did not look at everything.
    """
    walk = _Pass(view, contents, list(steps), key)
    rows = walk.findings()
    return [row._asdict() for row in sorted(rows)], [row._asdict() for row in sorted(walk.unread)]


class _Scanned(NamedTuple):
    """Where a text came from that the scanner looked at; `whole` is the fingerprint of all of it."""

    sha: str
    path: str
    first: int
    added: frozenset[int] | None
    whole: str


class _Pass:
    def __init__(self, view: Path, contents: Contents, steps: Sequence[Step], key: bytes) -> None:
        self._view, self._contents, self._steps, self._key = view, contents, steps, key
        self._found: set[Finding] = set()
        self._texts: list[_Scanned] = []
        self._written: dict[tuple[str, str], dict[str, str]] = {}
        self._manifests: set[tuple[str, str]] = set()
        self.unread: set[Unread] = set()

    def findings(self) -> set[Finding]:
        for match in scanner.matches(self._given(), self._key):
            found = self._of_match(match)
            if found is not None:
                self._found.add(found)
        return self._found

    def _of_match(self, match: scanner.Match) -> Finding | None:
        """The finding that a match is; None when it lies among lines that were there before."""
        text = self._texts[match.number]
        if match.rule == _OF_MANIFESTS and (text.sha, text.path) in self._manifests:
            return None
        mark = match.fingerprint if match.fingerprint is not None else text.whole
        mark = self._written.get((text.sha, text.path), {}).get(mark, mark)
        if match.start is None:
            return Finding(text.sha, text.path, 1, "scanner", match.rule, mark)
        start = text.first + match.start - 1
        lines = range(start, text.first + (match.end or match.start))
        if text.added is not None and text.added.isdisjoint(lines):
            return None
        return Finding(text.sha, text.path, start, "scanner", match.rule, mark)

    def _given(self) -> Iterator[tuple[str, bytes]]:
        """Added text for the scanner; what the other finders see is noted on the way."""
        if not self._steps:
            return
        state = State(self._contents, self._steps[0])
        generators = Generators(state, self._key)
        read = blobs.read(self._view, (blob for step in self._steps for blob in _wanted(step)))
        for step in self._steps:
            state.step(step)
            for change in step.changes:
                if change.blob is not None:
                    yield from self._changed(step.sha, change, read, state)
            for taken in generators.step(step):
                self._found.add(
                    Finding(step.sha, taken.path, taken.line, "plain secret", taken.rule, taken.fingerprint)
                )

    def _changed(
        self, sha: str, change: Change, read: Iterator[bytes | Unreadable], state: State
    ) -> Iterator[tuple[str, bytes]]:
        new = self._blob(sha, change.path, next(read))
        old = self._blob(sha, change.path, next(read)) if change.old_blob is not None else None
        if new is None or new == old:
            return
        if posixpath.basename(change.path) in manifests.KUSTOMIZATIONS:
            state.fresh[change.path] = new
        self._clear(sha, change.path, new, old, state)
        for text in added.texts(new, old):
            whole = fingerprint(self._key, text.data)
            self._texts.append(_Scanned(sha, change.path, text.first, text.added, whole))
            yield change.path, text.data

    def _blob(self, sha: str, path: str, blob: bytes | Unreadable) -> bytes | None:
        """A blob's bytes; None, and a row of what was not read, where there are none."""
        if isinstance(blob, bytes):
            return blob
        self.unread.add(Unread(sha, path, blob.reason))
        return None

    def _clear(self, sha: str, path: str, new: bytes, old: bytes | None, state: State) -> None:
        """Notes values in the clear that a file has and did not have before."""
        if posixpath.basename(path) == sops.CONFIG:
            self._config(sha, path, new)
        rule = state.rule(path)
        after = self._values(path, new, rule, sha)
        before = set() if old is None else {each[:2] for each in self._values(path, old, rule, None)}
        written = self._written.setdefault((sha, path), {}) if after else {}
        for name, mark, kind, clear in after:
            written[fingerprint(self._key, clear.written)] = mark
            if (name, mark) not in before:
                self._found.add(Finding(sha, path, clear.line, kind, name, mark))

    def _values(
        self, path: str, raw: bytes, rule: sops.Rule | None, sha: str | None
    ) -> list[tuple[str, str, str, Clear]]:
        """Rule, fingerprint, kind and place of each value in the clear; `sha` is who is said to have brought it."""
        found: dict[tuple[str, int], tuple[str, Clear]] = {}
        try:
            for clear in sops.clear(path, raw, rule):
                found[clear.rule, clear.line] = ("unencrypted sops", clear)
            for clear in _secrets(path, raw):
                found.setdefault((clear.rule, clear.line), ("plain secret", clear))
            if sha is not None:
                self._manifests.add((sha, path))
        except Unreadable as error:
            if sha is not None and b"{{" not in raw:  # a template is not YAML yet
                self.unread.add(Unread(sha, path, error.reason))
        return [
            (clear.rule, fingerprint(self._key, clear.value), kind, clear) for kind, clear in found.values()
        ]

    def _config(self, sha: str, path: str, raw: bytes) -> None:
        try:
            sops.rules(raw)
        except Unreadable as error:
            self.unread.add(Unread(sha, path, error.reason))


def _wanted(step: Step) -> Iterator[str]:
    """Blobs of a step in the order in which they are looked at."""
    for change in step.changes:
        if change.blob is not None:
            yield change.blob
            if change.old_blob is not None:
                yield change.old_blob


def _secrets(path: str, raw: bytes) -> Iterator[Clear]:
    """Values in the clear of `Secret` objects. Documents of a file that can't hold one are not read.

    Raises:
        Unreadable: a document that may hold one is not YAML; names its line in the file.
    """
    if posixpath.splitext(path)[1].lower() not in _YAML or not manifests.may_hold_secret(raw):
        return
    before = 0
    for part in documents.parts(raw):
        try:
            for clear in _secrets_of(part):
                yield clear._replace(line=clear.line + before)
        except Unreadable:
            documents.parse(raw)  # tells the line in the whole file
            raise
        before += part.count(b"\n")


@lru_cache(maxsize=4096)
def _secrets_of(part: bytes) -> tuple[Clear, ...]:
    """Those of one document; most of a long file are the same in all its versions."""
    if not manifests.may_hold_secret(part):
        return ()
    objects = nodes.objects(nodes.compose(part))
    return tuple(
        clear for each in objects if manifests.is_secret(each) for clear in manifests.of_secret(each)
    )
