"""What was mined once is kept: rows by commit, in segments that are only ever added.

A commit never changes, so what was found in it holds for as long as the same version of this product and of git
would find the same. Each run adds a segment with what is new; rows of commits that the branch no longer reaches stay
and are left out when tables are made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet as pq

from audit.sources import git_command


class Kept:
    """Segments of rows, by name, for one state of the tools and settings that made them.

    Args:
        folder: where they lie; nothing is kept when None.
        made_with: everything but the commits that the rows depend on: versions, rules, digests of keys.
    """

    def __init__(self, folder: Path | None, *made_with: object) -> None:
        said = json.dumps([*made_with, _git_version()], default=str, sort_keys=True)
        self._folder = folder / hashlib.sha256(said.encode()).hexdigest()[:24] if folder is not None else None
        self._new: dict[str, list[pyarrow.Table]] = {}

    def load(self, name: str, column: str, schema: pyarrow.Schema) -> pyarrow.Array:
        """One column of everything that is kept under a name, what was added in this run included."""
        found = [pq.read_table(path, columns=[column])[column] for path in self._segments(name)]
        found += [part[column] for part in self._new.get(name, [])]
        chunks = [chunk for part in found for chunk in part.chunks]
        return pyarrow.chunked_array(chunks, schema.field(column).type).combine_chunks()

    def column(self, name: str, column: str) -> set[str]:
        """The distinct values of one column of text of what is kept under a name."""
        found: set[str] = set()
        for path in self._segments(name):
            found.update(pq.read_table(path, columns=[column])[column].to_pylist())
        for part in self._new.get(name, []):
            found.update(part[column].to_pylist())
        return found

    def add(self, name: str, batches: Iterable[pyarrow.RecordBatch]) -> None:
        """Adds rows as a new segment, written aside and renamed: never half there.

        What the batches raise goes through, and then nothing was added.
        """
        parts = _nonempty(batches)
        first = next(parts, None)
        if first is None:
            return
        if self._folder is None:
            self._new.setdefault(name, []).append(pyarrow.Table.from_batches([first, *parts]))
            return
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{len(self._segments(name)):06}.parquet"
        aside = path.with_name(f".{path.name}.part")
        with pq.ParquetWriter(aside, first.schema, compression="zstd") as writer:
            writer.write_batch(first)
            for batch in parts:
                writer.write_batch(batch)
        aside.replace(path)

    def _segments(self, name: str) -> list[Path]:
        return sorted((self._folder / name).glob("[0-9]*.parquet")) if self._folder is not None else []


def _nonempty(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    return (batch for batch in batches if batch.num_rows)


def _git_version() -> str:
    return git_command.run(None, "version").decode("utf-8", "backslashreplace").strip()
