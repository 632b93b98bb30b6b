"""Kyverno's policies and exceptions, to `policy_constraints`, one row for each rule or exception.

ClusterPolicy, Policy and PolicyException of kyverno.io; of policies.kyverno.io those of CEL. A policy that tells no
action audits, a policy of CEL denies: these are Kyverno's defaults.
"""

from __future__ import annotations

import msgspec

from audit.normalise.conditions import Condition, named
from audit.normalise.interface import Context, Outcome, Rows, Unreadable
from audit.normalise.jsonformat import ABSENT, JsonFormat, is_there
from audit.normalise.policy_objects import (
    NOTHING,
    Object,
    canonical,
    constraint,
    decoded,
    digest,
    digest_of,
    of_kinds,
    part_by_part,
    parts,
    says_something,
    together,
)

_TYPES = {
    "ValidatingPolicy": "validate",
    "ImageValidatingPolicy": "verify",
    "MutatingPolicy": "mutate",
    "GeneratingPolicy": "generate",
    "DeletingPolicy": "delete",
}
_KINDS = {
    "kyverno.io": frozenset(
        {"ClusterPolicy", "Policy", "PolicyException", "CleanupPolicy", "ClusterCleanupPolicy"}
    ),
    "policies.kyverno.io": frozenset({*_TYPES, *(f"Namespaced{kind}" for kind in _TYPES), "PolicyException"}),
}


class _Action(msgspec.Struct):
    """What of a rule tells its action: `validate`, or one of `verifyImages`."""

    failureAction: str | None = None
    failureActionOverrides: msgspec.Raw = ABSENT
    deny: msgspec.Raw = ABSENT


class _Rule(msgspec.Struct):
    name: str
    match: msgspec.Raw = ABSENT
    exclude: msgspec.Raw = ABSENT
    preconditions: msgspec.Raw = ABSENT
    celPreconditions: msgspec.Raw = ABSENT
    validate: msgspec.Raw = ABSENT
    mutate: msgspec.Raw = ABSENT
    generate: msgspec.Raw = ABSENT
    verifyImages: msgspec.Raw = ABSENT


class _Webhook(msgspec.Struct):
    failurePolicy: str | None = None


class _Spec(msgspec.Struct):
    """Of a ClusterPolicy or Policy."""

    rules: list[msgspec.Raw] | None = None
    validationFailureAction: str | None = None
    validationFailureActionOverrides: msgspec.Raw = ABSENT
    admission: bool | None = None
    background: bool | None = None
    failurePolicy: str | None = None
    webhookConfiguration: _Webhook | None = None


class _Exception(msgspec.Struct):
    """An entry of an exception: a policy, and rules of it."""

    policyName: str


class _Reference(msgspec.Struct):
    """An entry of an exception from policies of CEL."""

    name: str


class _Exempt(msgspec.Struct):
    """Of a PolicyException of either group."""

    exceptions: list[msgspec.Raw] | None = None
    policyRefs: list[msgspec.Raw] | None = None
    match: msgspec.Raw = ABSENT
    conditions: msgspec.Raw = ABSENT
    matchConditions: msgspec.Raw = ABSENT
    podSecurity: msgspec.Raw = ABSENT
    images: msgspec.Raw = ABSENT
    background: bool | None = None


class _Enabled(msgspec.Struct):
    enabled: bool | None = None


class _Evaluation(msgspec.Struct):
    admission: _Enabled | None = None
    background: _Enabled | None = None


class _Constraints(msgspec.Struct):
    excludeResourceRules: msgspec.Raw = ABSENT


class _CelSpec(msgspec.Struct):
    """Of a policy of CEL."""

    validationActions: list[str] | None = None
    matchConstraints: msgspec.Raw = ABSENT
    matchConditions: msgspec.Raw = ABSENT
    evaluation: _Evaluation | None = None
    failurePolicy: str | None = None


class _Ready(msgspec.Struct):
    ready: bool | None = None
    conditions: list[Condition] | None = None


