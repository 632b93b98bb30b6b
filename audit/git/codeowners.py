"""Who owns which paths, as a repository's CODEOWNERS file says at the tip: the first of the places where the forge looks.

Each line is a pattern and its owners; a pattern without an owner takes its paths from those before it. Lines that are none of
that (sections, as other forges know them) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from audit.git.contents import Contents, Unreadable

VERSION = 1
"""Raised whenever the same file would give other rows."""

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where the file may stand; the first that is there counts."""

_MOST = 10_000  # lines
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")


def read(contents: Contents, tree: Mapping[str, str]) -> tuple[list[dict[str, Any]], tuple[str, str] | None]:
    """Rows of `CodeOwners` without `repo`; and, where the file can't be read, its path and the reason.

    Args:
        tree: blobs by path.
    """
    path = next((each for each in PLACES if each in tree), None)
    if path is None:
        return [], None
    blob = tree[path]
    try:
        lines = contents.raw(blob).decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return [], (path, "not UTF-8")
    except Unreadable as error:
        return [], (path, error.reason)
    if len(lines) > _MOST:
        return [], (path, f"more than {_MOST:,} lines")
    rows = []
    for number, line in enumerate(lines, 1):
        words = _WORD.findall(_COMMENT.sub("", line))
        if words and not words[0].startswith(("[", "^[")):
            pattern = words[0].replace("\\ ", " ").replace("\\#", "#")
            place = f"{path}@{blob}:{number}"
            rows.append({"number": number, "pattern": pattern, "owners": " ".join(words[1:]), "place": place})
    return rows, None
