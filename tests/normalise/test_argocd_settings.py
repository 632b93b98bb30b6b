"""What Argo CD is set to: its applications, projects and application sets."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from evidence_records import APPLICATION, KUSTOMIZATION, lines, parse_bytes, read, refused
from operator_records import APPLICATION_SET, PROJECT, REPO

from audit.normalise.interface import Context
from audit.normalise.urls import without_credentials


def row(record: Any, table: str) -> dict[str, Any]:
    (found,) = read(record).rows[table]
    return found


def changed(record: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return record | {"spec": record["spec"] | spec}


def test_what_argo_cds_own_api_and_command_line_give_has_no_kind() -> None:
    bare = [
        {name: value for name, value in record.items() if name not in ("kind", "apiVersion")}
        for record in (
            APPLICATION | {"spec": APPLICATION["spec"] | {"project": "shop"}},
            APPLICATION_SET,
            PROJECT,
        )
    ]
    parsed = parse_bytes(lines({"metadata": {"resourceVersion": "1"}, "items": bare}, bare))
    assert parsed.quarantined == []
    assert parsed.by_format == {"argocd-application": 2, "argocd-application-set": 2, "argocd-project": 2}
    assert parsed.by_envelope == {"api-list": 1, "array": 1}
    assert read({"metadata": {}, "items": None}).records == 0
    other = bare[0] | {"kind": "Something"}
    assert not parse_bytes(lines(other)).by_format


def test_a_manifest_that_leaves_its_namespace_out_is_read_as_it_stands() -> None:
    for record, table, column in (
        (APPLICATION, "app_settings", "app"), (APPLICATION_SET, "application_sets", "name"), (PROJECT, "app_projects", "project"),
        (KUSTOMIZATION, "app_settings", "app"),
    ):  # fmt: skip
        bare = {name: value for name, value in record.items() if name != "status"} | {
            "metadata": {"name": "web"}
        }
        (row,) = read(bare).rows[table]
        assert row[column] == "/web"


def test_an_application_tells_all_that_it_is_set_to() -> None:
    ignored = [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]
    policy = {
        "automated": {"prune": True, "selfHeal": True, "allowEmpty": True},
        "syncOptions": ["B=1", "A=1"],
    }
    record = changed(APPLICATION, project="shop", ignoreDifferences=ignored, syncPolicy=policy)
    record["metadata"] = record["metadata"] | {"generation": 7}
    found = row(record, "app_settings")
    assert found.pop("observed_at").isoformat() == "2026-07-01T12:00:00+00:00"
    assert json.loads(found.pop("ignored")) == ignored
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "cluster": "prod", "app": "argocd/web", "operator": "argocd", "object_kind": "Application", "project": "shop",
        "automated": True, "prune": True, "self_heal": True, "allow_empty": True, "suspended": False, "interval": None,
        "drift_detection": None, "force": None, "repos": REPO, "destination": "", "namespace": "web",
        "sync_options": "A=1,B=1", "generation": 7, "line": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "automated", "prune", "self_heal"),
    [
        (None, False, False, False),
        ({}, False, False, False),
        ({"automated": None}, False, False, False),
        ({"automated": {}}, True, False, False),
        ({"automated": {"prune": True}}, True, True, False),
        ({"automated": {"enabled": False, "prune": True, "selfHeal": True}}, False, False, False),
        ({"automated": {"enabled": True, "selfHeal": True}}, True, False, True),
    ],
)
def test_what_is_not_set_is_off(policy: Any, automated: bool, prune: bool, self_heal: bool) -> None:
    found = row(changed(APPLICATION, syncPolicy=policy), "app_settings")
    assert (found["automated"], found["prune"], found["self_heal"]) == (automated, prune, self_heal)
    state = row(changed(APPLICATION, syncPolicy=policy), "applications")
    assert (state["automated"], state["self_heal"]) == (automated, self_heal)


def test_an_application_whose_reconciliation_is_skipped_is_suspended() -> None:
    record = copy.deepcopy(APPLICATION)
    for value, suspended in (("true", True), ("false", False)):
        record["metadata"]["annotations"] = {"argocd.argoproj.io/skip-reconcile": value}
        assert row(record, "app_settings")["suspended"] is suspended


def test_credentials_in_an_address_never_get_into_a_row() -> None:
    secret = {"repoURL": "https://robot:pretend-token@github.com/netbpf/x", "path": "web"}
    record = copy.deepcopy(changed(APPLICATION, source=secret))
    record["status"]["history"][0]["source"] = record["status"]["operationState"]["syncResult"]["source"] = (
        secret
    )
    rows = read(record).rows
    assert "pretend-token" not in json.dumps(rows, default=str)
    assert rows["app_settings"][0]["repos"] == "https://github.com/netbpf/x"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ssh://git@github.com/x", "ssh://git@github.com/x"),
        ("ssh://git:pretend@github.com/x", "ssh://git@github.com/x"),
        ("git@github.com:netbpf/x", "git@github.com:netbpf/x"),
        ("https://pretend-token@host/x@y", "https://host/x@y"),
        ("https://a:p@ss@host/x", "https://host/x"),
        ("*", "*"),
        (None, None),
    ],
)
def test_addresses_without_what_lets_one_in(url: str | None, shown: str | None) -> None:
    assert without_credentials(url) == shown


def test_a_project_tells_what_may_be_deployed_from_where_to_where() -> None:
    found = row(PROJECT, "app_projects")
    assert json.loads(found.pop("destinations")) == PROJECT["spec"]["destinations"]
    assert found.pop("created_at").isoformat() == "2026-01-05T09:00:00+00:00"
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "cluster": "prod", "project": "argocd/shop", "source_repos": f"https://github.com/netbpf/charts {REPO}",
        "source_namespaces": "shop", "cluster_kinds": "/Namespace", "cluster_kinds_denied": "", "namespace_kinds": "",
        "namespace_kinds_denied": "/Secret", "signature_keys": "4AEE18F83AFDEB23", "orphans_watched": True,
        "own_clusters_only": True, "generation": 4, "line": 1,
    }  # fmt: skip
    assert "pretend-token" not in json.dumps(read(PROJECT).rows, default=str)


def test_roles_of_a_project_tell_groups_policies_and_tokens_that_never_end() -> None:
    found = row(PROJECT, "project_roles")
    assert (found["role"], json.loads(found["groups"])) == ("deployer", ["oidc:admins", "oidc:devs"])
    assert json.loads(found["policies"]) == PROJECT["spec"]["roles"][0]["policies"]
    assert (found["tokens"], found["tokens_without_end"]) == (2, 1)
    issued = {
        "jwtTokensByRole": {"deployer": {"items": [{"iat": 1, "exp": 0}, {"iat": 1}, {"iat": 1, "exp": 2}]}}
    }
    found = row(PROJECT | {"status": issued}, "project_roles")
    assert (found["tokens"], found["tokens_without_end"]) == (3, 2)


def test_sync_windows_tell_when_and_whether_a_person_may_override_them() -> None:
    deny, allow = read(PROJECT).rows["sync_windows"]
    assert (deny["place"], deny["kind"], deny["schedule"], deny["duration"]) == (
        0,
        "deny",
        "0 22 * * 5",
        "60h",
    )
    assert (deny["time_zone"], deny["applications"], deny["manual_sync"]) == ("Europe/Berlin", "*", True)
    assert (allow["place"], allow["kind"], allow["time_zone"], allow["manual_sync"]) == (
        1,
        "allow",
        "UTC",
        False,
    )
    assert (allow["namespaces"], allow["clusters"], allow["all_must_match"], allow["overrun"]) == (
        "shop", "prod", True, False,
    )  # fmt: skip
    assert "Invalid enum value 'perhaps'" in refused(
        changed(PROJECT, syncWindows=[{"kind": "perhaps", "schedule": "* * * * *", "duration": "1h"}])
    )


def test_an_application_set_tells_what_makes_applications_and_how_they_are_set() -> None:
    found = row(APPLICATION_SET, "application_sets")
    assert found.pop("observed_at").isoformat() == "2026-07-01T10:00:00+00:00"
    assert {name: value for name, value in found.items() if name != "evidence"} == {
        "cluster": "prod", "name": "argocd/web", "generators": "clusters,git,list,matrix", "project": "shop", "repos": REPO,
        "automated": True, "prune": True, "self_heal": True, "patched": False, "policy": "create-update",
        "keeps_resources": True, "rollout": "RollingSync", "error": None, "health_status": "Healthy", "line": 1,
    }  # fmt: skip
    assert row(changed(APPLICATION_SET, templatePatch="spec: {}"), "application_sets")["patched"]


@pytest.mark.parametrize(
    ("conditions", "health", "error"),
    [
        ([("ErrorOccurred", "True"), ("ResourcesUpToDate", "True")], "Degraded", "told"),
        ([("ErrorOccurred", "False"), ("ResourcesUpToDate", "False")], "Degraded", "told"),
        ([("ResourcesUpToDate", "True"), ("RolloutProgressing", "True")], "Progressing", None),
        ([("ResourcesUpToDate", "True"), ("RolloutProgressing", "False")], "Healthy", None),
        ([], "Progressing", None),
    ],
)
def test_the_health_of_an_application_set(conditions: Any, health: str, error: str | None) -> None:
    told = [{"type": name, "status": status, "message": "told"} for name, status in conditions]
    found = row(APPLICATION_SET | {"status": {"conditions": told}}, "application_sets")
    assert (found["health_status"], found["error"], found["observed_at"]) == (health, error, None)


def test_generators_without_an_end_are_refused() -> None:
    nested: Any = [{"list": {}}]
    for _ in range(6):
        nested = [{"matrix": {"generators": nested}}]
    assert "nested too deep" in refused(changed(APPLICATION_SET, generators=nested))
    assert "generators: " in refused(changed(APPLICATION_SET, generators=[{"merge": 1}]))


@pytest.mark.parametrize("record", [PROJECT, APPLICATION_SET])
def test_without_a_cluster_nothing_is_told(record: dict[str, Any]) -> None:
    parsed = parse_bytes(json.dumps(record).encode(), Context("s", "k"))
    assert parsed.kept == 0
    assert "the source names no cluster" in parsed.quarantined[0][2]
