"""Who may do what at a quarter's end, how that came about, whether it was used, and what its reviews came to."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE

SYSTEMS = ("organisation", "repository", "cluster", "vault")
CHANGES = ("added", "removed", "changed", "none", "passing", "untold")
USES = ("used", "unused", "untold")
OUTCOMES = ("not asked", "not due", "gone", "still there", "used after", "untold")


class AccessRights(Table):
    """Rights that were listed at the quarter's end, at its beginning or in between; and those that Vault's log shows in use."""

    right_id: str = column(
        "The same for the same right from quarter to quarter: R- and 16 hexadecimal digits"
    )
    system_kind: str = column("Kind of the system in which it holds", isin=list(SYSTEMS))
    system: str = column("Repository, cluster, organisation, or vault")
    holder: str = column("Whose it is, as the system names them: login, user, group, team, ARN, display name")
    holder_kind: str = column(
        "person, machine, or group: whoever the system takes for a member of a group or team",
        isin=["person", "machine", "group"],
    )
    person: str = column("Holder, resolved; as the system names them when nobody matches", optional=True)
    standing: str = column(
        "What the roster says of the holder at the time of the list; known is a machine that a rule names, group "
        "a group or team",
        isin=["there", "left", "not yet there", "unknown", "known", "group"],
    )
    right: str = column("Level, role, group, policy or membership")
    scope: str = column("Namespaces in which it holds, separated by commas; empty: everywhere in the system")
    how: str = column("How it comes: direct, by a team, by which binding, by aws-auth, …")
    admin: Bool = column("It gives everything: administrator, owner, cluster-admin, root")
    wildcard: Bool = column(
        "Its role names all verbs, or all resources together with a verb that writes; missing where no rule of the role is "
        "in evidence",
        optional=True,
    )
    builtin: Bool = column("Kubernetes' own: its own role, for its own users, groups and controllers")
    held: Bool = column(
        "It is in the last list of the quarter; missing where there is no list", optional=True
    )
    change: str = column(
        "Since the list with which the quarter began; changed: the same holder had another right the same way; passing: "
        "it was there only in between; untold: there are no two lists, or none can be",
        isin=list(CHANGES),
    )
    before: str = column("Of what was changed: the right before", optional=True)
    listed_at: UTC = column("When the last list that has it was made; of Vault, when it was seen last")
    compared_at: UTC = column("When the list was made with which the quarter began", optional=True)
    since: UTC = column(
        "The latest moment at which it can have been granted; missing where nothing tells", optional=True
    )
    since_basis: str = column(
        "event: the grant is on record; created: its object was made then; listed: the first list that has it, after one "
        "that has not; earlier: already in the first list there is; use: first seen in use; unknown",
        isin=["event", "created", "listed", "earlier", "use", "unknown"],
    )
    granted_by: str = column("Who granted it, resolved, where that is on record", optional=True)
    last_used: UTC = column("When evidence saw it used last, up to the quarter's end", optional=True)
    usage: str = column(
        "In the last access.dormant_days of the quarter; untold: the logs that would show it have gaps, or none would",
        isin=list(USES),
    )
    usage_note: str = column("Why it is untold; empty otherwise")
    leaver: Bool = column("Its holder had left at the time of the list")
    dormant: Bool = column("Held all the time in which it was not used, by logs that would show it")
    excessive: Bool = column("It goes beyond the role, or gives everything")
    excess: str = column("In what it is excessive, separated by '; '; empty for nothing")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Who may do what"
        metadata: ClassVar[Meta] = {
            "source": "lists of rights at the quarter's beginning and end, and the logs of their use",
            "stage": "joined",
        }
        unique: ClassVar[list[str]] = ["right_id"]


class AccessDecisions(Table):
    """Each right of each access review, with what was decided and whether it was done; and rights that a review left out."""

    review: str = column("Name or number of the review; the day of its list where it has none")
    listed_at: UTC = column("When the rights were listed")
    system: str = column("System, as the settings write it where it is one of theirs")
    subject: str = column("Whose right it is, as it is written")
    person: str = column("The same, resolved; as it is written when nobody matches")
    holder_kind: str = column(
        "person, machine, or group, as the list or a rule says; missing where neither does",
        optional=True,
        isin=["person", "machine", "group"],
    )
    right: str = column("The right, as it is written")
    right_id: str = column("The right of the lists that is meant; missing where none matches", optional=True)
    decision: str = column(
        "keep, change, revoke, open; left out: the system lists it, and the review does not",
        isin=["keep", "change", "revoke", "open", "left out"],
    )
    reviewer: str = column("Who decided, as it is written; empty for nobody")
    reviewer_person: str = column("The same, resolved; empty for nobody")
    granted_by: str = column("Who granted the right, where that is on record", optional=True)
    decided_at: UTC = column("Day of the decision", optional=True)
    due_at: UTC = column("Until when it had to be decided: access.review_days after the list")
    removal_due_at: UTC = column(
        "Until when a right to be revoked or changed had to be gone: access.removal_days after the decision",
        optional=True,
    )
    removed_at: UTC = column("Day on which it was taken away, as the review says", optional=True)
    proof: str = column("Proof of that, as the review says", optional=True)
    outcome: str = column(
        "Of what was to be revoked or changed: not due; gone: a later list has it no more; still there; used after; "
        "untold: no later list tells",
        isin=list(OUTCOMES),
    )
    checked_at: UTC = column("When the list was made that shows it", optional=True)
    checked_in: str = column("sha256 of that list", optional=True)
    used_at: UTC = column("First use after the day on which it had to be gone", optional=True)
    used_in: str = column("Where that use stands: sha256:line", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Decisions of access reviews"
        metadata: ClassVar[Meta] = {
            "source": "access reviews, held against the lists of rights before and after them",
            "stage": "joined",
        }
        unique: ClassVar[list[str]] = [
            "review", "listed_at", "system", "subject", "right", "evidence", "line",
        ]  # fmt: skip
