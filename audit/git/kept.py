"""What was mined once is kept: rows by commit, in segments that are only ever added.

A commit never changes, so what was found in it holds for as long as the same version of this product and of git
would find the same. Each run adds a segment with what is new; rows of commits that the branch no longer reaches stay
and are left out when tables are made.

A segment is a Parquet file that is named for the digest of its bytes. It is written aside and renamed, so that it is
there whole or not at all, whoever else writes at the same time; and when one is found that is not what its name says,
everything kept with it is thrown away and read anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import pyarrow
import pyarrow.parquet as pq

from audit.sources import git_command

_FORMAT = 2
_SEGMENTS = "[0-9]*.parquet"


class Kept:
    """Segments of rows, by name, for one state of the tools and settings that made them.

    Args:
        folder: where they lie; when None, in files without a name that are gone with this object.
        made_with: everything but the commits that the rows depend on: versions, rules, digests of keys.
    """

    def __init__(self, folder: Path | None, *made_with: object) -> None:
        said = json.dumps([_FORMAT, *made_with, _git_version()], default=str, sort_keys=True)
        self._folder = folder / hashlib.sha256(said.encode()).hexdigest()[:24] if folder is not None else None
        self._held: dict[str, list[IO[bytes]]] = {}
        self._open = contextlib.ExitStack()
        weakref.finalize(self, self._open.close)
        if self._folder is not None:
            _throw_away_damaged(self._folder)

    def load(self, name: str, column: str, schema: pyarrow.Schema) -> pyarrow.Array:
        """One column of everything that is kept under a name, what was added in this run included."""
        chunks = [chunk for part in self._read(name, column) for chunk in part.chunks]
        return pyarrow.chunked_array(chunks, schema.field(column).type).combine_chunks()

    def column(self, name: str, column: str) -> set[str]:
        """The distinct values of one column of text of what is kept under a name."""
        return {value for part in self._read(name, column) for value in part.to_pylist()}

    def add(self, name: str, batches: Iterable[pyarrow.RecordBatch]) -> None:
        """Adds rows as a new segment, all of them or, when the batches raise (which goes through), none."""
        parts = (batch for batch in batches if batch.num_rows)
        first = next(parts, None)
        if first is None:
            return
        if self._folder is None:
            unnamed = self._open.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # closed with this object
            _write(unnamed, first, parts)
            self._held.setdefault(name, []).append(unnamed)
            return
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False) as file:
            aside = Path(file.name)
        try:
            _write(aside, first, parts)
            aside.replace(folder / f"{len(list(folder.glob(_SEGMENTS))):06}-{_digest(aside)}.parquet")
        finally:
            aside.unlink(missing_ok=True)

    def _read(self, name: str, column: str) -> Iterator[pyarrow.ChunkedArray]:
        there = sorted((self._folder / name).glob(_SEGMENTS)) if self._folder is not None else []
        for source in [*there, *self._held.get(name, [])]:
            with pq.ParquetFile(source) as file:
                yield file.read(columns=[column], use_threads=False)[column]


def _write(where: Path | IO[bytes], first: pyarrow.RecordBatch, rest: Iterable[pyarrow.RecordBatch]) -> None:
    with pq.ParquetWriter(where, first.schema, compression="zstd") as writer:
        writer.write_batch(first)
        for batch in rest:
            writer.write_batch(batch)
    pyarrow.default_memory_pool().release_unused()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _throw_away_damaged(folder: Path) -> None:
    """Removes everything that is kept in a folder, of all names, when any segment is not what its name says.

    Segments of one name may say what those of another hold, so that none is of use alone.
    """
    for path in folder.glob(f"*/{_SEGMENTS}"):
        if path.stem.rpartition("-")[2] != _digest(path):
            shutil.rmtree(folder)
            return


def _git_version() -> str:
    return git_command.run(None, "version").decode("utf-8", "backslashreplace").strip()
