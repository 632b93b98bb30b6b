"""Classic protection of a branch, as GitHub's REST gives it, to `protections`."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from audit.normalise.github import Account, repository
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, has

_BRANCH = re.compile(r"/branches/([^/?#]+)/protection$")


class _Switch(msgspec.Struct):
    enabled: bool = False


class _Slug(msgspec.Struct):
    slug: str


class _Allowed(msgspec.Struct):
    users: list[Account] = []
    teams: list[_Slug] = []
    apps: list[_Slug] = []


class _Reviews(msgspec.Struct):
    dismiss_stale_reviews: bool = False
    require_code_owner_reviews: bool = False
    required_approving_review_count: Id = 0
    require_last_push_approval: bool = False
    bypass_pull_request_allowances: _Allowed | None = None


class _Check(msgspec.Struct):
    context: str


class _Checks(msgspec.Struct):
    """Which checks; the list of names is the older of the two, and is to go."""

    contexts: list[str] = []
    checks: list[_Check] = []
    strict: bool = False


class Protection(msgspec.Struct):
    """What protects one branch; what is not there is not required, and what old servers can't allow is not allowed."""

    url: str
    enforce_admins: _Switch
    required_pull_request_reviews: _Reviews | None = None
    required_status_checks: _Checks | None = None
    required_linear_history: _Switch = msgspec.field(default_factory=_Switch)
    allow_force_pushes: _Switch = msgspec.field(default_factory=_Switch)
    allow_deletions: _Switch = msgspec.field(default_factory=_Switch)
    required_signatures: _Switch = msgspec.field(default_factory=_Switch)


def _rows(found: Protection, context: Context) -> Outcome:
    branch = _BRANCH.search(found.url)
    if branch is None:
        raise Unreadable("its url names no branch")
    name = unquote(branch[1])
    reviews = found.required_pull_request_reviews or _Reviews()
    checks = found.required_status_checks or _Checks()
    row = {
        "scope": repository(found.url, context),
        "kind": "classic",
        "rule": name,
        "name": name,
        "target": f"refs/heads/{name}",
        "enforcement": "active",
        "approvals": reviews.required_approving_review_count,
        "dismiss_stale": reviews.dismiss_stale_reviews,
        "code_owners": reviews.require_code_owner_reviews,
        "last_push": reviews.require_last_push_approval,
        "required_checks": ",".join(sorted({*checks.contexts, *(check.context for check in checks.checks)})),
        "strict_checks": checks.strict,
        "bypass": ",".join(_bypass(found, reviews)),
        "force_pushes": found.allow_force_pushes.enabled,
        "deletions": found.allow_deletions.enabled,
        "linear": found.required_linear_history.enabled,
        "signatures": found.required_signatures.enabled,
        "merge_queue": False,
    }
    return Outcome([("protections", row)], None)


def _bypass(found: Protection, reviews: _Reviews) -> list[str]:
    """Who is not bound: administrators, and those who may merge without reviews."""
    allowed = reviews.bypass_pull_request_allowances or _Allowed()
    named = [f"user {one.login}" for one in allowed.users]
    named += [f"team {one.slug}" for one in allowed.teams] + [f"app {one.slug}" for one in allowed.apps]
    return ([] if found.enforce_admins.enabled else ["admins"]) + sorted(named)


FORMAT = JsonFormat(
    "github-protection",
    3,
    ("protections",),
    Protection,
    _rows,
    has(("url", "enforce_admins")),
)
