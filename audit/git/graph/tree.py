"""The files of one revision, with the folders that they make; what was asked of it is noted, to know when to ask again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from audit.git.graph.references import ancestors, glob


@dataclass(slots=True)
class Asked:
    """What an answer depends on: folders and Flux sources that were looked for, patterns over all folders or all files."""

    folders: set[str] = field(default_factory=set)
    folder_patterns: set[str] = field(default_factory=set)
    file_patterns: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)

    def matches(self, folders: set[str], files: set[str]) -> bool:
        """Whether folders that came or went, or files that changed, match a pattern that was asked for."""
        return any(
            glob(pattern).fullmatch(each) for pattern in self.folder_patterns for each in folders
        ) or any(glob(pattern).fullmatch(each) for pattern in self.file_patterns for each in files)


class Askers:
    """Who asked what of a tree: found by what comes to differ, without a look at each."""

    def __init__(self) -> None:
        self._asked: dict[str, Asked] = {}
        self._folders: dict[str, set[str]] = {}
        self._sources: dict[str, set[str]] = {}
        self._patterns: set[str] = set()

    def __contains__(self, who: str) -> bool:
        return who in self._asked

    def put(self, who: str, asked: Asked) -> None:
        """Notes what was asked by one of whom nothing is noted."""
        self._asked[who] = asked
        for keys, index in ((asked.folders, self._folders), (asked.sources, self._sources)):
            for key in keys:
                index.setdefault(key, set()).add(who)
        if asked.folder_patterns or asked.file_patterns:
            self._patterns.add(who)

    def drop(self, who: str) -> None:
        """Forgets what was asked by one, if anything is noted."""
        asked = self._asked.pop(who, None)
        if asked is None:
            return
        for keys, index in ((asked.folders, self._folders), (asked.sources, self._sources)):
            for key in keys:
                index[key].discard(who)
                if not index[key]:
                    del index[key]
        self._patterns.discard(who)

    def concerned(self, folders: set[str], files: set[str], sources: set[str]) -> set[str]:
        """Who would be answered otherwise now that folders came or went, files changed, or sources are declared anew."""
        found = {who for folder in folders for who in self._folders.get(folder, ())}
        found.update(who for source in sources for who in self._sources.get(source, ()))
        found.update(who for who in self._patterns if self._asked[who].matches(folders, files))
        return found


class Tree:
    """Blob id by path, and every folder that holds a file."""

    def __init__(self, blobs: Mapping[str, str]) -> None:
        self.blobs = dict(blobs)
        self.flipped: set[str] = set()
        """Folders that came or went since this was last emptied."""
        self._held = Counter(folder for path in self.blobs for folder in ancestors(path))

    def put(self, path: str, blob: str) -> None:
        """A file came, or has new content."""
        if path not in self.blobs:
            for folder in ancestors(path):
                self._held[folder] += 1
                if self._held[folder] == 1:
                    self.flipped.add(folder)
        self.blobs[path] = blob

    def drop(self, path: str) -> None:
        """A file went; one that was not there is no fault: it was no regular file."""
        if self.blobs.pop(path, None) is None:
            return
        for folder in ancestors(path):
            self._held[folder] -= 1
            if not self._held[folder]:
                del self._held[folder]
                self.flipped.add(folder)

    def has_folder(self, folder: str, asked: Asked) -> bool:
        """Whether a folder holds any file."""
        asked.folders.add(folder)
        return folder in self._held

    def folders(self, pattern: str, asked: Asked) -> list[str]:
        """Folders whose path matches a pattern, sorted."""
        asked.folder_patterns.add(pattern)
        return sorted(filter(glob(pattern).fullmatch, self._held))

    def files(self, pattern: str, asked: Asked) -> list[str]:
        """Files whose path matches a pattern, sorted."""
        asked.file_patterns.add(pattern)
        return sorted(filter(glob(pattern).fullmatch, self.blobs))

    def below(self, folder: str) -> Iterator[str]:
        """Files below a folder."""
        start = f"{folder}/" if folder else ""
        return (path for path in self.blobs if path.startswith(start))
