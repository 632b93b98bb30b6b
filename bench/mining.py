"""Mining against PyDriller's own loop over the same commits, and against what git needs to write it all to nowhere."""

from __future__ import annotations

import subprocess
import time
from itertools import islice
from pathlib import Path

import pydriller

from audit.git import history
from audit.simulator.organisation import simulate
from bench.timing import Timed, show, timed

_SAMPLE = 300  # commits that PyDriller's loop is timed on: it takes about as many milliseconds each


def run(folder: Path, repository: Path | None) -> None:
    """Mines one repository in three ways."""
    if repository is None:
        simulate(folder, seed=1, changes=3_000, log_events=1_000)
        repository = folder / "repositories" / "netbpf-gitops.git"
    peer = folder / "peer.git"  # PyDriller reads no bare repository of another name
    subprocess.run(["git", "clone", "-q", "--mirror", str(repository), str(peer)], check=True)
    commits = int(_git(repository, "rev-list", "--count", "HEAD"))
    ours = timed(
        "audit: commits, mainline diffs, merges' own content",
        lambda: history.read(repository, repo="bench/repository", branch=None),
        work=commits,
        unit="commits",
    )
    git = timed(
        "git log --raw --numstat -m --first-parent > /dev/null",
        lambda: _git(repository, "log", "--raw", "--numstat", "-m", "--first-parent"),
        work=commits,
        unit="commits",
    )
    show(f"Mining {commits:,} commits", ours, git, _pydriller(peer))


def _pydriller(repository: Path) -> Timed:
    """PyDriller's loop over `modified_files`, on a sample of commits that are not merges."""
    start = time.perf_counter()
    commits = pydriller.Repository(str(repository), only_no_merge=True).traverse_commits()
    done = sum(1 for commit in islice(commits, _SAMPLE) if commit.modified_files is not None)
    return Timed(
        f"PyDriller's loop over modified_files ({done} commits)",
        (time.perf_counter() - start,),
        done,
        "commits",
    )


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")
