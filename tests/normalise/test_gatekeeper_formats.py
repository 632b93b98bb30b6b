"""What Gatekeeper's logs, exports and objects give."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from evidence_records import VIOLATION, lines, parse_bytes, read, refused
from policy_records import CONSTRAINT, DENIED, EXPORTED_DENIAL, GATEKEEPER_CONFIG, TEMPLATE


def rule(record: dict[str, Any]) -> dict[str, Any]:
    (found,) = read(record).rows["policy_constraints"]
    return found


def changed(record: dict[str, Any], part: str, **changes: Any) -> dict[str, Any]:
    return record | {part: copy.deepcopy(record[part]) | changes}


def test_a_denied_request_says_who_asked_for_what() -> None:
    (found,) = read(DENIED).rows["policy_admissions"]
    assert found.pop("at").isoformat() == "2026-07-01T10:00:00.500000+00:00"
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "cluster": "prod", "user": "ada", "operation": None, "dry_run": None, "constraint_kind": "K8sContainerLimits",
        "constraint": "limits", "action": "deny", "resource_group": "apps", "resource_kind": "Deployment",
        "resource_namespace": "shop", "resource_name": "web", "message": "denied admission", "line": 1,
    }  # fmt: skip


def test_the_export_of_a_denied_request_says_the_same_and_the_operation() -> None:
    logged, exported = (read(each).rows["policy_admissions"][0] for each in (DENIED, EXPORTED_DENIAL))
    more = {"operation": "UPDATE", "dry_run": False, "evidence": ""}
    assert exported | {"evidence": ""} == logged | more


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (DENIED, "request_username"), (DENIED, "constraint_name"), (DENIED, "constraint_action"), (DENIED, "constraint_kind"),
        (EXPORTED_DENIAL, "requestUsername"), (EXPORTED_DENIAL, "resourceKind"), (EXPORTED_DENIAL, "enforcementAction"),
        (VIOLATION, "constraint_kind"), (VIOLATION, "resource_name"),
    ],
)  # fmt: skip
def test_what_is_missing_is_loud(record: dict[str, Any], name: str) -> None:
    without = {key: value for key, value in record.items() if key != name}
    assert refused(without) == f"not a gatekeeper-audit record: {name} is missing"


@pytest.mark.parametrize(
    "event_type", ["constraint_added", "template_create", "mutation_applied", "review_response_stats"]
)
def test_what_gatekeeper_tells_of_itself_is_noise(event_type: str) -> None:
    line = {
        "level": "info",
        "ts": 1782900000.25,
        "logger": "controller",
        "msg": "m",
        "process": "p",
        "event_type": event_type,
    }
    assert read(line).noise == 1
    assert "no known format" in refused(line | {"event_type": "something"})


def test_an_object_that_is_yet_to_be_named_has_no_name() -> None:
    (found,) = read(DENIED | {"resource_name": "", "resource_namespace": ""}).rows["policy_admissions"]
    assert (found["resource_name"], found["resource_namespace"]) == ("", "")


def test_admission_that_reports_no_violation_is_noise() -> None:
    assert read(DENIED | {"event_type": "review_response_stats"}).noise == 1


@pytest.mark.parametrize("message", ["audit is started", "audit is completed"])
def test_the_beginning_and_end_of_an_exported_run_are_noise_that_covers_its_time(message: str) -> None:
    parsed = read({"id": "2026-07-01T10:00:00Z", "message": message})
    assert (parsed.noise, parsed.formats, len(parsed.coverage)) == (1, {"gatekeeper-audit"}, 1)
    assert refused({"id": "2026-07-01T10:00:00Z", "message": "audit is late"}).startswith(
        "not a gatekeeper-audit"
    )
    assert refused({"id": "x", "message": message, "more": 1}) == "no known format"


def test_of_a_scoped_constraint_the_actions_that_apply_are_told() -> None:
    scoped = {"constraint_action": "scoped", "constraint_enforcement_actions": ["warn", "deny"]}
    assert read(VIOLATION | scoped).rows["policy_results"][0]["action"] == "deny,warn"
    assert read(DENIED | scoped).rows["policy_admissions"][0]["action"] == "deny,warn"
    bare = {"constraint_action": "scoped", "constraint_enforcement_actions": []}
    assert read(VIOLATION | bare).rows["policy_results"][0]["action"] == "scoped"


def test_a_constraint_is_told_in_full() -> None:
    parsed = read(CONSTRAINT)
    assert parsed.formats == {"gatekeeper-object"}
    (found,) = parsed.rows["policy_constraints"]
    times = {name: found.pop(name).isoformat() for name in ("created_at", "observed_at")}
    assert times == {"created_at": "2026-01-05T09:00:00+00:00", "observed_at": "2026-07-01T10:00:00+00:00"}
    digests = [found.pop("digest"), found.pop("content_digest")]
    assert all(len(each) == 64 for each in digests)
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "cluster": "prod", "engine": "gatekeeper", "api_group": "constraints.gatekeeper.sh", "kind": "K8sContainerLimits",
        "namespace": "", "name": "limits", "place": 1, "part": "", "role": "rule", "policy": "K8sContainerLimits",
        "rule_type": "validate", "enforcement": "deny", "refuses": True, "overrides": None, "failure_policy": None,
        "background": None, "exempts": '{"excludedNamespaces":["kube-system"]}',
        "scope": '{"match":{"excludedNamespaces":["kube-system"],"kinds":[{"apiGroups":[""],"kinds":["Pod"]}]}}',
        "generation": 3, "ready": True, "total_violations": 37, "listed_violations": 1, "cut": True, "line": 1,
    }  # fmt: skip
    (result,) = parsed.rows["policy_results"]
    assert (result["constraint"], result["resource_name"], result["audit_id"]) == (
        "limits", "web-1", "2026-07-01T10:00:00Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"totalViolations": 1}, (1, 1, False)),
        ({"totalViolations": 0, "violations": []}, (0, 0, False)),
        ({"totalViolations": 21, "violations": None}, (21, 0, True)),
        ({"totalViolations": None}, (None, 1, None)),
        ({"auditTimestamp": None, "totalViolations": None, "violations": None}, (None, None, None)),
    ],
)
def test_violations_that_are_listed_are_held_against_those_that_are_counted(
    status: Any, expected: Any
) -> None:
    found = rule(changed(CONSTRAINT, "status", **status))
    assert (found["total_violations"], found["listed_violations"], found["cut"]) == expected


def test_violations_without_a_time_are_refused() -> None:
    assert "without status.auditTimestamp" in refused(changed(CONSTRAINT, "status", auditTimestamp=None))


def test_a_constraint_that_was_never_audited_is_told_all_the_same() -> None:
    found = rule({name: value for name, value in CONSTRAINT.items() if name != "status"})
    assert (found["observed_at"], found["ready"], found["enforcement"]) == (None, None, "deny")


def _at(*points: str, action: str = "deny") -> dict[str, Any]:
    scoped = [{"action": action, "enforcementPoints": [{"name": point} for point in points]}]
    return {"enforcementAction": "scoped", "scopedEnforcementActions": scoped}


@pytest.mark.parametrize(
    ("spec", "enforcement", "refuses"),
    [
        ({"enforcementAction": None}, "deny", True),
        ({"enforcementAction": "warn"}, "warn", False),
        ({"enforcementAction": "dryrun"}, "dryrun", False),
        ({"enforcementAction": "unheard of"}, "unheard of", False),
        (_at("validation.gatekeeper.sh"), "scoped", True),
        (_at("*"), "scoped", True),
        (_at("vap.k8s.io"), "scoped", True),
        (_at("audit.gatekeeper.sh", "gator.gatekeeper.sh"), "scoped", False),
        (_at("validation.gatekeeper.sh", action="warn"), "scoped", False),
        ({"enforcementAction": "scoped"}, "scoped", False),
    ],
)
def test_whether_a_constraint_refuses(spec: dict[str, Any], enforcement: str, refuses: bool) -> None:
    found = rule(changed(CONSTRAINT, "spec", **spec))
    assert (found["enforcement"], found["refuses"]) == (enforcement, refuses)
    given = spec.get("scopedEnforcementActions")
    assert (found["overrides"] and json.loads(found["overrides"])) == (
        {"scopedEnforcementActions": given} if given else None
    )


def test_what_changes_what_is_checked_changes_a_digest_and_how_it_is_written_does_not() -> None:
    before = rule(CONSTRAINT)
    turned = dict(reversed(list(CONSTRAINT["spec"].items())))
    assert rule(CONSTRAINT | {"spec": turned})["digest"] == before["digest"]
    other = rule(changed(CONSTRAINT, "spec", parameters={"cpu": "900m", "memory": "1Gi"}))
    assert other["digest"] != before["digest"]
    assert other["content_digest"] != before["content_digest"]
    softer = rule(changed(CONSTRAINT, "spec", enforcementAction="dryrun"))
    assert softer["digest"] != before["digest"]
    assert softer["content_digest"] == before["content_digest"]


@pytest.mark.parametrize(
    "target",
    [
        {"rego": "package other"},
        {"libs": ["package lib.b"]},
        {"code": [{"engine": "K8sNativeValidation", "source": {"validations": [{"expression": "true"}]}}]},
    ],
)
def test_a_template_that_checks_something_else_has_another_digest(target: dict[str, Any]) -> None:
    found = rule(TEMPLATE)
    assert (found["role"], found["name"], found["ready"]) == ("template", "k8scontainerlimits", True)
    other = rule(changed(TEMPLATE, "spec", targets=[TEMPLATE["spec"]["targets"][0] | target]))
    assert other["content_digest"] != found["content_digest"]
    assert "package limits" not in str(read(TEMPLATE).rows)


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({"created": False}, False),
        ({"byPod": [{"errors": [{"code": "rego_parse_error"}]}]}, False),
        ({"byPod": [{"errors": []}]}, True),
        ({"created": None}, None),
    ],
)
def test_a_template_with_errors_is_not_ready(status: dict[str, Any], ready: bool | None) -> None:
    assert rule(changed(TEMPLATE, "status", **status))["ready"] is ready


def test_a_constraint_is_ready_when_every_pod_enforces_it() -> None:
    pods = [{"enforced": True}, {"enforced": False}]
    assert rule(changed(CONSTRAINT, "status", byPod=pods))["ready"] is False


def test_the_configuration_tells_which_namespaces_are_exempt() -> None:
    found = rule(GATEKEEPER_CONFIG)
    assert (found["role"], found["namespace"]) == ("exemption", "gatekeeper-system")
    assert found["exempts"] == '{"match":[{"excludedNamespaces":["kube-*","shop"],"processes":["*"]}]}'
    assert rule(GATEKEEPER_CONFIG | {"spec": {}})["exempts"] is None


def test_a_mutation_is_a_rule_that_refuses_nothing() -> None:
    record = {
        "apiVersion": "mutations.gatekeeper.sh/v1", "kind": "Assign", "metadata": {"name": "pull-always", "generation": 2},
        "spec": {"applyTo": [{"kinds": ["Pod"]}], "match": {"excludedNamespaces": ["kube-*"]}, "location": "spec.x",
                 "parameters": {"assign": {"value": "Always"}}},
        "status": {"byPod": [{"id": "a", "enforced": True}]},
    }  # fmt: skip
    found = rule(record)
    told = ("engine", "role", "rule_type", "refuses", "exempts", "ready", "generation")
    assert [found[name] for name in told] == [
        "gatekeeper",
        "rule",
        "mutate",
        False,
        '{"excludedNamespaces":["kube-*"]}',
        True,
        2,
    ]
    assert (
        rule(changed(record, "spec", parameters={"assign": {"value": "Never"}}))["digest"] != found["digest"]
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (CONSTRAINT | {"metadata": {}}, "missing required field `name`"),
        (CONSTRAINT | {"spec": 7}, "spec: Expected `object`, got `int`"),
        (
            CONSTRAINT | {"status": {"violations": [{"kind": "Pod"}]}},
            "status: Object missing required field `name`",
        ),
        (TEMPLATE | {"spec": {}}, "spec.targets is missing"),
        (TEMPLATE | {"spec": None}, "spec is missing"),
    ],
)
def test_objects_that_lack_what_they_must_say_are_refused(record: dict[str, Any], reason: str) -> None:
    for format in ("auto", "gatekeeper-object"):
        assert reason in refused(record, format=format)


def test_other_kinds_of_gatekeeper_are_no_objects_that_are_read() -> None:
    other = {"apiVersion": "syncset.gatekeeper.sh/v1", "kind": "SyncSet", "metadata": {"name": "x"}}
    assert "no object of Gatekeeper that is read" in refused(other, format="gatekeeper-object")
    assert "a kind of syncset.gatekeeper.sh that is not read: 'SyncSet'" in refused(other)


def test_numbers_that_are_none_and_depth_are_refused_in_what_is_kept_as_json() -> None:
    deep = json.dumps(changed(CONSTRAINT, "spec", match="deep")).replace(
        '"deep"', '{"a":' * 5000 + "1" + "}" * 5000
    )
    huge = json.dumps(changed(CONSTRAINT, "spec", match={"a": "huge"})).replace('"huge"', "1e999")
    for text in (deep, huge):
        parsed = parse_bytes(text.encode() + b"\n")
        assert (parsed.records, parsed.kept, len(parsed.quarantined)) == (1, 0, 1)


def test_a_log_of_audit_and_admission_is_read_line_by_line() -> None:
    parsed = parse_bytes(lines(VIOLATION, DENIED, DENIED | {"event_type": "other"}, VIOLATION))
    assert (parsed.kept, parsed.noise, parsed.by_format) == (3, 1, {"gatekeeper-audit": 4})
