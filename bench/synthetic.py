"""A large repository made by `git fast-import` in seconds: branches of one commit that a bot merges, as image updaters do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

_FILES = 1_200
_PEOPLE = 400
_START = 1_600_000_000


def make(path: Path, commits: int) -> Path:
    """A bare repository whose branch main has about so many commits, half of them merges."""
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", str(path)], check=True)
    with subprocess.Popen(
        ["git", "-C", str(path), "fast-import", "--quiet", "--done"], stdin=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        process.stdin.writelines(_stream(commits // 2))
        process.stdin.close()
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, "git fast-import")
    return path


def _stream(changes: int) -> Iterator[bytes]:
    root = b"".join(_file(number, 0) for number in range(_FILES))
    yield _commit(b"main", 1, b"Start", root)
    for change in range(1, changes):
        number = change * 7919 % _FILES
        changed = _file(number, change)
        body = b"Set image tag to v%d\n\nCo-authored-by: Deployer <deployer@example.org>" % change
        subject = b"Merge update-image-tag/app-%d/v%d into main" % (number // 3, change)
        mark, before = 2 * change, max(1, 2 * change - 1)
        yield _commit(b"side", mark, body, b"from :%d\n" % before + changed)
        yield _commit(b"main", mark + 1, subject, b"from :%d\nmerge :%d\n" % (before, mark) + changed)
    yield b"reset refs/heads/side\nfrom %s\n\ndone\n" % (b"0" * 40)


def _commit(branch: bytes, mark: int, message: bytes, rest: bytes) -> bytes:
    who = b"Person %d <person-%d@example.org> %d +0000" % (
        mark // 2 % _PEOPLE, mark // 2 % _PEOPLE, _START + mark // 2 * 600,
    )  # fmt: skip
    return b"commit refs/heads/%s\nmark :%d\nauthor %s\ncommitter %s\ndata %d\n%s\n%s\n" % (
        branch, mark, who, who, len(message), message, rest,
    )  # fmt: skip


def _file(number: int, version: int) -> bytes:
    text = b"image:\n  repository: registry.example.org/app-%d\n  tag: v%d\nreplicas: 2\n" % (number, version)
    path = b"apps/app-%d/overlays/%s/values.yaml" % (number // 3, (b"dev", b"staging", b"prod")[number % 3])
    return b"M 100644 inline %s\ndata %d\n%s\n" % (path, len(text), text)
