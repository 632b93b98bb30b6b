"""What all chunks gave, table by table: duplicates dropped, partitioned by source and month.

A table that is too large for memory is gathered in buckets: rows of one key fall into one of them, whatever chunk they
come from, so that each bucket is judged by itself. What comes out does not depend on the chunks' order.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet as pq

from audit import tables as t
from audit.build.built import Built, load, normalised, opened
from audit.build.chunking import Chunk
from audit.engine.identity import package_digest
from audit.evidence import sealed
from audit.evidence.store import Store
from audit.joins.dedupe import deduplicate, told_by
from audit.joins.spelling import spelled
from audit.settings import Settings

BUCKET = 150_000
"""Rows that are held in memory at once, about."""

_MADE_FROM = "made-from"
_SOURCE = "_source"

Part = tuple[str, Path]
"""A source's name, and a file with rows of it."""


def gather(chunks: list[Chunk], settings: Settings, store: Store, *, anew: bool) -> Built:
    """All chunks' rows in the store's `tables`.

    What was gathered from the very same chunks by the very same code is taken as it is, unless `anew`.
    """
    folder = store.root / "tables"
    for chunk in chunks:
        sealed.require(chunk.folder)
    made_from = _made_from(chunks, settings)
    if not anew and sealed.is_sealed(folder) and _said(folder / _MADE_FROM) == made_from:
        found = load(store)
        if found is not None:
            return found
    aside = folder.with_name(folder.name + ".part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    parsed = []
    for name, table in normalised():
        parts = [(c.source, c.folder / f"{name}.parquet") for c in chunks]
        counts = _gather(name, table, [each for each in parts if each[1].exists()], settings, aside / name)
        parsed.append(counts.assign(table=name))
    whole = pd.concat(parsed).rename_axis("source_name").reset_index()
    whole = whole.fillna({"rows": 0, "duplicates": 0}).astype({"rows": "int64", "duplicates": "int64"})
    whole.to_parquet(aside / "parsed.parquet")
    (aside / _MADE_FROM).write_text(made_from, encoding="ascii")
    sealed.seal(aside)
    shutil.rmtree(folder, ignore_errors=True)
    aside.replace(folder)
    return opened(folder)


def _gather(
    name: str, table: type[t.Table], parts: list[Part], settings: Settings, folder: Path
) -> pd.DataFrame:
    """Writes a table's partitions. Returns `rows` and `duplicates` by source."""
    total = sum(pq.ParquetFile(path).metadata.num_rows for _, path in parts)
    buckets = max(1, -(-total // BUCKET))
    rows, duplicates = pd.Series(dtype="int64"), pd.Series(dtype="int64")
    spilled = folder.with_name(f"{folder.name}.spilled")
    try:
        for number, bucket in enumerate(
            _buckets(name, table, parts, settings, count=buckets, spilled=spilled)
        ):
            kept, left_out = deduplicate(name, bucket)
            rows = rows.add(bucket[_SOURCE].value_counts(), fill_value=0)
            duplicates = duplicates.add(left_out[_SOURCE].value_counts(), fill_value=0)
            kept = kept.sort_values(t.key(table), kind="stable", na_position="first", ignore_index=True)
            _write_partitions(table, t.conform(table, kept), kept[_SOURCE].astype("str"), folder, number)
    finally:
        shutil.rmtree(spilled, ignore_errors=True)
    return pd.DataFrame({"rows": rows, "duplicates": duplicates})


def _buckets(
    name: str, table: type[t.Table], parts: list[Part], settings: Settings, *, count: int, spilled: Path
) -> Iterator[pd.DataFrame]:
    """All rows, with `_source`; in several buckets where they are too many to hold at once."""
    frames = (_named(table, source, path, settings) for source, path in parts)
    if count == 1:
        every = list(frames)
        yield pd.concat(every, ignore_index=True) if every else t.empty(table).assign(**{_SOURCE: ""})
        return
    spilled.mkdir(parents=True)
    schema = pyarrow.Schema.from_pandas(t.empty(table).assign(**{_SOURCE: pd.Series(dtype="str")}))
    places = [spilled / f"{number}.parquet" for number in range(count)]
    writers = [pq.ParquetWriter(place, schema, compression="lz4") for place in places]
    try:
        for rows in frames:
            bucket = pd.util.hash_pandas_object(rows[told_by(name)], index=False) % count
            for number, some in rows.groupby(bucket.to_numpy(), sort=True):
                writers[int(str(number))].write_table(
                    pyarrow.Table.from_pandas(some, schema=schema, preserve_index=False)
                )
    finally:
        for writer in writers:
            writer.close()
    for place in places:
        yield _spilled(table, place)
        place.unlink()


def _named(table: type[t.Table], source: str, path: Path, settings: Settings) -> pd.DataFrame:
    rows = t.read(table, [path]).assign(**{_SOURCE: source})
    return spelled(rows.astype({_SOURCE: "str"}), settings.repositories)


def _spilled(table: type[t.Table], place: Path) -> pd.DataFrame:
    whole = pq.ParquetFile(place).read()
    rows = t.from_arrow(table, [whole.drop_columns([_SOURCE])])
    return rows.assign(**{_SOURCE: whole.column(_SOURCE).to_pandas().astype("str")})


def _write_partitions(
    table: type[t.Table], rows: pd.DataFrame, sources: pd.Series, folder: Path, number: int
) -> None:
    """Conformed rows as `source=…/month=…/part-<number>.parquet`; those that speak of no time under `month=none`."""
    time = t.meta(table).get("time")
    month = rows[time].dt.strftime("%Y-%m").fillna("none") if time else pd.Series("none", index=rows.index)
    for (source, when), part in rows.groupby([sources, month], sort=True):
        t.write(table, part, folder / f"source={source}" / f"month={when}" / f"part-{number}.parquet")


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
