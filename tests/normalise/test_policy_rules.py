"""What the objects of Kyverno, and of Kubernetes' own admission, give."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from evidence_records import lines, parse_bytes, read, refused
from policy_records import (
    ADMISSION_BINDING,
    ADMISSION_POLICY,
    CEL_EXCEPTION,
    CEL_POLICY,
    CLUSTER_POLICY,
    EXCEPTION,
    WEBHOOKS,
)

from audit.normalise.policy_objects import MOST_PARTS


def rules(record: dict[str, Any]) -> list[dict[str, Any]]:
    return read(record).rows["policy_constraints"]


def rule(record: dict[str, Any]) -> dict[str, Any]:
    (found,) = rules(record)
    return found


def changed(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return record | {"spec": copy.deepcopy(record["spec"]) | changes}


def first_rule(**changes: Any) -> dict[str, Any]:
    return changed(CLUSTER_POLICY, rules=[CLUSTER_POLICY["spec"]["rules"][0] | changes])


def test_every_rule_of_a_policy_is_a_row_told_in_full() -> None:
    parsed = read(CLUSTER_POLICY)
    assert parsed.formats == {"kyverno-policy"}
    check, images, quota, label = parsed.rows["policy_constraints"]
    assert len({check.pop("content_digest"), images["content_digest"], quota["content_digest"]}) == 3
    assert len(check.pop("digest")) == 64
    assert {name: value for name, value in check.items() if name != "evidence"} == {
        "cluster": "prod", "engine": "kyverno", "api_group": "kyverno.io", "kind": "ClusterPolicy", "namespace": "",
        "name": "require-labels", "place": 1, "part": "check-team", "role": "rule", "policy": None, "rule_type": "validate",
        "enforcement": "Enforce", "refuses": True, "failure_policy": "Ignore", "background": True,
        "overrides": '{"validationFailureActionOverrides":[{"action":"enforce","namespaces":["shop"]}]}',
        "scope": '{"match":{"any":[{"resources":{"kinds":["Pod"]}}]}}',
        "exempts": '{"exclude":{"any":[{"subjects":[{"kind":"User","name":"grace"}]}]}}', "generation": 2, "ready": True,
        "created_at": None, "observed_at": None, "total_violations": None, "listed_violations": None, "cut": None, "line": 1,
    }  # fmt: skip
    told = [
        (row["place"], row["part"], row["rule_type"], row["enforcement"], row["refuses"])
        for row in (images, quota, label)
    ]
    assert told == [
        (2, "check-images", "verify", "Audit", False),
        (3, "add-quota", "generate", None, False),
        (4, "add-label", "mutate", None, False),
    ]


@pytest.mark.parametrize(
    ("spec", "own", "enforcement", "refuses"),
    [
        ({"validationFailureAction": "enforce"}, {"message": "m"}, "Enforce", True),
        ({"validationFailureAction": "audit"}, {"message": "m"}, "Audit", False),
        ({"validationFailureAction": None}, {"message": "m"}, "Audit", False),
        ({"validationFailureAction": "Enforce"}, {"failureAction": "Audit"}, "Audit", False),
        ({"validationFailureAction": "Enforce", "admission": False}, {"message": "m"}, "Enforce", False),
    ],
)
def test_whether_a_rule_of_kyverno_refuses(spec: Any, own: Any, enforcement: str, refuses: bool) -> None:
    """A rule's own action goes before the policy's; without either, Kyverno audits."""
    found = rule(first_rule(validate=own) | {"spec": first_rule(validate=own)["spec"] | spec})
    assert (found["enforcement"], found["refuses"]) == (enforcement, refuses)


def test_images_that_are_verified_in_several_ways_tell_each_action() -> None:
    record = changed(
        CLUSTER_POLICY,
        rules=[{"name": "a", "verifyImages": [{"failureAction": "Enforce"}, {"failureAction": "Audit"}]}],
    )
    assert (rule(record)["enforcement"], rule(record)["refuses"]) == ("Audit,Enforce", True)


def test_a_rules_own_overrides_and_preconditions_are_told() -> None:
    own = [{"action": "Audit", "namespaces": ["dev"]}]
    found = rule(first_rule(validate={"failureActionOverrides": own}, preconditions={"all": [{"key": "a"}]}))
    assert json.loads(found["overrides"])["failureActionOverrides"] == own
    assert json.loads(found["scope"])["preconditions"] == {"all": [{"key": "a"}]}


def test_a_policy_that_checks_something_else_has_other_digests() -> None:
    before, after = rule(first_rule()), rule(first_rule(validate={"failureAction": "Enforce", "pattern": {}}))
    assert before["digest"] != after["digest"]
    assert before["content_digest"] != after["content_digest"]


def test_a_rule_that_cannot_be_read_costs_no_other() -> None:
    good = CLUSTER_POLICY["spec"]["rules"][0]
    for bad, reason in (
        ({"name": "idle"}, "neither validates, verifies, mutates nor generates"),
        ({"validate": {}}, "rule: Object missing required field `name`"),
        ("x", "rule: Expected `object`, got `str`"),
    ):
        parsed = parse_bytes(lines(changed(CLUSTER_POLICY, rules=[good, bad, good])))
        assert (parsed.records, parsed.kept, len(parsed.quarantined)) == (2, 1, 1)
        assert parsed.quarantined[0][2] == f"kyverno-policy: rule 2 of ClusterPolicy require-labels: {reason}"
        assert [row["place"] for row in parsed.rows["policy_constraints"]] == [1, 3]


@pytest.mark.parametrize("spec", [{}, {"rules": None}, {"rules": []}])
def test_a_policy_that_lost_its_rules_refuses_nothing_and_is_told_all_the_same(spec: dict[str, Any]) -> None:
    found = rule(CLUSTER_POLICY | {"spec": spec})
    assert (found["part"], found["rule_type"], found["enforcement"], found["refuses"]) == (
        "",
        None,
        None,
        False,
    )


def test_what_is_written_where_nothing_was_given_counts_as_nothing() -> None:
    """Older versions write every part of a rule, empty where it is not of that kind."""
    empty = {
        "mutate": {},
        "generate": {"clone": {}, "list": []},
        "exclude": {"resources": {}},
        "verifyImages": [],
    }
    found = rule(first_rule(**empty))
    assert (found["rule_type"], found["exempts"]) == ("validate", None)
    label = {"name": "a", "mutate": {"patchStrategicMerge": {"b": "c"}}}
    assert rule(changed(CLUSTER_POLICY, rules=[empty | {"validate": {}} | label]))["rule_type"] == "mutate"


def test_a_rule_that_denies_whatever_it_matches_is_one() -> None:
    found = rule(changed(CLUSTER_POLICY, rules=[{"name": "a", "validate": {"deny": {}}, "mutate": {}}]))
    assert (found["rule_type"], found["enforcement"]) == ("validate", "Audit")


def test_a_policy_that_cleans_up_is_a_rule_that_deletes() -> None:
    record = {
        "apiVersion": "kyverno.io/v2", "kind": "ClusterCleanupPolicy", "metadata": {"name": "clean"},
        "spec": {"match": {"any": [{"resources": {"kinds": ["Pod"]}}]}, "exclude": {"any": []}, "schedule": "*/5 * * * *"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }  # fmt: skip
    found = rule(record)
    assert [found[name] for name in ("rule_type", "refuses", "exempts", "ready")] == [
        "delete",
        False,
        None,
        True,
    ]
    assert json.loads(found["scope"]) == {"match": record["spec"]["match"]}


def test_an_exception_is_a_row_for_each_policy_that_it_excepts_from() -> None:
    first, second = rules(EXCEPTION)
    assert (first["role"], first["namespace"], first["part"], first["policy"]) == (
        "exemption", "shop", "require-labels", "require-labels",
    )  # fmt: skip
    assert first["exempts"] == '{"policyName":"require-labels","ruleNames":["check-team"]}'
    assert json.loads(first["scope"]) == {"match": EXCEPTION["spec"]["match"]}
    assert (second["place"], second["policy"], first["background"]) == (2, "disallow-latest", False)
    found = rule(CEL_EXCEPTION)
    assert (found["policy"], found["exempts"]) == (
        "no-latest",
        '{"kind":"ValidatingPolicy","name":"no-latest"}',
    )


@pytest.mark.parametrize("kind", ["Policy", "ClusterPolicy"])
@pytest.mark.parametrize("version", ["v1", "v2beta1", "v2"])
def test_versions_and_namespaced_policies_are_read(version: str, kind: str) -> None:
    assert len(rules(CLUSTER_POLICY | {"apiVersion": f"kyverno.io/{version}", "kind": kind})) == 4


def test_a_policy_of_cel_is_told() -> None:
    found = rule(CEL_POLICY)
    assert (found["rule_type"], found["enforcement"], found["refuses"]) == ("validate", "Audit,Deny", True)
    assert (found["failure_policy"], found["background"], found["ready"]) == ("Fail", False, True)
    assert found["exempts"] == '{"excludeResourceRules":[{"resourceNames":["old"]}]}'


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("ValidatingPolicy", {"validationActions": None}, ("validate", "Deny", True)),
        ("NamespacedValidatingPolicy", {"validationActions": ["Warn"]}, ("validate", "Warn", False)),
        (
            "ImageValidatingPolicy",
            {"evaluation": {"admission": {"enabled": False}}},
            ("verify", "Audit,Deny", False),
        ),
        ("MutatingPolicy", {}, ("mutate", None, False)),
        ("GeneratingPolicy", {}, ("generate", None, False)),
        ("DeletingPolicy", {}, ("delete", None, False)),
    ],
)
def test_whether_a_policy_of_cel_refuses(kind: str, spec: Any, expected: Any) -> None:
    found = rule(changed(CEL_POLICY, **spec) | {"kind": kind})
    assert (found["rule_type"], found["enforcement"], found["refuses"]) == expected


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({"ready": False}, False),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, False),
        ({"conditionStatus": {"conditions": [{"type": "Ready", "status": "True"}]}}, True),
        (None, None),
    ],
)
def test_whether_a_policy_is_ready(status: Any, ready: bool | None) -> None:
    assert rule(CEL_POLICY | {"status": status})["ready"] is ready


def test_an_admission_policy_leaves_it_to_its_binding_whether_it_refuses() -> None:
    policy, binding = rule(ADMISSION_POLICY), rule(ADMISSION_BINDING)
    assert (policy["role"], policy["refuses"], policy["failure_policy"]) == ("rule", None, "Ignore")
    assert (binding["role"], binding["policy"], binding["enforcement"], binding["refuses"]) == (
        "binding", "replicas", "Audit,Deny", True,
    )  # fmt: skip
    assert binding["exempts"] == '{"excludeResourceRules":[{"resourceNames":["old"]}]}'
    assert "environment" in binding["scope"]
    assert rule(changed(ADMISSION_BINDING, validationActions=["Warn", "Audit"]))["refuses"] is False
    assert rule(changed(ADMISSION_POLICY, failurePolicy=None))["failure_policy"] == "Fail"
    other = rule(changed(ADMISSION_POLICY, validations=[{"expression": "true"}]))
    assert other["content_digest"] != policy["content_digest"]


def test_a_policy_that_mutates_and_its_binding_refuse_nothing() -> None:
    policy = rule(ADMISSION_POLICY | {"kind": "MutatingAdmissionPolicy"})
    binding = rule(
        {**ADMISSION_BINDING, "kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": "replicas"}}
    )
    assert (policy["rule_type"], binding["rule_type"], binding["refuses"]) == ("mutate", "mutate", False)


def test_a_webhook_tells_whom_it_asks_whom_it_leaves_out_and_what_becomes_of_failures() -> None:
    found = rules(WEBHOOKS)
    assert [(row["engine"], row["part"], row["failure_policy"], row["place"]) for row in found] == [
        ("gatekeeper", "validation.gatekeeper.sh", "Ignore", 1),
        ("kyverno", "validate.example.org", "Fail", 2),
        ("other", "hook.example.org", "Fail", 3),
    ]
    assert json.loads(found[0]["exempts"]) == {
        "namespaceSelector": WEBHOOKS["webhooks"][0]["namespaceSelector"]
    }
    assert found[1]["exempts"] is None
    assert "cHJldGVuZA" not in str(found)
    weaker = copy.deepcopy(WEBHOOKS)
    weaker["webhooks"][0]["namespaceSelector"] = {"matchLabels": {"checked": "yes"}}
    assert rules(weaker)[0]["digest"] != found[0]["digest"]


def test_a_webhook_that_cannot_be_read_costs_no_other_and_none_says_nothing() -> None:
    parsed = parse_bytes(lines(WEBHOOKS | {"webhooks": [{"name": "x"}, WEBHOOKS["webhooks"][0]]}))
    assert (parsed.kept, len(parsed.quarantined)) == (1, 1)
    assert parsed.quarantined[0][2].startswith(
        "admission-policy: webhook 1 of ValidatingWebhookConfiguration hooks: "
    )
    empty = {name: value for name, value in WEBHOOKS.items() if name != "webhooks"}
    assert read(empty).noise == 1


@pytest.mark.parametrize(
    ("record", "format", "reason"),
    [
        (
            CLUSTER_POLICY | {"spec": {"rules": {}}},
            "kyverno-policy",
            "spec: Expected `array | null`, got `object` - at `$.rules`",
        ),
        (CLUSTER_POLICY | {"spec": None}, "kyverno-policy", "spec is missing"),
        (EXCEPTION | {"spec": {}}, "kyverno-policy", "spec.exceptions is missing"),
        (CEL_EXCEPTION | {"spec": {}}, "kyverno-policy", "spec.policyRefs is missing"),
        (
            changed(ADMISSION_BINDING, validationActions=[]),
            "admission-policy",
            "spec.validationActions is missing",
        ),
        (WEBHOOKS | {"webhooks": 7}, "admission-policy", "webhooks: Expected `array`, got `int`"),
    ],
)
def test_objects_that_lack_what_they_must_say_are_refused(record: Any, format: str, reason: str) -> None:
    for name in ("auto", format):
        assert refused(record, format=name) == f"not a {format} record: {reason}"


@pytest.mark.parametrize("format", ["kyverno-policy", "admission-policy"])
def test_other_kinds_are_named_and_refused(format: str) -> None:
    for version in ("kyverno.io/v2", "admissionregistration.k8s.io/v1"):
        other = {"apiVersion": version, "kind": "UpdateRequest", "metadata": {"name": "x"}}
        assert "that is read: 'UpdateRequest'" in refused(other, format=format)
        assert f"a kind of {version.partition('/')[0]} that is not read: 'UpdateRequest'" in refused(other)


def test_objects_of_very_many_parts_are_refused_whole() -> None:
    """They would cost a line in quarantine each."""
    many = [0] * (MOST_PARTS + 1)
    for record, name in (
        (changed(CLUSTER_POLICY, rules=many), "spec.rules"),
        (changed(EXCEPTION, exceptions=[{"policyName": "a"}] * len(many)), "spec.exceptions"),
        (WEBHOOKS | {"webhooks": many}, "webhooks"),
    ):
        assert f"{name}: more than 1,000" in refused(record)
    assert len(rules(changed(EXCEPTION, exceptions=[{"policyName": "a"}] * MOST_PARTS))) == MOST_PARTS


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (
            changed(CLUSTER_POLICY, rules=[{"name": "idle"}, 7]),
            "rule 1 of ClusterPolicy require-labels: neither",
        ),
        (
            WEBHOOKS | {"webhooks": [7, 7]},
            "webhook 1 of ValidatingWebhookConfiguration hooks: webhook: Expected",
        ),
    ],
)
def test_an_object_of_which_no_part_can_be_read_is_one_record_in_quarantine_and_no_noise(
    record: dict[str, Any], reason: str
) -> None:
    assert reason in refused(record)
    assert refused(record).endswith(" (and 1 more)")
