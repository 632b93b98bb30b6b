"""Kubernetes' own admission: policies of CEL and their bindings, and the webhooks that ask others, to `policy_constraints`.

A policy refuses nothing by itself: its binding says where it applies, and how strictly. A webhook whose failures are
ignored, or whose selector leaves namespaces out, is how a policy engine is got round.
"""

from __future__ import annotations

import msgspec

from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import ABSENT, JsonFormat, is_there
from audit.normalise.policy_objects import (
    Object,
    constraint,
    decoded,
    digest,
    digest_of,
    of_kinds,
    part_by_part,
    parts,
    together,
)

GROUP = "admissionregistration.k8s.io"
_POLICIES = {"ValidatingAdmissionPolicy": "validate", "MutatingAdmissionPolicy": "mutate"}
_WEBHOOKS = {"ValidatingWebhookConfiguration": "validate", "MutatingWebhookConfiguration": "mutate"}
_KINDS = {GROUP: frozenset({*_POLICIES, *(f"{kind}Binding" for kind in _POLICIES), *_WEBHOOKS})}


class _Match(msgspec.Struct):
    excludeResourceRules: msgspec.Raw = ABSENT


class _Policy(msgspec.Struct):
    failurePolicy: str | None = None
    matchConstraints: msgspec.Raw = ABSENT
    matchConditions: msgspec.Raw = ABSENT
    validations: msgspec.Raw = ABSENT
    mutations: msgspec.Raw = ABSENT
    variables: msgspec.Raw = ABSENT
    auditAnnotations: msgspec.Raw = ABSENT
    paramKind: msgspec.Raw = ABSENT


class _Binding(msgspec.Struct):
    policyName: str
    validationActions: list[str] | None = None
    matchResources: msgspec.Raw = ABSENT
    paramRef: msgspec.Raw = ABSENT


class _Service(msgspec.Struct):
    namespace: str = ""
    name: str = ""


class _Client(msgspec.Struct):
    service: _Service | None = None


class _Webhook(msgspec.Struct):
    name: str
    clientConfig: _Client
    failurePolicy: str | None = None
    rules: msgspec.Raw = ABSENT
    matchPolicy: str | None = None
    namespaceSelector: msgspec.Raw = ABSENT
    objectSelector: msgspec.Raw = ABSENT
    matchConditions: msgspec.Raw = ABSENT


_policy = msgspec.json.Decoder(_Policy)
_binding = msgspec.json.Decoder(_Binding)
_match = msgspec.json.Decoder(_Match)
_listed = msgspec.json.Decoder(list[msgspec.Raw])
_webhook = msgspec.json.Decoder(_Webhook)


def _rows(found: Object, context: Context) -> Outcome:
    if found.group != GROUP or found.kind not in _KINDS[GROUP]:
        raise Unreadable(f"no object of admission that is read: {found.kind[:40]!r} of {found.group[:60]!r}")
    if found.kind in _WEBHOOKS:
        return _webhooks(found, context)
    if found.kind in _POLICIES:
        return _admission_policy(found, context)
    return _bound(found, context)


def _admission_policy(found: Object, context: Context) -> Outcome:
    spec = decoded(_policy, found.spec, "spec")
    row = constraint(
        found,
        context,
        engine="kubernetes",
        role="rule",
        whole=digest_of(found),
        rule_type=_POLICIES[found.kind],
        failure_policy=spec.failurePolicy or "Fail",
        scope=together(matchConstraints=spec.matchConstraints, matchConditions=spec.matchConditions),
        exempts=_excluded(spec.matchConstraints, "spec.matchConstraints"),
        content_digest=digest(
            msgspec.Raw(
                msgspec.json.encode(
                    {
                        name: raw
                        for name in ("validations", "mutations", "variables", "auditAnnotations", "paramKind")
                        if is_there(raw := getattr(spec, name))
                    }
                )
            )
        ),
    )
    return Outcome([row], None)


def _bound(found: Object, context: Context) -> Outcome:
    """A binding; one of a policy that validates must say what is done, and one of a policy that mutates can't."""
    spec = decoded(_binding, found.spec, "spec")
    validates = found.kind == "ValidatingAdmissionPolicyBinding"
    if validates and not spec.validationActions:
        raise Unreadable("spec.validationActions is missing")
    actions = sorted(set(spec.validationActions or ())) if validates else []
    row = constraint(
        found,
        context,
        engine="kubernetes",
        role="binding",
        whole=digest_of(found),
        policy=spec.policyName,
        rule_type="validate" if validates else "mutate",
        enforcement=",".join(actions) or None,
        refuses="Deny" in actions,
        scope=together(matchResources=spec.matchResources),
        exempts=_excluded(spec.matchResources, "spec.matchResources"),
        content_digest=digest(spec.paramRef),
    )
    return Outcome([row], None)


def _excluded(match: msgspec.Raw, name: str) -> str | None:
    if not is_there(match):
        return None
    return together(excludeResourceRules=decoded(_match, match, name).excludeResourceRules)


def _webhooks(found: Object, context: Context) -> Outcome:
    """The webhooks of a configuration; one that can't be read costs no other. Without webhooks it says nothing."""
    rows, failed = [], []
    listed = decoded(_listed, found.webhooks, "webhooks") if is_there(found.webhooks) else []
    whole = digest_of(found)
    for place, raw in parts(listed, "webhooks"):
        try:
            webhook = decoded(_webhook, raw, "webhook")
            rows.append(
                constraint(
                    found,
                    context,
                    engine=_engine(webhook),
                    role="webhook",
                    whole=whole,
                    place=place,
                    part=webhook.name,
                    rule_type=_WEBHOOKS[found.kind],
                    failure_policy=webhook.failurePolicy or "Fail",
                    scope=together(rules=webhook.rules, matchConditions=webhook.matchConditions),
                    exempts=together(
                        namespaceSelector=webhook.namespaceSelector, objectSelector=webhook.objectSelector
                    ),
                )
            )
        except Unreadable as error:
            failed.append(f"webhook {place} of {found.kind} {found.metadata.name[:80]}: {error}")
    return part_by_part(rows, failed)


def _engine(webhook: _Webhook) -> str:
    """Whom it asks, by its name, or that of its service."""
    service = webhook.clientConfig.service or _Service()
    for engine in ("gatekeeper", "kyverno"):
        if any(engine in name for name in (webhook.name, service.namespace, service.name)):
            return engine
    return "other"


FORMAT = JsonFormat("admission-policy", 1, ("policy_constraints",), Object, _rows, of_kinds(_KINDS))
