"""The collection of a source that is walked: each object goes into the store, and the journal, as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import structs

from audit.errors import EvidenceMissing, IntegrityError
from audit.evidence.journal import Journal
from audit.evidence.manifest import Entry
from audit.evidence.outcome import Progress, SourceCollected, in_words
from audit.evidence.store import Store
from audit.sources.interface import Before, Brought, Remark, Unread, Walk


def follow(
    walk: Walk,
    store: Store,
    journal: Journal,
    recorded: Iterable[Entry],
    unfinished: Iterable[Entry],
    *,
    as_of: datetime,
    stale: Callable[[datetime], bool],
    progress: Progress | None,
) -> SourceCollected:
    """Brings what a walk comes to; what could not be had is in the result.

    Args:
        stale: whether what was collected at a time is to be recorded anew, though it has not changed: else nothing
            would say that it was still so after a quarter had ended. Its bytes are not stored again.
        recorded: what manifests hold, the latest of a key last.
        unfinished: what a collection that did not end has brought, in its order.
    """
    result = SourceCollected(walk.name, walk.location)
    known = _Latest(walk, store, recorded, unfinished)
    try:
        for one in walk.walk(known.before):
            if isinstance(one, Remark):
                result.remarks.append(one.text)
            elif isinstance(one, Unread):
                result.unread.append(one)
            elif (entry := _stored(walk, store, known.entry(one.key), one, as_of)) is not None:
                journal.add(entry)
                known.add(entry)
                result.pulled += 1
                result.bytes += entry.size
            else:
                result.kept += 1
                before = known.entry(one.key)
                if before is not None and one.at is not None and stale(before.collected_at):
                    journal.add(structs.replace(before, last_modified=one.at, collected_at=as_of))
            result.listed = (
                result.pulled + result.kept + len(result.unread) + 1
            )  # it is not known how many come
            result.tell(progress)
    except (EvidenceMissing, IntegrityError) as error:
        result.failed = True
        result.problems.append(error)
    result.listed = result.pulled + result.kept + len(result.unread)
    result.tell(progress)
    result.problems += in_words(walk.name, walk.location, result.unread)
    return result


class _Latest:
    """What the store has of each key of one source."""

    def __init__(
        self, walk: Walk, store: Store, recorded: Iterable[Entry], unfinished: Iterable[Entry]
    ) -> None:
        self._store = store
        where = (walk.name, walk.location)
        mine = [entry for entry in unfinished if (entry.source, entry.location) == where]
        self._unfinished = {entry.key for entry in mine}
        self._entries = {e.key: e for e in recorded if (e.source, e.location) == where}
        self._entries |= {entry.key: entry for entry in mine}

    def add(self, entry: Entry) -> None:
        """An object that was brought now."""
        self._entries[entry.key] = entry

    def entry(self, key: str) -> Entry | None:
        """The latest of a key."""
        return self._entries.get(key)

    def before(self, key: str) -> Before | None:
        """What the store has of a key; None where it has lost the bytes: they are to be brought again."""
        entry = self._entries.get(key)
        if entry is None or not self._store.has(entry.sha256, size=entry.size):
            return None
        return Before(entry.etag, entry.last_modified, key in self._unfinished, lambda: self._bytes(entry))

    def _bytes(self, entry: Entry) -> bytes:
        with self._store.open(entry.sha256) as file:
            return file.read()


def _stored(walk: Walk, store: Store, before: Entry | None, one: Brought, as_of: datetime) -> Entry | None:
    """The entry of an object whose bytes are new; None where the store has them under its key."""
    if one.content is None:
        return None
    stored = store.put([one.content])
    if before is not None and stored.sha256 == before.sha256:
        return None
    return Entry(
        source=walk.name,
        location=walk.location,
        key=one.key,
        version_id="",
        etag=one.etag,
        last_modified=one.at,
        retention="",
        size=stored.size,
        sha256=stored.sha256,
        collected_at=as_of,
    )
