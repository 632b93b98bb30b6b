"""Secrets by reference at the tip: sealed, encrypted and external ones, and when their content last changed.

Content is what rotation changes: the sealed values, the values that SOPS encrypted (not its metadata), the values of
a Secret in the clear, the specification of an external secret, the annotations by which Vault injects. A comment, a
label, a move to another file or a new name of the file is no rotation. What Git can't tell: sealing or encrypting
an unchanged value anew (`kubeseal --re-encrypt`, `sops rotate`) gives new ciphertext and counts as a change; that the
value behind an external reference was rotated shows in its own store alone.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd
import yaml

from audit.git.contents import Contents, Unreadable
from audit.git.secrets import manifests, nodes, sops
from audit.git.secrets.nodes import Kube
from audit.git.secrets.values import encrypted, vault

_WORDS = re.compile(rb"""[:?,\[{-]\s*["']?\w*Secret(?:List)?\b""")
_PARTS = re.compile(rb"^---(?=\s|\Z)", re.MULTILINE)
_VAULT_KINDS = ("VaultStaticSecret", "VaultDynamicSecret", "VaultPKISecret", "VaultSecret")
_EXTERNAL_KINDS = ("ExternalSecret", "ClusterExternalSecret")
_INJECT = "vault.hashicorp.com/agent-inject-secret"
_YAML = (".yaml", ".yml", ".json")

Place = tuple[str, str, str]
"""Kind, namespace and name."""


class _Version(NamedTuple):
    sha: str
    position: int
    old_path: str
    old_blob: str | None
    blob: str | None


def references(
    contents: Contents, tree: Mapping[str, str], file_changes: pd.DataFrame, commits: pd.DataFrame
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Every secret by reference at the tip.

    Args:
        tree: blob by path at the tip.
        file_changes: the repository's rows of that table, of the whole mainline.
        commits: its rows of that table.

    Returns:
        Rows of `secret_references` and of `unread_files`, both without `repo`, sorted.
    """
    history = _History(contents, file_changes, commits)
    rows = []
    for path, blob in sorted(tree.items()):
        for place, digest in history.found(path, blob).items():
            rows.append(_row(path, place, *history.walk(path, place, digest), history.times))
    return rows, sorted(history.unread, key=lambda row: (row["sha"], row["path"]))


def _row(path: str, place: Place, changed: str, created: str, times: Mapping[str, Any]) -> dict[str, Any]:
    kind, namespace, name = place
    return {
        "path": path, "kind": kind, "namespace": namespace, "name": name, "changed_sha": changed,
        "changed_at": times[changed], "created_sha": created,
    }  # fmt: skip


class _History:
    """Versions of files on the mainline, and the secrets in each."""

    def __init__(self, contents: Contents, changes: pd.DataFrame, commits: pd.DataFrame) -> None:
        self._contents = contents
        line = commits[commits["position"].notna()]
        self.times: dict[str, Any] = dict(zip(line["sha"], line["committer_time"], strict=True))
        places = dict(zip(line["sha"], line["position"].astype(int), strict=True))
        self._versions: dict[str, list[_Version]] = {}
        self._gone: dict[str, list[tuple[str, str]]] = {}
        columns = [changes[name] for name in ("sha", "path", "old_path", "status", "old_blob", "blob")]
        for sha, path, old_path, status, old_blob, blob in zip(*columns, strict=True):
            before = path if pd.isna(old_path) else old_path
            old, new = (None if pd.isna(each) else each for each in (old_blob, blob))
            if status != "D":
                self._versions.setdefault(path, []).append(_Version(sha, places[sha], before, old, new))
            if old is not None:
                self._gone.setdefault(sha, []).append((before, old))
        for versions in self._versions.values():
            versions.sort(key=lambda version: version.position)
        self._known: dict[tuple[str, str], dict[Place, str]] = {}
        self.unread: list[dict[str, Any]] = []

    def found(self, path: str, blob: str) -> dict[Place, str]:
        """Digest of each secret's content in one version of a file; none for a file that can't be read."""
        place = (path, blob)
        if place not in self._known:
            try:
                raw = self._contents.raw(blob)
                self._known[place] = digests(path, raw) if _told(raw) else {}
            except Unreadable as error:
                self._known[place] = {}
                sha = next(
                    (version.sha for version in self._versions.get(path, []) if version.blob == blob), None
                )
                if sha is not None and not self._template(blob):
                    self.unread.append({"sha": sha, "path": path, "reason": error.reason})
        return self._known[place]

    def walk(self, path: str, place: Place, digest: str) -> tuple[str, str]:
        """The commit that last changed a secret's content, and the first that brought it."""
        below, changed, created = 1 << 60, "", ""
        same = True
        while True:
            versions = [version for version in self._versions.get(path, []) if version.position < below]
            if not versions:
                break
            last = versions[-1]
            created, below = last.sha, last.position
            changed = last.sha if same else changed
            path, older = self._before(last, place, digest)
            if older is None:
                break
            same = same and older == digest
        return changed, created

    def _before(self, version: _Version, place: Place, digest: str) -> tuple[str, str | None]:
        """Where a secret was before a commit, and its content's digest then; None where it was nowhere.

        It may have stood in another file that the same commit changed or took away: then it was moved.
        """
        if version.old_blob is not None:
            older = self.found(version.old_path, version.old_blob).get(place)
            if older is not None:
                return version.old_path, older
        for path, blob in self._gone.get(version.sha, []):
            if self._holds(blob, place[2]) and self.found(path, blob).get(place) == digest:
                return path, digest
        return version.old_path, None

    @lru_cache(maxsize=1 << 16)  # noqa: B019  # goes with the history, which is short-lived
    def _holds(self, blob: str, name: str) -> bool:
        """Whether a blob has a name in it at all: what has not need not be parsed."""
        try:
            return name.encode() in self._contents.raw(blob)
        except Unreadable:
            return False

    def _template(self, blob: str) -> bool:
        try:
            return b"{{" in self._contents.raw(blob)
        except Unreadable:
            return False


def _told(raw: bytes) -> bool:
    return nodes.mentions(raw, _WORDS, b"Secret") or b"agent-inject-secret" in raw or sops.has_metadata(raw)


def digests(path: str, raw: bytes) -> dict[Place, str]:
    """Digest of the content of each secret in a file.

    Raises:
        Unreadable: it should be YAML or JSON and is not.
    """
    found: dict[Place, list[Any]] = {}
    extension = posixpath.splitext(path)[1].lower()
    if extension in _YAML:
        for part in _PARTS.split(raw):
            for place, content in _of_part(path, part) if _told(part) else ():
                found.setdefault(place, []).append(content)
    elif sops.is_encrypted(raw):
        body = sorted(set(re.findall(rb"ENC\[AES256_GCM,data:[^\]]*\]", raw.split(b'"sops"')[0])))
        found["SOPS", "", path] = [each.decode("ascii", "backslashreplace") for each in body]
    return {
        place: hashlib.sha256(json.dumps(content).encode()).hexdigest() for place, content in found.items()
    }


@lru_cache(maxsize=4096)
def _of_part(path: str, part: bytes) -> tuple[tuple[Place, Any], ...]:
    """Secrets of one document; most documents of a long file are the same in all its versions."""
    return tuple(found for document in nodes.compose(part) for found in _of_document(path, document))


def _of_document(path: str, document: yaml.Node) -> Iterator[tuple[Place, Any]]:
    objects = list(nodes.objects([document]))
    if sops.metadata(document) is not None:
        values = [[*keys, text] for keys, _, text in sops.leaves(document) if encrypted(text)]
        place = ("SOPS", objects[0].namespace, objects[0].name) if objects else ("SOPS", "", path)
        yield place, values
        return
    for each in objects:
        found = _of_object(each)
        if found is not None:
            kind, content = found
            yield (kind, each.namespace, each.name), content


def _of_object(each: Kube) -> tuple[str, Any] | None:
    """Kind and content of an object that is, or refers to, a secret."""
    if each.kind == "SealedSecret":
        return "SealedSecret", _plain(nodes.at(each.node, "spec", "encryptedData"))
    if each.kind in _EXTERNAL_KINDS:
        return "ExternalSecret", _plain(nodes.at(each.node, "spec"))
    if each.kind in _VAULT_KINDS:
        return "Vault", _plain(nodes.at(each.node, "spec"))
    if manifests.is_secret(each):
        values = [
            [item.key, nodes.scalar(item.value)]
            for section in ("data", "stringData")
            for item in nodes.items(nodes.at(each.node, section))
        ]
        if any(manifests.of_secret(each)):
            return "Secret", sorted(values)
        return ("Vault", sorted(values)) if any(vault(text) for _, text in values) else None
    injected = [
        [item.key, nodes.scalar(item.value)]
        for annotations in (
            nodes.at(each.node, "metadata", "annotations"),
            nodes.at(each.node, "spec", "template", "metadata", "annotations"),
        )
        for item in nodes.items(annotations)
        if item.key.startswith(_INJECT)
    ]
    return ("Vault", sorted(injected)) if injected else None


def _plain(node: yaml.Node | None) -> Any:
    """A node as plain values, whose order in mappings means nothing."""
    if isinstance(node, yaml.MappingNode):
        return sorted([item.key, _plain(item.value)] for item in nodes.items(node))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(element) for element in node.value]
    return nodes.scalar(node)
