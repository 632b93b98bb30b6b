"""What GraphQL's answers hold beside pull requests: the rows of REST exports, or what the query has to ask for as well."""

from __future__ import annotations

from typing import Any

import pytest
from evidence_records import (
    CHECK,
    DEPLOYMENT,
    PROTECTION,
    RULESET,
    SHA,
    STATUS,
    left_out,
    lines,
    parse_bytes,
    read,
    refused,
)
from rights_records import COLLABORATOR, MEMBER, TEAM, TEAM_REPOSITORY

from audit.normalise.interface import Context

REPO = "netbpf/netbpf-gitops"
NOWHERE = Context("forge", "answer.json")

RULE: dict[str, Any] = {
    "pattern": "release/1", "isAdminEnforced": False, "allowsForcePushes": False, "allowsDeletions": False,
    "requiresApprovingReviews": True, "requiredApprovingReviewCount": 2, "dismissesStaleReviews": True,
    "requiresCodeOwnerReviews": True, "requireLastPushApproval": True, "requiresStatusChecks": True,
    "requiresStrictStatusChecks": True, "requiredStatusCheckContexts": ["validate", "build"],
    "requiresLinearHistory": True, "requiresCommitSignatures": True,
    "bypassPullRequestAllowances": {"totalCount": 2, "nodes": [
        {"actor": {"__typename": "User", "login": "ada"}}, {"actor": {"__typename": "Team", "slug": "platform"}},
    ]},
}  # fmt: skip
RULES: dict[str, Any] = {
    "databaseId": 31, "name": "main", "target": "BRANCH", "enforcement": "ACTIVE",
    "conditions": {"refName": {"include": ["~DEFAULT_BRANCH"], "exclude": ["refs/heads/x"]}},
    "bypassActors": {"totalCount": 1, "nodes": [
        {"bypassMode": "PULL_REQUEST", "repositoryRoleDatabaseId": 5, "organizationAdmin": False, "deployKey": False, "actor": None},
    ]},
    "rules": {"totalCount": 4, "nodes": [
        {"type": "DELETION"}, {"type": "NON_FAST_FORWARD", "parameters": None},
        {"type": "PULL_REQUEST", "parameters": {"requiredApprovingReviewCount": 1, "dismissStaleReviewsOnPush": False,
                                                "requireCodeOwnerReview": False, "requireLastPushApproval": False}},
        {"type": "REQUIRED_STATUS_CHECKS", "parameters": {"requiredStatusChecks": [{"context": "validate"}],
                                                          "strictRequiredStatusChecksPolicy": False}},
    ]},
}  # fmt: skip
DEPLOYED: dict[str, Any] = {
    "databaseId": 8, "environment": "prod", "task": "deploy", "createdAt": "2026-07-01T11:00:00Z",
    "updatedAt": "2026-07-01T11:05:00Z", "creator": {"login": "ada"}, "commitOid": SHA, "ref": {"name": "main"},
    "statuses": {"totalCount": 1, "nodes": [
        {"state": "IN_PROGRESS", "createdAt": "2026-07-01T11:01:00Z", "creator": {"__typename": "Bot", "login": "ci"}},
    ]},
}  # fmt: skip
RUN: dict[str, Any] = {
    "__typename": "CheckRun", "databaseId": CHECK["id"], "name": CHECK["name"], "status": CHECK["status"].upper(),
    "conclusion": CHECK["conclusion"].upper(), "startedAt": CHECK["started_at"], "completedAt": CHECK["completed_at"],
}  # fmt: skip
COMMIT: dict[str, Any] = {
    "oid": CHECK["head_sha"],
    "checkSuites": {"totalCount": 1, "nodes": [
        {"app": {"slug": "github-actions"}, "checkRuns": {"totalCount": 1, "nodes": [RUN]}},
    ]},
    "status": {"contexts": [{"context": "ci/validate", "state": "SUCCESS", "createdAt": STATUS["created_at"]}]},
}  # fmt: skip


def whole(*nodes: Any) -> dict[str, Any]:
    return {"totalCount": len(nodes), "nodes": list(nodes)}


def edges(*items: Any) -> dict[str, Any]:
    return {"totalCount": len(items), "edges": list(items)}


def of_repository(**fields: Any) -> dict[str, Any]:
    return {"data": {"repository": {"nameWithOwner": REPO, **fields}}}


