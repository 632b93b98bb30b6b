"""Names and e-mails after the repository's .mailmap, each distinct identity asked for once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

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
    people = [(f"{who}_name", f"{who}_email") for who in ("author", "committer")]
    pairs = pd.concat(
        [commits[list(names)].drop_duplicates().set_axis(["name", "email"], axis=1) for names in people]
    )
    known = mailmap(view, zip(pairs["name"].tolist(), pairs["email"].tolist(), strict=True))
    for names in people:
        codes, uniques = pd.factorize(pd.MultiIndex.from_frame(commits[list(names)]))
        after = [known.get(pair, pair) for pair in uniques]
        for number, name in enumerate(names):
            values = pd.Series([pair[number] for pair in after], dtype="str")
            commits = commits.assign(**{name: values.take(codes).set_axis(commits.index)})
    return commits


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
