"""Files that hold just a version: deployment robots change nothing else.

Two forms: one version as plain text, where a folder or the file says that it is of tags or images
(`image-tags/prod/web`, `web.tag`), for a lone version elsewhere may be of anything; and a flat mapping with a key that
says so itself (`image_tag: v12`, `tag: v12`), which may hold switches next to it.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from audit.git.images.found import TAG_FILE, Found
from audit.git.images.locators import child
from audit.git.images.references import joined, parse, version

LARGEST = 4096
"""Bytes of the largest tag file."""

SUFFIXES = ("", ".txt", ".tag", ".version")
"""Endings of files that may be plain text with a version; those of YAML may be tag files too."""

_MOST_KEYS = 16
_KEY = re.compile(r"(?:image[_-]?)?(?P<what>tag|digest)", re.IGNORECASE)
_NAMES_IMAGE = frozenset({"image", "name", "repository", "registry"})
_OF_TAGS = re.compile(r"(?<![a-z])(?:images?|(?:image)?tags?)(?![a-z])", re.IGNORECASE)
_VALUES = re.compile(r"(?:^|[._-])values(?:[._-]|$)", re.IGNORECASE)
_ENDING = re.compile(r"\.(?:ya?ml|json|txt|tag|version)$", re.IGNORECASE)


def named_for(path: str) -> str:
    """What a tag file is named for: its name without its ending."""
    name = PurePosixPath(path).name
    return _ENDING.sub("", name) or name


def of_plain(path: str, text: str, found: Found) -> bool:
    """Reads a plain version (or whole reference) into `found`; says whether the text is one."""
    said = text.strip()
    if not _OF_TAGS.search(path):
        return False
    if version(said) and (said == "latest" or re.search(r"[0-9]", said)):
        found.add("0", TAG_FILE, named_for(path), said)
        return True
    reference = parse(said)
    if reference is None or reference.version is None or "/" not in reference.image:
        return False
    found.add("0", TAG_FILE, reference.image, reference.version)
    return True


def of_mapping(path: str, document: Any, at: str, found: Found) -> bool:
    """Reads a flat mapping of a tag into `found`; says whether the document is one."""
    if not isinstance(document, dict) or len(document) > _MOST_KEYS or _VALUES.search(named_for(path)):
        return False
    if not all(isinstance(part, str) for pair in document.items() for part in pair):
        return False
    if not _NAMES_IMAGE.isdisjoint(document):
        return False
    keys = {match["what"].lower(): key for key in document if (match := _KEY.fullmatch(key))}
    if not keys:
        return False
    tag, digest = (version(document.get(keys.get(what))) for what in ("tag", "digest"))
    found.add(child(at, keys.get("tag") or keys["digest"]), TAG_FILE, named_for(path), joined(tag, digest))
    return True
