"""What GitHub's exports and its audit log give."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from evidence_records import (
    ACTIVITY,
    AUDIT_LOG,
    CHECK,
    DEPLOYMENT,
    DEPLOYMENT_STATUS,
    DISMISSAL,
    PROTECTION,
    PULL,
    REVIEW,
    RULESET,
    SHA,
    STATUS,
    WORKFLOW_RUN,
    read,
    refused,
)

from audit.normalise.interface import Context
from audit.normalise.reader import parse

ELSEWHERE = Context("s", "k", repository="other/repository")
NOWHERE = Context("s", "k")


def row(record: Any, context: Context = NOWHERE) -> dict[str, Any]:
    (found,) = read(record, context=context).rows.values()
    return found[0]


def test_a_merged_pull_request() -> None:
    found = row(PULL)
    assert (found["repo"], found["number"], found["author"]) == ("netbpf/netbpf-gitops", 7, "ada")
    assert (found["merge_sha"], found["head_sha"], found["base_ref"]) == (SHA, "1" * 40, "main")
    assert (found["labels"], found["commits"], found["merged_by"]) == ("app,urgent", None, None)
    assert found["merged_at"] == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_the_trial_merge_of_an_open_pull_request_is_no_merge() -> None:
    assert row(PULL | {"state": "open", "merged_at": None})["merge_sha"] is None


def test_a_merge_whose_commit_a_later_api_leaves_out_is_refused_with_the_remedy() -> None:
    """Without the commit a landing would seem to have no pull request; of an open one nothing is lost."""
    later = {k: v for k, v in PULL.items() if k != "merge_commit_sha"}
    assert "X-GitHub-Api-Version: 2022-11-28" in refused(later)
    assert row(later | {"state": "open", "merged_at": None})["merge_sha"] is None
    assert row(PULL | {"merge_commit_sha": None})["merge_sha"] is None


def test_an_account_that_is_gone_has_no_login() -> None:
    assert row(PULL | {"user": None})["author"] is None
    assert row(REVIEW | {"user": None})["reviewer"] is None


def test_a_review() -> None:
    found = row(REVIEW | {"state": "changes_requested"})
    assert (found["repo"], found["number"], found["review_id"]) == ("netbpf/netbpf-gitops", 7, 70)
    assert (found["state"], found["commit_sha"]) == ("CHANGES_REQUESTED", "1" * 40)


def test_only_a_pending_review_has_no_time() -> None:
    assert row(REVIEW | {"state": "PENDING", "submitted_at": None})["submitted_at"] is None
    assert "submitted_at is missing" in refused(REVIEW | {"submitted_at": None})
    assert "unknown state" in refused(REVIEW | {"state": "LIKED"})


def test_review_comments_are_no_reviews() -> None:
    assert refused(REVIEW | {"path": "a.yaml", "diff_hunk": "@@"}) == "no known format"


def test_dismissals_are_kept_and_other_events_are_noise() -> None:
    found = row(DISMISSAL)
    assert (found["number"], found["review_id"], found["state_before"]) == (7, 70, "approved")
    assert read(DISMISSAL | {"event": "labeled", "dismissed_review": None}).noise == 1
    assert "it names no pull request" in refused({k: v for k, v in DISMISSAL.items() if k != "issue"})


def test_a_check_run_that_runs_has_neither_conclusion_nor_end() -> None:
    running = row(CHECK | {"status": "in_progress", "conclusion": None, "completed_at": None})
    assert (running["conclusion"], running["completed_at"], running["app"]) == (None, None, "github-actions")
    assert "conclusion" in refused(
        {k: v for k, v in CHECK.items() if k != "conclusion"}, format="github-checks"
    )


def test_the_repository_comes_from_the_record_else_from_the_source() -> None:
    assert row(PULL, ELSEWHERE)["repo"] == "netbpf/netbpf-gitops"
    assert row(ACTIVITY, ELSEWHERE)["repo"] == "other/repository"
    assert "neither the record nor its source names a repository" in refused(ACTIVITY, context=NOWHERE)


@pytest.mark.parametrize(
    "written",
    [1782900000123, 1782900000123.0, "1782900000123", 1782900000.123, "1782900000.123", "2026-07-01T10:00:00.123Z",
     "2026-07-01T12:00:00.123+02:00", 1782900000123000, 1782900000123000999, "1782900000123000999"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["@timestamp", "created_at"])
def test_times_of_the_audit_log_however_they_are_written(field: str, written: object) -> None:
    event = {k: v for k, v in AUDIT_LOG.items() if k not in ("@timestamp", "created_at")}
    assert row(event | {field: written})["at"] == datetime(2026, 7, 1, 10, 0, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize("written", ["yesterday", True, [1], 1e300, "nan", "2026-07-01T10:00:00", None])
def test_what_is_no_time_is_refused(written: object) -> None:
    assert "time" in refused(AUDIT_LOG | {"@timestamp": written, "created_at": None})


def test_details_are_sorted_and_hold_no_token() -> None:
    found = row(AUDIT_LOG)
    assert json.loads(found["detail"]) == {
        "@timestamp": 1782900000000,
        "created_at": 1782900000000,
        "data": {"branch": "main"},
    }
    assert (found["org"], found["branch"], found["category"]) == ("netbpf", "main", "protection")
    assert found["detail"] == json.dumps(json.loads(found["detail"]), sort_keys=True)


def test_a_list_of_repositories_stays_among_the_details() -> None:
    found = row(AUDIT_LOG | {"repo": ["a/b", "c/d"]})
    assert (found["repo"], json.loads(found["detail"])["repo"]) == (None, ["a/b", "c/d"])


def test_an_event_without_an_id_is_told_by_what_it_says() -> None:
    """Downloads and older streams have none; a copy of it is no other event."""
    event = {k: v for k, v in AUDIT_LOG.items() if k not in ("_document_id", "@timestamp")}
    first, second, other = read([event, event, event | {"actor": "grace"}]).rows["forge_events"]
    assert first["document_id"].startswith("sha256:")
    assert first["document_id"] == second["document_id"]
    assert other["document_id"] != first["document_id"]
    apart = ("document_id", "detail", "line", "evidence")
    whole = row(AUDIT_LOG)
    assert all(first[name] == whole[name] for name in whole if name not in apart)
    assert row(event | {"repo": None, "repository": "a/b"})["repo"] == "a/b"


@pytest.mark.parametrize(
    "event",
    [
        {"action": "opened"}, {"action": "Login.Done"}, {"actor": {"login": "ada"}}, {"action": ["repo.create"]},
        {"org": None, "repo": None}, {"created_at": None},
    ],
)  # fmt: skip
def test_an_event_of_another_system_is_none_of_githubs(event: dict[str, Any]) -> None:
    known = {
        "action": "user.login",
        "actor": "ada",
        "created_at": 1782900000000,
        "org": "a",
        "repo": "a/b",
    } | event
    assert refused({k: v for k, v in known.items() if v is not None}) == "no known format"


def test_a_download_of_the_audit_log_as_csv(tmp_path: Path) -> None:
    csv = tmp_path / "export.csv"
    csv.write_text(
        '"action","actor","actor_is_bot","actor_location.country_code","org","repo","user","team","created_at","data.team"\n'
        '"team.add_member","ada","false","DE","netbpf","","grace","","1782900000123","netbpf/authors"\n'
        '"repo.destroy","ada","","","netbpf","netbpf/x","","","1782900000123",""\n'
    )
    first, second = parse(csv, Context("s", csv.name)).rows["forge_events"]
    assert (first["actor_is_bot"], first["user"], first["subject"]) == (False, "grace", "netbpf/authors")
    assert (second["actor_is_bot"], second["repo"], second["category"]) == (None, "netbpf/x", "repository")
    assert "actor_is_bot is not true or false" in refused(AUDIT_LOG | {"actor_is_bot": "maybe"})


def test_a_status_is_a_check_of_the_commit_that_its_url_names() -> None:
    found = row(STATUS)
    assert (found["repo"], found["kind"], found["check_id"]) == ("netbpf/netbpf-gitops", "status", 5)
    assert (found["head_sha"], found["name"]) == ("1" * 40, "ci/validate")
    assert (found["status"], found["conclusion"]) == ("completed", "success")
    assert found["started_at"] == found["completed_at"] == datetime(2026, 7, 1, 9, 5, tzinfo=UTC)


def test_a_pending_status_is_not_over() -> None:
    found = row(STATUS | {"state": "pending"})
    assert (found["status"], found["conclusion"], found["completed_at"]) == ("pending", None, None)


def test_a_status_that_names_no_commit_or_state_is_refused() -> None:
    assert "its url names no commit" in refused(
        STATUS | {"url": "https://api.github.com/repos/a/b/statuses/main"}
    )
    assert "not a github-statuses record" in refused(STATUS | {"state": "fine"})


def test_a_status_and_a_check_run_of_one_number_are_two() -> None:
    assert {row(one)["kind"] for one in (STATUS, CHECK)} == {"status", "check run"}
    assert STATUS["id"] == CHECK["id"]


def test_a_deployment_says_who_asked_for_what_and_where() -> None:
    found = row(DEPLOYMENT)
    assert (found["repo"], found["deployment_id"], found["creator"]) == ("netbpf/netbpf-gitops", 8, "ada")
    assert (found["sha"], found["ref"], found["environment"], found["task"]) == (
        SHA,
        "main",
        "prod",
        "deploy",
    )
    assert found["at"] == datetime(2026, 7, 1, 11, tzinfo=UTC)
    assert "not-kept" not in str(found)


def test_a_status_of_a_deployment_names_it_by_its_url() -> None:
    found = row(DEPLOYMENT_STATUS)
    assert (found["repo"], found["deployment_id"], found["status_id"]) == ("netbpf/netbpf-gitops", 8, 9)
    assert (found["state"], found["environment"], found["creator"]) == ("success", "prod", "ci[bot]")
    assert "names no deployment" in refused(DEPLOYMENT_STATUS | {"deployment_url": "x"})


def test_a_run_says_who_set_off_the_first_attempt_and_who_this_one() -> None:
    found = row(WORKFLOW_RUN)
    assert (found["repo"], found["run_id"], found["attempt"]) == ("netbpf/netbpf-gitops", 12, 2)
    assert (found["actor"], found["triggering_actor"]) == ("ada", "grace")
    assert (found["status"], found["conclusion"], found["event"]) == ("completed", "success", "push")
    assert found["started_at"] == datetime(2026, 7, 1, 10, 20, tzinfo=UTC)


def test_a_run_that_is_not_over_has_no_conclusion() -> None:
    found = row(WORKFLOW_RUN | {"status": "in_progress", "conclusion": None})
    assert (found["status"], found["conclusion"]) == ("in_progress", None)
    assert "workflow_id" in refused(
        {k: v for k, v in WORKFLOW_RUN.items() if k != "workflow_id"}, format="github-workflow-runs"
    )


def test_the_protection_of_a_branch_says_what_it_requires_and_of_whom_not() -> None:
    found = row(PROTECTION)
    assert (found["scope"], found["kind"], found["rule"]) == ("netbpf/netbpf-gitops", "classic", "release/1")
    assert (found["approvals"], found["required_checks"], found["strict_checks"]) == (
        2,
        "build,validate",
        True,
    )
    assert found["bypass"] == "admins,team platform,user ada"
    assert [
        found[name] for name in ("dismiss_stale", "code_owners", "last_push", "linear", "signatures")
    ] == [True] * 5
    assert [found[name] for name in ("force_pushes", "deletions", "merge_queue")] == [False] * 3


def test_a_protection_of_an_old_server_and_one_that_lists_checks_alone() -> None:
    old = {k: v for k, v in PROTECTION.items() if not k.startswith("allow_")}
    checks = {"strict": True, "checks": [{"context": "b", "app_id": 1}, {"context": "a", "app_id": None}]}
    found = row(old | {"required_status_checks": checks})
    assert (found["force_pushes"], found["deletions"], found["required_checks"]) == (False, False, "a,b")


def test_what_a_protection_does_not_name_is_not_required() -> None:
    bare = {
        name: PROTECTION[name] for name in ("url", "enforce_admins", "allow_force_pushes", "allow_deletions")
    }
    found = row(bare)
    assert (found["approvals"], found["required_checks"], found["signatures"]) == (0, "", False)
    assert "its url names no branch" in refused(bare | {"url": "x"})


def test_a_ruleset_says_what_it_requires_and_of_whom_not() -> None:
    found = row(RULESET)
    assert (found["scope"], found["kind"], found["rule"]) == ("netbpf/netbpf-gitops", "ruleset", "31")
    assert (found["target"], found["enforcement"]) == ("~DEFAULT_BRANCH,!refs/heads/x", "active")
    assert (found["approvals"], found["required_checks"]) == (1, "validate")
    assert found["bypass"] == "RepositoryRole 5 (pull_request)"
    assert [found[name] for name in ("force_pushes", "deletions", "linear", "signatures")] == [False] * 4
    assert row(RULESET | {"rules": []})["force_pushes"]


def test_a_ruleset_of_the_organisation_binds_the_repository_that_it_was_asked_for() -> None:
    asked = RULESET | {"source_type": "Organization", "source": "netbpf"}
    assert row(asked)["scope"] == "netbpf"
    assert row(asked, ELSEWHERE)["scope"] == "other/repository"


def test_a_ruleset_of_tags_binds_no_branch() -> None:
    everything = {"conditions": {"ref_name": {"include": ["~ALL"], "exclude": ["refs/tags/x"]}}}
    assert row(RULESET | everything | {"target": "tag"})["target"] == "refs/tags/**,!refs/tags/x"
    assert row(RULESET | everything)["target"] == "~ALL,!refs/tags/x"


@pytest.mark.parametrize(
    ("names", "scope"),
    [
        (None, "other/repository"),
        ({"include": ["~ALL"], "exclude": []}, "other/repository"),
        ({"include": ["Repo*"], "exclude": ["test-*"]}, "other/repository"),
        ({"include": ["site-*"], "exclude": []}, "other"),
        ({"include": ["~ALL"], "exclude": ["repository"]}, "other"),
    ],
)
def test_a_ruleset_of_an_organisation_binds_what_its_conditions_name(names: Any, scope: str) -> None:
    conditions = {"ref_name": {"include": ["~ALL"], "exclude": []}} | (
        {"repository_name": names} if names else {}
    )
    org = RULESET | {"source_type": "Organization", "source": "other", "conditions": conditions}
    assert row(org, ELSEWHERE)["scope"] == scope
    assert row(RULESET, ELSEWHERE)["scope"] == "netbpf/netbpf-gitops"


def test_the_combined_status_of_a_commit_is_its_statuses() -> None:
    combined = {"state": "success", "sha": "1" * 40, "total_count": 1, "statuses": [STATUS], "repository": {}}
    assert row(combined) == row([STATUS]) | {"evidence": row(combined)["evidence"]}


def test_a_rule_with_parameters_that_are_none_is_refused() -> None:
    assert "parameters of rule 'pull_request'" in refused(
        RULESET
        | {"rules": [{"type": "pull_request", "parameters": {"required_approving_review_count": "two"}}]}
    )
