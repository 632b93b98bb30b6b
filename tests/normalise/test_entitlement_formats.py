"""What snapshots of rights, records of trainings and reviews of access give."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from evidence_records import lines, parse_bytes, read, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from outside_records import (
    ACCESS_ENTRY,
    ACCESS_POLICIES,
    ACCESS_REVIEW,
    ACCOUNT,
    AWS_AUTH,
    BREAK_GLASS,
    CLUSTER_ROLE,
    DOCUMENT_REVIEW,
    ROLE,
    ROLE_BINDING,
    ROLE_OBJECT,
    TRAINING,
)

from audit.normalise.interface import Context, Parsed
from audit.normalise.plainyaml import items

ELSEWHERE = Context("s", "k")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00").astimezone(UTC)


def rows(record: Any, table: str, **where: Any) -> list[dict[str, Any]]:
    found = read(record, **where).rows.get(table, [])
    return [{name: value for name, value in row.items() if name not in ("evidence", "line")} for row in found]


def sheet(name: str, text: str, format: str = "auto") -> Parsed:
    return parse_bytes(text.encode(), Context("s", name, cluster="prod"), format=format)


def test_rules_of_a_role() -> None:
    first, second = rows(ROLE_OBJECT, "rbac_rules")
    assert first == {
        "cluster": "prod", "kind": "Role", "namespace": "shop", "role": "deployer", "rule": 0, "api_groups": ",apps",
        "resources": "deployments,pods/exec", "resource_names": "", "non_resource_urls": "", "verbs": "get,patch",
        "aggregated": False, "created_at": at("2026-06-01T09:00:00"),
    }  # fmt: skip
    assert (second["rule"], second["resource_names"]) == (1, "db")
    (found,) = rows(CLUSTER_ROLE, "rbac_rules")
    assert (found["namespace"], found["non_resource_urls"], found["aggregated"]) == ("", "/metrics", True)
    assert found["created_at"] is None


def test_subjects_of_a_binding() -> None:
    assert rows(ROLE_BINDING, "rbac_bindings") == [
        {"cluster": "prod", "kind": "RoleBinding", "namespace": "shop", "binding": "deployers", "role_kind": "ClusterRole",
         "role": "edit", "subject_kind": kind, "subject_namespace": namespace, "subject": name, "created_at": None}
        for kind, namespace, name in (("Group", "", "oidc:devs"), ("ServiceAccount", "build", "ci"))
    ]  # fmt: skip


def test_what_grants_nothing_is_noise_and_what_is_not_whole_is_refused() -> None:
    assert read(CLUSTER_ROLE | {"rules": None}).noise == 1
    assert read({k: v for k, v in ROLE_BINDING.items() if k != "subjects"}).noise == 1
    assert "roleRef is missing" in refused({k: v for k, v in ROLE_BINDING.items() if k != "roleRef"})
    assert "a Role without a namespace" in refused(ROLE_OBJECT | {"metadata": {"name": "x"}})
    assert "a ClusterRole with a namespace" in refused(CLUSTER_ROLE | {"metadata": ROLE_OBJECT["metadata"]})
    assert "names no cluster" in refused(ROLE_OBJECT, context=ELSEWHERE)


@pytest.mark.parametrize("kind", ["List", "RoleList"])
def test_lists_hold_objects_whose_kind_the_list_may_tell(kind: str) -> None:
    """The API leaves out the kind of what stands in a list that tells it; kubectl writes it."""
    bare = {k: v for k, v in ROLE_OBJECT.items() if k not in ("kind", "apiVersion")}
    listed = {
        "apiVersion": ROLE_OBJECT["apiVersion"],
        "kind": kind,
        "metadata": {},
        "items": [bare, ROLE_OBJECT],
    }
    parsed = parse_bytes(json.dumps(listed).encode())
    assert (parsed.records, parsed.kept) == (2, 2 if kind == "RoleList" else 1)
    assert len(parsed.rows["rbac_rules"]) == 2 * parsed.kept


def test_what_stands_in_a_list_may_refer_to_kinds_and_have_none_itself() -> None:
    bare = {k: v for k, v in ROLE_BINDING.items() if k not in ("kind", "apiVersion")}
    assert "kind" in bare["roleRef"]
    listed = {
        "apiVersion": ROLE_BINDING["apiVersion"],
        "kind": ROLE_BINDING["kind"] + "List",
        "items": [bare],
    }
    assert rows(listed, "rbac_bindings") == rows(ROLE_BINDING, "rbac_bindings")


def test_aws_auth_lets_in_roles_users_and_accounts() -> None:
    role, user, *accounts = rows(AWS_AUTH, "cluster_identities")
    assert role == {
        "cluster": "prod", "kind": "role", "principal": ROLE, "username": "auditor:{{SessionName}}",
        "groups": "auditors,view", "policy": "", "scope": "", "entry_type": None, "changed_at": None,
    }  # fmt: skip
    assert (user["kind"], user["username"], user["groups"]) == ("user", "ada", "system:masters")
    assert [found["principal"] for found in accounts] == [ACCOUNT, "012345678901"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- rolearn: [", "mapRoles: not plain YAML: line 2: did not find"),
        ("- username: x", "mapRoles: rolearn is missing"),
        ("- &a {rolearn: x}\n- *a\n", "anchors and aliases are not read"),
        ("- rolearn: x\n  rolearn: y\n", "key 'rolearn' stands twice"),
        ("just text", "mapRoles: Expected `object`"),
    ],
)
def test_an_aws_auth_that_can_not_be_read_whole_is_refused(text: str, reason: str) -> None:
    assert reason in refused(AWS_AUTH | {"data": {"mapRoles": text}})


def test_other_config_maps_are_no_mapping() -> None:
    assert read(AWS_AUTH | {"metadata": {"name": "kube-root-ca.crt"}}).noise == 1


def test_access_entries_and_their_policies() -> None:
    (entry,) = rows(ACCESS_ENTRY, "cluster_identities")
    assert (entry["cluster"], entry["kind"], entry["principal"], entry["groups"]) == (
        "prod",
        "access entry",
        ROLE,
        "auditors",
    )
    assert (entry["entry_type"], entry["changed_at"]) == ("STANDARD", at("2026-07-01T10:00:00.500000"))
    (policy,) = rows(ACCESS_POLICIES, "cluster_identities", context=ELSEWHERE)
    assert (policy["cluster"], policy["kind"], policy["scope"]) == ("eks-1", "access policy", "shop,web")
    assert (policy["policy"].rpartition("/")[2], policy["changed_at"]) == (
        "AmazonEKSAdminPolicy",
        at("2026-07-01T10:00:00"),
    )
    (first,) = ACCESS_POLICIES["associatedAccessPolicies"]
    broken = first | {"accessScope": {"type": "namespace", "namespaces": []}}
    assert "unknown scope" in refused(ACCESS_POLICIES | {"associatedAccessPolicies": [broken]})


def test_mappings_one_by_one_and_entries_as_eksctl_prints_them() -> None:
    arn = "arn:aws:iam::111122223333:{0}/ops"
    user = {"userarn": arn.format("user"), "username": "ops", "groups": ["viewers", "editors"]}
    crd = {
        "apiVersion": "iamauthenticator.k8s.aws/v1alpha1", "kind": "IAMIdentityMapping", "metadata": {"name": "ops"},
        "spec": {"arn": arn.format("role"), "username": "ops", "groups": ["viewers"]},
    }  # fmt: skip
    policy = {"policyARN": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
              "accessScope": {"type": "namespace", "namespaces": ["shop"]}}  # fmt: skip
    entry = {"principalARN": arn.format("role"), "kubernetesGroups": ["viewers"], "accessPolicies": [policy]}
    found = rows([user, crd, entry], "cluster_identities")
    assert [(row["kind"], row["principal"].split(":")[5], row["groups"], row["scope"]) for row in found] == [
        ("user", "user/ops", "editors,viewers", ""), ("role", "role/ops", "viewers", ""),
        ("access entry", "role/ops", "viewers", ""), ("access policy", "role/ops", "", "shop"),
    ]  # fmt: skip
    assert "the ARN is of no role and no user" in refused(user | {"userarn": "arn:aws:iam::1:root"})


def test_roles_of_google_cloud_and_azure_that_let_into_clusters() -> None:
    policy = {"etag": "B", "version": 3, "bindings": [
        {"role": "roles/container.admin", "members": ["user:ada@netbpf.com", "group:ops@netbpf.com"]},
        {"role": "roles/storage.admin", "members": ["user:ada@netbpf.com"]},
        {"role": "projects/netbpf/roles/deployer", "members": ["serviceAccount:ci@netbpf.iam.gserviceaccount.com"],
         "condition": {"title": "until July", "expression": "request.time < x"}},
    ]}  # fmt: skip
    flat = {"etag": "B", "bindings": {"role": "roles/container.viewer", "members": "allUsers"}}
    cluster = "/subscriptions/s/resourceGroups/r/providers/Microsoft.ContainerService/managedClusters/c"
    azure = {"principalId": "1-2", "principalName": "ada@netbpf.com", "principalType": "User", "scope": f"{cluster}/namespaces/shop",
             "roleDefinitionName": "Azure Kubernetes Service RBAC Writer"}  # fmt: skip
    power = {"ObjectId": "1-2", "SignInName": None, "DisplayName": "ops", "ObjectType": "Group", "Scope": "/subscriptions/s",
             "RoleDefinitionName": "Owner"}  # fmt: skip
    found = rows([policy, flat, azure, power], "cluster_identities")
    assert [(row["principal"], row["entry_type"], row["policy"], row["scope"]) for row in found] == [
        ("ada@netbpf.com", "user", "roles/container.admin", ""), ("ops@netbpf.com", "group", "roles/container.admin", ""),
        ("ci@netbpf.iam.gserviceaccount.com", "serviceAccount", "projects/netbpf/roles/deployer if until July", ""),
        ("allUsers", "allUsers", "roles/container.viewer", ""), ("ada@netbpf.com", "User", "Azure Kubernetes Service RBAC Writer", "shop"),
        ("ops", "Group", "Owner", ""),
    ]  # fmt: skip
    assert {(row["cluster"], row["kind"]) for row in found} == {("prod", "role assignment")}
    assert read(azure | {"roleDefinitionName": "Reader", "scope": "/subscriptions/s"}).noise == 1
    assert "the role has no name" in refused(azure | {"roleDefinitionName": ""})


def test_a_review_of_a_document() -> None:
    assert rows(DOCUMENT_REVIEW, "document_reviews") == [
        {"document": "rollback", "reviewed_at": at("2026-07-04"), "reviewer": "grace", "outcome": "nothing to change",
         "record": "NET-13"}
    ]  # fmt: skip
    assert "reviewed is missing" in refused(DOCUMENT_REVIEW | {"reviewed": None})
    assert "reviewer is missing" in refused(DOCUMENT_REVIEW | {"reviewer": " "})
    assert "both reviewed and reviewed_at" in refused(DOCUMENT_REVIEW | {"reviewed_at": "2026-07-04"})


def test_a_record_of_break_glass() -> None:
    assert rows(BREAK_GLASS, "break_glass_records") == [
        {"ticket": "INC-7", "person": "ada", "cluster": "prod", "opened_at": at("2026-07-04T10:00:00"),
         "closed_at": at("2026-07-04T12:00:00"), "reviewed_at": at("2026-07-05"), "reviewer": "grace",
         "returned": "netbpf/netbpf-gitops#7"}
    ]  # fmt: skip
    assert "closed before it is opened" in refused(BREAK_GLASS | {"closed": "2026-07-04T10:00:00Z"})
    assert "opened is missing" in refused(BREAK_GLASS | {"opened": None})
    assert "cluster is missing" in refused(BREAK_GLASS | {"cluster": ""})


def test_a_training_record() -> None:
    assert rows(TRAINING, "trainings") == [
        {"person": "alindqvist", "training": "Git workflow", "status": "completed", "completed_at": at("2026-05-04"),
         "expires_at": at("2027-05-04"), "assigned_at": None, "due_at": None, "record": None}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"completed": "04/05/2026"}, "completed is '04/05/2026': write a day as in 2026-07-01"),
        ({"completed": None}, "completed is missing, though the training is said to be completed"),
        ({"status": "assigned"}, "completed is given, though the training is said to be open"),
        ({"status": "expired", "expires": None}, "expires is missing"),
        ({"status": "nearly"}, "status is 'nearly': write one of completed"),
        ({"person": " "}, "person is missing"),
        ({"course": "Git workflow"}, "both training and course are given"),
        ({"training": ["a"]}, "training is neither text nor number"),
    ],
)
def test_training_records_that_say_no_clear_thing_are_refused(changes: dict[str, Any], reason: str) -> None:
    assert reason in refused(TRAINING | changes)


def test_an_expired_training_was_completed_and_an_open_one_was_not() -> None:
    (found,) = rows(TRAINING | {"status": "expired", "expires": "2026-06-01"}, "trainings")
    assert (found["status"], found["expires_at"]) == ("completed", at("2026-06-01"))
    (found,) = rows(TRAINING | {"status": None, "completed": None}, "trainings")
    assert (found["status"], found["completed_at"]) == ("open", None)


def test_an_access_review() -> None:
    assert rows(ACCESS_REVIEW, "access_reviews") == [
        {"review": "2026-Q3", "listed_at": at("2026-07-01"), "reviewer": "grace", "subject": "ada", "system": "prod",
         "right": "edit", "right_id": None, "decision": "revoke", "decided_at": at("2026-07-03"), "removed_at": at("2026-07-04T10:00:00"),
         "proof": "NET-12"}
    ]  # fmt: skip
    (found,) = rows(
        ACCESS_REVIEW | {"decision": None, "decided": None, "removed": None, "proof": None}, "access_reviews"
    )
    assert (found["decision"], found["decided_at"], found["removed_at"], found["proof"]) == (
        "open",
        None,
        None,
        None,
    )
    assert "removed is given, though the decision is keep" in refused(
        ACCESS_REVIEW | {"decision": "approved"}
    )
    assert "listed is missing" in refused(ACCESS_REVIEW | {"listed": None})


TRAININGS_CSV = """\
E-Mail;Course Name;Completed On;Expires On
ada@netbpf.com;"Git workflow; advanced";2026-05-04;

