"""Evidence objects to tables: parse in chunks, keep what was parsed, drop duplicates, partition.

A chunk is a run of objects of one source, in the order in which manifests recorded them; as evidence is only
ever added, yesterday's chunks are tomorrow's too, and a chunk once parsed by a version of the formats is never
parsed again. Nothing here knows a quarter: out-of-period rows are cut when a quarter is checked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from audit import tables as t
from audit.engine import map_objects, workers_for
from audit.engine.identity import package_digest
from audit.errors import IntegrityError
from audit.evidence import sealed
from audit.evidence.manifest import Entry
from audit.evidence.store import Store
from audit.evidence.versions import Version
from audit.joins.dedupe import deduplicate
from audit.joins.spelling import spelled
from audit.normalise.interface import Context, Parsed
from audit.normalise.reader import parse
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


@dataclass
class Built:
    """Every normalised table, with the source of each row and how many rows there were before.

    Attributes:
        tables: frames by table name: deduplicated, in key order, of every period.
        sources: by table name, the source of each row (str, aligned with the frame).
        parsed: source_name, table, rows, duplicates (int64): what parsing gave, and how many of those rows
            repeat another row's key and were left out.
    """

    tables: dict[str, pd.DataFrame]
    sources: dict[str, pd.Series]
    parsed: pd.DataFrame


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
    chunks = list(_chunks(settings, store, entries))
    waiting = [
        chunk
        for chunk in chunks
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
    return _gather(chunks, settings, store.root / "tables", anew=bool(waiting))


def load(store: Store) -> Built | None:
    """What `build` left in the store; None when it was never run.

    Raises:
        IntegrityError: it is not what `build` left.
    """
    folder = store.root / "tables"
    if not sealed.is_sealed(folder):
        return None
    sealed.require(folder)
    tables, sources = {}, {}
    for name, table in _normalised():
        files = sorted((folder / name).rglob("*.parquet"))
        origin = [
            pq.ParquetFile(path).metadata.num_rows * [path.parts[-3].removeprefix("source=")]
            for path in files
        ]
        rows = t.read(table, files).assign(
            _source=pd.Series([s for part in origin for s in part], dtype="str")
        )
        rows = rows.sort_values(t.key(table), kind="stable", na_position="first", ignore_index=True)
        tables[name], sources[name] = rows.drop(columns="_source"), rows["_source"]
    return Built(tables, sources, pd.read_parquet(folder / "parsed.parquet"))


def parse_chunk(chunk: Chunk) -> None:
    """Parses the objects of a chunk into Parquet files in its folder, which is sealed when it is complete.

    Raises:
        IntegrityError: an object is not what was stored.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for item in chunk.items:
        _require_intact(item)
        parsed = parse(item.path, item.context, format=item.format)
        for name, found in _rows_of(item, parsed).items():
            rows.setdefault(name, []).extend(found)
    aside = chunk.folder.with_name(
        f"{chunk.folder.name}.{token_hex(8)}.part"
    )  # another worker may do the same
    aside.mkdir(parents=True)
    try:
        for name, found in sorted(rows.items()):
            t.write(t.TABLES[name], t.frame(t.TABLES[name], found), aside / f"{name}.parquet")
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


def _rows_of(item: Item, parsed: Parsed) -> dict[str, list[dict[str, Any]]]:
    """Rows of one object, with its own row of `evidence_objects`, its coverage and its quarantine."""
    entry, source = item.entry, item.context.source
    rows: dict[str, list[dict[str, Any]]] = dict(parsed.rows)
    rows["evidence_objects"] = [
        {
            "source_name": source,
            "key": entry.key,
            "version_id": entry.version_id,
            "format": ",".join(sorted(parsed.formats)),
            "envelopes": ",".join(sorted(parsed.envelopes)),
            "cluster": item.context.cluster,
            "repos": _repositories(parsed),
            "apps": _named(parsed, "app", ("applications", "sync_records", "state_changes")),
            "sha256": entry.sha256,
            "size": entry.size,
            "etag": entry.etag,
            "last_modified": entry.last_modified,
            "collected_at": entry.collected_at,
            "replaced_by": item.replaced_by,
            "records": parsed.records,
            "kept": parsed.kept,
            "noise": parsed.noise,
            "quarantined": len(parsed.quarantined),
        }
    ]
    rows["coverage"] = [
        {
            "source_name": source,
            "cluster": item.context.cluster,
            "format": format_,
            "hour": hour,
            "records": records,
            "first_at": first,
            "last_at": last,
            "evidence": entry.sha256,
        }
        for (format_, hour), (records, first, last) in parsed.coverage.items()
    ]
    rows["quarantine"] = [
        {
            "source_name": source,
            "key": entry.key,
            "evidence": entry.sha256,
            "line": line,
            "offset": offset,
            "reason": reason,
        }
        for line, offset, reason in parsed.quarantined
    ]
    return rows


