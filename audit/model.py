"""Words every part of the product shares: severities, conclusions, kinds and links."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How much an exception matters. Ordered: see `rank`."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for critical, rising as severity falls: sorts the worst first."""
        return list(Severity).index(self)


class Conclusion(StrEnum):
    """What a control's test came to. Missing evidence is never `EFFECTIVE`."""

    EFFECTIVE = "effective"
    EXCEPTIONS = "exceptions"
    NOT_TESTED = "not tested"
    NOT_APPLICABLE = "not applicable"


class LandingKind(StrEnum):
    """How a change reached the default branch."""

    MERGE = "merge"  # a pull request's merge commit
    SQUASH = "squash"  # a pull request as one new commit
    REBASE = "rebase"  # a pull request's commits, replayed
    DIRECT = "direct"  # a push with no pull request behind it


class Link(StrEnum):
    """How a landing was tied to its pull request."""

    MERGE_SHA = "merge sha"  # the forge names the commit
    SUBJECT = "subject"  # `(#N)` or `Merge pull request #N`, and the forge is the committer
    PATCH_ID = "patch-id"  # the same patch as the pull request's
    NONE = "none"


class Confidence(StrEnum):
    """How sure a link is."""

    CERTAIN = "certain"
    STRONG = "strong"
    WEAK = "weak"
    NONE = "none"


class PrincipalKind(StrEnum):
    """Who acts: decided from the authenticated identity, never from a name in a commit."""

    PERSON = "person"
    MACHINE = "machine"
