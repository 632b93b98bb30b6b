"""Deployment environments of a repository, as GitHub's REST lists them, to `forge_environments`."""

from __future__ import annotations

import msgspec

from audit.normalise.github import repository
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, has


class _Named(msgspec.Struct):
    login: str | None = None
    slug: str | None = None


class _Reviewer(msgspec.Struct):
    type: str
    reviewer: _Named


class _Rule(msgspec.Struct):
    type: str
    reviewers: list[_Reviewer] | None = None
    prevent_self_review: bool | None = None
    wait_timer: Id | None = None


class _Branches(msgspec.Struct):
    protected_branches: bool
    custom_branch_policies: bool


class Environment(msgspec.Struct):
    """What deployments to one environment must pass."""

    name: str
    url: str
    protection_rules: list[_Rule]
    deployment_branch_policy: _Branches | None = None
    can_admins_bypass: bool | None = None


def _rows(found: Environment, context: Context) -> Outcome:
    rules = found.protection_rules
    policy = found.deployment_branch_policy
    if policy is not None and policy.protected_branches == policy.custom_branch_policies:
        raise Unreadable(f"environment {found.name[:40]!r} names no policy of branches, or two")
    kind = "all" if policy is None else "protected" if policy.protected_branches else "custom"
    row = {
        "repo": repository(found.url, context),
        "environment": found.name,
        "reviewers": ",".join(sorted(_name(one) for rule in rules for one in rule.reviewers or ())),
        "prevent_self_review": any(rule.prevent_self_review for rule in rules),
        "wait_minutes": max((rule.wait_timer or 0 for rule in rules), default=0),
        "branches": kind,
        "admins_bypass": found.can_admins_bypass,
    }
    return Outcome([("forge_environments", row)], None)


def _name(one: _Reviewer) -> str:
    name = one.reviewer.login or one.reviewer.slug
    if name is None:
        raise Unreadable("a reviewer has no name")
    return f"{one.type.lower()} {name}"


FORMAT = JsonFormat(
    "github-environments",
    1,
    ("forge_environments",),
    Environment,
    _rows,
    has(("id", "name", "url", "protection_rules")),
)
