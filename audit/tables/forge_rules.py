"""How branches are protected on the forge, each time that it was exported."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import Bool, Int, Meta, Table, column


class Protections(Table):
    """Rules that protect branches, as they stood when they were exported."""

    scope: str = column("Repository, or organisation, whose branches are protected")
    kind: str = column("classic: protection of one branch; or ruleset", isin=["classic", "ruleset"])
    rule: str = column("Branch of a classic protection; the forge's id of a ruleset")
    name: str = column("Name of the ruleset; the branch of a classic protection")
    target: str = column("Refs that are protected, as the forge writes them, separated by commas")
    enforcement: str = column("active, or as the forge says: evaluate, disabled")
    approvals: Int = column("Approving reviews that are required", unit="reviews", ge=0)
    dismiss_stale: Bool = column("A push dismisses approvals")
    code_owners: Bool = column("Owners of the code must approve")
    last_push: Bool = column("Somebody else than who pushed last must approve")
    required_checks: str = column("Checks that must succeed, separated by commas")
    strict_checks: Bool = column("The branch must be up to date when it is checked")
    bypass: str = column("Who is not bound by it, separated by commas; admins: whoever administers")
    force_pushes: Bool = column("Forced pushes are allowed")
    deletions: Bool = column("The branch may be deleted")
    linear: Bool = column("A linear history is required")
    signatures: Bool = column("Signatures are required")
    merge_queue: Bool = column("A merge queue is required")
    evidence: str = column("sha256 of the evidence object")
    line: Int = column("Record in the object, counted from 1", ge=1)

    class Config:
        title = "Protection of branches, export by export"
        metadata: ClassVar[Meta] = {
            "source": "GitHub REST: branches/BRANCH/protection, rulesets/ID; GraphQL",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = ["scope", "kind", "rule", "evidence", "line"]
