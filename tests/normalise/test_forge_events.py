"""What was done on the forge, told by its audit log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import AUDIT_LOG, read, refused

from audit import tables as t
from audit.normalise.forge_actions import category


def row(**fields: Any) -> dict[str, Any]:
    event = {k: v for k, v in AUDIT_LOG.items() if k != "data"} | fields
    (found,) = read(event).rows["forge_events"]
    return found


@pytest.mark.parametrize(
    ("kind", "actions"),
    [
        ("push", "git.push push create delete"),
        ("pull_request", "pull_request.create pull_request.merge pull_request.close pull_request.ready_for_review"),
        ("review", "pull_request_review.submit pull_request_review.dismiss pull_request_review.delete"),
        ("protection", "protected_branch.create protected_branch.destroy protected_branch.update_admin_enforced "
         "protected_branch.update_required_approving_review_count protected_branch.policy_override "
         "protected_branch.rejected_ref_update branch_protection_rule.edited"),
        ("ruleset", "repository_ruleset.create repository_ruleset.update repository_ruleset.destroy"),
        ("merge_queue", "merge_queue.update_settings merge_group.checks_requested protected_branch_merge_queue.x"),
        ("repository", "repo.create repo.rename repo.transfer repo.access repo.archived repo.destroy repository.privatized public"),
        ("access", "org.add_member org.remove_member org.update_member org.invite_member org.add_outside_collaborator "
         "org.disable_two_factor_requirement org.update_default_repository_permission team.add_member team.add_repository "
         "team.update_repository_permission repo.add_member repo.remove_member repo.update_member repo.add_team role.create "
         "business.add_admin member.added membership.removed team_add organization.member_added"),
        ("key", "deploy_key.create public_key.create public_key.delete ssh_certificate_authority.create"),
        ("app", "integration_installation.create integration_installation.repositories_added integration.create "
         "oauth_application.create org.oauth_app_access_approved installation.created"),
        ("token", "personal_access_token.access_granted oauth_access.create oauth_authorization.create "
         "org_credential_authorization.grant org.set_fine_grained_personal_access_token_expiration_limit"),
        ("runner", "self_hosted_runner.online org.register_self_hosted_runner repo.remove_self_hosted_runner "
         "enterprise.runner_group_created org.runner_group_updated"),
        ("secret_scanning", "secret_scanning_alert.create secret_scanning_push_protection.bypass secret_scanning.disable "
         "repository_secret_scanning.disable repository_secret_scanning_push_protection.disable "
         "org.secret_scanning_push_protection_disable"),
        ("actions", "workflows.approve_workflow_job workflows.created_workflow_run environment.create environment.delete "
         "environment.update_protection_rule environment.add_secret org.create_actions_secret repo.update_actions_secret "
         "repo.set_actions_fork_pr_approvals_policy workflow_run.completed"),
        ("hook", "hook.create hook.config_changed meta.deleted"),
        ("organisation", "org.create business.set_fiscal_year ip_allow_list.enable"),
        ("other", "sponsors.withdraw_agreement_signature something"),
    ],
)  # fmt: skip
def test_of_what_kind_an_action_is(kind: str, actions: str) -> None:
    assert {action: category(action) for action in actions.split()} == dict.fromkeys(actions.split(), kind)
    assert {row(action=action)["category"] for action in actions.split()} == {kind}


def test_actions_that_nobody_knows_yet_are_kept() -> None:
    assert row(action="quantum_vault.opened", name="x")["category"] == "other"


@pytest.mark.parametrize("action", ["git.clone", "git.fetch", "api.request", "repo.download_zip"])
def test_what_only_reads_is_noise_and_counted(action: str) -> None:
    parsed = read(AUDIT_LOG | {"action": action})
    assert (parsed.records, parsed.noise, parsed.rows, len(parsed.coverage)) == (1, 1, {}, 1)


def test_what_a_ruleset_was_and_is() -> None:
    found = row(
        action="repository_ruleset.update", ruleset_id=42, ruleset_name="main", ruleset_enforcement="disabled",
        ruleset_old_enforcement="enabled", ruleset_old_name="mainline",
        ruleset_bypass_actors_added=[{"actor_type": "Team"}], programmatic_access_type="OAuth access token",
    )  # fmt: skip
    assert json.loads(found["before"]) == {"ruleset_enforcement": "enabled", "ruleset_name": "mainline"}
    assert json.loads(found["after"]) == {"ruleset_enforcement": "disabled", "ruleset_name": "main"}
    assert (found["subject"], found["access"], found["told_by"]) == ("main", "OAuth access token", "log")
    assert json.loads(found["detail"])["ruleset_bypass_actors_added"] == [{"actor_type": "Team"}]


@pytest.mark.parametrize(
    ("fields", "before", "after"),
    [
        ({"action": "repo.access", "visibility": "public", "previous_visibility": "private"},
         {"visibility": "private"}, {"visibility": "public"}),
        ({"action": "org.update_member", "permission": "admin", "old_permission": "read"},
         {"permission": "read"}, {"permission": "admin"}),
        ({"action": "team.update_repository_permission", "new_repo_permission": "admin", "old_repo_permission": "pull"},
         {"repo_permission": "pull"}, {"repo_permission": "admin"}),
        ({"action": "hook.events_changed", "events_were": ["push"], "events": ["push", "status"]},
         {"events": ["push"]}, {"events": ["push", "status"]}),
        ({"action": "repo.rename", "old_name": "then", "data": {"name": "now"}}, {"name": "then"}, {"name": "now"}),
        ({"action": "repo.archived"}, None, None),
    ],
)  # fmt: skip
def test_what_was_changed_before_and_after(fields: dict[str, Any], before: object, after: object) -> None:
    found = row(**fields)
    assert [json.loads(found[side]) if found[side] else None for side in ("before", "after")] == [
        before,
        after,
    ]


def test_the_branch_of_a_protection_is_its_name() -> None:
    assert row(action="protected_branch.update_admin_enforced", name="release/*")["branch"] == "release/*"
    assert row(action="protected_branch.policy_override", branch="refs/heads/main")["branch"] == (
        "refs/heads/main"
    )
    assert row(action="team.create", name="ops")["branch"] is None


def test_the_log_of_git_has_no_ids_and_is_told_by_what_it_says() -> None:
    event = {"@timestamp": 1782900000000, "action": "git.push", "actor": "ada", "repo": "netbpf/netbpf-gitops",
             "org": "netbpf", "transport_protocol": 2, "transport_protocol_name": "ssh"}  # fmt: skip
    ((one,), (same,)) = (read(given).rows["forge_events"] for given in (event, dict(reversed(event.items()))))
    assert one["document_id"] == same["document_id"] != ""
    assert one["document_id"].startswith("sha256:")
    assert read(event | {"actor": "ben"}).rows["forge_events"][0]["document_id"] != one["document_id"]


def test_no_secret_gets_into_a_row() -> None:
    fake = "ghp_" + "Fake0" * 8
    found = row(
        action="hook.create", config={"secret": "pretend-secret", "url": "https://me:pretend-word@example.org/x"},
        note=f"made with {fake}", name=fake, old_name=fake, private_key="pretend-key", Client_Secret="pretend",
        deep=[{"hashed_token": "pretend"}],
    )  # fmt: skip
    text = json.dumps(found, default=str)
    assert "pretend" not in text
    assert "Fake0" not in text
    assert json.loads(found["detail"])["config"] == {"url": "https://example.org/x"}


@pytest.mark.parametrize("depth", [61, 900])
def test_what_is_nested_too_deep_is_refused(depth: int) -> None:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    assert refused(AUDIT_LOG | {"deep": value}).endswith("nested too deep")


def test_every_kind_is_one_that_the_table_knows() -> None:
    frame = t.frame(t.ForgeEvents, [row(action="git.push"), row(action="x", _document_id="d-2")])
    assert list(t.conform(t.ForgeEvents, frame)["category"]) == ["push", "other"]
