"""Who may do what is told by two lists and by what was done; what reviews decided is held against the lists after them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from audit import settings as s
from audit.controls.examples import frames
from audit.joins.continuity import continuity
from audit.joins.rights import lists, rights
from audit.period import Period

PERIOD, AS_OF = Period.quarter("2026Q3"), datetime(2026, 10, 5, tzinfo=UTC)
BEGIN, END = "b" * 64, "e" * 64
PEOPLE = """
        people
        | person | joined     | left       | kind   |
        | ada    | 2020-01-01 |            | person |
        | grace  | 2020-01-01 | 2026-08-10 | person |
        roles
        | person | role     | team |
        | ada    | engineer | core |
        identities
        | system     | identifier | person |
        | kubernetes | ada@x      | ada    |
        | github     | adahub     | ada    |
        | github     | gracehub   | grace  |
        | iam        | arn:aws:iam::1:user/ada | ada |
"""
LISTS = f"""
        evidence_objects
        | source_name | key     | format          | cluster | records | kept | last_modified       | collected_at | sha256  |
        | rbac        | 1.json  | rbac-object     | prod    | 9       | 9    | 2026-07-01 06:00:00 | 2026-10-02   | {BEGIN} |
        | rbac        | 2.json  | rbac-object     | prod    | 9       | 9    | 2026-10-01 06:00:00 | 2026-10-02   | {END}   |
        | rbac        | 3.json  | rbac-object     | prod    | 9       | 9    | 2026-08-01 06:00:00 | 2026-10-02   | {"c" * 64} |
        | log         | a       | kubernetes-audit | prod   | 9       | 9    | 2026-10-02 00:00:00 | 2026-10-02   | {"d" * 64} |
        coverage
        | source_name | cluster | evidence   | format           | hour             | first_at         | last_at          |
        | log         | prod    | {"d" * 64} | kubernetes-audit | 2026-06-30 00:00 | 2026-06-30 00:00 | 2026-10-01 00:30 |
"""
BINDINGS = "        rbac_bindings\n        | cluster | kind | namespace | binding | role_kind | role | subject_kind | subject_namespace | subject | created_at | evidence | line |\n"
RULES = f"""
        rbac_rules
        | cluster | kind        | role | verbs    | resources | evidence | rule |
        | prod    | ClusterRole | view | get,list | *         | {BEGIN}  | 0    |
        | prod    | ClusterRole | edit | patch    | pods      | {BEGIN}  | 0    |
        | prod    | ClusterRole | all  | *        | pods      | {BEGIN}  | 0    |
        | prod    | ClusterRole | most | delete   | *         | {BEGIN}  | 0    |
