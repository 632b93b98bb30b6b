"""Where in a file something is set, in words that stay the same when entries are put in above it.

A locator is the document and a JSON pointer (RFC 6901) in it: `0/image/tag`. Two things replace counting where a name
exists, so that an entry or document inserted above moves nothing below it:

- a Kubernetes object is `Kind:name`, or `Kind:namespace~1name`, instead of the number of its document;
- an element of a list is its `name` instead of its number, an operation of a JSON patch the path that it changes,
  a Kubernetes object the same as above, and a patch the object that it targets or is written for: `0/images/web`,
  `containers/web/image`.

A name used again in the same list has `#2` after it, then `#3`. What is longer than 120 characters is cut, and ends in
a hash of the whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

_LONGEST = 120
_HEAD = 2000
_KIND = re.compile(r"^kind: *(\S+)", re.MULTILINE)
_METADATA_NAME = re.compile(r"^metadata: *\n(?: +\S.*\n){0,12}? +name: *(\S+)", re.MULTILINE)


def child(at: str, key: str) -> str:
    """The locator of what `key` names in what is at `at`."""
    return f"{at}/{escaped(key)}" if at else escaped(key)


def escaped(key: str) -> str:
    """One part of a JSON pointer."""
    if len(key) > _LONGEST:
        key = f"{key[:80]}…{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    if "~" in key or "/" in key:
        return key.replace("~", "~0").replace("/", "~1")
    return key


def dotted(at: str, root: str) -> str:
    """What is at `at` as Helm names a value, from `root` on: `web.image`. A slash of a name stays one."""
    return ".".join(part.replace("~1", "/").replace("~0", "~") for part in at[len(root) :].split("/") if part)


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a value is a Kubernetes object: it says which API and which kind it is of."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("apiVersion"), str)
        and isinstance(value.get("kind"), str)
    )


def elements(values: Sequence[Any], at: str) -> Iterator[tuple[str, Any]]:
    """Locator and value of each element of a list (or of each document of a file) that is at `at`."""
    times = dict[str, int]()
    for number, value in enumerate(values):
        name = _name(value)
        part = escaped(name) if name else str(number)
        while part in times:
            times[part] += 1
            part = f"{part}#{times[part]}"
        times[part] = 1
        yield (f"{at}/{part}" if at else part), value


def _name(value: Any) -> str | None:
    if not isinstance(value, dict):
        return _of_text(value) if isinstance(value, str) else None
    if is_object(value):
        return _of_object(value["kind"], value.get("metadata"))
    for key in ("name", "path") if "op" in value else ("name",):
        if isinstance(value.get(key), str) and value[key]:
            return str(value[key])
    target = value.get("target")
    if isinstance(target, dict) and isinstance(target.get("kind"), str):
        return _of_object(target["kind"], target)
    patch = value.get("patch")
    return _of_text(patch) if isinstance(patch, str) else None


def _of_text(patch: str) -> str | None:
    """The object that a patch kept as text is written for, by its first lines."""
    head = patch[:_HEAD]
    kind, name = _KIND.search(head), _METADATA_NAME.search(head)
    if kind is None or name is None:
        return None
    return f"{kind[1]}:{name[1]}"


def _of_object(kind: str, metadata: Any) -> str | None:
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        return None
    namespace = metadata.get("namespace")
    named = (
        f"{namespace}/{metadata['name']}" if isinstance(namespace, str) and namespace else metadata["name"]
    )
    return f"{kind}:{named}"
