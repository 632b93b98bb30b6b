"""Images anywhere in a tree of mappings and lists: Helm values, workloads, custom resources, patches.

All of them say it in the same few ways, which is why one walk serves for all:

- `image: name:tag` (also `baseImage`, `web_image`), with the tag in it, or as `tag:` beside it;
- `image: {registry, repository, tag, digest}`, and any mapping that has a `repository` and a tag or digest;
- `imageTag:` and `imageDigest:`, whatever stands before them (`webImageTag`), beside the image's name or without one;
- `images:` of references, of such mappings by name, or of Kustomize's entries;
- an operation of a JSON patch on such a path; Helm's parameters; YAML kept as text, as in an Application's `values`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from audit.git.contents import Unreadable
from audit.git.contents import parse as parse_yaml
from audit.git.images import kustomize, operators
from audit.git.images.found import Found
from audit.git.images.locators import child, dotted, elements, is_object
from audit.git.images.references import Reference, joined, parse, version, written

_DEEPEST_TEXT = 3
_KEY = re.compile(
    r"(?P<stem>.*image)(?:(?P<of>s)|(?P<gap>[_-]?)(?P<what>tag|digest))?", re.IGNORECASE | re.DOTALL
)
_NO_IMAGES = frozenset({"Secret", "SealedSecret", "CustomResourceDefinition"})
_NAMES = ("repository", "image", "name")
_LONGEST_PATH = 1000
_TEXTS = frozenset({"valuesContent", "patch", "templatePatch"})
_VALUES = frozenset({"valuesObject", "valuesInline"})
_MAY_SET = re.compile(r"image|tag", re.IGNORECASE)


class _Role(NamedTuple):
    """What a key may say: `image`, `images`, `tag` or `digest`, of what `stem` names."""

    what: str
    stem: str


@lru_cache(maxsize=4096)
def _role(key: str) -> _Role | None:
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    return _Role("images" if match["of"] else (match["what"] or "image").lower(), match["stem"])


class Walk:
    """Walks trees and adds what they set to `found`.

    Args:
        set_by: what is said to set it.
        depth: how many texts within texts the walk is in.
    """

    def __init__(self, found: Found, set_by: str, depth: int = 0) -> None:
        self._found = found
        self._set_by = set_by
        self._depth = depth

    def tree(self, value: Any, at: str, root: str) -> None:
        """Everything at and below `at`. What has no image's name is named from `root` on."""
        if isinstance(value, dict):
            kind = value.get("kind")
            if not isinstance(kind, str) or kind not in _NO_IMAGES:
                self._mapping(value, at, root)
        elif isinstance(value, list):
            for where, element in elements(value, at):
                if isinstance(element, (dict, list)):
                    self.tree(element, where, root)

    def images(self, value: Any, at: str) -> None:
        """What stands under a key `images`: references or entries of Kustomize in a list, or images by name."""
        if isinstance(value, list):
            self._entries(value, at)
        elif isinstance(value, dict):
            self._parts(value, at, at)
            for key, said in value.items():
                if isinstance(key, str) and isinstance(said, dict):
                    self._parts(said, child(at, key), at)
                elif isinstance(key, str) and isinstance(said, str):
                    reference = parse(said)
                    if reference is not None and reference.version:
                        self._found.add(child(at, key), self._set_by, reference.image, reference.version)

    def text(self, value: str, at: str) -> None:
        """YAML that is kept as text. What is not YAML is a problem of its locator, if it speaks of images at all."""
        if not _MAY_SET.search(value):
            return
        if self._depth >= _DEEPEST_TEXT:
            self._found.problems[at] = f"text within text, deeper than {_DEEPEST_TEXT} levels"
            return
        inner = Walk(self._found, self._set_by, self._depth + 1)
        try:
            documents = parse_yaml(value.encode("utf-8", "backslashreplace"))
            if len(documents) == 1 and not is_object(documents[0]):
                inner.tree(documents[0], at, at)
                return
            for where, document in elements(documents, at):
                inner.tree(document, where, where)
        except Unreadable as error:
            self._found.problems[at] = error.reason
        except RecursionError:
            self._found.problems[at] = "nested too deep"

    def _mapping(self, value: dict[Any, Any], at: str, root: str) -> None:
        if "op" in value and isinstance(value.get("path"), str):
            if value["op"] not in ("add", "replace"):
                return
            self._operation(value["path"], value.get("value"), at)
        if "repository" in value or ("image" in value and _version_beside(value)):
            self._parts(value, at, root, named=True)
        for key, inner in value.items():
            if not isinstance(key, str):
                continue
            role = _role(key) if len(key) < 100 and key[-1:] in "egtsEGTS" else None
            if isinstance(inner, str):
                if role is not None:
                    self._scalar(value, key, role, at=at, root=root)
                elif key in _TEXTS or (key == "values" and at.endswith("helm")):
                    self.text(inner, child(at, key))
            elif isinstance(inner, (dict, list)):
                self._below(key, role, inner, child(at, key), root)

    def _below(self, key: str, role: _Role | None, inner: Any, at: str, root: str) -> None:
        """What is below one key. Values of a chart have names of their own, from there on."""
        if role is not None and role.what == "images":
            self.images(inner, at)
        elif role is not None and isinstance(inner, dict):
            self._parts(inner, at, root)
        if key == "parameters" and at.endswith("/helm/parameters") and isinstance(inner, list):
            inner, root = operators.values_of(inner), at
        elif key in _VALUES or (key == "values" and at.endswith("/spec/values")):
            root = at
        elif key == "patchesStrategicMerge" and isinstance(inner, list):
            for where, patch in elements(inner, at):
                if isinstance(patch, str):
                    self.text(patch, where)
        self.tree(inner, at, root)

    def _scalar(self, beside: Mapping[Any, Any], key: str, role: _Role, *, at: str, root: str) -> None:
        """What one key with a text says."""
        if role.what == "image":
            self._reference(beside, key, at)
        elif role.what != "images":
            self._version(beside, key, role, at=at, root=root)

    def _reference(self, beside: Mapping[Any, Any], key: str, at: str) -> None:
        """A key `image` or one that ends in it. With the tag beside it, `_parts` has it already."""
        reference = parse(beside[key])
        if reference is None or (key == "image" and not reference.version and _version_beside(beside)):
            return
        if reference.version or key == "image" or "/" in reference.image:
            self._found.add(child(at, key), self._set_by, reference.image, reference.version)

    def _version(self, beside: Mapping[Any, Any], key: str, role: _Role, *, at: str, root: str) -> None:
        """A key `imageTag` or `imageDigest`; where both stand together, the tag's has both."""
        tag, digest = (_beside(beside, role.stem, what) for what in ("tag", "digest"))
        if role.what == "digest" and tag is not None:
            return
        named = _named_beside(beside, role.stem)
        image = named.image if named else dotted(child(at, role.stem), root)
        self._found.add(child(at, key), self._set_by, image, joined(version(tag), version(digest)))

    def _parts(self, parts: Mapping[Any, Any], at: str, root: str, *, named: bool = False) -> None:
        """`{registry, repository, tag, digest}`; when `named` it counts only with an image's name in it."""
        tag = version(parts.get("tag"))
        digest = version(parts.get("digest")) or version(parts.get("sha"))
        name = next((said for key in _NAMES if (said := written(parts.get(key)))), None)
        reference = parse(name) if name else None
        if reference is None:
            if not named and (tag or digest):
                self._found.add(at, self._set_by, dotted(at, root) or "image", joined(tag, digest))
            return
        apart = {"tag", "digest"} & parts.keys() and ("repository" in parts or not reference.version)
        if named and not apart:
            return
        number = joined(tag or reference.tag, digest or reference.digest)
        self._found.add(at, self._set_by, _with_registry(parts, reference.image), number)

    def _entries(self, entries: list[Any], at: str) -> None:
        for where, entry in elements([_as_mapping(entry) for entry in entries], at):
            if isinstance(entry, dict) and (found := kustomize.of_mapping(entry)):
                self._found.add(where, self._set_by, found.image, found.version)

    def _operation(self, path: str, value: Any, at: str) -> None:
        """One operation of a JSON patch on the key `image` or on what is directly below it."""
        *parents, last = path[-_LONGEST_PATH:].strip("/").split("/")
        if not isinstance(value, str):
            return
        role, above = _role(last), _role(parents[-1]) if parents else None
        if above is not None and above.what == "image":
            values = parents[parents.index("values") + 1 :] if "values" in parents else parents
            self._parts({last: value}, at + "/" + "/".join(values), at)
        elif role is not None:
            self._scalar({last: value}, last, role, at=at, root=at)


