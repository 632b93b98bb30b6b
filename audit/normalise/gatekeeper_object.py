"""Gatekeeper's constraints, templates, mutations and configuration, to `policy_constraints` and `policy_results`.

A constraint's status lists the violations of the last audit, no more than a limit (20, most often), and counts all of
them: both numbers are kept.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import ABSENT, Id, JsonFormat, cluster_of, is_there, keys
from audit.normalise.policy_objects import (
    NOTHING,
    Object,
    constraint,
    decoded,
    digest,
    digest_of,
    of_kinds,
    together,
)
from audit.normalise.times import Time, optional

CONSTRAINTS = "constraints.gatekeeper.sh"
_KINDS = {
    "templates.gatekeeper.sh": frozenset({"ConstraintTemplate"}),
    "config.gatekeeper.sh": frozenset({"Config"}),
    "mutations.gatekeeper.sh": frozenset({"Assign", "AssignImage", "AssignMetadata", "ModifySet"}),
}
_ADMITS = frozenset({"validation.gatekeeper.sh", "vap.k8s.io", "*"})
"""Enforcement points at which a request is refused; the others only report."""


class _Point(msgspec.Struct):
    name: str


class _Scoped(msgspec.Struct):
    action: str
    enforcementPoints: list[_Point] | None = None


class _Match(msgspec.Struct):
    excludedNamespaces: msgspec.Raw = ABSENT


class _Spec(msgspec.Struct):
    """Of a constraint."""

    enforcementAction: str | None = None
    scopedEnforcementActions: msgspec.Raw = ABSENT
    match: msgspec.Raw = ABSENT
    parameters: msgspec.Raw = ABSENT


class _Violation(msgspec.Struct):
    kind: str
    name: str
    message: str
    enforcementAction: str
    enforcementActions: list[str] | None = None
    namespace: str = ""


class _Pod(msgspec.Struct):
    enforced: bool | None = None
    errors: msgspec.Raw = ABSENT


class _Status(msgspec.Struct):
    """Of a constraint, or of a template."""

    auditTimestamp: Time | None = None
    totalViolations: Id | None = None
    violations: list[_Violation] | None = None
    byPod: list[_Pod] | None = None
    created: bool | None = None


class _Template(msgspec.Struct):
    targets: msgspec.Raw = ABSENT


class _Mutation(msgspec.Struct):
    applyTo: msgspec.Raw = ABSENT
    match: msgspec.Raw = ABSENT


class _Exempt(msgspec.Struct):
    match: msgspec.Raw = ABSENT


_spec = msgspec.json.Decoder(_Spec)
_match = msgspec.json.Decoder(_Match)
_scoped = msgspec.json.Decoder(list[_Scoped])
_status = msgspec.json.Decoder(_Status)
_template = msgspec.json.Decoder(_Template)
_mutation = msgspec.json.Decoder(_Mutation)
_config = msgspec.json.Decoder(_Exempt)


def action(told: str, actions: list[str] | None) -> str:
    """deny, warn or dryrun; of a scoped constraint all that apply, sorted, separated by commas."""
    return ",".join(sorted(set(actions))) if told == "scoped" and actions else told


def result(context: Context, at: datetime, **facts: str) -> tuple[str, Row]:
    """A row of `policy_results`."""
    return "policy_results", {"cluster": cluster_of(context), "at": at, **facts}


def _rows(found: Object, context: Context) -> Outcome:
    if found.group == CONSTRAINTS:
        return _constraint(found, context)
    if found.kind not in _KINDS.get(found.group, ()):
        raise Unreadable(f"no object of Gatekeeper that is read: {found.kind[:40]!r} of {found.group[:60]!r}")
    if found.kind == "Config":
        spec = decoded(_config, found.spec if is_there(found.spec) else NOTHING, "spec")
        row = constraint(
            found,
            context,
            engine="gatekeeper",
            role="exemption",
            whole=digest_of(found),
            exempts=together(match=spec.match),
        )
        return Outcome([row], None)
    if found.group == "mutations.gatekeeper.sh":
        return _mutated(found, context)
    targets = decoded(_template, found.spec, "spec").targets
    if not is_there(targets):
        raise Unreadable("spec.targets is missing")
    status = decoded(_status, found.status if is_there(found.status) else NOTHING, "status")
    broken = any(is_there(pod.errors) and bytes(pod.errors) != b"[]" for pod in status.byPod or ())
    row = constraint(
        found,
        context,
        engine="gatekeeper",
        role="template",
        whole=digest_of(found),
        content_digest=digest(targets),
        ready=None if status.created is None else status.created and not broken,
    )
    return Outcome([row], None)


def _constraint(found: Object, context: Context) -> Outcome:
    """A constraint, and the violations that its status lists, with the id that the audit's log gives the same run."""
    spec = decoded(_spec, found.spec if is_there(found.spec) else NOTHING, "spec")
    status = decoded(_status, found.status if is_there(found.status) else NOTHING, "status")
    at = optional(status.auditTimestamp)
    listed = status.violations or []
    if at is None and listed:
        raise Unreadable("status.violations without status.auditTimestamp")
    total = status.totalViolations
    row = constraint(
        found,
        context,
        engine="gatekeeper",
        role="rule",
        whole=digest_of(found),
        policy=found.kind,
        rule_type="validate",
        enforcement=spec.enforcementAction or "deny",
        refuses=_refuses(spec),
        overrides=together(scopedEnforcementActions=spec.scopedEnforcementActions),
        scope=together(match=spec.match),
        exempts=_exempts(spec.match),
        content_digest=digest(spec.parameters),
        ready=_ready(status),
        observed_at=at,
        total_violations=total,
        listed_violations=len(listed) if at is not None else None,
        cut=total > len(listed) if total is not None and at is not None else None,
    )
    return Outcome([row, *(_violations(found, listed, at, context) if at is not None else ())], at)


