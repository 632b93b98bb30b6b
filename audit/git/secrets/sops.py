"""SOPS: which files must be encrypted, which of their values must, and which are not.

A file must be encrypted where a creation rule of the nearest `.sops.yaml` above it says so by its path. Which of its
values, the file's own metadata says, or else that rule. Expressions are matched by RE2, which needs linear time
whatever they are; it is also what SOPS itself uses.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from audit.git.contents import Unreadable
from audit.git.secrets import manifests, nodes
from audit.git.secrets.values import Clear, encrypted, placeholder

CONFIG = ".sops.yaml"
METADATA = re.compile(
    rb"""^(?:sops_|\[sops\]|["']?sops["']?[ \t]*:)|[{,]\s*["']?sops["']?\s*:""", re.MULTILINE
)
"""What a file holds that SOPS wrote."""

Leaf = tuple[tuple[str, ...], int, str]
"""Keys that lead to a value, its line (counted from 1), and its text."""

_LONGEST = 1000
_FLAGS = ("true", "false")
_UNQUESTIONED = (
    CONFIG,
    ".sops.yml",
    "kustomization.yaml",
    "kustomization.yml",
    "Kustomization",
    "Chart.yaml",
)
_MARKS = ("mac", "lastmodified", "version")


class Selector(NamedTuple):
    """Which values must be encrypted, by the keys that lead to them; at most one is set, as in SOPS."""

    encrypted_regex: str | None = None
    unencrypted_regex: str | None = None
    encrypted_suffix: str | None = None
    unencrypted_suffix: str | None = None

    def chosen(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of `keys` that decide, one way or the other."""
        pattern = self.encrypted_regex or self.unencrypted_regex
        if pattern:
            return frozenset(key for key, hit in zip(keys, matching(pattern, keys), strict=True) if hit)
        ending = self.encrypted_suffix or self.unencrypted_suffix or "_unencrypted"
        return frozenset(key for key in keys if key.endswith(ending))

    def wants(self, path: tuple[str, ...], chosen: frozenset[str]) -> bool:
        """Whether the value under `path` must be encrypted."""
        hit = any(key in chosen for key in path)
        return hit if self.encrypted_regex or self.encrypted_suffix else not hit


class Rule(NamedTuple):
    """A creation rule: files it is for (None: all), and their values."""

    path_regex: str | None
    selector: Selector


def rules(raw: bytes) -> list[Rule]:
    """The creation rules of a `.sops.yaml`, in order.

    Raises:
        Unreadable: it is not YAML, or an expression is not one.
    """
    found = []
    for document in nodes.compose(raw):
        for entry in nodes.elements(nodes.at(document, "creation_rules")):
            path = nodes.scalar(nodes.at(entry, "path_regex")) or None
            _require(path)
            found.append(Rule(path, _selector(entry)))
    return found


def rule_for(path: str, folder: str, given: list[Rule]) -> Rule | None:
    """The first rule for a file below `folder`, where the rules' file is."""
    relative = posixpath.relpath(path, folder or ".")
    for rule in given:
        if rule.path_regex is None or matching(rule.path_regex, (relative,))[0]:
            return rule
    return None


@lru_cache(maxsize=4096)
def broad(rule: Rule, path: str) -> bool:
    """Whether a rule is for any file of that kind: one for `.*.yaml` says how, not which."""
    if rule.path_regex is None:
        return True
    extension = posixpath.splitext(path)[1]
    return all(matching(rule.path_regex, (f"a{extension}", f"some/other/b{extension}")))


def _any_file(rule: Rule, path: str) -> bool:
    """Whether a rule is for files of every kind: one for `.env` files does say which."""
    return broad(rule, path) and broad(rule, "a.txt")


def clear(path: str, raw: bytes, rule: Rule | None) -> Iterator[Clear]:
    """Values of a file that must be encrypted and are not.

    Args:
        rule: the creation rule for it; None when there is none, so that only metadata can say so.

    Raises:
        Unreadable: it should be YAML or JSON and is not.
    """
    extension = posixpath.splitext(path)[1].lower()
    if posixpath.basename(path) in _UNQUESTIONED or (rule is None and not has_metadata(raw)):
        return
    if extension in (".yaml", ".yml", ".json"):
        asked = rule is not None and not broad(rule, path)
        if not (asked or has_metadata(raw) or manifests.may_hold_secret(raw)):
            return
        for document in nodes.compose(raw):
            yield from _of_document(path, document, rule)
    elif extension in (".env", ".ini"):
        yield from _of_lines(path, raw, rule)
    elif rule is not None and not broad(rule, path) and raw.strip() and not is_encrypted(raw):
        yield Clear("sops", 1, raw, raw)


def has_metadata(raw: bytes) -> bool:
    """Whether a file may hold metadata of SOPS."""
    return b"sops" in raw and METADATA.search(raw) is not None


def is_encrypted(raw: bytes) -> bool:
    """Whether SOPS encrypted (some of) a file, as its metadata and ciphertext say."""
    return has_metadata(raw) and b"ENC[AES256_GCM," in raw


def metadata(document: yaml.Node) -> Selector | None:
    """What a document's metadata says must be encrypted; None for a document without metadata."""
    found = nodes.at(document, "sops")
    if not any(nodes.at(found, mark) is not None for mark in _MARKS):
        return None
    return _selector(found)


def leaves(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Keys, line and text of every scalar of a document but those of SOPS' metadata; nulls and empty ones left out."""
    if isinstance(node, yaml.MappingNode):
        for item in nodes.items(node):
            if path or item.key != "sops":
                yield from leaves(item.value, (*path, item.key))
    elif isinstance(node, yaml.SequenceNode):
        for number, element in enumerate(node.value):
            yield from leaves(element, (*path, str(number)))
    elif nodes.scalar(node):
        yield path, nodes.line(node), nodes.scalar(node)


def matching(pattern: str, texts: Sequence[str]) -> list[bool]:
    """Which texts an expression (RE2) is found in."""
    found: list[bool] = pc.match_substring_regex(pa.array(texts, pa.string()), pattern).to_pylist()
    return found


@lru_cache(maxsize=1024)
def _valid(pattern: str) -> bool:
    try:
        return len(pattern) <= _LONGEST and matching(pattern, ("",)) is not None
    except pa.ArrowInvalid:
        return False


def _selector(node: yaml.Node | None) -> Selector:
    found = Selector(*(nodes.scalar(nodes.at(node, name)) or None for name in Selector._fields))
    for pattern in found[:2]:
        _require(pattern)
    return found


def _require(pattern: str | None) -> None:
    if pattern is not None and not _valid(pattern):
        raise Unreadable("SOPS: an expression is none, or is longer than it may be")


def _of_document(path: str, document: yaml.Node, rule: Rule | None) -> Iterator[Clear]:
    """A Secret is asked for all its values; anything else for those that metadata or a rule of its own selects."""
    own = metadata(document)
    selector = own if own is not None else rule.selector if rule is not None else None
    if selector is None:
        return
    secrets = [each for each in nodes.objects([document]) if manifests.is_secret(each)]
    if secrets:
        for each in secrets:
            yield from manifests.of_secret(each)
    elif own is not None or not (rule is None or broad(rule, path) or _whole(document, selector)):
        yield from _unmet(list(leaves(document)), selector)


def _whole(document: yaml.Node, selector: Selector) -> bool:
    """Whether a rule would have a Kubernetes object encrypted with its kind: no cluster could read it."""
    return selector == Selector() and nodes.at(document, "apiVersion") is not None


def _unmet(found: list[Leaf], selector: Selector) -> Iterator[Clear]:
    chosen = selector.chosen(sorted({key for path, _, _ in found for key in path}))
    for path, line, text in found:
        if selector.wants(path, chosen) and not (encrypted(text) or placeholder(text) or text in _FLAGS):
            raw = text.encode("utf-8", "backslashreplace")
            yield Clear(f"sops:{'.'.join(path)}", line, raw, raw)


def _of_lines(path: str, raw: bytes, rule: Rule | None) -> Iterator[Clear]:
    """Values of a dotenv or INI file; the sections of an INI file are not looked at."""
    body, said = _split(raw)
    if any(mark in said for mark in _MARKS):
        selector = Selector(*(said.get(name) for name in Selector._fields))
        for pattern in selector[:2]:
            _require(pattern)
    elif rule is not None and not _any_file(rule, path):
        selector = rule.selector
    else:
        return
    yield from _unmet(body, selector)


def _split(raw: bytes) -> tuple[list[Leaf], dict[str, str]]:
    """The values of a dotenv or INI file, and apart from them its metadata (`sops_…`, or the section `sops`)."""
    section = raw.find(b"\n[sops]")
    last = raw.count(b"\n", 0, section) + 1 if section >= 0 else None
    body: list[Leaf] = []
    said: dict[str, str] = {}
    for line, key, value in manifests.of_env(raw):
        text = value.decode("utf-8", "backslashreplace")
        if key.startswith("sops_") or (last is not None and line > last):
            said[key.removeprefix("sops_")] = text
        elif text:
            body.append(((key,), line, text))
    return body, said