def _as_mapping(entry: Any) -> Any:
    """An entry of `images` written as text, as the mapping that says the same; a reference without version is none."""
    if not isinstance(entry, str):
        return entry
    found = kustomize.of_text(entry)
    if found is None or ("=" not in entry and found.version is None):
        return entry
    return {"name": found.name, "newName": found.image, "newTag": found.version or ""}


def _with_registry(parts: Mapping[Any, Any], image: str) -> str:
    registry = (written(parts.get("registry")) or "").rstrip("/")
    if not registry or len(registry) > 255 or image.startswith(registry + "/"):
        return image
    return f"{registry}/{image}"


def _version_beside(beside: Mapping[Any, Any]) -> str | None:
    return joined(version(beside.get("tag")), version(beside.get("digest")))


def _beside(beside: Mapping[Any, Any], stem: str, what: str) -> str | None:
    for gap in ("", "_", "-"):
        for word in (what, what.capitalize(), what.upper()):
            if said := written(beside.get(f"{stem}{gap}{word}")):
                return said
    return None


def _named_beside(beside: Mapping[Any, Any], stem: str) -> Reference | None:
    """The image that stands beside its tag: `image`, `imageRepository`, `imageName`, `repository`."""
    for key in (
        stem,
        *(f"{stem}{end}" for end in ("Repository", "_repository", "Name", "_name", "Repo", "_repo")),
    ):
        said = written(beside.get(key))
        if said and (reference := parse(said)) and reference.version is None:
            return reference
    said = written(beside.get("repository"))
    return parse(said) if said else None
