"""Image references as people write them: `registry:port/name:tag@digest`, with templates and variables in them.

What is not written is not assumed: a reference without a tag has none, not `latest`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 1024
"""Characters of the longest text that is taken for a reference; a name has at most 255, a tag 128."""

_HIDDEN = "\ue000"  # of Unicode's private use: stands for a template while the rest is read
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\$\{[^}]*\}|\$\([^)]*\)", re.DOTALL)
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9+._-]*:[0-9A-Fa-f]+"
_VERSION = re.compile(rf"{_TAG}(?:@{_DIGEST})?|{_DIGEST}")
_REFERENCE = re.compile(
    rf"(?P<image>(?:[A-Za-z0-9.{_HIDDEN}-]+(?::[0-9{_HIDDEN}]+)?/|\[[0-9A-Fa-f:]+\](?::[0-9]+)?/)?"
    rf"[A-Za-z0-9_.{_HIDDEN}-]+(?:/[A-Za-z0-9_.{_HIDDEN}-]+)*)"
    rf"(?::(?P<tag>{_TAG}|[A-Za-z0-9_.-]*{_HIDDEN}[A-Za-z0-9_.{_HIDDEN}-]*))?"
    rf"(?:@(?P<digest>{_DIGEST}|[A-Za-z0-9:]*{_HIDDEN}[A-Za-z0-9:{_HIDDEN}]*))?"
)
_UNSET = ("", "~", "null", "Null", "NULL")


class Reference(NamedTuple):
    """An image as it is named, and the tag and digest that choose its version; None where none is written."""

    image: str
    tag: str | None
    digest: str | None

    @property
    def version(self) -> str | None:
        """Tag, digest, or `tag@digest`, as written; None when neither is."""
        return joined(self.tag, self.digest)


def parse(text: str) -> Reference | None:
    """The reference that `text` is; None when it is none.

    Template text (`{{ … }}`, `${…}`, `$(…)`) is kept in the image's name and is no tag or digest.
    """
    if not 0 < len(text) <= LONGEST or _HIDDEN in text:
        return None
    hidden = _TEMPLATE.findall(text)
    found = _REFERENCE.fullmatch(_TEMPLATE.sub(_HIDDEN, text) if hidden else text)
    if found is None:
        return None
    parts = iter(hidden)
    image = re.sub(_HIDDEN, lambda _: next(parts), found["image"]) if hidden else found["image"]
    return Reference(image, _plain(found["tag"]), _plain(found["digest"]))


def version(value: object) -> str | None:
    """A tag or digest by itself, as written; None for what is unset, a template, or no version at all."""
    if not isinstance(value, str) or value in _UNSET or len(value) > LONGEST:
        return None
    return value if _VERSION.fullmatch(value) else None


def written(value: object) -> str | None:
    """A text that says something: not absent, empty or null."""
    return value if isinstance(value, str) and value not in _UNSET else None


def joined(tag: str | None, digest: str | None) -> str | None:
    """Tag and digest as one version."""
    if tag is None or digest is None:
        return tag if digest is None else digest
    return f"{tag}@{digest}"


def _plain(part: str | None) -> str | None:
    return None if part is None or _HIDDEN in part else part