class _Cleans(msgspec.Struct):
    match: msgspec.Raw = ABSENT
    exclude: msgspec.Raw = ABSENT
    conditions: msgspec.Raw = ABSENT


class _Status(msgspec.Struct):
    ready: bool | None = None
    conditions: list[Condition] | None = None
    conditionStatus: _Ready | None = None


_action = msgspec.json.Decoder(_Action)
_actions = msgspec.json.Decoder(list[_Action])
_rule = msgspec.json.Decoder(_Rule)
_spec = msgspec.json.Decoder(_Spec)
_exempt = msgspec.json.Decoder(_Exempt)
_exception = msgspec.json.Decoder(_Exception)
_cleans = msgspec.json.Decoder(_Cleans)
_reference = msgspec.json.Decoder(_Reference)
_cel = msgspec.json.Decoder(_CelSpec)
_constraints = msgspec.json.Decoder(_Constraints)
_status = msgspec.json.Decoder(_Status)


def _rows(found: Object, context: Context) -> Outcome:
    if found.kind not in _KINDS.get(found.group, ()):
        raise Unreadable(f"no object of Kyverno that is read: {found.kind[:40]!r} of {found.group[:60]!r}")
    if found.kind == "PolicyException":
        return _exceptions(found, context)
    if found.group == "policies.kyverno.io":
        return _of_cel(found, context)
    if found.kind.endswith("CleanupPolicy"):
        return _cleaning(found, context)
    return _policy(found, context)


def _policy(found: Object, context: Context) -> Outcome:
    """A policy's rules; one that can't be read costs no other. A policy without rules is a row that refuses nothing."""
    spec = decoded(_spec, found.spec, "spec")
    if not spec.rules:
        row = constraint(
            found,
            context,
            engine="kyverno",
            role="rule",
            whole=digest_of(found),
            refuses=False,
            ready=_ready(found),
        )
        return Outcome([row], None)
    rows: Rows = []
    failed: list[str] = []
    whole, ready = digest_of(found), _ready(found)
    for place, raw in parts(spec.rules, "spec.rules"):
        try:
            rule = decoded(_rule, raw, "rule")
            facts = _rule_facts(rule, spec) | {"content_digest": digest(raw), "ready": ready}
        except Unreadable as error:
            failed.append(f"rule {place} of {found.kind} {found.metadata.name[:80]}: {error}")
            continue
        rows.append(
            constraint(
                found,
                context,
                engine="kyverno",
                role="rule",
                whole=whole,
                place=place,
                part=rule.name,
                **facts,
            )
        )
    return part_by_part(rows, failed)


def _rule_facts(rule: _Rule, spec: _Spec) -> dict[str, object]:
    """Columns of a rule, those that the whole policy decides among them."""
    webhook = spec.webhookConfiguration or _Webhook()
    facts: dict[str, object] = {
        "failure_policy": webhook.failurePolicy or spec.failurePolicy,
        "background": spec.background,
        "scope": together(
            match=rule.match, preconditions=rule.preconditions, celPreconditions=rule.celPreconditions
        ),
        "exempts": together(exclude=rule.exclude) if says_something(rule.exclude) else None,
    }
    validates = _validates(rule.validate)
    if validates or says_something(rule.verifyImages):
        told = (
            [decoded(_action, rule.validate, "validate")]
            if validates
            else decoded(_actions, rule.verifyImages, "verifyImages")
        )
        actions = {
            (each.failureAction or spec.validationFailureAction or "Audit").capitalize() for each in told
        }
        own = [each.failureActionOverrides for each in told if is_there(each.failureActionOverrides)]
        return facts | {
            "rule_type": "validate" if validates else "verify",
            "enforcement": ",".join(sorted(actions)),
            "refuses": "Enforce" in actions and spec.admission is not False,
            "overrides": together(
                failureActionOverrides=own[0] if own else ABSENT,
                validationFailureActionOverrides=spec.validationFailureActionOverrides,
            ),
        }
    for name in ("mutate", "generate"):
        if says_something(getattr(rule, name)):
            return facts | {"rule_type": name, "refuses": False}
    raise Unreadable("neither validates, verifies, mutates nor generates")


