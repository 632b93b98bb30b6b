"""Collection: everything that the sources have and the store has not, pulled once, in parallel, resumable.

What can be read is read, source by source; what can't be is told at the end, in words and one by one. The manifest
is written last. A run that was killed leaves its journal, and the next one goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from msgspec.structs import replace

from audit.errors import AuditError, EvidenceMissing, IntegrityError
from audit.evidence.aside import Written
from audit.evidence.batch import Batch
from audit.evidence.chain import check_chain
from audit.evidence.journal import Journal
from audit.evidence.keys import signer, verifiers
from audit.evidence.manifest import Entry, Manifest, Tips, append, current_entries
from audit.evidence.outcome import Progress, SourceCollected, in_words
from audit.evidence.store import Store
from audit.evidence.walked import follow
from audit.settings import Settings, Source
from audit.sources.interface import Changed, Interrupted, Listed, Listing, Origin, Unread, Unreadable, Walk
from audit.sources.origins import origins
from audit.sources.parallel import each

_FIRST_PAUSE = 0.2  # seconds before an object that broke off is read again; doubles each time


@dataclass(frozen=True)
class Collected:
    """What one collection came to.

    Attributes:
        sources: one for each source, in the order of the settings.
        manifest: the manifest it added; None when there was nothing new.
        unstamped: why the last manifest could not be stamped, where an authority was to do so.
    """

    sources: tuple[SourceCollected, ...]
    manifest: Manifest | None
    unstamped: tuple[AuditError, ...] = ()

    @property
    def problems(self) -> list[AuditError]:
        """All that went wrong: `EvidenceMissing`, or `IntegrityError` where the evidence was changed."""
        return [*(problem for source in self.sources for problem in source.problems), *self.unstamped]

    @property
    def pulled(self) -> int:
        """Objects read now."""
        return sum(source.pulled for source in self.sources)

    @property
    def kept(self) -> int:
        """Objects that were there from before."""
        return sum(source.kept for source in self.sources)

    @property
    def bytes(self) -> int:
        """Bytes read now."""
        return sum(source.bytes for source in self.sources)


def collect(
    settings: Settings,
    store: Store,
    *,
    as_of: datetime,
    progress: Progress | None = None,
    tips: Tips | None = None,
    only: Callable[[Source], bool] | None = None,
) -> Collected:
    """Brings the store up to what the sources have.

    Args:
        as_of: what the entries' `collected_at` says (aware).
        progress: called after each object.
        tips: by repository, the sha of each ref: recorded in the manifest where they changed.
        only: which sources to collect; all when not given.

    Raises:
        UsageError: the settings can't be used, the store can't be written, or another run is collecting into it.
        IntegrityError: the store's manifests are not what they were.
        What sources could not give is not raised but told in `Collected.problems`.
    """
    as_of = as_of.astimezone(UTC)
    signs, all_origins = signer(settings), origins(settings, as_of=as_of, only=only)
    with store.exclusive():
        trusted = verifiers(settings)
        check_chain(store, trusted)
        journal = Journal(store, trusted if signs else (), signs)
        recorded = current_entries(store)
        unfinished = journal.entries()
        known = Known([*recorded, *unfinished])
        with journal:
            follows = partial(follow, as_of=as_of, stale=_before(settings, as_of), progress=progress)
            results = [
                follows(origin, store, journal, recorded, unfinished)
                if isinstance(origin, Walk)
                else _Run(origin, store, journal, known, as_of, progress).all(settings.s3.threads)
                for origin in all_origins
            ]
        brought = _not_in(journal.entries(), recorded)
        counts = {result.name: result.counts for result in results}
        held = _held([*recorded, *brought])
        lost = [
            one for result in results for one in result.lost(held.get((result.name, result.location), ()))
        ]
        manifest = append(
            store, as_of=as_of, entries=brought, tips=tips, counts=counts, lost=lost, signer=signs
        )
        journal.clear()
    return Collected(tuple(results), manifest)


def _held(entries: Iterable[Entry]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Key and version id of what was ever brought, by source and location."""
    held: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for entry in entries:
        held.setdefault((entry.source, entry.location), set()).add((entry.key, entry.version_id))
    return held


