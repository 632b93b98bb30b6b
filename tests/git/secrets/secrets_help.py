"""Invented secrets, and the scan of a test's repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from git_repo import Repo

from audit.git import diffs, history
from audit.git.contents import Change, Contents, Step
from audit.git.secrets import scan
from audit.git.secrets.references import references
from audit.sources.git_view import view

KEY = b"k" * 32


def pat(letter: str = "") -> str:
    """An invented token in the shape of a forge's, put together here so that no scanner finds it in this file."""
    return "gh" + "p_" + "9aXbYcZd1eWfVgUh2iTjSkRl3mQnPoOq4r" + (letter or "Zz").ljust(2, "7")


def pem(indent: str = "") -> str:
    lines = "\n".join(
        f"{indent}{('MIIEabcdefghijk' + chr(65 + n)).ljust(20, 'x') + 'q7W2e9Rt' * 5}" for n in range(20)
    )
    name = "PRIV" + "ATE KEY"
    return f"{indent}-----BEGIN RSA {name}-----\n{lines}\n{indent}-----END RSA {name}-----\n"


def steps_of(seen: Path, last: int) -> list[Step]:
    said = subprocess.run(
        ["git", f"--git-dir={seen}", "log", "--first-parent", "--reverse", "--format=%H %T", "HEAD"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    words = said.stdout.split()
    chain, trees = words[::2], words[1::2]
    compared = map(diffs.Compared, chain, trees, [None, *trees[:-1]])
    found: dict[str, list[Change]] = {}
    for each in diffs.of_mainline(seen, compared):
        found.setdefault(each.sha, []).append(
            Change(each.path, each.old_path, each.status, each.old_blob, each.blob)
        )
    return [Step(sha, n, tuple(found.get(sha, ()))) for n, sha in enumerate(chain)][-last:]


def scanned(repo: Repo, last: int = 1 << 20):
    """Findings and unread files of the last mainline commits."""
    with view(repo.path) as seen, Contents(seen) as contents:
        return scan(seen, contents, steps_of(seen, last), key=KEY)


def referenced(repo: Repo):
    """Secrets by reference at the tip, and unread files."""
    tables = history.read(repo.path, repo="acme/gitops", branch="main")
    with view(repo.path) as seen, Contents(seen) as contents:
        tree = contents.tree(repo.sha())
        return references(contents, tree, tables["file_changes"], tables["commits"])