grace@netbpf.com;Git workflow;2026-05-05;2027-05-05
"""


def test_records_of_a_csv_file() -> None:
    parsed = sheet("hr/trainings.csv", "\ufeff" + TRAININGS_CSV.replace("\n", "\r\n"))
    assert (parsed.records, parsed.kept, parsed.quarantined) == (2, 2, [])
    first, second = parsed.rows["trainings"]
    assert (first["person"], first["training"], first["expires_at"]) == (
        "ada@netbpf.com",
        "Git workflow; advanced",
        None,
    )
    assert (first["line"], second["line"], second["completed_at"]) == (1, 2, at("2026-05-05"))


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("sep=;\r\nperson;training;completed\r\nada;Git;2026-05-04\r\n", "ada"),
        ("person,training,completed,,\nada,Git,2026-05-04,,\n,,,,\n", "ada"),
        ("person,training,completed\nada,Git,2026-05-04,,\n", "ada"),
        (
            "User,Email,Course Title,Completion Status,Completed Date\nAda L,ada@netbpf.com,Git,Passed,2026-05-04\n",
            "ada@netbpf.com",
        ),
        (
            "User Email,Username,Training Title,Enrollment Status,Completion Date\n,ada,Git,Completed,2026-05-04\n",
            "ada",
        ),
    ],
)
def test_tables_as_spreadsheets_and_systems_for_learning_write_them(text: str, person: str) -> None:
    parsed = sheet("t.csv", text)
    assert [(row["person"], row["training"], row["status"]) for row in parsed.rows["trainings"]] == [
        (person, "Git", "completed")
    ]
    assert (parsed.records, parsed.quarantined) == (1, [])


def test_a_table_whose_columns_nobody_knows_says_where_they_are_told() -> None:
    ((_, _, reason),) = sheet("hr.csv", "worker,content\nada,Git\n").quarantined
    assert reason.startswith("no known format: the columns of its header")
    assert "4 cells, where the header has 3" in sheet("t.csv", "a,b,c\n1,2,3,4\n").quarantined[0][2]


def test_each_row_of_csv_that_can_not_be_read_costs_itself_alone() -> None:
    text = (
        "person,training,completed\n"
        "ada,Git,2026-05-04\n"
        "grace,Git\n"
        'x"y",Git,2026-05-04\n'
        'ada,"Git"s,2026-05-04\n'
        "ben,Git,yesterday\n"
        "ada,Argo CD,2026-05-05\n"
    )
    parsed = sheet("t.csv", text)
    assert [row["person"] for row in parsed.rows["trainings"]] == ["ada", 'x"y"', "ada"]
    assert parsed.records == 6
    assert [(number, text.encode()[offset:].split(b",")[0], reason) for number, offset, reason in parsed.quarantined] == [
        (2, b"grace", "line 3: 2 cells, where the header has 3"),
        (4, b"ada", "line 5: not CSV: ',' expected after '\"'"),
        (5, b"ben", "not a trainings record: completed is 'yesterday': write a day as in 2026-07-01, or a time with its offset"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,,b\n1,2,3\n", "the header has a column without a name"),
        ("a,b,A\n1,2,3\n", "the header has the column 'a' twice"),
        ('"a\nb', "not CSV: the first line is no header"),
        ("person\rada\r", "not CSV: the first line is no header"),
    ],
)
def test_a_csv_file_without_a_header_is_one_unreadable_record(text: str, reason: str) -> None:
    parsed = sheet("t.csv", text)
    assert [found for _, _, found in parsed.quarantined] == [reason]
    assert parsed.records == 1


def test_csv_that_is_not_utf8_is_told_row_by_row() -> None:
    where = Context("s", "t.csv")
    parsed = parse_bytes(b"person,training,completed\nA\xffa,Git,2026-05-04\nben,Git,2026-05-04\n", where)
    assert (parsed.kept, [reason for _, _, reason in parsed.quarantined]) == (
        1,
        ["line 2: not UTF-8: save it as CSV UTF-8"],
    )
    assert parse_bytes(b"\xff\xff\n", where).quarantined == [
        (1, 0, "the header is not UTF-8: save it as CSV UTF-8")
    ]


TRAININGS_YAML = """\
# kept by the platform team
trainings:
  - person: alindqvist
    training: Git workflow
    completed: 2026-05-04
    record: 0012.10
  - {person: grace, training: Git workflow, completed: }
