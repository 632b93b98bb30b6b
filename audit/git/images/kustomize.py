"""Entries of Kustomize's `images`, in each of their forms: mappings in files, and texts in Argo CD's objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from audit.git.images.references import joined, parse, version, written

_SETS = ("newTag", "newName", "digest")


class Entry(NamedTuple):
    """`name` is what it applies to, `image` what that becomes, `version` the tag or digest that it sets."""

    name: str
    image: str
    version: str | None


def of_mapping(entry: Mapping[Any, Any]) -> Entry | None:
    """`{name, newName, newTag, digest}`; None for a mapping that is no such entry."""
    name = written(entry.get("name"))
    if name is None or not any(key in entry for key in _SETS):
        return None
    image = written(entry.get("newName")) or name
    return Entry(name, image, joined(version(entry.get("newTag")), version(entry.get("digest"))))


def of_text(entry: str) -> Entry | None:
    """`name=new:tag`, `name=new@digest`, `name=new` or `name:tag`; None for other text."""
    name, equals, new = entry.partition("=")
    found = parse(new if equals else name)
    if found is None:
        return None
    return Entry(name if equals else found.image, found.image, found.version)
