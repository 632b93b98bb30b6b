"""Real repositories for tests: git itself makes every commit, with fixed dates and identities."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PEOPLE = {
    "ann": ("Ann Lee", "ann@example.org"),
    "bob": ("Bob Roy", "bob@example.org"),
    "cyd": ("Cyd Fox", "cyd@example.org"),
    "GitHub": ("GitHub", "noreply@github.com"),
    "nobody": ("Nobody", ""),
    "bors": ("bors[bot]", "26634292+bors[bot]@users.noreply.github.com"),
}
START = 1_780_000_000


class Repo:
    """A work tree on `main`; each commit is a minute after the one before it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = START
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(
        self,
        *args: str,
        author: str = "ann",
        committer: str | None = None,
        ok: tuple[int, ...] = (0,),
        stdin: bytes | None = None,
    ) -> str:
        name, email = PEOPLE[author]
        committer_name, committer_email = PEOPLE[committer or author]
        env = {
            "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email, "GIT_AUTHOR_DATE": f"@{self.clock} +0000",
            "GIT_COMMITTER_NAME": committer_name, "GIT_COMMITTER_EMAIL": committer_email,
            "GIT_COMMITTER_DATE": f"@{self.clock} +0000",
        }  # fmt: skip
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *args],
            check=False,
            cwd=self.path,
            env=env,
            capture_output=True,
            input=stdin,
        )
        assert done.returncode in ok, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files: dict[str, str | bytes | None]) -> None:
        for name, content in files.items():
            file = self.path / name
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(
        self,
        message: str,
        files: dict[str, str | bytes | None] | None = None,
        *,
        author: str = "ann",
        committer: str | None = None,
    ) -> str:
        self.clock += 60
        self.write(files if files is not None else {f"apps/web/overlays/prod/{self.clock}.yaml": message})
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", message, author=author, committer=committer)
        return self.sha()

    def branch(self, name: str, start: str = "HEAD") -> None:
        self.git("checkout", "--quiet", "-B", name, start)

    def main(self) -> None:
        self.git("checkout", "--quiet", "main")

    def merge(
        self,
        message: str,
        *others: str,
        author: str = "ann",
        committer: str | None = None,
        resolve: dict[str, str | bytes | None] | None = None,
    ) -> str:
        """Merges without fast-forward; `resolve` is what the merge commit holds over (or instead of) git's own."""
        self.clock += 60
        self.git("merge", "--quiet", "--no-ff", "--no-commit", *others, ok=(0, 1))
        if resolve:
            self.write(resolve)
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", message, author=author, committer=committer)
        return self.sha()

    def sha(self, rev: str = "HEAD") -> str:
        return self.git("rev-parse", rev)
