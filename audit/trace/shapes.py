"""What a trace says, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One thing that a number or finding is made of.

    Attributes:
        role: what it is here: `review`, `commit`, `numerator`, `failed`, …
        subject: what names it; may itself be traced.
        at: when (UTC, ISO 8601); empty where it has no time.
        says: what is known of it, in words.
        pointers: where its evidence lies: `sha256:line`, or `repo@commit`.
    """

    role: str
    subject: str
    at: str
    says: str
    pointers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Raw:
    """What a pointer leads to.

    Attributes:
        where: source and key of the object, or the repository; of a record that can't be read also where it begins, and why.
        text: the record or commit as it is there; bytes that are no UTF-8 as \\xNN. Of a record that can't be read its first
            bytes. Empty where there is a problem.
        problem: why there is nothing to show; empty when there is.
    """

    pointer: str
    where: str
    text: str
    problem: str


@dataclass(frozen=True)
class Trace:
    """Everything behind one number or finding.

    Attributes:
        kind: `exception`, `control`, `figure`, `change`, `pull request`, `deployment`, `evidence`, `source`,
            `gap`, `reconciliation`, `right`, `waiver` or `emergency`.
        facts: what is said of it, by name.
        raw: what the pointers of its items lead to, each once, in their order; as many as were asked for.
        pointers: how many there are.
    """

    kind: str
    name: str
    facts: dict[str, str]
    items: tuple[Item, ...]
    raw: tuple[Raw, ...]
    pointers: int
