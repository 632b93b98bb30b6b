"""Rules that protect branches, and rulesets, as GraphQL names their fields, to the rows that REST exports give."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from audit.normalise import github_protection, github_rulesets
from audit.normalise.github_graph_items import converted
from audit.normalise.github_graph_place import Place, asked
from audit.normalise.github_lists import listed
from audit.normalise.interface import Context, Rows, Unreadable
from audit.normalise.jsonformat import Id

_NOWHERE = Context("", "")


class _Bound(msgspec.Struct, rename="camel"):
    """A rule that protects branches by a pattern of their names."""

    pattern: str
    is_admin_enforced: bool
    allows_force_pushes: bool
    allows_deletions: bool
    requires_approving_reviews: bool
    required_approving_review_count: int | None
    dismisses_stale_reviews: bool
    requires_code_owner_reviews: bool
    require_last_push_approval: bool
    requires_status_checks: bool
    requires_strict_status_checks: bool
    required_status_check_contexts: list[str] | None
    requires_linear_history: bool
    requires_commit_signatures: bool
    bypass_pull_request_allowances: Any


def protection(value: Any, place: Place, _: list[str]) -> Rows:
    """The rule of a pattern of branches: it is read whole, or not at all."""
    found = asked(value, _Bound, "branch protection rule")
    if place.repo is None:
        raise Unreadable("branch protection rule: nothing says of which repository: ask for nameWithOwner")
    reviews: dict[str, Any] = {
        "dismiss_stale_reviews": found.dismisses_stale_reviews,
        "require_code_owner_reviews": found.requires_code_owner_reviews,
        "required_approving_review_count": found.required_approving_review_count or 0,
        "require_last_push_approval": found.require_last_push_approval,
        "bypass_pull_request_allowances": _allowed(found.bypass_pull_request_allowances),
    }
    rest = {
        "url": f"/repos/{place.repo}/branches/{quote(found.pattern, safe='')}/protection",
        "enforce_admins": {"enabled": found.is_admin_enforced},
        "required_pull_request_reviews": reviews if found.requires_approving_reviews else None,
        "required_status_checks": {
            "contexts": found.required_status_check_contexts or [], "strict": found.requires_strict_status_checks
        } if found.requires_status_checks else None,
        "required_linear_history": {"enabled": found.requires_linear_history},
        "allow_force_pushes": {"enabled": found.allows_force_pushes},
        "allow_deletions": {"enabled": found.allows_deletions},
        "required_signatures": {"enabled": found.requires_commit_signatures},
    }  # fmt: skip
    form = github_protection.FORMAT
    return form.rows(converted(rest, form.shape, "branch protection rule"), _NOWHERE).rows


def _allowed(value: Any) -> dict[str, list[Any]]:
    """Who may merge without reviews, as REST lists them."""
    found: dict[str, list[Any]] = {"users": [], "teams": [], "apps": []}
    for item in _all(value, "bypassPullRequestAllowances"):
        actor = item.get("actor") if isinstance(item, dict) else None
        if not isinstance(actor, dict) or not {"login", "slug"} & actor.keys():
            raise Unreadable(
                "bypassPullRequestAllowances: ask for login of User, slug and __typename of Team and App"
            )
        kind = "users" if "login" in actor else "apps" if actor.get("__typename") == "App" else "teams"
        found[kind].append(actor)
    return found


class _Refs(msgspec.Struct):
    include: list[str]
    exclude: list[str]


class _Conditions(msgspec.Struct, rename="camel"):
    ref_name: _Refs | None


class _Reviewed(msgspec.Struct, rename="camel"):
    required_approving_review_count: int
    dismiss_stale_reviews_on_push: bool
    require_code_owner_review: bool
    require_last_push_approval: bool


class _Context(msgspec.Struct):
    context: str


class _Checked(msgspec.Struct, rename="camel"):
    required_status_checks: list[_Context]
    strict_required_status_checks_policy: bool


class _Rule(msgspec.Struct):
    type: str
    parameters: Any = None


class _Ruleset(msgspec.Struct, rename="camel"):
    database_id: Id
    name: str
    target: str
    enforcement: str
    conditions: _Conditions | None
    rules: Any
    bypass_actors: Any


_BYPASSES = {"App": "Integration", "Team": "Team"}
_PARAMETERS: dict[str, type[msgspec.Struct]] = {"PULL_REQUEST": _Reviewed, "REQUIRED_STATUS_CHECKS": _Checked}


def ruleset(value: Any, place: Place, _: list[str]) -> Rows:
    """A ruleset: it is read whole, or not at all."""
    found = asked(value, _Ruleset, "ruleset")
    source = place.repo or place.org
    if source is None:
        raise Unreadable("ruleset: nothing says of what: ask for nameWithOwner, or login of the organization")
    rules = []
    for rule in (converted(item, _Rule, "rule") for item in _all(found.rules, "rules")):
        shape = _PARAMETERS.get(rule.type)
        given = asked(rule.parameters, shape, f"parameters of {rule.type}") if shape is not None else None
        told = {} if given is None else {"parameters": _by_field(given)}
        rules.append({"type": rule.type.lower(), **told})
    bound = found.conditions.ref_name if found.conditions is not None else None
    rest = {
        "id": found.database_id,
        "name": found.name,
        "source": source,
        "target": found.target,
        "enforcement": found.enforcement.lower(),
        "rules": rules,
        "conditions": None if bound is None else {"ref_name": msgspec.to_builtins(bound)},
        "bypass_actors": [_passes(item) for item in _all(found.bypass_actors, "bypassActors")],
    }
    form = github_rulesets.FORMAT
    return form.rows(msgspec.json.decode(msgspec.json.encode(rest), type=form.shape), _NOWHERE).rows


def _by_field(given: msgspec.Struct) -> dict[str, Any]:
    """Parameters under the names that REST gives them, which are those of our fields."""
    return {name: msgspec.to_builtins(getattr(given, name)) for name in given.__struct_fields__}


def _passes(item: Any) -> dict[str, Any]:
    """Who may bypass a ruleset, as REST tells it."""
    if not isinstance(item, dict) or not isinstance(item.get("bypassMode"), str):
        raise Unreadable("bypassActors: ask for bypassMode")
    told = item.get("actor")
    actor: dict[str, Any] = told if isinstance(told, dict) else {}
    kind: str | None = _BYPASSES.get(str(actor.get("__typename")))
    known = actor.get("databaseId")
    for name, ours in (("organizationAdmin", "OrganizationAdmin"), ("deployKey", "DeployKey")):
        kind = ours if item.get(name) is True else kind
    if item.get("repositoryRoleDatabaseId") is not None:
        kind, known = "RepositoryRole", item["repositoryRoleDatabaseId"]
    if kind is None:
        raise Unreadable(
            "bypassActors: ask for organizationAdmin, deployKey, repositoryRoleDatabaseId and the actor's __typename and databaseId"
        )
    return {"actor_type": kind, "actor_id": known, "bypass_mode": item["bypassMode"].lower()}


def _all(value: Any, name: str) -> list[Any]:
    """The items of a list that must be whole for the object that holds it to say anything."""
    found = listed(value)
    if not found.is_whole:
        raise Unreadable(f"{name}: it does not show to be whole: ask for totalCount and for all of it")
    return found.items
