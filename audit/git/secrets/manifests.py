"""Secrets in the clear that a scanner does not know: what `Secret` manifests and Kustomize's generators hold."""

from __future__ import annotations

import base64
import binascii
import posixpath
import re
from collections.abc import Callable, Iterator

import yaml

from audit.git.secrets import nodes
from audit.git.secrets.nodes import Kube
from audit.git.secrets.values import Clear, encrypted, placeholder

_SECRET = re.compile(rb"""Secret(?<!\wSecret)(?:List)?["']?\s*(?:[\r\n,}\]#]|\Z)""")
_BEFORE = re.compile(rb"""(?:[:-]\s*(?:[!&]\S*\s+|[|>][^\n]*\n\s*)*|&\S+\s+)["']?\Z""")

GENERATOR = re.compile(rb"\bsecretGenerator\b")
"""What YAML text holds when it may generate Secrets."""

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")

_ENV = re.compile(rb"[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=(.*)")


def may_hold_secret(raw: bytes) -> bool:
    """Whether YAML text may hold a Secret: the word stands as a whole value, or is escaped. No parser is asked yet."""
    if nodes.escapes(raw):
        return True
    return b"Secret" in raw and any(
        _BEFORE.search(raw, max(0, match.start() - 200), match.start()) for match in _SECRET.finditer(raw)
    )


def is_secret(each: Kube) -> bool:
    """Whether an object is Kubernetes' own Secret."""
    return each.kind == "Secret" and each.api == "v1"


def of_secret(each: Kube) -> Iterator[Clear]:
    """Values of a Secret that stand in the clear, `data` decoded: no placeholder, and nothing that is encrypted."""
    for section in ("data", "stringData"):
        for found in nodes.items(each.node):
            if found.key != section:
                continue
            for item in nodes.items(found.value):
                written = nodes.scalar(item.value)
                value = (
                    _decoded(written) if section == "data" else written.encode("utf-8", "backslashreplace")
                )
                if not _void(written) and not _void(value.decode("utf-8", "backslashreplace")):
                    rule = f"Secret/{each.namespace}/{each.name}:{item.key}"
                    yield Clear(rule, item.line, value, written.encode("utf-8", "backslashreplace"))


def of_generators(
    documents: list[yaml.Node], folder: str, read: Callable[[str], bytes | None]
) -> Iterator[tuple[str | None, Clear]]:
    """Values that a kustomization's `secretGenerator` takes in the clear.

    Args:
        documents: the kustomization.
        folder: where it is; empty for the repository's root.
        read: a file of the repository at that revision, by its path; None when it is not there or can't be read.

    Returns:
        Each value with the path of the file that holds it; None for the kustomization itself.
    """
    for document in documents:
        for entry in nodes.elements(nodes.at(document, "secretGenerator")):
            space = nodes.scalar(nodes.at(entry, "namespace")) or nodes.scalar(
                nodes.at(document, "namespace")
            )
            name = f"secretGenerator/{space}/{nodes.scalar(nodes.at(entry, 'name'))}"
            yield from ((None, clear) for clear in _literals(entry, name))
            for path, key in files(entry, folder):
                raw = read(path)
                if raw is None or b"ENC[AES256_GCM," in raw:
                    continue
                whole = [] if key is None else [(1, key, raw)]
                for line, each, value in whole or of_env(raw):
                    if not _void(value.decode("utf-8", "backslashreplace")):
                        yield path, Clear(f"{name}:{each}", line, value, value)


def files(entry: yaml.Node, folder: str) -> Iterator[tuple[str, str | None]]:
    """Files that an entry of `secretGenerator` reads, with the key each becomes; None for files of many keys."""
    for element in nodes.elements(nodes.at(entry, "files")):
        key, _, path = nodes.scalar(element).rpartition("=")
        yield _path(folder, path), key or posixpath.basename(path)
    many: list[yaml.Node | None] = [nodes.at(entry, "env")]
    many += nodes.elements(nodes.at(entry, "envs"))
    for each in many:
        if nodes.scalar(each):
            yield _path(folder, nodes.scalar(each)), None


def of_env(raw: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Line, key and value of each line `key=value`; quotes around the value taken off."""
    for number, line in enumerate(raw.split(b"\n"), 1):
        match = _ENV.match(line)
        if match is not None:
            value = match[2].strip()
            if len(value) > 1 and value[:1] == value[-1:] and value[:1] in (b'"', b"'"):
                value = value[1:-1]
            yield number, match[1].decode("utf-8", "backslashreplace"), value


def _literals(entry: yaml.Node, name: str) -> Iterator[Clear]:
    for element in nodes.elements(nodes.at(entry, "literals")):
        key, _, value = nodes.scalar(element).partition("=")
        value = value[1:-1] if value[:1] in ('"', "'") and value[:1] == value[-1:] else value
        if not _void(value):
            raw = value.encode("utf-8", "backslashreplace")
            yield Clear(f"{name}:{key}", nodes.line(element), raw, raw)


def _path(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def _void(text: str) -> bool:
    return placeholder(text) or encrypted(text)


def _decoded(written: str) -> bytes:
    """What base64 stands for; the text itself when it is none."""
    try:
        return base64.b64decode("".join(written.split()), validate=True)
    except (binascii.Error, ValueError):
        return written.encode("utf-8", "backslashreplace")
