"""Writes a bare repository: one `git fast-import` makes every object but signed commits; trees are kept in memory."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple, Protocol

Tree = dict[str, str]
"""Content by path: a whole checkout."""


@dataclass(frozen=True)
class Signature:
    """Who and when, as a commit says it. `minutes`: offset of the time zone it is written in."""

    name: str
    email: str
    at: datetime
    minutes: int = 0

    def __str__(self) -> str:
        zone = timezone(timedelta(minutes=self.minutes))
        return f"{self.name} <{self.email}> {int(self.at.timestamp())} {self.at.astimezone(zone):%z}"


class Seal(NamedTuple):
    """A signature on a commit: what checking it must come to, the key's fingerprint, and the signature itself."""

    state: str
    key: str
    armored: str


class Sealer(Protocol):
    """Whoever signs commits."""

    def signs(self, committer: Signature) -> bool:
        """Whether commits by this committer are signed."""
        ...

    def seal(self, committer: Signature, payload: bytes) -> Seal:
        """Signs the commit whose bytes without a signature are `payload`."""
        ...


@dataclass(frozen=True, eq=False)
class Commit:
    """One commit as it was written. `mark`: its number in the import; `seal`: its signature, where it has one."""

    sha: str
    mark: int
    tree: Tree = field(repr=False)
    parents: tuple[Commit, ...] = field(repr=False)
    author: Signature
    committer: Signature
    message: str
    seal: Seal | None = None

    @property
    def name(self) -> str:
        """How the import knows it: a signed commit is none of those that it made."""
        return self.sha if self.seal else f":{self.mark}"

    @property
    def subject(self) -> str:
        """First line of the message."""
        return self.message.split("\n", 1)[0]


def clean_environment() -> dict[str, str]:
    """An environment in which git sees no configuration but the repository's own."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": os.devnull,
        "LC_ALL": "C",
        "TZ": "UTC",
    }


def git(path: Path, *arguments: str, stdin: str | None = None) -> str:
    """Runs git in the bare repository `path`; its standard output.

    Raises:
        subprocess.CalledProcessError: git failed.
    """
    done = subprocess.run(
        ["git", f"--git-dir={path}", *arguments],
        input=stdin,
        capture_output=True,
        check=True,
        text=True,
        encoding="utf-8",
        env=clean_environment(),
    )
    return done.stdout


@dataclass
class Writer:
    """A `git fast-import` at work on a new bare repository; use as a context manager.

    Commits are made under a scratch ref; `refs` says which refs the repository has in the end. `sealer` signs some.
    """

    path: Path
    sealer: Sealer | None = None
    refs: dict[str, Commit] = field(default_factory=dict)
    _marks: int = 0
    _process: subprocess.Popen[bytes] = field(init=False, repr=False)

    def __enter__(self) -> Writer:
        self.path.mkdir(parents=True)
        git(self.path, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        self._process = subprocess.Popen(
            ["git", f"--git-dir={self.path}", "fast-import", "--quiet", "--force", "--done"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=clean_environment(),
        )
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if kind is None:
            self._process.stdin.write(b"done\n")
        self._process.stdin.close()
        self._process.stdout.close()
        code = self._process.wait()
        if kind is not None:
            return
        if code != 0:
            raise subprocess.CalledProcessError(code, "git fast-import")
        self._finish()

    def commit(
        self,
        tree: Tree,
        parents: Sequence[Commit],
        *,
        author: Signature,
        committer: Signature,
        message: str,
        plain: bool = False,
    ) -> Commit:
        """One commit of `tree` on `parents`; the first parent is the one it is stored as a difference to.

        `plain`: without a signature, whoever the committer is.
        """
        self._marks += 1
        base: Mapping[str, str] = parents[0].tree if parents else {}
        lines = [
            b"commit refs/scratch\n" if parents else b"reset refs/scratch\ncommit refs/scratch\n",
            f"mark :{self._marks}\nauthor {author}\ncommitter {committer}\n".encode(),
            _data(message),
        ]
        lines += [f"from {parents[0].name}\n".encode()] if parents else []
        lines += [f"merge {parent.name}\n".encode() for parent in parents[1:]]
        lines += [f"D {path}\n".encode() for path in base if path not in tree]
        for path, content in tree.items():
            if base.get(path) != content:
                lines += [f"M 100644 inline {path}\n".encode(), _data(content)]
        sha = self._ask(*lines, f"\nget-mark :{self._marks}\n".encode())[-1]
        made = Commit(sha, self._marks, dict(tree), tuple(parents), author, committer, message)
        if plain or self.sealer is None or not self.sealer.signs(committer):
            return made
        return self._sealed(made, self.sealer)

    def _ask(self, *lines: bytes) -> list[str]:
        """Gives the import something to do; the words of its answer, which end with an object's id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"".join(lines))
        self._process.stdin.flush()
        words = self._process.stdout.readline().decode().split()
        if not words or len(words[-1]) != 40:
            raise subprocess.CalledProcessError(self._process.wait(), "git fast-import")
        return words

    def _sealed(self, made: Commit, sealer: Sealer) -> Commit:
        """The commit once more, signed, as an object of its own: the import can't sign."""
        tree = self._ask(f'ls {made.name} ""\n'.encode())[-1]
        head = [f"tree {tree}", *(f"parent {parent.sha}" for parent in made.parents)]
        head += [f"author {made.author}", f"committer {made.committer}"]
        seal = sealer.seal(made.committer, _object(head, made.message))
        header = "gpgsig " + seal.armored.replace("\n", "\n ")
        sha = self._store(_object([*head, header], made.message))
        return replace(made, sha=sha, seal=seal)

    def _store(self, commit: bytes) -> str:
        """Writes a commit object; its id."""
        raw = b"commit %d\0" % len(commit) + commit
        sha = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
        path = self.path / "objects" / sha[:2] / sha[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(raw, 1))
        return sha

    def _finish(self) -> None:
        """Sets the refs, drops what none of them reaches, and packs the rest the same way every time."""
        updates = [f"create {name} {commit.sha}\n" for name, commit in sorted(self.refs.items())]
        git(self.path, "update-ref", "--stdin", stdin="".join([*updates, "delete refs/scratch\n"]))
        git(self.path, "pack-refs", "--all")
        git(self.path, "-c", "pack.threads=1", "repack", "-a", "-d", "-f", "-q")
        git(self.path, "prune", "--expire=now")


def _object(head: Sequence[str], message: str) -> bytes:
    return "\n".join([*head, "", message]).encode()


def _data(text: str) -> bytes:
    raw = text.encode()
    return b"data %d\n%b\n" % (len(raw), raw)


def instant(seconds: float) -> datetime:
    """Epoch seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
