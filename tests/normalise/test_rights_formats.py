"""Who may do what on GitHub: whose rights they are is told by the record, its source or its object's key, or by nobody."""

from __future__ import annotations

from typing import Any

import pytest
from evidence_records import CONTEXT, lines, parse_bytes, read, refused
from rights_records import COLLABORATOR, ENVIRONMENT, MEMBER, TEAM, TEAM_REPOSITORY

from audit.normalise.interface import Context


def keyed(key: str) -> Context:
    return Context("netbpf", key)


def told(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


GRANT = ("repo", "holder_kind", "holder", "role", "level")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ("person", "ada", "write", "push")),
        ({"role_name": "auditors"}, ("person", "ada", "auditors", "push")),
        ({"permissions": {"admin": True}, "role_name": None}, ("person", "ada", "admin", "admin")),
        ({"permissions": {}, "role_name": None}, ("person", "ada", "none", "none")),
        ({"type": "Bot", "login": "deploy[bot]"}, ("machine", "deploy[bot]", "write", "push")),
    ],
)
def test_collaborators_have_a_role_and_the_strongest_of_its_permissions(
    change: dict[str, Any], expected: tuple[str, ...]
) -> None:
    (row,) = read(COLLABORATOR | change).rows["repo_grants"]
    assert told(row, *GRANT) == (CONTEXT.repository, *expected)


def test_rights_of_no_repository_are_refused() -> None:
    reason = refused(COLLABORATOR, context=keyed("collaborators.json"))
    assert "which repository these rights are in" in reason


def test_a_team_of_a_repository_has_rights_in_it() -> None:
    parsed = read(TEAM)
    assert told(parsed.rows["teams"][0], "org", "team", "name", "privacy", "parent") == (
        "netbpf", "platform", "Platform", "closed", "everyone",
    )  # fmt: skip
    assert told(parsed.rows["repo_grants"][0], *GRANT) == (
        CONTEXT.repository, "team", "platform", "write", "push",
    )  # fmt: skip


def test_a_team_of_an_organisation_is_a_team() -> None:
    parsed = read(TEAM | {"parent": None}, context=keyed("teams/page-0001.json"))
    assert set(parsed.rows) == {"teams"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("members/admin/page-0001.json", ("organisation", "", "admin")),
        ("export/members/member/1.json", ("organisation", "", "member")),
        ("members/admin.ndjson", ("organisation", "", "admin")),
        ("teams/platform/members/member.json", ("team", "platform", "member")),
        (
            "teams/site%20reliability/members/maintainer/page-0001.json",
            ("team", "site reliability", "maintainer"),
        ),
    ],
)
def test_members_are_whose_the_key_says(key: str, expected: tuple[str, ...]) -> None:
    (row,) = read(MEMBER, context=keyed(key)).rows["memberships"]
    assert told(row, "scope", "team", "role", "login", "kind") == (*expected, "grace", "User")


def test_people_of_no_list_that_is_known_are_refused() -> None:
    """They may be anybody: those who starred a repository look the same."""
    for key in (
        "stargazers.json",
        "members.json",
        "members/all/1.json",
        "teams/platform/members/admin/1.json",
    ):
        reason = refused(MEMBER, context=keyed(key))
        assert "whose member it is" in reason
        assert "name the object members/ROLE/" in reason
    assert "name the object teams/TEAM/repos/" in refused(TEAM_REPOSITORY, context=keyed("repos.json"))


def test_a_teams_repositories_are_its_rights() -> None:
    for key in ("teams/platform/repos/page-0001.json", "teams/platform/repos.json"):
        (row,) = read(TEAM_REPOSITORY, context=keyed(key)).rows["repo_grants"]
        assert told(row, *GRANT) == ("netbpf/netbpf-gitops", "team", "platform", "admin", "admin")


def test_environments_tell_what_deployments_must_pass() -> None:
    """Each of a page of them."""
    bare = {"id": 6, "name": "dev", "url": ENVIRONMENT["url"], "protection_rules": []}
    parsed = parse_bytes(lines({"total_count": 2, "environments": [ENVIRONMENT, bare]}))
    names = ("environment", "reviewers", "prevent_self_review", "wait_minutes", "branches", "admins_bypass")
    assert [told(row, *names) for row in parsed.rows["forge_environments"]] == [
        ("prod", "team platform,user grace", True, 30, "protected", True),
        ("dev", "", False, 0, "all", None),
    ]


@pytest.mark.parametrize("both", [True, False])
def test_a_policy_of_branches_is_one_or_the_other(both: bool) -> None:
    policy = {"protected_branches": both, "custom_branch_policies": both}
    assert "names no policy of branches, or two" in refused(
        ENVIRONMENT | {"deployment_branch_policy": policy}
    )