def of_organization(**fields: Any) -> dict[str, Any]:
    return {"data": {"organization": {"login": "netbpf", **fields}}}


def same(rows: list[dict[str, Any]], others: list[dict[str, Any]], *without: str) -> bool:
    apart = ("evidence", "line", *without)
    strip = [[{k: v for k, v in row.items() if k not in apart} for row in each] for each in (rows, others)]
    return strip[0] == strip[1]


def test_rules_deployments_and_checks_are_those_of_rest() -> None:
    answer = of_repository(
        branchProtectionRules=whole(RULE), rulesets=whole(RULES), deployments=whole(DEPLOYED), object=COMMIT
    )
    told = read(answer, context=NOWHERE)
    assert told.formats == {"github-graphql"}
    classic, ruleset = told.rows["protections"]
    assert same([classic], read(PROTECTION).rows["protections"])
    assert same([ruleset], read(RULESET).rows["protections"])
    assert same(told.rows["forge_deployments"], read(DEPLOYMENT).rows["forge_deployments"])
    (status,) = told.rows["forge_deployment_statuses"]
    assert (status["deployment_id"], status["state"], status["creator"]) == (8, "in_progress", "ci[bot]")
    assert status["status_id"] < 0
    run, other = told.rows["checks"]
    assert same([run], read(CHECK).rows["checks"])
    assert (other["kind"], other["name"], other["conclusion"]) == ("status", "ci/validate", "success")


def test_rights_are_those_of_rest_as_far_as_they_are_told() -> None:
    team = {"slug": "platform", "name": "Platform", "privacy": "VISIBLE", "parentTeam": {"slug": "everyone"}}
    team["members"] = edges({"role": "MAINTAINER", "node": {"login": "grace"}})
    team["repositories"] = edges({"permission": "ADMIN", "node": {"nameWithOwner": REPO}})
    members = edges({"role": "ADMIN", "node": {"login": "grace"}})
    told = read(of_organization(membersWithRole=members, teams=whole(team)), context=NOWHERE)
    owner, maintainer = told.rows["memberships"]
    keyed = [
        Context("netbpf", key) for key in ("members/admin/1.json", "teams/platform/members/maintainer/1.json")
    ]
    for row, context in zip((owner, maintainer), keyed, strict=True):
        assert same([row], read(MEMBER, context=context).rows["memberships"], "site_admin")
    assert same(told.rows["teams"], read(TEAM).rows["teams"])
    context = Context("netbpf", "teams/platform/repos/1.json")
    assert same(told.rows["repo_grants"], read(TEAM_REPOSITORY, context=context).rows["repo_grants"])
    people = of_repository(collaborators=edges({"permission": "WRITE", "node": {"login": "ada"}}))
    assert same(read(people).rows["repo_grants"], read(COLLABORATOR).rows["repo_grants"])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"branchProtectionRules": whole({k: v for k, v in RULE.items() if k not in ("isAdminEnforced", "allowsDeletions")})},
         "branch protection rule: ask for isAdminEnforced, allowsDeletions as well"),
        ({"branchProtectionRules": whole(RULE | {"bypassPullRequestAllowances": {"nodes": [], "totalCount": 1}})},
         "bypassPullRequestAllowances: it does not show to be whole: ask for totalCount and for all of it"),
        ({"branchProtectionRules": whole(RULE | {"bypassPullRequestAllowances": whole({"actor": {}})})},
         "bypassPullRequestAllowances: ask for login of User, slug and __typename of Team and App"),
        ({"rulesets": whole(RULES | {"rules": {"totalCount": 5, "nodes": RULES["rules"]["nodes"]}})},
         "rules: it does not show to be whole: ask for totalCount and for all of it"),
        ({"rulesets": whole(RULES | {"rules": whole({"type": "PULL_REQUEST", "parameters": {"requiredApprovingReviewCount": 1}})})},
         "parameters of PULL_REQUEST: ask for dismissStaleReviewsOnPush, requireCodeOwnerReview, requireLastPushApproval as well"),
        ({"rulesets": whole(RULES | {"bypassActors": whole({"bypassMode": "ALWAYS", "actor": {"databaseId": 1}})})},
         "bypassActors: ask for organizationAdmin, deployKey, repositoryRoleDatabaseId and the actor's __typename and databaseId"),
        ({"deployments": whole({k: v for k, v in DEPLOYED.items() if k != "commitOid"})},
         "deployment: nothing says of which repository or commit: ask for nameWithOwner, commitOid"),
        ({"collaborators": whole({"login": "ada"})}, "collaborators: ask for edges { permission node { login } }"),
        ({"pullRequests": whole({"number": 7, "reviews": whole()})},
         "pull request: ask for title, state, author, createdAt, updatedAt, mergedAt, mergeCommit, headRefOid, headRefName, baseRefName, "
         "isDraft, labels as well"),
    ],
)  # fmt: skip
def test_what_a_query_left_out_is_asked_for_and_never_taken_for_no(
    fields: dict[str, Any], reason: str
) -> None:
    assert left_out(of_repository(**fields), context=NOWHERE) == f"github-graphql: {reason}"