def _repositories(parsed: Parsed) -> str:
    """Repositories that the rows of all tables speak of; what is protected is called its scope."""
    names = {*_named(parsed, "repo").split(), *_named(parsed, "scope", ("protections",)).split()}
    return " ".join(sorted(names))


def _named(parsed: Parsed, column: str, among: Iterable[str] | None = None) -> str:
    """What a column names in the rows of all tables, or of those `among`: sorted, separated by spaces."""
    rows = (row for name in parsed.tables() if among is None or name in among for row in parsed.rows[name])
    return " ".join(sorted({row[column] for row in rows if row.get(column)}))


def _chunks(settings: Settings, store: Store, entries: Iterable[Version]) -> Iterator[Chunk]:
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
        "formats": {name: format_.version for name, format_ in sorted(FORMATS.items())},
        "columns": {name: list(t.columns(table)) for name, table in t.TABLES.items()},
        "entries": [
            [e.key, e.version_id, e.etag, e.sha256, str(e.last_modified), str(e.collected_at), replaced_by]
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


def _normalised() -> Iterator[tuple[str, type[t.Table]]]:
    return ((name, table) for name, table in t.TABLES.items() if t.meta(table)["stage"] == "normalised")


def _gather(chunks: list[Chunk], settings: Settings, folder: Path, *, anew: bool) -> Built:
    """All chunks' rows by table: deduplicated, written partitioned by source and month, and returned.

    What was gathered from the very same chunks by the very same code is taken as it is, unless `anew`.
    """
    for chunk in chunks:
        sealed.require(chunk.folder)
    made_from = _made_from(chunks, settings)
    if not anew and sealed.is_sealed(folder) and _said(folder / _MADE_FROM) == made_from:
        found = load(Store(folder.parent))
        if found is not None:
            return found
    built = Built({}, {}, pd.DataFrame())
    parsed: list[pd.DataFrame] = []
    aside = folder.with_name(folder.name + ".part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name, table in _normalised():
        parts = [(c.source, c.folder / f"{name}.parquet") for c in chunks]
        frames = [t.read(table, [path]).assign(_source=source) for source, path in parts if path.exists()]
        rows = pd.concat(frames, ignore_index=True) if frames else t.empty(table).assign(_source="")
        kept, left_out = deduplicate(name, spelled(rows, settings.repositories))
        counts = {"rows": rows["_source"].value_counts(), "duplicates": left_out["_source"].value_counts()}
        parsed.append(pd.DataFrame(counts).assign(table=name))
        built.tables[name], built.sources[name] = _split(table, kept)
        _write_partitions(table, built.tables[name], built.sources[name], aside / name)
    whole = pd.concat(parsed).rename_axis("source_name").reset_index()
    built.parsed = whole.fillna({"rows": 0, "duplicates": 0}).astype({"rows": "int64", "duplicates": "int64"})
    built.parsed.to_parquet(aside / "parsed.parquet")
    (aside / _MADE_FROM).write_text(made_from, encoding="ascii")
    sealed.seal(aside)
    shutil.rmtree(folder, ignore_errors=True)
    aside.replace(folder)
    return built


_MADE_FROM = "made-from"


def _said(path: Path) -> str:
    """What a file says; nothing when it is not there."""
    return path.read_text(encoding="ascii") if path.exists() else ""


def _made_from(chunks: list[Chunk], settings: Settings) -> str:
    """sha256 of all that decides what is gathered: chunks, the repositories' names, and this product's code."""
    facts = [
        sorted(f"{chunk.source}/{chunk.folder.name}" for chunk in chunks),
        sorted(repository.name for repository in settings.repositories),
        package_digest(),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _split(table: type[t.Table], rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """A conformed frame and, in the same order, the source of each of its rows."""
    rows = rows.sort_values(t.key(table), kind="stable", na_position="first").reset_index(drop=True)
    return t.conform(table, rows), rows["_source"].astype("str")


def _write_partitions(table: type[t.Table], rows: pd.DataFrame, sources: pd.Series, folder: Path) -> None:
    """Conformed rows as `source=…/month=…/part-0.parquet`; rows that speak of no time under `month=none`."""
    time = t.meta(table).get("time")
    month = rows[time].dt.strftime("%Y-%m").fillna("none") if time else pd.Series("none", index=rows.index)
    for (source, when), part in rows.groupby([sources, month], sort=True):
        t.write(table, part, folder / f"source={source}" / f"month={when}" / "part-0.parquet")
