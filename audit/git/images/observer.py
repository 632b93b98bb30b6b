"""Which images each mainline commit set, from what to what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from audit.git.contents import Change, Contents, Step, Unreadable, parse
from audit.git.images import tagfiles
from audit.git.images.files import Form, form, found_in
from audit.git.images.found import MANIFEST, NO_TAG, Found, Setting

Place = tuple[str, str]
"""An application and an environment."""

_NOWHERE: tuple[Place, ...] = (("", ""),)
_KEPT = 16384
_NOTHING = Found()
_CONTAINER = re.compile(r"/(?:ephemeralContainers|initContainers|containers)/[^/]+/image$")
_TEMPLATE = re.compile(r"\{\{|\$")
_MAY_SET = re.compile(rb"image|tag|\\[xuU\r\n]|\0", re.IGNORECASE)
"""What a file has that sets an image in any known way: the words, or what YAML can hide letters in."""


class Images:
    """Compares, file by file, what images were set before and after each mainline commit.

    A file that becomes part of an environment, or leaves it, through a change of another file (a kustomization that
    names it from now on) is not seen here: that is the build graph's to say.

    Args:
        contents: of the repository whose steps are given.

    Attributes:
        unread: (commit, path, reason) of each content that could not be read; nothing is said of what it sets.
    """

    def __init__(self, contents: Contents) -> None:
        self.unread: list[tuple[str, str, str]] = []
        self._contents = contents
        self._found = lru_cache(maxsize=_KEPT)(self._read)

    def step(self, step: Step, reached: Mapping[str, Sequence[Place]]) -> list[dict[str, Any]]:
        """Rows of `image_settings`, without `repo`, for one mainline commit.

        Args:
            reached: where each path of the commit takes effect, old paths of renamed files among them. What is in
                none of them gives rows with an empty application and environment.
        """
        rows: list[dict[str, Any]] = []
        for change in step.changes:
            rows.extend(self._rows(step.sha, change, reached))
        return rows

    def _rows(
        self, sha: str, change: Change, reached: Mapping[str, Sequence[Place]]
    ) -> Iterator[dict[str, Any]]:
        moved = change.status == "R" and change.old_path not in (None, change.path)
        old_path = change.old_path if moved and change.old_path is not None else change.path
        if not moved and change.old_blob == change.blob:
            return
        new_file = change.status in "AC"
        before = _NOTHING if new_file else self._side(sha, old_path, change.old_blob, "before this commit: ")
        after = self._side(sha, change.path, change.blob, "")
        if before is None or after is None or (not before.settings and not after.settings):
            return
        places = dict.fromkeys(reached.get(change.path) or _NOWHERE)
        left = dict.fromkeys(reached.get(old_path) or _NOWHERE) if moved else places
        sides = (
            (change.path, [place for place in places if place in left], before, after),
            (old_path, [place for place in left if place not in places], before, _NOTHING),
            (change.path, [place for place in places if place not in left], _NOTHING, after),
        )
        unknown = tuple(f"{at}/" for at in (*before.problems, *after.problems))
        for path, where, was, now in sides:
            for row in _differences(was.settings, now.settings) if where else ():
                if not (unknown and f"{row['locator']}/".startswith(unknown)):
                    for app, environment in where:
                        yield {"sha": sha, "path": path, "app": app, "environment": environment, **row}

    def _side(self, sha: str, path: str, blob: str | None, when: str) -> Found | None:
        """What one side of a change sets; None when that can't be known, which is noted."""
        if blob is None:
            return _NOTHING
        found = self._found(path, blob)
        if found.unread is not None:
            self.unread.append((sha, path, when + found.unread))
            return None
        for at, reason in found.problems.items():
            self.unread.append((sha, path, f"{when}{at}: {reason}"))
        return found

    def _read(self, path: str, blob: str) -> Found:
        how = form(path)
        if how is Form.NEVER:
            return _NOTHING
        try:
            raw = self._contents.raw(blob)
            if how is Form.PLAIN:
                return _plain(path, raw)
            if not _MAY_SET.search(raw):
                return _NOTHING
            return _shared(found_in(path, self._contents.documents(blob)))
        except Unreadable as error:
            return Found(unread=error.reason)
        except RecursionError:
            return Found(unread="nested too deep")


def _plain(path: str, raw: bytes) -> Found:
    """A file without an ending of YAML. What is neither a version nor a mapping of one sets nothing."""
    found = Found()
    if len(raw) > tagfiles.LARGEST or tagfiles.of_plain(path, raw.decode("utf-8", "backslashreplace"), found):
        return found
    if not _MAY_SET.search(raw):
        return _NOTHING
    try:
        documents = parse(raw)
    except Unreadable:
        return _NOTHING
    if len(documents) == 1:
        tagfiles.of_mapping(path, documents[0], "0", found)
    return _shared(found)


def _shared(found: Found) -> Found:
    return found if found.settings or found.problems else _NOTHING


def _differences(before: Mapping[str, Setting], after: Mapping[str, Setting]) -> Iterator[dict[str, Any]]:
    """Each image set otherwise: `locator`, `image`, `set_by` (the later), and the versions `before` and `after`.

    Another image at the same locator is one image taken out and another one set.
    """
    was = {(at, setting.image): setting for at, setting in before.items()}
    now = {(at, setting.image): setting for at, setting in after.items()}
    for key in dict.fromkeys((*was, *now)):
        old, new = was.get(key), now.get(key)
        old_version, new_version = (_version(key[0], side) for side in (old, new))
        setting = new or old
        if setting is not None and old_version != new_version:
            yield {
                "locator": key[0],
                "image": key[1],
                "set_by": setting.set_by,
                "before": old_version,
                "after": new_version,
            }


def _version(at: str, setting: Setting | None) -> str | None:
    """A setting's version; `NO_TAG` for a container's image that is written without any, and without a template."""
    if setting is None or setting.version is not None or not _CONTAINER.search(at):
        return None if setting is None else setting.version
    return NO_TAG if setting.set_by == MANIFEST and not _TEMPLATE.search(setting.image) else None
