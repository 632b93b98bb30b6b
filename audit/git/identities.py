"""Names and e-mails after the repository's .mailmap, each distinct identity asked for once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.compute as pc

from audit.sources import git_command

Identity = tuple[str, str]


def mapped(commits: pd.DataFrame, view: Path) -> pd.DataFrame:
    """`commits` with author's and committer's name and e-mail after .mailmap of the view's HEAD.

    Args:
        commits: with the columns author_name, author_email, committer_name, committer_email (str).

    Raises:
        IntegrityError: git could not read it.
    """
    if commits.empty or not git_command.run(view, "ls-tree", "HEAD", "--", ".mailmap"):
        return commits
    pairs = {who: _pairs(commits, who) for who in ("author", "committer")}
    found = {pair for each in pairs.values() for pair in map(_split, each.dictionary.to_pylist())}
    known = mailmap(view, found)
    for who, each in pairs.items():
        after = [known.get(pair, pair) for pair in map(_split, each.dictionary.to_pylist())]
        for number, part in enumerate(("name", "email")):
            values = pyarrow.array([pair[number] for pair in after], pyarrow.large_string())
            column = values.take(each.indices).to_pandas().set_axis(commits.index)
            commits = commits.assign(**{f"{who}_{part}": column})
    return commits


def _pairs(commits: pd.DataFrame, who: str) -> pyarrow.DictionaryArray:
    """Name and e-mail of each commit with a NUL between, which git lets into neither; each distinct one once."""
    names = [f"{who}_name", f"{who}_email"]
    columns = pyarrow.Table.from_pandas(commits[names], preserve_index=False).columns
    nul = pyarrow.scalar("\0", pyarrow.large_string())
    return pc.binary_join_element_wise(*columns, nul).combine_chunks().dictionary_encode()


def _split(pair: str) -> Identity:
    name, email = pair.split("\0")
    return name, email


def mailmap(view: Path, found: Iterable[Identity]) -> dict[Identity, Identity]:
    """What .mailmap makes of (name, e-mail) pairs; only those that it changes."""
    wanted = sorted(set(found))
    said = git_command.run(
        view,
        "-c",
        "mailmap.blob=HEAD:.mailmap",
        "check-mailmap",
        "--stdin",
        feed=(f"{name} <{email}>\n".encode() for name, email in wanted),
    ).decode("utf-8", "backslashreplace")
    return {
        one: other
        for one, other in zip(wanted, map(_parsed, said.split("\n")[:-1]), strict=True)
        if one != other
    }


def _parsed(line: str) -> Identity:
    name, email = line.rsplit("<", 1)
    return name.removesuffix(" "), email.removesuffix(">")
