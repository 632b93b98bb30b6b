"""Evidence objects to tables: parse in chunks, keep what was parsed, drop duplicates, partition.

A chunk is a run of objects of one source, in the order in which manifests recorded them; as evidence is only
ever added, yesterday's chunks are tomorrow's too, and a chunk once parsed by a version of the formats is never
parsed again. Nothing here knows a quarter: out-of-period rows are cut when a quarter is checked.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Container, Iterable

from audit.build.built import Built, load
from audit.build.chunking import chunks, parse_chunk
from audit.build.gathering import gather
from audit.engine import map_objects, workers_for
from audit.evidence import sealed
from audit.evidence.store import Store
from audit.evidence.versions import Version
from audit.settings import Settings

__all__ = ["Built", "build", "load"]


def build(
    settings: Settings,
    store: Store,
    entries: Iterable[Version],
    *,
    again: Container[str] = frozenset(),
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Built:
    """Parses what was not parsed before, drops duplicates, and leaves the tables in the store.

    Args:
        entries: objects to read, as the manifests record them, with what was replaced since.
        again: sha256 of objects that are parsed once more, whatever was parsed before, with those of their chunks.
        workers: processes; chosen by the amount of work when not given.
        progress: told (chunks done, chunks) as they are parsed.

    Raises:
        IntegrityError: an object is not what was stored, or tables that were kept are not what was made of it.
    """
    found = list(chunks(settings, store, entries))
    waiting = [
        chunk
        for chunk in found
        if not sealed.is_sealed(chunk.folder) or any(item.entry.sha256 in again for item in chunk.items)
    ]
    size = sum(item.entry.size for chunk in waiting for item in chunk.items)
    for leftover in (store.root / "parsed").glob("*/*.part"):  # of a run that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    map_objects(
        parse_chunk,
        waiting,
        workers=workers_for(size) if workers is None else workers,
        scheduler=settings.scheduler if settings.engine == "dask" else None,
        shared=store.root,
        progress=progress,
    )
    return gather(found, settings, store, anew=bool(waiting))