def test_what_stands_below_nothing_that_is_named_is_refused() -> None:
    bare = {"data": {"node": {"branchProtectionRules": whole(RULE)}}}
    assert "nothing says of which repository" in left_out(bare, context=NOWHERE)
    assert read(bare, context=Context("s", "k", repository=REPO)).rows["protections"][0]["scope"] == REPO
    tags = read(of_repository(rulesets=whole(RULES | {"target": "TAG"}))).rows["protections"]
    assert tags[0]["target"] == "refs/tags/**,!refs/heads/x"
    org = of_organization(rulesets=whole(RULES))
    assert read(org, context=Context("s", "k", repository=REPO)).rows["protections"][0]["scope"] == "netbpf"
    assert "it holds nothing that is read" in refused(
        {"data": {"repository": {"pullRequests": {"totalCount": 7}}}}
    )


def test_lists_within_say_whether_they_are_whole_and_pages_in_one_record_stay_apart() -> None:
    """`gh api graphql --paginate --slurp` puts the pages of a query into one array."""
    pages = [
        of_repository(
            branchProtectionRules=whole(RULE) | {"pageInfo": {"hasNextPage": more, "endCursor": end}}
        )
        for more, end in ((True, "a"), (False, "b"))
    ]
    rows = parse_bytes(lines(pages), NOWHERE).rows["export_lists"]
    assert [(row["line"], row["later"], row["cursor"]) for row in rows] == [(1, True, "a"), (1, False, "b")]
    cut = {"oid": SHA, "checkSuites": {"totalCount": 3, "nodes": COMMIT["checkSuites"]["nodes"] * 2}}
    found = [
        (row["list"], row["held"], row["total"])
        for row in read(of_repository(object=cut)).rows["export_lists"]
    ]
    place = f"{SHA}: repository.object.checkSuites"
    assert found == [(f"{place}.1.checkRuns", 1, 1), (f"{place}.2.checkRuns", 1, 1), (place, 2, 3)]
    none = read(of_repository(branchProtectionRules=whole())).rows["export_lists"]
    assert [(row["list"], row["held"], row["total"]) for row in none] == [
        ("repository.branchProtectionRules", 0, 0)
    ]


def test_what_can_not_be_read_of_a_commit_or_deployment_leaves_the_rest() -> None:
    broken = COMMIT | {
        "status": {"contexts": [{"context": "x", "state": "ODD"}, *COMMIT["status"]["contexts"]]}
    }
    deployed = DEPLOYED | {"statuses": whole({"state": "SUCCESS"}, *DEPLOYED["statuses"]["nodes"])}
    for fields, table, reason in (
        ({"object": broken}, "checks", "unknown state 'ODD'"),
        (
            {"deployments": whole(deployed)},
            "forge_deployment_statuses",
            "status: Object missing required field",
        ),
    ):
        parsed = parse_bytes(lines(of_repository(**fields)))
        assert reason in parsed.quarantined[0][2]
        assert len(parsed.quarantined) == 1
        assert parsed.rows[table][-1]["repo"] == REPO


@pytest.mark.parametrize("fields", [{"headRefName": "x"}, {"url": f"https://github.com/{REPO}/pull/8"}])
def test_a_pull_request_under_a_name_of_the_querys_own_is_told_though_it_lacks_fields(
    fields: dict[str, Any],
) -> None:
    answer = of_repository(mine=whole({"number": 8, "title": "x", **fields}), pullRequests=whole())
    assert left_out(answer).startswith("github-graphql: pull request: ask for state, ")
    issue = of_repository(
        mine=whole({"number": 8, "url": f"https://github.com/{REPO}/issues/8"}), pullRequests=whole()
    )
    assert set(read(issue).rows) == {"export_lists"}
