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

    MERGE = "merge"  # a merge commit: of a pull request, a batch of them, or a reviewed branch
    SQUASH = "squash"  # a pull request as one new commit
    REBASE = "rebase"  # a pull request's commits, replayed
    DIRECT = "direct"  # a push with no pull request behind it


class Link(StrEnum):
    """How a landing was tied to its pull request."""

    MERGE_SHA = "merge sha"  # the forge names the commit
    SUBJECT = "subject"  # `(#N)` or `Merge pull request #N`, and the forge is the committer
    PATCH_ID = "patch-id"  # the same patch as the pull request's
    BATCH = "batch"  # a merge robot's commit names it among those that it lands together
    CHANGE_ID = "change id"  # Gerrit's trailers name the change
    NONE = "none"


class Via(StrEnum):
    """Which machinery put a landing on the default branch."""

    PULL_REQUEST = "pull request"
    MERGE_QUEUE = "merge queue"
    BATCH = "batch"  # a merge robot (Bors, Homu) lands one or several pull requests at once
    GERRIT = "gerrit"
    BRANCH_MERGE = "branch merge"  # a branch was merged with no pull request known, as release bots do
    PUSH = "push"


class SignatureState(StrEnum):
    """What a commit's signature came to. Kept apart: none of them stands in for another."""

    GOOD = "good"
    FORGE = "forge"  # good, by a key of the forge: says that the forge made the commit, not who wrote it
    BAD = "bad"
    UNKNOWN_KEY = "unknown key"
    EXPIRED = "expired"  # the key, or the signature, had expired
    REVOKED = "revoked"
    UNSIGNED = "unsigned"
    UNCHECKED = "unchecked"  # no verifier for its format is installed, or none is configured


class MadeBy(StrEnum):
    """What attributed a change to an environment."""

    GRAPH = "build graph"
    RULE = "path rule"


class Reader(StrEnum):
    """What a file of a repository was read for."""

    GRAPH = "build graph"
    IMAGES = "images"
    SECRETS = "secrets"
    REFERENCES = "secret references"
    WAIVERS = "secret waivers"
    POLICY_WAIVERS = "waivers"
    OWNERS = "code owners"


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


class Origin(StrEnum):
    """Where a change of a cluster came from."""

    DEPLOYMENT = "deployment"  # the operator's, while one of its deployments ran
    RECORDS = "operator's records"  # of what it does, in objects of its own
    OPERATOR = "operator"  # the operator's, outside every deployment on record
    CLUSTER = "cluster"  # of the cluster's own controllers and nodes, which follow what was asked for
    AUTOMATION = "automation"  # of a machine that the roster or the settings name
    BREAK_GLASS = "break-glass"  # of a person, in a span that allows it
    HAND = "by hand"
    MACHINE = "other machine"  # that nobody names


class Side(StrEnum):
    """Of the two-way reconciliation: what is held against the others."""

    LANDING = "landing"
    DEPLOYMENT = "deployment"
    WRITE = "write"


class Standing(StrEnum):
    """Whether an item of a reconciliation has its counterpart."""

    MATCHED = "matched"
    EXPLAINED = "explained"
    WAITING = "waiting"
    UNEXPLAINED = "unexplained"


LAPTOP_AGENTS = (
    r"(?i)(?:kubectl|oc|odo|helm|helmfile|k9s|kubectx|kubens|stern|kustomize|tilt|skaffold)(?:\.exe)?(?:[/ ].*)?",
    r"(?i)kubectl-.*",
    r"(?i)(?:OpenLens|Lens|Freelens|Headlamp|Octant|Kui|Aptakube|Infra App)(?:[/ ].*)?",
    r"(?i)(?:curl|Wget|HTTPie|xh|PostmanRuntime|insomnia|python-requests|python-httpx|PowerShell)(?:[/ ].*)?",
    r"Mozilla/.*",
    r".+ \(darwin/.*",
)
"""User agents of people's programs, as regular expressions that match the whole: the default of `machines.laptop_agents`, and
what the parsers of clusters' logs keep of machines' reads. No controller runs on a Mac."""