def _before(settings: Settings, as_of: datetime) -> Callable[[datetime], bool]:
    """Whether a time lies before the quarter of `as_of`."""
    start = settings.quarter_of(as_of).start
    return lambda moment: moment < start


def _not_in(entries: Iterable[Entry], recorded: Iterable[Entry]) -> list[Entry]:
    """Entries that no manifest holds, each once."""
    there = set(recorded)
    return [entry for entry in dict.fromkeys(entries) if entry not in there]


class Known:
    """What was brought before, by what a listing says of it."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Args: entries, the latest of a key last."""
        self._by_listing: dict[tuple[object, ...], Entry] = {}
        self._by_address: dict[tuple[object, ...], Entry] = {}
        self._latest: dict[tuple[str, str, str], Entry] = {}
        self.add(entries)

    def add(self, entries: Iterable[Entry]) -> None:
        """What was brought since; the latest of a key last. The store has it for good."""
        for entry in entries:
            where = (entry.source, entry.location, entry.key)
            said = (entry.etag, entry.size, entry.last_modified)
            address = _address(entry.location, entry.key)
            for version in {entry.version_id, ""}:  # as a listing without versions has it
                self._by_listing[*where, *said, version] = entry
                self._by_address[address, *said, version] = entry
            self._latest[where] = entry

    def same(self, origin: Origin, listed: Listed) -> Entry | None:
        """The entry of exactly this object. None for a new one, and for one without an ETag: only its bytes tell."""
        if not listed.etag:
            return None
        where = (origin.name, origin.location, listed.key)
        return self._by_listing.get(
            (*where, listed.etag, listed.size, listed.last_modified, listed.version_id)
        )

    def elsewhere(self, origin: Origin, listed: Listed) -> Entry | None:
        """This very object as another source gave it: one whose location overlaps, or the same by its earlier name."""
        if not listed.etag:
            return None
        said = (listed.etag, listed.size, listed.last_modified, listed.version_id)
        entry = self._by_address.get((_address(origin.location, listed.key), *said))
        if entry is None:
            return None
        return replace(entry, source=origin.name, location=origin.location, key=listed.key)

    def keys(self, origin: Origin) -> set[str]:
        """Keys of which something was brought."""
        return {key for source, at, key in self._latest if (source, at) == (origin.name, origin.location)}

    def unchanged(self, brought: Entry) -> bool:
        """Whether an object without an ETag has the bytes that it had."""
        latest = self._latest.get((brought.source, brought.location, brought.key))
        return not brought.etag and latest is not None and latest.sha256 == brought.sha256


def _address(location: str, key: str) -> str:
    """Where an object lies, whichever location it is named from: a location is a folder."""
    return f"{location if location.endswith('/') else location + '/'}{key}"


