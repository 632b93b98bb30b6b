"""Rulesets of a repository or organisation, one by one, as GitHub's REST gives them, to `protections`."""

from __future__ import annotations

from fnmatch import fnmatchcase

import msgspec

from audit.normalise.github import refs
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, has

_ALL = "~ALL"


class _Refs(msgspec.Struct):
    include: list[str] = []
    exclude: list[str] = []


class _Conditions(msgspec.Struct):
    ref_name: _Refs = msgspec.field(default_factory=_Refs)
    repository_name: _Refs | None = None


class _Check(msgspec.Struct):
    context: str


class _Parameters(msgspec.Struct):
    """Of the rules that matter here; a rule that has none leaves them at what is not required."""

    required_approving_review_count: Id = 0
    dismiss_stale_reviews_on_push: bool = False
    require_code_owner_review: bool = False
    require_last_push_approval: bool = False
    required_status_checks: list[_Check] = []
    strict_required_status_checks_policy: bool = False


class _Rule(msgspec.Struct):
    type: str
    parameters: msgspec.Raw = msgspec.Raw()


class _Actor(msgspec.Struct):
    actor_type: str
    actor_id: int | None = None
    bypass_mode: str | None = None


class Ruleset(msgspec.Struct):
    """One ruleset. Who may bypass it is only told to those who may change it."""

    id: Id
    name: str
    source: str
    enforcement: str
    rules: list[_Rule]
    target: str = "branch"
    source_type: str | None = None
    conditions: _Conditions | None = None
    bypass_actors: list[_Actor] = []


def _rows(found: Ruleset, context: Context) -> Outcome:
    rules = {rule.type: rule.parameters for rule in found.rules}
    reviews, checks = _parameters(rules, "pull_request"), _parameters(rules, "required_status_checks")
    bound = (found.conditions or _Conditions()).ref_name
    row = {
        "scope": _scope(found, context),
        "kind": "ruleset",
        "rule": str(found.id),
        "name": found.name,
        "target": refs(bound.include, bound.exclude, found.target),
        "enforcement": found.enforcement,
        "approvals": reviews.required_approving_review_count,
        "dismiss_stale": reviews.dismiss_stale_reviews_on_push,
        "code_owners": reviews.require_code_owner_review,
        "last_push": reviews.require_last_push_approval,
        "required_checks": ",".join(sorted(check.context for check in checks.required_status_checks)),
        "strict_checks": checks.strict_required_status_checks_policy,
        "bypass": ",".join(sorted(_text(actor) for actor in found.bypass_actors)),
        "force_pushes": "non_fast_forward" not in rules,
        "deletions": "deletion" not in rules,
        "linear": "required_linear_history" in rules,
        "signatures": "required_signatures" in rules,
        "merge_queue": "merge_queue" in rules,
    }
    return Outcome([("protections", row)], None)


def _scope(found: Ruleset, context: Context) -> str:
    """The repository that it binds: its own, or of an organisation's ruleset the source's, unless its conditions leave that out."""
    named = found.conditions.repository_name if found.conditions is not None else None
    if context.repository is None or context.repository.lower() == found.source.lower():
        return context.repository or found.source
    if found.source_type == "Repository":
        return found.source
    name = context.repository.rpartition("/")[2].lower()
    if named is not None and (not _names(named.include, name) or _names(named.exclude, name)):
        return found.source
    return context.repository


def _names(patterns: list[str], name: str) -> bool:
    return any(pattern == _ALL or fnmatchcase(name, pattern.lower()) for pattern in patterns)


def _parameters(rules: dict[str, msgspec.Raw], kind: str) -> _Parameters:
    """Parameters of a kind of rule; those of a rule that is not there where there is none."""
    raw = bytes(rules.get(kind, msgspec.Raw()))
    try:
        return msgspec.json.decode(raw, type=_Parameters) if raw else _Parameters()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"parameters of rule '{kind}': {error}") from None
    except RecursionError:
        raise Unreadable("nested too deep") from None


def _text(actor: _Actor) -> str:
    known = "" if actor.actor_id is None else f" {actor.actor_id}"
    return f"{actor.actor_type}{known} ({actor.bypass_mode or 'always'})"


FORMAT = JsonFormat(
    "github-rulesets",
    3,
    ("protections",),
    Ruleset,
    _rows,
    has(("id", "name", "source", "enforcement", "rules"), lacks=("action",)),
)
