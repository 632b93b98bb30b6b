"""Objects that are parsed together: chunks of one source, and what parsing leaves of them in the store."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from audit import tables as t
from audit.build.facts import Facts
from audit.build.spool import Spool
from audit.errors import IntegrityError
from audit.evidence import sealed
from audit.evidence.manifest import Entry
from audit.evidence.store import Store
from audit.evidence.versions import Version
from audit.normalise import envelopes
from audit.normalise.interface import Context
from audit.normalise.reader import parts
from audit.normalise.registry import FORMATS
from audit.settings import Settings, Source

CHUNK_OBJECTS = 400
CHUNK_BYTES = 64 << 20


@dataclass(frozen=True)
class Item:
    """One object to parse: where its bytes lie, and what is known of it.

    Attributes:
        replaced_by: sha256 of what the source gave later under the same key.
    """

    path: Path
    context: Context
    format: str
    entry: Entry
    replaced_by: str | None


@dataclass(frozen=True)
class Chunk:
    """Objects of one source that are parsed together, and the folder that keeps what they gave."""

    source: str
    items: tuple[Item, ...]
    folder: Path


def chunks(settings: Settings, store: Store, entries: Iterable[Version]) -> Iterator[Chunk]:
    """Objects in runs of one source, each with the folder its content and settings give it."""
    sources = {source.name: source for source in settings.sources}
    by_source: dict[str, list[Version]] = {}
    for version in entries:
        if version.entry.source in sources:
            by_source.setdefault(version.entry.source, []).append(version)
    for name in sorted(by_source):
        run: list[Version] = []
        for version in sorted(by_source[name], key=_place):
            run.append(version)
            if len(run) >= CHUNK_OBJECTS or sum(each.entry.size for each in run) >= CHUNK_BYTES:
                yield _chunk(sources[name], store, run)
                run = []
        if run:
            yield _chunk(sources[name], store, run)


def _place(version: Version) -> tuple[Any, ...]:
    entry = version.entry
    return entry.collected_at, entry.location, entry.key, entry.version_id, entry.sha256


def _chunk(source: Source, store: Store, run: list[Version]) -> Chunk:
    facts = {
        "source": source.model_dump(mode="json", exclude={"location"}),
        "envelopes": envelopes.VERSION,
        "formats": {name: format_.version for name, format_ in sorted(FORMATS.items())},
        "columns": {name: list(t.columns(table)) for name, table in t.TABLES.items()},
        "entries": [
            [
                e.key,
                e.version_id,
                e.etag,
                e.sha256,
                e.retention,
                str(e.last_modified),
                str(e.collected_at),
                replaced_by,
            ]
            for e, replaced_by in ((each.entry, each.replaced_by) for each in run)
        ],
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    items = tuple(
        Item(
            store.path(each.entry.sha256),
            Context(source.name, each.entry.key, cluster=source.cluster, repository=source.repository),
            source.format,
            each.entry,
            each.replaced_by,
        )
        for each in run
    )
    return Chunk(source.name, items, store.root / "parsed" / source.name / digest[:32])


def parse_chunk(chunk: Chunk) -> None:
    """Parses the objects of a chunk into Parquet files in its folder, which is sealed when it is complete.

    Raises:
        IntegrityError: an object is not what was stored.
    """
    aside = chunk.folder.with_name(
        f"{chunk.folder.name}.{token_hex(8)}.part"
    )  # another worker may do the same
    aside.mkdir(parents=True)
    try:
        with Spool(aside) as spool:
            for item in chunk.items:
                _require_intact(item)
                facts = Facts()
                for part in parts(item.path, item.context, format=item.format):
                    facts.add(part)
                    spool.add(part.rows)
                spool.add(facts.rows(item.entry, item.context, item.replaced_by))
        sealed.seal(aside)
        shutil.rmtree(chunk.folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # it has done so meanwhile, with the same result
            aside.replace(chunk.folder)
        sealed.require(chunk.folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _require_intact(item: Item) -> None:
    """Makes sure that an object's bytes are those that were stored."""
    try:
        with item.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        digest = ""
    if digest != item.entry.sha256:
        what = "its bytes are not what was stored" if digest else "it is gone"
        raise IntegrityError(
            f"{item.path} ({item.entry.source}: {item.entry.key!r}): {what}",
            remedy="restore the evidence store from a backup; do not report from it",
        )