"""


def test_records_of_a_yaml_file() -> None:
    parsed = sheet("hr/trainings.yaml", TRAININGS_YAML)
    first, second = parsed.rows["trainings"]
    assert (first["person"], first["completed_at"], first["record"]) == (
        "alindqvist",
        at("2026-05-04"),
        "0012.10",
    )
    assert (second["person"], second["status"], second["line"]) == ("grace", "open", 2)


def test_numbers_stay_as_they_are_written() -> None:
    (found,) = sheet("t.yml", "- {person: a, training: 1.10, completed: 2026-05-04}\n").rows["trainings"]
    assert found["training"] == "1.10"


def test_yaml_means_what_json_has() -> None:
    text = b"""\
a: [1, 1.10, -2e3, true, null, ~, False]
b: ['1', "true", 012, 0x1, yes, 2026-07-01, 1_000, .inf, !!str 1, '']
c: |
  x
"""
    (item,) = items(text)
    assert item.data == (
        b'{"a":[1,1.10,-2e3,true,null,null,false],'
        b'"b":["1","true","012","0x1","yes","2026-07-01","1_000",".inf","1",""],"c":"x\\n"}'
    )
    assert [(found.line, found.data) for found in items(b"--- 1\n---\n---\n- a\n-\n  b: 1\n")] == [
        (1, b"1"),
        (4, b'"a"'),
        (6, b'{"b":1}'),
    ]


def test_snapshots_may_be_yaml_too() -> None:
    text = """\
apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRoleBinding
  metadata: {name: admins, creationTimestamp: "2026-06-01T09:00:00Z"}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
  subjects: [{kind: User, name: "on", apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
data:
  mapAccounts: |
    - "111122223333"
"""
    parsed = sheet("snapshot.yaml", text)
    assert (parsed.records, parsed.kept) == (2, 2)
    assert parsed.rows["rbac_bindings"][0]["subject"] == "on"
    assert parsed.rows["cluster_identities"][0]["principal"] == ACCOUNT


def test_yaml_is_read_up_to_where_it_breaks() -> None:
    good = "person: a\ntraining: b\ncompleted: 2026-05-04\n"
    parsed = sheet("t.yaml", f"{good}---\n{good}---\nperson: [\n")
    assert parsed.kept == 2
    assert [(number, reason[:28]) for number, _, reason in parsed.quarantined] == [
        (3, "not plain YAML: line 10: did")
    ]
    for text, reason in (
        ("a: &x [1]\n", "line 1: anchors and aliases are not read"),
        ("a: !!binary aGk=\n", "line 1: the tag tag:yaml.org,2002:binary is not read"),
        ("a: 1\na: 2\n", "line 2: key 'a' stands twice"),
        ("? [a]\n: 1\n", "line 1: a key that is no text"),
        ("x: " + "[" * 5000, "line 1: nested deeper than 60 levels"),
    ):
        assert [why for _, _, why in sheet("t.yaml", text).quarantined] == [f"not plain YAML: {reason}"], text


NAME = st.sampled_from(["t.csv", "t.tsv", "t.yaml", "t.YML"])


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(alphabet="a1:-,;\"'\n\r\t [{]}#&*!|>?%\0\ufeffé", max_size=120).map(str.encode),
    NAME,
)
def test_whatever_a_sheet_holds_its_records_are_accounted_for(data: bytes, name: str) -> None:
    parsed = parse_bytes(data, Context("s", name))
    assert all(0 <= offset <= len(data) for _, offset, _ in parsed.quarantined)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_sheet_that_is_cut_off_gives_what_was_whole_and_says_so(data: st.DataObject) -> None:
    """Of YAML nothing is taken, for the rest of a document may say another thing; of CSV, every whole line."""
    name, text = data.draw(st.sampled_from([("t.csv.gz", CUT_CSV), ("t.yaml.gz", TRAININGS_YAML)]))
    whole = gzip.compress(text.encode(), mtime=0)
    parsed = parse_bytes(whole[: data.draw(st.integers(12, len(whole) - 1))], Context("s", name))
    assert [reason for _, _, reason in parsed.quarantined] == ["the gzip data is cut off"]
    assert all(row["completed_at"] == at("2026-05-04") for row in parsed.rows.get("trainings", []))
    assert parsed.kept == 0 or name.endswith("csv.gz")


CUT_CSV = "person,training,completed,expires\n" + "".join(
    f"p{number},{number * 7919 % 1000},2026-05-04,2027-05-04\n" for number in range(40)
)


def test_a_sheet_larger_than_any_honest_one_is_not_read() -> None:
    parsed = parse_bytes(b"a,b\n" + (b"1" * 100_000 + b",2\n") * 170, Context("s", "t.csv"))
    assert parsed.quarantined[-1][2] == "a sheet of more than 16 MiB is not read"


def test_what_begins_as_json_is_json_whatever_its_name() -> None:
    parsed = parse_bytes(lines(TRAINING, TRAINING), Context("s", "t.yaml"))
    assert (parsed.records, parsed.kept) == (2, 2)
    listed = json.dumps({"access_reviews": [ACCESS_REVIEW, ACCESS_REVIEW]}).encode()
    assert parse_bytes(listed).kept == 2
