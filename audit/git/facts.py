"""What each commit says of itself, read in bulk through PyDriller's model, in batches of rows.

Nothing here depends on where a commit stands or on what other commits say, so that it can be kept by commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow
from pydriller import Commit

from audit.git.mining import BulkGit

_ROWS = 8192
_LATEST = 253402300799  # 9999-12-31T23:59:59Z, the last second that every part of the product can show
_CO_AUTHOR = re.compile(r"^[ \t]*co-authored-by:[^<\n]*<[ \t]*([^<>\s]+@[^<>\s]+)[ \t]*>", re.I | re.M)
_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{7,64})\b")
_PICKED = re.compile(r"^\(cherry picked from commit ([0-9a-f]{40})\)", re.M)
_CHANGE_ID = re.compile(r"^Change-Id: (I[0-9a-f]{8,40})[ \t]*$", re.M)
_REVIEWED_ON = re.compile(r"^Reviewed-on: (\S{1,500})[ \t]*$", re.M)

SCHEMA = pyarrow.schema(
    [
        ("sha", pyarrow.string()),
        ("tree", pyarrow.string()),
        ("author_name", pyarrow.string()),
        ("author_email", pyarrow.string()),
        ("author_time", pyarrow.timestamp("us", "UTC")),
        ("committer_name", pyarrow.string()),
        ("committer_email", pyarrow.string()),
        ("committer_time", pyarrow.timestamp("us", "UTC")),
        ("subject", pyarrow.string()),
        ("co_authors", pyarrow.string()),
        ("reverts", pyarrow.string()),
        ("picked", pyarrow.string()),
        ("change_id", pyarrow.string()),
        ("reviewed_on", pyarrow.string()),
    ]
)


def read(view: Path, shas: Iterable[str]) -> Iterator[pyarrow.RecordBatch]:
    """The facts of the commits asked for, as batches of `SCHEMA`, identities as they were written.

    Raises:
        IntegrityError: git could not read them all; no batch may be used then.
    """
    return batches((_row(commit) for commit in BulkGit(view).commits(shas)), SCHEMA)


def batches(rows: Iterable[tuple[Any, ...]], schema: pyarrow.Schema) -> Iterator[pyarrow.RecordBatch]:
    """Rows as Arrow batches: text of many rows takes a fraction of what Python objects would."""
    rows = iter(rows)
    while some := list(islice(rows, _ROWS)):
        arrays = [
            pyarrow.array(values, field.type)
            for values, field in zip(zip(*some, strict=True), schema, strict=True)
        ]
        yield pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def _row(commit: Commit) -> tuple[Any, ...]:
    raw, message = commit._c_object, commit.msg
    trailers = "\n" in message
    return (
        commit.hash,
        raw.tree.hexsha,
        commit.author.name,
        commit.author.email,
        _microseconds(raw.authored_date),
        commit.committer.name,
        commit.committer.email,
        _microseconds(raw.committed_date),
        message.split("\n", 1)[0],
        co_authors(message) if trailers else "",
        reverted(message),
        _first(_PICKED, message, "cherry picked"),
        _first(_CHANGE_ID, message, "Change-Id:"),
        _first(_REVIEWED_ON, message, "Reviewed-on:"),
    )


def _microseconds(seconds: int) -> int:
    return min(max(seconds, 0), _LATEST) * 1_000_000


def _first(pattern: re.Pattern[str], message: str, sign: str) -> str | None:
    """What the last line of a message that fits the pattern says: trailers are added at the end."""
    found = pattern.findall(message) if sign in message else []
    return found[-1] if found else None


def co_authors(message: str) -> str:
    """E-mails of all Co-authored-by trailers, wherever they stand, lower case, sorted, separated by spaces."""
    if "-by:" not in message and "-BY:" not in message.upper():
        return ""
    return " ".join(sorted({email.lower() for email in _CO_AUTHOR.findall(message)}))


def reverted(message: str) -> str | None:
    """Id of the (first) commit that a message says it reverts, full or cut short, as it stands there."""
    match = _REVERTS.search(message) if "This reverts commit" in message else None
    return match[1] if match else None