def _exempts(match: msgspec.Raw) -> str | None:
    """Namespaces that a match leaves out."""
    left_out = decoded(_match, match, "spec.match").excludedNamespaces if is_there(match) else ABSENT
    return together(excludedNamespaces=left_out)


def _ready(status: _Status) -> bool | None:
    """Whether every pod of Gatekeeper enforces it; None where none says."""
    pods = [pod.enforced for pod in status.byPod or () if pod.enforced is not None]
    return all(pods) if pods else None


def _mutated(found: Object, context: Context) -> Outcome:
    """A mutation: it changes what is admitted and refuses nothing."""
    spec = decoded(_mutation, found.spec, "spec")
    status = decoded(_status, found.status if is_there(found.status) else NOTHING, "status")
    row = constraint(
        found,
        context,
        engine="gatekeeper",
        role="rule",
        whole=digest_of(found),
        rule_type="mutate",
        refuses=False,
        scope=together(applyTo=spec.applyTo, match=spec.match),
        exempts=_exempts(spec.match),
        content_digest=digest(found.spec),
        ready=_ready(status),
    )
    return Outcome([row], None)


def _refuses(spec: _Spec) -> bool:
    """Whether a request that breaks the constraint is refused: by default it is."""
    if (spec.enforcementAction or "deny") != "scoped":
        return (spec.enforcementAction or "deny") == "deny"
    if not is_there(spec.scopedEnforcementActions):
        return False
    scoped = decoded(_scoped, spec.scopedEnforcementActions, "spec.scopedEnforcementActions")
    return any(
        point.name in _ADMITS
        for each in scoped
        if each.action == "deny"
        for point in each.enforcementPoints or ()
    )


def _violations(found: Object, listed: list[_Violation], at: datetime, context: Context) -> Rows:
    return [
        result(
            context,
            at,
            audit_id=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            constraint_kind=found.kind,
            constraint=found.metadata.name,
            action=action(violation.enforcementAction, violation.enforcementActions),
            resource_kind=violation.kind,
            resource_namespace=violation.namespace,
            resource_name=violation.name,
            message=violation.message,
        )
        for violation in listed
    ]


_of_kinds = of_kinds(_KINDS)


def _looks(record: bytes) -> bool:
    if b"gatekeeper.sh/" not in record:
        return False
    return (keys(record).apiVersion or "").startswith(CONSTRAINTS + "/") or _of_kinds(record)


FORMAT = JsonFormat("gatekeeper-object", 2, ("policy_constraints", "policy_results"), Object, _rows, _looks)
