"""PyDriller over bulk reads: its domain model of commits, without a round trip to git for each of them.

`BulkGit` is PyDriller's `Git` whose traversal is fed by `git log` over thousands of commits at once. Commits arrive in
the order asked for and complete; `commit.modified_files`, `commit.lines` and the rest of PyDriller's model still work
on them, one git process each. It is built here and nowhere else.

Why not `pydriller.Repository`: it lists every commit before it yields the first, asks git for each object
separately (about 5,000 commits/s), follows dates that may be skewed, gives no files for merges, and has no way to
map identities in bulk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import git as gitpython
import pydriller
from pydriller.utils.conf import Conf

from audit.errors import IntegrityError
from audit.sources import git_command

_FIELDS = ("%H", "%T", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%B")
_FORMAT = "%x00".join(_FIELDS)
_AT_ONCE = 16384  # commits of one git process, which holds all that it was told of until it ends


def text(raw: bytes) -> str:
    r"""`raw` as text, one to one: bytes that are not UTF-8 become `\xNN`.

    A backslash that is followed by an x becomes `\x5c`, so that two names never become one.
    """
    if b"\\x" in raw:
        raw = raw.replace(b"\\x", b"\\x5cx")
    return raw.decode("utf-8", "backslashreplace")


def order(view: Path, rev: str) -> Iterator[tuple[str, list[str]]]:
    """Every commit that `rev` reaches with its parents, parents first, whatever the dates say.

    Raises:
        IntegrityError: git could not read the history to its end; nothing before that may be used.
    """
    rest = b""
    for chunk in git_command.stream(view, "rev-list", "--topo-order", "--reverse", "--parents", rev, "--"):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            sha, *parents = line.decode().split(" ")
            yield sha, parents


class BulkGit(pydriller.Git):  # type: ignore[misc]  # PyDriller is untyped
    """PyDriller's `Git` on a view of a repository (see `audit.sources.git_view`), which it may write to."""

    def __init__(self, view: Path) -> None:
        conf = Conf({"path_to_repo": str(view), "git": self})
        super().__init__(str(view), conf)
        self.repo.git.update_environment(**git_command.environment())

    def get_list_commits(self, rev: str = "HEAD", **_: Any) -> Iterator[pydriller.Commit]:
        """Every commit reachable from `rev`, parents before children; see `commits`."""
        return self.commits(sha for sha, _ in order(Path(self.path), rev))

    def commits(self, shas: Iterable[str]) -> Iterator[pydriller.Commit]:
        """The commits asked for, in that order, with identities as they were written (no .mailmap).

        Raises:
            IntegrityError: git could not read them all; nothing before that may be used.
        """
        asked = iter(shas)
        while some := list(islice(asked, _AT_ONCE)):
            yield from self._some(some)

    def _some(self, shas: list[str]) -> Iterator[pydriller.Commit]:
        parts = git_command.tokens(
            git_command.stream(
                self.path, "log", "-z", "--no-walk=unsorted", "--stdin", "--encoding=UTF-8", "--no-notes",
                "--no-decorate", "--no-color", "--no-mailmap", f"--format=tformat:{_FORMAT}",
                feed=(f"{sha}\n".encode() for sha in shas),
            )
        )  # fmt: skip
        while record := tuple(islice(parts, len(_FIELDS))):
            if len(record) != len(_FIELDS):
                raise IntegrityError(
                    f"{self.path}: git log ended in a half commit", remedy="run 'git fsck' on it"
                )
            yield self.get_commit_from_gitpython(self._commit(record))

    def _commit(self, record: tuple[bytes, ...]) -> gitpython.Commit:
        """GitPython's commit; it asks git for the parents when they are asked for: `order` gives all at once."""
        sha, tree, author, author_email, author_time, committer, committer_email, time, message = record
        repo = self.repo
        return gitpython.Commit(
            repo,
            bytes.fromhex(sha.decode()),
            tree=gitpython.Tree(repo, bytes.fromhex(tree.decode()), 0o40000, ""),
            author=gitpython.Actor(_name(author), _name(author_email)),
            authored_date=int(author_time or 0),
            author_tz_offset=0,
            committer=gitpython.Actor(_name(committer), _name(committer_email)),
            committed_date=int(time or 0),
            committer_tz_offset=0,
            message=message.decode("utf-8", "backslashreplace"),
            encoding="UTF-8",
        )


def _name(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
