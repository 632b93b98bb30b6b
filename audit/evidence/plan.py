"""What a collection would bring: the sources are listed, and held against what the store has. Nothing is read or kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from audit.errors import AuditError, EvidenceMissing
from audit.evidence.collect import Known
from audit.evidence.journal import Journal
from audit.evidence.keys import verifiers
from audit.evidence.manifest import current_entries
from audit.evidence.store import Store
from audit.settings import Settings, Source
from audit.sources.interface import Origin, Walk
from audit.sources.origins import origins


@dataclass(frozen=True)
class SourcePlanned:
    """What one source would give.

    Attributes:
        listed: objects that it has, those that are not to be read included; missing where only asking for all of them
            tells, as with GitHub's API.
        new: of them, those that would be pulled.
        bytes: that would be pulled.
        checked: of the new ones, those without an ETag: they are read, and kept where their bytes are new.
        problem: why it can't be listed.
    """

    name: str
    location: str
    listed: int | None = None
    new: int | None = None
    bytes: int | None = None
    checked: int = 0
    problem: AuditError | None = None


def plan(
    settings: Settings, *, as_of: datetime, only: Callable[[Source], bool] | None = None
) -> list[SourcePlanned]:
    """What each source would give, in the order of the settings. The store is not made where there is none.

    Raises:
        UsageError: the settings can't be used.
        IntegrityError: the store's manifests are not what they were.
    """
    every = origins(settings, as_of=as_of, only=only)
    store = Store(settings.store_path) if (settings.store_path / "manifests").is_dir() else None
    entries = []
    if store is not None:
        trusted = verifiers(settings) if settings.signing.key_file else ()
        entries = [*current_entries(store), *Journal(store, trusted).entries()]
    known = Known(entries)
    return [
        SourcePlanned(origin.name, origin.location)
        if isinstance(origin, Walk)
        else _planned(origin, known, store)
        for origin in every
    ]


def _planned(origin: Origin, known: Known, store: Store | None) -> SourcePlanned:
    try:
        listing = origin.listing()
    except EvidenceMissing as error:
        return SourcePlanned(origin.name, origin.location, problem=error)
    new = []
    for listed in listing.objects:
        entry = known.same(origin, listed) or known.elsewhere(origin, listed)
        if entry is None or store is None or not store.has(entry.sha256, size=entry.size):
            new.append(listed)
    return SourcePlanned(
        origin.name,
        origin.location,
        listed=len(listing.objects) + len(listing.unread),
        new=len(new),
        bytes=sum(listed.size for listed in new),
        checked=sum(not listed.etag for listed in new),
    )
