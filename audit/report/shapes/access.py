"""Who can do what, and what became of rights that were to be revoked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RightRow:
    """A right that was held in the quarter, numbered: those to look at come first.

    Attributes:
        held: `yes`, `no` (a later list has it no more), or `not told` where no list of the quarter's end can tell.
        change: since the list with which the quarter began: `added`, `removed`, `changed`, `none`, `passing` or `untold`.
        held_since: the latest moment at which it can have been granted; since_basis: how that is known.
        usage: in the last days of the quarter: `used`, `unused` or `untold`, for the reason in usage_note.
        look_at: why somebody should look at it: `left`, `unknown`, `dormant`, and in what it is excessive.
        builtin: Kubernetes' own; counted nowhere, and listed last.
    """

    number: int
    right_id: str
    system_kind: str
    system: str
    holder: str
    holder_kind: str
    person: str
    standing: str
    right: str
    scope: str
    how: str
    held: str
    change: str
    before: str
    held_since: str
    since_basis: str
    granted_by: str
    last_used: str
    usage: str
    usage_note: str
    look_at: list[str]
    excess: list[str]
    builtin: bool
    evidence: list[str]


@dataclass(frozen=True)
class RightsCount:
    """Rights of one system, as its list of the quarter's end has them, or as logs saw them where there is none.

    Attributes:
        rights: held, or not told; people, machines, groups: whose. added, removed, changed: in the quarter.
        left, dormant, excessive: of `rights`. untold: of `rights`, those whose use can't be told.
    """

    system: str
    system_kind: str
    rights: int
    people: int
    machines: int
    groups: int
    added: int
    removed: int
    changed: int
    left: int
    dormant: int
    excessive: int
    untold: int


@dataclass(frozen=True)
class RevokedRow:
    """A right that an access review revoked or changed, due to be gone in the quarter, numbered.

    Attributes:
        outcome: `gone`, `still there`, `used after`, `not due` or `untold`.
        checked_at: when the list was made that shows it. used_at: first use after it had to be gone.
    """

    number: int
    review: str
    system: str
    subject: str
    right: str
    decision: str
    reviewer: str
    decided_at: str
    gone_by: str
    removed_at: str
    proof: str
    outcome: str
    checked_at: str
    used_at: str
    evidence: list[str]
