"""Peak memory of reading a history of 250,000 commits, in a process of its own, git's processes included.

`python -m bench.memory REPOSITORY` reads one and prints what it took as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

from bench import synthetic

COMMITS = 250_000
LIMIT = 500
"""Megabytes."""


def run(folder: Path, repository: Path | None) -> None:
    """Reads a repository made for it, or the one that is named."""
    path = repository if repository is not None else synthetic.make(folder / "large.git", COMMITS)
    said = subprocess.run(
        [sys.executable, "-m", "bench.memory", str(path)], check=True, capture_output=True, text=True
    )
    took = json.loads(said.stdout)
    print(f"\nMemory of reading {took['commits']:,} commits, tables included: {took['seconds']:.1f} s")
    for name, part in (
        ("audit and its git processes together", "together"),
        ("audit alone", "alone"),
        ("git, the largest process", "git"),
    ):
        print(f"  {name:<52} {took[part]:6,.0f} MB   {took[part] / LIMIT:6.2f} of the limit, {LIMIT} MB")


def resident(process: int | str) -> float:
    """Megabytes that a process has in memory now; 0 when it has ended."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0.0
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _git(process: str) -> bool:
    """Whether it is git by now: before that it is a copy of this process that shares all of its memory."""
    try:
        return Path(f"/proc/{process}/comm").read_text(encoding="utf-8").startswith("git")
    except OSError:
        return False


class _Watch(threading.Thread):
    """Looks at this process and its children 50 times a second (Linux)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.together = self.git = 0.0

    def run(self) -> None:
        while True:
            lists = Path("/proc/self/task").glob("*/children")
            children = [child for each in lists for child in _read(each).split() if _git(child)]
            sizes = [resident(child) for child in children]
            self.together = max(self.together, resident("self") + sum(sizes))
            self.git = max([self.git, *sizes])
            time.sleep(0.02)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:  # a thread that has ended
        return ""


def _measure(path: Path) -> dict[str, float]:
    from audit.git import history  # noqa: PLC0415  # only here: what is measured is this process

    watch = _Watch()
    watch.start()
    start = time.perf_counter()
    tables = history.read(path, repo="bench/repository", branch=None)
    seconds = time.perf_counter() - start
    alone = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {
        "commits": len(tables["commits"]), "seconds": seconds, "alone": alone,
        "together": max(alone, watch.together), "git": watch.git,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]))))
