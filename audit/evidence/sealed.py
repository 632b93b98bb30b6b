"""Folders of files made from evidence, sealed by the sha256 of each file, so that a change is noticed when they are read.

A seal proves that a folder is what it was when it was sealed, to whoever trusts the seal: it guards against damage and
edits of the kept tables, as `audit verify` guards the evidence itself. What was made can always be made again.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from audit.errors import IntegrityError

SEAL = "done"


def seal(folder: Path) -> None:
    """Writes down the sha256 of every file in `folder` and below; the folder is complete from then on."""
    content = json.dumps(_digests(folder), indent=1, sort_keys=True)
    (folder / SEAL).write_text(content + "\n", encoding="utf-8")


def is_sealed(folder: Path) -> bool:
    """Whether `folder` was made to its end, by a version that seals."""
    path = folder / SEAL
    return path.is_file() and path.stat().st_size > 0


def require(folder: Path) -> None:
    """Makes sure that a sealed folder holds what it held.

    Raises:
        IntegrityError: a file was changed, removed or added; names it.
    """
    try:
        known = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _changed(folder, SEAL) from None
    actual = _digests(folder)
    if not isinstance(known, dict) or known != actual:
        pairs = known.items() if isinstance(known, dict) else ()
        wrong = sorted({name for name, _ in set(pairs) ^ set(actual.items())})
        raise _changed(folder, wrong[0] if wrong else SEAL)


def _digests(folder: Path) -> dict[str, str]:
    """sha256 of every file below `folder` but its seal, by path from it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / SEAL:
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _changed(folder: Path, name: str) -> IntegrityError:
    return IntegrityError(
        f"{folder / name}: not what it was when it was made from the evidence",
        remedy="find out who changed it; then remove the folder, and it is made again from the evidence",
    )
