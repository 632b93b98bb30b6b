"""What the repository's .mailmap makes of names and e-mails, each distinct identity asked for once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.compute as pc

from audit.sources import git_command

Identity = tuple[str, str]


def mapped(commits: pd.DataFrame, view: Path) -> pd.DataFrame:
    """`commits` with `author_mailmap` and `committer_mailmap`: the e-mail that .mailmap of the view's HEAD gives instead.

    Missing where it says nothing else than the commit. What the commit says stays as it is: a `.mailmap` is a file of the
    audited repository like any other, and whether it is believed is for the settings to say.

    Args:
        commits: with the columns author_name, author_email, committer_name, committer_email (str).

    Raises:
        IntegrityError: git could not read it.
    """
    if commits.empty or not git_command.run(view, "ls-tree", "HEAD", "--", ".mailmap"):
        return commits.assign(author_mailmap=None, committer_mailmap=None)
    pairs = {who: _pairs(commits, who) for who in ("author", "committer")}
    found = {pair for each in pairs.values() for pair in map(_split, each.dictionary.to_pylist())}
    known = mailmap(view, found)
    for who, each in pairs.items():
        said = [_split(pair) for pair in each.dictionary.to_pylist()]
        meant = [known.get(pair, pair)[1] for pair in said]
        other = [after if after != before else None for (_, before), after in zip(said, meant, strict=True)]
        column = pyarrow.array(other, pyarrow.large_string()).take(each.indices)
        commits = commits.assign(**{f"{who}_mailmap": column.to_pandas().set_axis(commits.index)})
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
