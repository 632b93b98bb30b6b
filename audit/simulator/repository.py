"""Writes a bare repository: every object is made by one `git fast-import`, with trees kept in memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

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


@dataclass(frozen=True, eq=False)
class Commit:
    """One commit as it was written. `mark`: its number in the import."""

    sha: str
    mark: int
    tree: Tree = field(repr=False)
    parents: tuple[Commit, ...] = field(repr=False)
    author: Signature
    committer: Signature
    message: str

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

    Commits are made under a scratch ref; `refs` says which refs the repository has in the end.
    """

    path: Path
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
    ) -> Commit:
        """One commit of `tree` on `parents`; the first parent is the one it is stored as a difference to."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._marks += 1
        base: Mapping[str, str] = parents[0].tree if parents else {}
        lines = [
            b"commit refs/scratch\n" if parents else b"reset refs/scratch\ncommit refs/scratch\n",
            f"mark :{self._marks}\nauthor {author}\ncommitter {committer}\n".encode(),
            _data(message),
        ]
        lines += [f"from :{parents[0].mark}\n".encode()] if parents else []
        lines += [f"merge :{parent.mark}\n".encode() for parent in parents[1:]]
        lines += [f"D {path}\n".encode() for path in base if path not in tree]
        for path, content in tree.items():
            if base.get(path) != content:
                lines += [f"M 100644 inline {path}\n".encode(), _data(content)]
        lines.append(f"\nget-mark :{self._marks}\n".encode())
        self._process.stdin.write(b"".join(lines))
        self._process.stdin.flush()
        sha = self._process.stdout.readline().decode().strip()
        if len(sha) != 40:
            raise subprocess.CalledProcessError(self._process.wait(), "git fast-import")
        return Commit(sha, self._marks, dict(tree), tuple(parents), author, committer, message)

    def _finish(self) -> None:
        """Sets the refs, drops what none of them reaches, and packs the rest the same way every time."""
        updates = [f"create {name} {commit.sha}\n" for name, commit in sorted(self.refs.items())]
        git(self.path, "update-ref", "--stdin", stdin="".join([*updates, "delete refs/scratch\n"]))
        git(self.path, "pack-refs", "--all")
        git(self.path, "-c", "pack.threads=1", "repack", "-a", "-d", "-f", "-q")
        git(self.path, "prune", "--expire=now")


def _data(text: str) -> bytes:
    raw = text.encode()
    return b"data %d\n%b\n" % (len(raw), raw)


def instant(seconds: float) -> datetime:
    """Epoch seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
