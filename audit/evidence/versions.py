"""Every content that was ever collected under a key: what a source rewrote is kept beside what it wrote instead.

A file that only grew is its last content: the earlier ones are its beginning, and say nothing that it does not say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from audit.evidence.manifest import Entry, load_all
from audit.evidence.store import Store

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Version:
    """One content of a key.

    Attributes:
        replaced_by: sha256 of what the source gave last under the same key; None for what it gave last.
    """

    entry: Entry
    replaced_by: str | None = None


def versions(store: Store, sources: Iterable[tuple[str, str]]) -> list[Version]:
    """All evidence of some sources, ordered by source, location, key, and from the last content back.

    Args:
        sources: (name, location) pairs; entries of others are left out.

    Raises:
        IntegrityError: a manifest can't be read, or an object is gone.
    """
    wanted = set(sources)
    by_key: dict[tuple[str, str, str], dict[str, Entry]] = {}
    for manifest in load_all(store):
        for entry in manifest.entries:
            if (entry.source, entry.location) in wanted:
                contents = by_key.setdefault((entry.source, entry.location, entry.key), {})
                contents.pop(entry.sha256, None)  # what comes again comes last
                contents[entry.sha256] = entry
    found = []
    for key in sorted(by_key):
        *earlier, last = by_key[key].values()
        begins = _beginnings(store, last, earlier)
        found.append(Version(last))
        found += [Version(entry, last.sha256) for entry in reversed(earlier) if entry.sha256 not in begins]
    return found


def _beginnings(store: Store, last: Entry, earlier: list[Entry]) -> set[str]:
    """Which of the earlier contents (sha256) are the beginning of the last one."""
    sizes = sorted({entry.size for entry in earlier if entry.size < last.size})
    if not sizes:
        return set()
    digest, begun, read = hashlib.sha256(), set(), 0
    with store.open(last.sha256) as file:
        for size in sizes:
            while read < size and (chunk := file.read(min(_CHUNK, size - read))):
                digest.update(chunk)
                read += len(chunk)
            begun.add(digest.copy().hexdigest())
    return begun & {entry.sha256 for entry in earlier}