def _validates(raw: msgspec.Raw) -> bool:
    """Whether a rule validates; one that denies whatever it matches says so by a `deny` without conditions."""
    return says_something(raw) or (is_there(raw) and is_there(decoded(_action, raw, "validate").deny))


def _exceptions(found: Object, context: Context) -> Outcome:
    """What a PolicyException lets pass, policy by policy."""
    spec = decoded(_exempt, found.spec, "spec")
    if found.group == "policies.kyverno.io":
        entries, name = spec.policyRefs, "spec.policyRefs"
        names = [decoded(_reference, raw, name).name for raw in entries or ()]
    else:
        entries, name = spec.exceptions, "spec.exceptions"
        names = [decoded(_exception, raw, name).policyName for raw in entries or ()]
    if not entries:
        raise Unreadable(f"{name} is missing")
    whole = digest_of(found)
    scope = together(
        match=spec.match,
        conditions=spec.conditions,
        matchConditions=spec.matchConditions,
        podSecurity=spec.podSecurity,
        images=spec.images,
    )
    rows = [
        constraint(
            found,
            context,
            engine="kyverno",
            role="exemption",
            whole=whole,
            place=place,
            part=policy,
            policy=policy,
            scope=scope,
            exempts=canonical(raw),
            background=spec.background,
        )
        for policy, (place, raw) in zip(names, parts(entries, name), strict=True)
    ]
    return Outcome(rows, None)


def _of_cel(found: Object, context: Context) -> Outcome:
    spec = decoded(_cel, found.spec, "spec")
    kind = _TYPES[found.kind.removeprefix("Namespaced")]
    checks = kind in ("validate", "verify")
    actions = sorted(set(spec.validationActions or ["Deny"])) if checks else []
    evaluation = spec.evaluation or _Evaluation()
    admission, background = evaluation.admission or _Enabled(), evaluation.background or _Enabled()
    excluded = ABSENT
    if is_there(spec.matchConstraints):
        excluded = decoded(_constraints, spec.matchConstraints, "spec.matchConstraints").excludeResourceRules
    row = constraint(
        found,
        context,
        engine="kyverno",
        role="rule",
        whole=digest_of(found),
        rule_type=kind,
        enforcement=",".join(actions) or None,
        refuses="Deny" in actions and admission.enabled is not False,
        failure_policy=spec.failurePolicy,
        background=background.enabled,
        scope=together(matchConstraints=spec.matchConstraints, matchConditions=spec.matchConditions),
        exempts=together(excludeResourceRules=excluded),
        content_digest=digest(found.spec),
        ready=_ready(found),
    )
    return Outcome([row], None)


def _cleaning(found: Object, context: Context) -> Outcome:
    """A policy that deletes, on a schedule, what it matches."""
    spec = decoded(_cleans, found.spec, "spec")
    row = constraint(
        found,
        context,
        engine="kyverno",
        role="rule",
        whole=digest_of(found),
        rule_type="delete",
        refuses=False,
        scope=together(match=spec.match, conditions=spec.conditions),
        exempts=together(exclude=spec.exclude) if says_something(spec.exclude) else None,
        content_digest=digest(found.spec),
        ready=_ready(found),
    )
    return Outcome([row], None)


def _ready(found: Object) -> bool | None:
    status = decoded(_status, found.status if is_there(found.status) else NOTHING, "status")
    inner = status.conditionStatus or _Ready()
    told = status.ready if status.ready is not None else inner.ready
    state = named(status.conditions, "Ready") or named(inner.conditions, "Ready")
    return told if state is None else state.status == "True"


FORMAT = JsonFormat("kyverno-policy", 2, ("policy_constraints",), Object, _rows, of_kinds(_KINDS))
