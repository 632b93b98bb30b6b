"""A branch before it is written, and the messages under which the forge lands it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from audit.simulator.repository import Commit, Signature, Tree
from audit.simulator.themes import Theme


@dataclass
class Draft:
    """A commit that is still to be written. `other`: main's commit that it merges; `amends`: it replaces the one before."""

    tree: Tree
    author: Signature
    committer: Signature
    message: str
    other: Commit | None = None
    amends: bool = False


@dataclass
class Branch:
    """A branch: its commits, when they were pushed, and what merging it gives.

    Attributes:
        pushes: time of each push, and how many drafts it holds.
        fork: last commit of main that the branch holds. merged: main's content once it is merged.
        replayed: content after each of its commits is replayed onto main. reverts: landing that it takes back.
        picks: landing that it copies. theme: what it is about, where it has one. by_hand: merged on someone's machine.
    """

    name: str
    title: str
    base: Commit
    drafts: list[Draft]
    pushes: list[tuple[datetime, int]]
    fork: Commit
    merged: Tree = field(default_factory=dict)
    replayed: list[Tree] = field(default_factory=list)
    reverts: str | None = None
    picks: str | None = None
    theme: Theme | None = None
    by_hand: bool = False

    @property
    def final(self) -> list[Draft]:
        """The commits that it holds in the end."""
        kept = list[Draft]()
        for draft in self.drafts:
            if draft.amends:
                kept.pop()
            kept.append(draft)
        return kept


def merge_message(branch: Branch, number: int) -> str:
    """A merge commit's message, as the forge words it."""
    return f"Merge pull request #{number} from netbpf/{branch.name}\n\n{branch.title}\n"


def squash_message(branch: Branch, number: int, author: Signature, own: Sequence[str]) -> str:
    """A squash commit's message, as the forge words it: everyone but the opener becomes a co-author."""
    drafts, trailers = branch.final, list[str]()
    bodies = [_without_trailers(draft.message) for draft in drafts]
    for draft in drafts:
        if draft.author.email.lower() not in {author.email.lower(), *(email.lower() for email in own)}:
            trailers.append(f"Co-authored-by: {draft.author.name} <{draft.author.email}>")
        trailers += [line for line in draft.message.split("\n") if line.startswith("Co-authored-by: ")]
    if len(bodies) == 1:
        body = bodies[0].split("\n", 1)[1].strip()
    else:
        body = "\n\n".join(f"* {text.strip()}" for text in bodies)
    parts = [f"{branch.title} (#{number})", body, "\n".join(dict.fromkeys(trailers))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _without_trailers(message: str) -> str:
    return "\n".join(line for line in message.split("\n") if not line.startswith("Co-authored-by: "))
