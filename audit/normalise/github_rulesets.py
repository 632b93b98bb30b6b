"""Rulesets of a repository or organisation, one by one, as GitHub's REST gives them, to `protections`."""

from __future__ import annotations

import msgspec

from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import Id, JsonFormat, has


class _Refs(msgspec.Struct):
    include: list[str] = []
    exclude: list[str] = []


class _Conditions(msgspec.Struct):
    ref_name: _Refs = msgspec.field(default_factory=_Refs)


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
    conditions: _Conditions | None = None
    bypass_actors: list[_Actor] = []


def _rows(found: Ruleset, context: Context) -> Outcome:
    rules = {rule.type: rule.parameters for rule in found.rules}
    reviews, checks = _parameters(rules, "pull_request"), _parameters(rules, "required_status_checks")
    refs = (found.conditions or _Conditions()).ref_name
    row = {
        "scope": context.repository or found.source,
        "kind": "ruleset",
        "rule": str(found.id),
        "name": found.name,
        "target": ",".join([*refs.include, *(f"!{ref}" for ref in refs.exclude)]),
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
    2,
    ("protections",),
    Ruleset,
    _rows,
    has(("id", "name", "source", "enforcement", "rules"), lacks=("action",)),
)
