"""What pointers lead to: records of stored objects, and commits of the mirrors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from audit.errors import IntegrityError
from audit.evidence.manifest import load_all
from audit.evidence.store import Store
from audit.normalise import raw as records
from audit.settings import Settings
from audit.sources import git_command
from audit.sources.git_command import GitFailed
from audit.sources.repository import safe_name
from audit.trace.shapes import Raw

LINE = re.compile(r"([0-9a-f]{12,64}):(\d{1,18})")
COMMIT = re.compile(r"(.+)@([0-9a-f]{7,64})")


def read(pointers: Iterable[str], objects: pd.DataFrame, settings: Settings) -> list[Raw]:
    """What each pointer leads to, in their order; each object is read once.

    Args:
        objects: `EvidenceObjects`.

    Raises:
        IntegrityError: an object is gone from the store.
    """
    ordered = list(dict.fromkeys(pointers))
    lines = _lines([one for one in ordered if LINE.fullmatch(one)], objects, settings)
    return [lines.get(one) or _whole(one, objects, settings) or _commit(one, settings) for one in ordered]


def _whole(pointer: str, objects: pd.DataFrame, settings: Settings) -> Raw | None:
    """What is evidence as a whole, of a silence or a tip: an object, a manifest or a repository, and what it holds."""
    if pointer in {one.name for one in settings.repositories}:
        return Raw(pointer, "repository", "its mirror as a whole, as it was read", "")
    sha256 = pointer.removeprefix("manifest:")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        return None
    rows = objects[objects["sha256"].eq(sha256)]
    if not rows.empty:
        row = rows.iloc[0]
        text = f"{row['records']} records, {row['kept']} kept; collected at {row['collected_at']:%Y-%m-%dT%H:%M:%SZ}"
        return Raw(pointer, f"{row['source_name']}: {row['key']}", text, "")
    named = {one.sha256: one for one in load_all(Store(settings.store_path))}
    if sha256 not in named:
        return Raw(pointer, "", "", "neither an object of this quarter's evidence nor a manifest")
    manifest = named[sha256]
    tips = [f"{repo} {ref} {sha}" for repo, refs in manifest.tips.items() for ref, sha in refs.items()]
    lost = [
        f"{one.source}: {one.key} {one.version_id} {one.kind} {one.reason}".rstrip() for one in manifest.lost
    ]
    where = f"manifest {manifest.sequence} of {manifest.as_of:%Y-%m-%dT%H:%M:%SZ}"
    return Raw(pointer, where, "\n".join([*tips, *lost]), "")


def _lines(pointers: list[str], objects: pd.DataFrame, settings: Settings) -> dict[str, Raw]:
    wanted: dict[str, list[tuple[str, int]]] = {}
    for pointer in pointers:
        sha256, _, line = pointer.partition(":")
        wanted.setdefault(sha256, []).append((pointer, int(line)))
    store = Store(settings.store_path)
    found: dict[str, Raw] = {}
    for sha256, each in wanted.items():
        rows = objects[objects["sha256"].str.startswith(sha256)]
        if rows["sha256"].nunique() != 1:
            problem = (
                "no such object in this quarter's evidence" if rows.empty else "several objects begin so"
            )
            found |= {pointer: Raw(pointer, "", "", problem) for pointer, _ in each}
            continue
        row = rows.iloc[0]
        where = f"{row['source_name']}: {row['key']} ({row['sha256']})"
        there = _of_object(store, row["sha256"], row["key"], [number for _, number in each])
        found |= {pointer: _record(pointer, where, number, there.get(number)) for pointer, number in each}
    return found


def _record(pointer: str, where: str, number: int, content: bytes | records.Unread | None) -> Raw:
    """A record as it lies there; of one that can't be read its first bytes."""
    if content is None:
        return Raw(pointer, where, "", f"it has no record {number}")
    if isinstance(content, bytes):
        return Raw(pointer, where, _text(content), "")
    where = f"{where}, byte {content.offset:,}: {content.reason}"
    if not content.begins:
        return Raw(pointer, where, "", "nothing of it can be had from there on")
    more = content.size - len(content.begins)
    return Raw(
        pointer,
        where,
        _text(content.begins.rstrip(b"\r\n")) + (f" … and {more:,} bytes more" if more else ""),
        "",
    )


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def _of_object(store: Store, sha256: str, key: str, numbers: list[int]) -> dict[int, bytes | records.Unread]:
    path = store.path(sha256)
    if not path.is_file():
        raise IntegrityError(
            f"{path}: the object is gone from the evidence store",
            remedy="restore the evidence store from a backup, or collect again",
        )
    return records.records(path, key, numbers)


def _commit(pointer: str, settings: Settings) -> Raw:
    """A commit of a mirror: header, message and the files that it changed."""
    match = COMMIT.fullmatch(pointer)
    repository = next((one for one in settings.repositories if match and one.name == match[1]), None)
    if match is None or repository is None:
        return Raw(pointer, "", "", "neither a line of evidence nor a commit of a repository of the settings")
    mirror: Path = settings.store_path / "mirrors" / safe_name(repository.name)
    try:
        said = git_command.run(
            mirror, "show", "--no-color", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--format=raw",
            "--diff-merges=first-parent", "--stat", "--summary", match[2], "--",
        )  # fmt: skip
    except GitFailed as error:
        return Raw(pointer, repository.name, "", f"the mirror does not give it: {error.said}")
    return Raw(pointer, repository.name, said.decode("utf-8", "backslashreplace"), "")