"""


def found(text: str, **settings: Any) -> dict[str, pd.DataFrame]:
    """Rights and decisions, each indexed by whose it is and what it is."""
    values = {
        "organisation": {"name": "NETBPF"},
        "repositories": [{"name": "netbpf/netbpf-gitops", "location": "x"}],
        "clusters": [{"name": "prod", "environment": "prod"}],
    } | settings
    chosen = s.validate(values, where=Path("audit.toml"))
    tables = frames(text)
    tables |= continuity(tables, chosen, PERIOD, as_of=AS_OF)
    made = rights(tables, chosen, PERIOD, as_of=AS_OF)
    rows = made["access_rights"]
    made["access_rights"] = rows.set_index(rows["holder"] + " " + rows["right"])
    rows = made["access_decisions"]
    made["access_decisions"] = rows.set_index(rows["subject"] + " " + rows["right"])
    return made


def bound(*rows: str) -> str:
    """Bindings: `kind namespace role subject-kind subject evidence`, a name for each role and subject."""
    lines = []
    for number, row in enumerate(rows, 1):
        kind, namespace, role, subject_kind, subject, evidence, *created = row.split()
        space = "kube-system" if subject_kind == "ServiceAccount" else ""
        namespace = "" if namespace == "-" else namespace
        made = created[0] if created else ""
        lines.append(
            f"| prod | {kind} | {namespace} | {role}-{subject} | ClusterRole | {role} | {subject_kind} | {space} | {subject} "
            f"| {made} | {evidence} | {number} |\n"
        )
    return BINDINGS + "".join(lines)


def test_what_came_went_and_passed_between_two_lists() -> None:
    crb = "ClusterRoleBinding -"
    rows = found(
        LISTS
        + PEOPLE
        + RULES
        + bound(
            f"{crb} view Group core {BEGIN}",
            f"{crb} view Group core {'c' * 64}",
            f"{crb} view Group core {END}",
            f"{crb} edit User ada@x {END} 2026-08-05",
            f"{crb} edit User bob@x {END} 2026-06-05",
            f"{crb} all User gone@x {BEGIN}",
            f"{crb} most User short@x {'c' * 64}",
        )
    )["access_rights"]
    assert rows["change"].to_dict() == {
        "core ClusterRole/view": "none",
        "ada@x ClusterRole/edit": "added",
        "bob@x ClusterRole/edit": "added",
        "gone@x ClusterRole/all": "removed",
        "short@x ClusterRole/most": "passing",
    }
    since = rows[["since_basis", "since"]].astype("str").agg(" ".join, axis=1)
    assert since["core ClusterRole/view"] == "earlier 2026-07-01 06:00:00+00:00"
    assert since["ada@x ClusterRole/edit"] == "created 2026-08-05 00:00:00+00:00"
    assert (
        since["bob@x ClusterRole/edit"] == "listed 2026-10-01 06:00:00+00:00"
    )  # older than the list without it
    assert rows["wildcard"].to_dict() == {
        "core ClusterRole/view": False,
        "ada@x ClusterRole/edit": False,
        "bob@x ClusterRole/edit": False,
        "gone@x ClusterRole/all": True,
        "short@x ClusterRole/most": True,
    }
    assert rows.loc["ada@x ClusterRole/edit", ["person", "standing"]].tolist() == ["ada", "there"]
    assert rows["held"].tolist().count(False) == 2


def test_a_level_that_took_the_place_of_another_is_changed_and_the_binding_s_writer_is_known() -> None:
    objects = f"""
        evidence_objects
        | source_name | key    | format               | records | kept | last_modified    | collected_at | sha256  |
        | gh          | 1.json | github-collaborators | 1       | 1    | 2026-07-01 06:00 | 2026-10-02   | {BEGIN} |
        | gh          | 2.json | github-collaborators | 1       | 1    | 2026-10-01 06:00 | 2026-10-02   | {END}   |
        | org/orgs/netbpf/members | members/admin/page.json | github-members | 1 | 1 | 2026-10-01 06:00 | 2026-10-02 | {"f" * 64} |
        repo_grants
        | holder_kind | holder   | level | evidence | line |
        | person      | AdaHub   | push  | {BEGIN}  | 1    |
        | person      | adahub   | admin | {END}    | 1    |
        | person      | gracehub | push  | {BEGIN}  | 2    |
        | person      | gracehub | push  | {END}    | 2    |
        memberships
        | scope        | login  | role  | evidence   |
        | organisation | AdaHub | admin | {"f" * 64} |
        forge_events
        | document_id | at               | action             | category | actor    | user   | repo                 |
        | 1           | 2026-08-03 10:00 | repo.update_member | access   | gracehub | adahub | netbpf/netbpf-gitops |
    """
    rows = found(PEOPLE + objects)["access_rights"]
    ada = rows.loc["adahub admin"]
    assert ada[["change", "before", "since_basis", "granted_by", "how", "excess"]].tolist() == [
        "changed", "push", "event", "grace", "owner of the organisation", "may hold push",
    ]  # fmt: skip
    assert "adahub push" not in rows.index
    assert rows.loc["gracehub push", ["standing", "leaver"]].tolist() == ["left", True]
    assert rows.loc["adahub owner", "system"] == "netbpf"


def test_only_whole_logs_call_a_right_dormant() -> None:
    crb = "ClusterRoleBinding -"
    lists = [
        f"{kind} {evidence} 2026-01-01"
        for evidence in (BEGIN, END)
        for kind in (
            f"{crb} view Group core",
            f"{crb} view Group idle",
            "RoleBinding shop edit User ada@x",
            f"{crb} edit ServiceAccount robot",
            f"{crb} system:nodes Group system:nodes",
        )
    ]
    access = """
        cluster_access
        | audit_id | at               | user  | groups    | namespace | code |
        | 1        | 2026-09-03 10:00 | ada@x | core,x    | other     | 200  |
        | 2        | 2026-09-04 10:00 | bob@x | idle      | shop      | 403  |
    """
    text = LISTS + PEOPLE + RULES + bound(*lists) + access
    rows = found(text)["access_rights"]
    assert sorted(rows.index[rows["dormant"]]) == ["ada@x ClusterRole/edit", "idle ClusterRole/view"]
    assert rows.loc["core ClusterRole/view", "usage"] == "used"
    robot = rows.loc["system:serviceaccount:kube-system:robot ClusterRole/edit"]
    assert (robot["usage"], robot["usage_note"]) == (
        "untold",
        "machines' reads are not kept of the cluster's log",
    )
    assert rows.loc["system:nodes ClusterRole/system:nodes", "builtin"]
    seen = rows.loc["ada@x group/core"]
    assert (pd.isna(seen["held"]), seen["since_basis"], seen["dormant"]) == (True, "use", False)
    hole = (
        LISTS
        + f"        | log         | prod    | {'d' * 64} | kubernetes-audit | 2026-09-30 00:00 | 2026-09-30 00:00 | 2026-10-01 00:30 |\n"
    )
    hole = hole.replace("2026-06-30 00:00 | 2026-10-01 00:30", "2026-06-30 00:00 | 2026-08-10 00:30")
    silent = found(text.replace(LISTS, hole))["access_rights"]
    assert not silent["dormant"].any()
    assert "no audit records" in silent.loc["idle ClusterRole/view", "usage_note"]


def test_identities_of_the_cloud_are_used_as_whom_they_act() -> None:
    objects = f"""
        evidence_objects
        | source_name | key    | format             | cluster | records | kept | last_modified    | collected_at | sha256  |
        | aws         | 1.json | cluster-identities | prod    | 9       | 9    | 2026-07-01 06:00 | 2026-10-02   | {BEGIN} |
        | aws         | 2.json | cluster-identities | prod    | 9       | 9    | 2026-10-01 06:00 | 2026-10-02   | {END}   |
        cluster_access
        | audit_id | at               | user      | groups | namespace | code |
        | 1        | 2026-09-03 10:00 | sso:grace | x      | other     | 200  |
        | 2        | 2026-09-04 10:00 | ada@x     | x      | shop      | 200  |
        cluster_identities
        | cluster | kind          | principal                | username          | groups           | policy                          | scope | evidence |
        | prod    | role          | arn:aws:iam::1:role/sso  | sso:{{{{Session}}}} | system:masters   |                                 |       | {END}    |
        | prod    | user          | arn:aws:iam::1:user/ada  | ada@x             | core             |                                 |       | {END}    |
        | prod    | role          | arn:aws:iam::1:role/node | system:node:{{{{x}}}} | system:nodes |                                 |       | {END}    |
        | prod    | access policy | arn:aws:iam::1:user/ada  |                   |                  | arn:x/AmazonEKSClusterAdminPolicy | shop | {BEGIN}  |
    """
    rows = found(PEOPLE + objects)["access_rights"]
    assert rows.loc["arn:aws:iam::1:role/sso group/system:masters", "last_used"] == pd.Timestamp(
        "2026-09-03 10:00", tz="UTC"
    )
    assert rows.loc["arn:aws:iam::1:role/sso group/system:masters", ["holder_kind", "admin", "change"]].tolist() == [
        "group", True, "added",
    ]  # fmt: skip
    ada = rows.loc["arn:aws:iam::1:user/ada group/core"]
    assert (ada["person"], ada["last_used"]) == ("ada", pd.Timestamp("2026-09-04 10:00", tz="UTC"))
    assert rows.loc["arn:aws:iam::1:role/node group/system:nodes", "builtin"]
    policy = rows.loc["arn:aws:iam::1:user/ada policy/AmazonEKSClusterAdminPolicy"]
    assert policy[["change", "admin", "scope"]].tolist() == ["removed", True, "shop"]


def test_revocations_are_held_against_the_lists_after_them_and_what_was_left_out_is_found() -> None:
    crb = "ClusterRoleBinding -"
    reviews = """
        access_reviews
        | review | listed_at  | reviewer | subject | system | right                | decision | decided_at | removed_at | line |
        | Q3     | 2026-07-01 | grace    | ada     | PROD   | edit                 | revoke   | 2026-07-05 | 2026-07-06 | 1    |
        | Q3     | 2026-07-01 | grace    | eve@x   | prod   | ClusterRole/view     | revoke   | 2026-07-05 |            | 2    |
        | Q3     | 2026-07-01 | grace    | late@x  | prod   | ClusterRole/edit@shop | revoke  | 2026-07-05 |            | 3    |
        | Q3     | 2026-07-01 | grace    | late@x  | prod   | ClusterRole/edit@shop | open    |            |            | 4    |
        | Q3     | 2026-07-01 | grace    | nobody  | prod   | ClusterRole/none     | change   | 2026-07-05 |            | 5    |
        | Q3     | 2026-07-01 | grace    | eve@x   | prod   | ClusterRole/most     | revoke   | 2026-09-25 |            | 6    |
        cluster_access
        | audit_id | at               | user   | groups | namespace | code |
        | 1        | 2026-07-19 10:00 | late@x | x      | shop      | 200  |
        | 2        | 2026-07-20 00:00 | late@x | x      | shop      | 200  |
    """
    begin = [
        f"{crb} edit User ada@x {BEGIN}",
        f"{crb} view User eve@x {BEGIN}",
        f"RoleBinding shop edit User late@x {BEGIN}",
        f"{crb} most User eve@x {BEGIN}",
        f"{crb} all User missed@x {BEGIN}",
    ]
    end = [
        f"RoleBinding shop view User other@x {END}",
        f"{crb} view User eve@x {END}",
        f"{crb} most User eve@x {END}",
    ]
    rows = found(LISTS + PEOPLE + RULES + bound(*begin, *end) + reviews)["access_decisions"]
    assert rows["outcome"].to_dict() == {
        "ada edit": "gone",
        "eve@x ClusterRole/view": "still there",
        "late@x ClusterRole/edit@shop": "used after",
        "nobody ClusterRole/none": "untold",
        "eve@x ClusterRole/most": "not due",
        "missed@x ClusterRole/all": "not asked",
        " ": "untold",
    }
    assert rows["holder_kind"].to_dict()["late@x ClusterRole/edit@shop"] == "person"
    assert pd.isna(rows.loc["nobody ClusterRole/none", "holder_kind"])
    assert rows.loc["late@x ClusterRole/edit@shop", "used_at"] == pd.Timestamp("2026-07-20", tz="UTC")
    assert rows.loc["ada edit", ["person", "system"]].tolist() == ["ada", "prod"]
    assert rows.loc["missed@x ClusterRole/all", "decision"] == "left out"
    assert rows.loc[" ", "system"] == "netbpf/netbpf-gitops"  # no list tells what was granted there


def test_a_use_that_another_right_explains_is_not_that_of_the_revoked_one() -> None:
    """By another right of one's own, or of a group in which one was seen since; a group that has none there, or that one has left,
    explains nothing."""
    users = {"own": "x", "team": "core", "none": "x", "moved": "x"}
    reviews = "access_reviews\n| review | listed_at | reviewer | subject | system | right | decision | decided_at | line |\n"
    access = "cluster_access\n| audit_id | at | user | groups | namespace | code |\n"
    for number, (user, group) in enumerate(users.items(), 1):
        reviews += f"| Q3 | 2026-07-01 | grace | {user} | prod | ClusterRole/edit | revoke | 2026-07-05 | {number} |\n"
        access += f"| {number} | 2026-09-20 00:00 | {user} | {group} | shop | 200 |\n"
    access += "| 9 | 2026-07-04 00:00 | moved | core | shop | 200 |\n"
    crb = "ClusterRoleBinding -"
    had = [f"{crb} edit User {user} {BEGIN}" for user in users]
    has = [f"{crb} view User own {END}", f"{crb} view Group core {END}"]
    rows = found(LISTS + PEOPLE + RULES + bound(*had, *has) + reviews + access)["access_decisions"]
    rows = rows[rows["right"].eq("ClusterRole/edit")].set_index("subject")
    assert rows["outcome"].to_dict() == {
        "own": "gone",
        "team": "gone",
        "none": "used after",
        "moved": "used after",
    }


def test_vault_s_policies_are_listed_as_they_were_seen() -> None:
    rows = found(
        PEOPLE
        + """
        secret_access
        | request_id | type    | at               | display_name | policies     |
        | 1          | request | 2026-06-01 10:00 | root         | root         |
        | 2          | request | 2026-08-01 10:00 | root         | root         |
        | 3          | request | 2026-08-02 10:00 | oidc-ada@x   | apps,default |
        | 4          | request | 2026-05-02 10:00 | oidc-old@x   | default      |
        """
    )["access_rights"]
    assert sorted(rows.index) == ["oidc-ada@x policy/apps", "root policy/root"]
    root = rows.loc["root policy/root"]
    assert (root["excess"], root["since"], root["since_basis"]) == (
        "the root policy", pd.Timestamp("2026-06-01 10:00", tz="UTC"), "use",
    )  # fmt: skip


def test_who_granted_a_right_is_known_of_the_list_that_was_reviewed() -> None:
    """Also when the right has become another since; and not of one that came back, of which nothing says who granted it."""
    august = "a" * 64
    objects = f"""
        evidence_objects
        | source_name | key    | format               | records | kept | last_modified    | collected_at | sha256   |
        | gh          | 1.json | github-collaborators | 1       | 1    | 2026-04-01 06:00 | 2026-10-02   | {BEGIN}  |
        | gh          | 2.json | github-collaborators | 1       | 1    | 2026-07-01 06:00 | 2026-10-02   | {august} |
        | gh          | 3.json | github-collaborators | 1       | 1    | 2026-10-01 06:00 | 2026-10-02   | {END}    |
        repo_grants
        | holder_kind | holder   | level | evidence | line |
        | person      | adahub   | push  | {BEGIN}  | 1    |
        | person      | gracehub | push  | {BEGIN}  | 2    |
        | person      | adahub   | push  | {august} | 1    |
        | person      | adahub   | admin | {END}    | 1    |
        | person      | gracehub | push  | {END}    | 2    |
        forge_events
        | document_id | at               | action          | category | actor    | user     | repo                 |
        | 1           | 2026-03-03 10:00 | repo.add_member | access   | gracehub | adahub   | netbpf/netbpf-gitops |
        | 2           | 2026-03-03 10:00 | repo.add_member | access   | adahub   | gracehub | netbpf/netbpf-gitops |
        access_reviews
        | review | listed_at  | reviewer | subject  | system               | right | decision | decided_at | line |
        | Q3     | 2026-07-01 | grace    | adahub   | netbpf/netbpf-gitops | push  | keep     | 2026-07-05 | 1    |
        | Q4     | 2026-09-30 | ada      | gracehub | netbpf/netbpf-gitops | push  | keep     | 2026-10-01 | 2    |
    """
    rows = found(PEOPLE + objects)
    decisions = rows["access_decisions"]
    assert decisions.loc["adahub push", "granted_by"] == "grace"
    assert "adahub push" not in rows["access_rights"].index
    assert pd.isna(decisions.loc["gracehub push", "granted_by"])


def test_pages_that_did_not_change_stand_in_every_list_of_githubs_api() -> None:
    """Only changed pages are brought again: what the others hold is not gone, and a page behind one that is not full is."""
    full, some = 100, 40
    pages = [
        ("squad-1", 1, full, "2026-07-01 08:00:00", "a"), ("squad-1", 2, some, "2026-07-01 08:00:05", "b"),
        ("squad-1", 2, some + 1, "2026-08-01 08:00:00", "c"),
        ("squad-1", 1, some, "2026-09-01 08:00:00", "d"),
        ("squad-2", 1, some, "2026-07-01 08:00:10", "e"),
        ("late", 1, full, "2026-10-01 08:00:00", "f"),  # found unchanged by the last look
        ("late", 2, some, "2026-07-01 08:00:00", "1"), ("late", 2, some + 2, "2026-10-01 08:00:05", "2"),
    ]  # fmt: skip
    rows = [
        f"| hub | teams/{team}/members/member/page-{page:04}.json | github-members | {count} | {count} | {at} | {at} | {sha * 64} |"
        for team, page, count, at, sha in pages
    ]
    head = "| source_name | key | format | records | kept | last_modified | collected_at | sha256 |"
    objects = frames("\n".join(["evidence_objects", head, *rows]))["evidence_objects"]
    values = {"organisation": {"name": "N"}, "sources": [{"name": "hub", "location": "github:netbpf"}]}
    dated = lists.made(objects, s.Settings.model_validate(values), ("github-members",))
    found = lists.standing(dated).assign(evidence=lambda r: r["evidence"].str[0])
    held = found.groupby(["part", "made"])["evidence"].agg("".join)
    assert {(part.split("/")[1], f"{made:%m-%d %H:%M:%S}"): letters for (part, made), letters in held.items()} == {
        ("squad-1", "07-01 08:00:05"): "ab", ("squad-1", "08-01 08:00:00"): "ac", ("squad-1", "09-01 08:00:00"): "d",
        ("squad-2", "07-01 08:00:10"): "e", ("late", "07-01 08:00:00"): "f1", ("late", "10-01 08:00:05"): "f2",
    }  # fmt: skip


def test_roles_of_a_cloud_are_rights_in_the_cluster() -> None:
    text = (
        PEOPLE
        + LISTS.replace("rbac-object     ", "cluster-identities")
        + f"""
        cluster_identities
        | cluster | kind            | principal | groups | policy                | scope | entry_type     | evidence | line |
        | prod    | role assignment | ada@x     |        | roles/container.admin |       | user           | {END}    | 1    |
        | prod    | role assignment | ops@x     |        | roles/viewer          |       | group          | {END}    | 2    |
        | prod    | role assignment | ci@x      |        | roles/editor          |       | serviceAccount | {END}    | 3    |
"""
    )
    rows = found(text)["access_rights"]
    told = rows[["person", "holder_kind", "admin", "how"]].astype("object").fillna("-")
    assert list(told.itertuples(name=None)) == [
        ("ada@x cloud role/roles/container.admin", "ada", "person", True, "cloud role assignment"),
        ("ci@x cloud role/roles/editor", "kubernetes:ci@x", "machine", False, "cloud role assignment"),
        ("ops@x cloud role/roles/viewer", "-", "group", False, "cloud role assignment"),
    ]
