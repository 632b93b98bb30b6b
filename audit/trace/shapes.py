"""What a trace says, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

_WORDS = {
    "evil": "content that the merge itself brought in",
    "title_text": "title",
    "found": "what was found",
}
_SHOWN = 20
"""Items and raw records that a notebook shows of a trace; the trace has them all."""
_RAW = 400
"""Characters that a notebook shows of a raw record."""


def said(name: str, value: object) -> tuple[str, str]:
    """A fact as people read it: names of columns that are no plain words in words, truths as yes and no."""
    text = str(value)
    return _WORDS.get(name, name.replace("_", " ")), {"True": "yes", "False": "no"}.get(text, text)


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


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        value = self.facts.get("conclusion") or " ".join(
            part for part in (self.facts.get("value", ""), self.facts.get("unit", "")) if part
        )
        items = f"{len(self.items):,} {'item' if len(self.items) == 1 else 'items'}"
        raw = f"{len(self.raw):,} of {self.pointers:,} raw records read"
        return f"<Trace of {self.kind} {self.name}{f': {value}' if value else ''}, {items}, {raw}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the facts, the first items and raw records, and how many there are."""
        facts = (said(name, value) for name, value in self.facts.items())
        items = [(one.role, one.at, one.subject, one.says) for one in self.items[:_SHOWN]]
        raw = [(one.pointer, one.where, one.problem or one.text[:_RAW]) for one in self.raw[:_SHOWN]]
        return "".join(
            (
                f"<p><b>{escape(self.kind)} {escape(self.name)}</b></p>",
                _table((), facts),
                f"<p>{len(self.items):,} items, the first {len(items):,}:</p>",
                _table(("role", "at", "subject", "says"), items),
                f"<p>{self.pointers:,} raw records, the first {len(raw):,} as far as they fit; all that were read are in <code>.raw</code>:</p>",
                _table(("pointer", "where", "text"), raw),
            )
        )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """An HTML table in which every text is text."""
    first = "".join(f"<th>{escape(each)}</th>" for each in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(each)}</td>' for each in row)}</tr>" for row in rows)
    return f"<table><tr>{first}</tr>{lines}</table>" if head else f"<table>{lines}</table>"