@dataclass
class _Run:
    """The collection of one source."""

    origin: Origin
    store: Store
    journal: Journal
    known: Known
    as_of: datetime
    progress: Progress | None

    def __post_init__(self) -> None:
        self._result = SourceCollected(self.origin.name, self.origin.location)
        self._batch = Batch(self.store, self.journal)
        self._brought: list[Entry] = []

    def all(self, threads: int) -> SourceCollected:
        """Lists the source and brings what is new, so many objects at once; again what changed meanwhile."""
        result = self._result
        try:
            listing = self.origin.listing()
            result.listed, result.folders = len(listing.objects) + len(listing.unread), listing.folders
            result.past, result.gone = listing.past, self._gone(listing)
            result.unread += listing.unread
            changed = self._bring(listing.objects, threads)
            if changed:
                changed = self._bring(self._again(changed), threads)
            result.unread += [Unread(key, reason, _CHANGING) for key, reason in sorted(changed.items())]
        except (EvidenceMissing, IntegrityError) as error:
            result.failed = True
            result.problems.append(error)
        self.known.add(self._brought)
        result.problems += in_words(self.origin.name, self.origin.location, result.unread)
        return result

    def _gone(self, listing: Listing) -> tuple[str, ...]:
        """Keys that were brought before and are not listed any more, nor shown as deleted."""
        shown = {one.key for one in listing.objects} | {one.key for one in listing.unread}
        shown |= {one.key for one in listing.past if one.kind == "deleted"}
        closed = tuple(one.key for one in listing.unread if one.key.endswith("/"))
        gone = self.known.keys(self.origin) - shown
        return tuple(sorted(key for key in gone if not key.startswith(closed)))

    def _again(self, changed: dict[str, str]) -> list[Listed]:
        """Those of the changed keys that the source still has; the others are told of."""
        still = [listed for listed in self.origin.listing().objects if listed.key in changed]
        gone = changed.keys() - {listed.key for listed in still}
        self._result.unread += [
            Unread(key, "it was removed after it had been listed", _REMOVED) for key in sorted(gone)
        ]
        return still

    def _bring(self, objects: Iterable[Listed], threads: int) -> dict[str, str]:
        """Brings what is new of `objects`; returns, by key, why those that changed could not be read."""
        changed: dict[str, str] = {}
        try:
            with closing(each(self._one, objects, threads=threads)) as outcomes:
                for listed, outcome in outcomes:
                    if isinstance(outcome, Changed):
                        changed[listed.key] = str(outcome)
                    else:
                        self._count(outcome)
        finally:
            self._batch.settle()
        return changed

    def _count(self, outcome: Entry | Unread | None) -> None:
        result = self._result
        if isinstance(outcome, Unread):
            result.unread.append(outcome)
        elif outcome is None:
            result.kept += 1
        else:
            result.pulled += 1
            result.bytes += outcome.size
            self._brought.append(outcome)
        result.tell(self.progress)

    def _one(self, listed: Listed) -> Entry | Unread | Changed | None:
        """One object into the store, in a thread. None where the store had it."""
        entry = self.known.same(self.origin, listed)
        there = entry or self.known.elsewhere(self.origin, listed)
        if there is not None and self.store.has(there.sha256, size=there.size):
            if entry is None:
                self.journal.add(replace(there, collected_at=self.as_of))
            return None
        try:
            brought, written = self._read(listed)
        except Changed as error:
            return error
        except Interrupted as error:
            return Unread(listed.key, f"it {error}", "check the network and the server, then collect again")
        except Unreadable as error:
            return Unread(listed.key, error.reason, error.remedy)
        if self.known.unchanged(brought) or (entry is not None and entry.sha256 == brought.sha256):
            self._batch.add(written, None)
            return None
        self._batch.add(written, brought)
        if entry is not None:
            raise _not_the_same(self.origin, entry)
        return brought

    def _read(self, listed: Listed) -> tuple[Entry, Written]:
        """Reads one object and writes it aside; once more, and again, when its bytes break off."""
        for attempt in range(1, self.origin.attempts + 1):
            try:
                content = self.origin.read(listed)
                written = self.store.write_aside(content.fill)
                break
            except Interrupted:
                if attempt == self.origin.attempts:
                    raise
                time.sleep(_FIRST_PAUSE * 2 ** (attempt - 1))
        entry = Entry(
            source=self.origin.name,
            location=self.origin.location,
            key=listed.key,
            version_id=content.version_id,
            etag=listed.etag,
            last_modified=listed.last_modified,
            retention=content.retention,
            size=written.size,
            sha256=written.sha256,
            collected_at=self.as_of,
            checksum=content.checksum,
            verified=content.verified,
        )
        return entry, written


_REMOVED = "ask who runs the source why it was removed; evidence should be kept"
_CHANGING = "let the export finish, then collect again"


def _not_the_same(origin: Origin, entry: Entry) -> IntegrityError:
    return IntegrityError(
        f"source '{origin.name}' ({origin.location}): object {entry.key!r} is gone from the evidence store, and the "
        "source now has other bytes under the same ETag, size and time",
        remedy="restore the evidence store from a backup, and ask who runs the source",
    )
