"""Tells what happened as GitHub tells it: REST exports, made twice, and the audit log stream.

An earlier export shows what was known then: open pull requests, approvals not yet dismissed. The later one supersedes
it; both are in the evidence.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from audit.simulator import audit_log, guards
from audit.simulator.hub import Check, Hub, Pull, Review
from audit.simulator.people import login_id
from audit.simulator.world import REPOSITORY, World, stamp

EXPORTS = "github-exports"
_API = f"https://api.github.com/repos/{REPOSITORY}"
_WEB = f"https://github.com/{REPOSITORY}"
_PAGE = 100
_REPOSITORY_ID = 684_120_977
_LATER, _EARLIER = timedelta(days=2), timedelta(days=-9)  # exports, from the end of the last quarter
_WINDOW = timedelta(days=45)  # how far back the earlier export looks

Json = dict[str, Any]


def tell(world: World, hub: Hub) -> None:
    """Writes the sources `github-exports` and `github-audit-log`."""
    audit_log.tell(world, hub)
    _export(world, hub, world.end + _EARLIER, since=world.end + _EARLIER - _WINDOW)
    _export(world, hub, exported_at(world), since=None)


def exported_at(world: World) -> datetime:
    """When the last export was made."""
    return world.end + _LATER


def _export(world: World, hub: Hub, at: datetime, since: datetime | None) -> None:
    """One export as of `at`: pull requests opened since `since`, with all that belongs to them."""
    folder = f"{stamp(at)[:10]}/repos/{REPOSITORY}"
    pulls = [
        pull for pull in hub.pulls if pull.created_at <= at and (since is None or pull.created_at >= since)
    ]
    _pages(world, f"{folder}/pulls", [_pull(pull, at) for pull in reversed(pulls)])
    for pull in pulls:
        reviews = [_review(pull, review, at) for review in _reviews_by(pull, at)]
        _write(world, f"{folder}/pulls/{pull.number}/reviews.json.gz", reviews)
        for sha, runs in _runs_by(pull, at).items():
            content = {"total_count": len(runs), "check_runs": [_check(run, at) for run in reversed(runs)]}
            _write(world, f"{folder}/commits/{sha}/check-runs.json.gz", content)
    events = sorted((event for pull in pulls for event in _events(pull, at)), key=_newest)
    _pages(world, f"{folder}/issues/events", events)
    if since is None:  # how it is protected is exported but once
        _write(world, f"{folder}/branches/main/protection.json.gz", guards.protection(hub, at, _API))
        _write(world, f"{folder}/rulesets/{guards.RULESET}.json.gz", guards.ruleset(hub, at))
    activity = [entry for entry in _activity(hub, at) if since is None or entry["timestamp"] >= stamp(since)]
    _pages(world, f"{folder}/activity", activity)


def _newest(event: Json) -> tuple[int, int]:
    return -int(datetime.fromisoformat(event["created_at"]).timestamp()), -event["id"]


def _pages(world: World, folder: str, items: Sequence[Json]) -> None:
    for number, first in enumerate(range(0, max(len(items), 1), _PAGE), 1):
        _write(world, f"{folder}/page-{number:04}.json.gz", items[first : first + _PAGE])


def _write(world: World, key: str, content: Any) -> None:
    data = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    world.evidence.write(EXPORTS, key, gzip.compress(data, 6, mtime=0))


def _node(kind: str, number: int) -> str:
    return base64.b64encode(f"0{len(kind)}:{kind}{number}".encode()).decode()


def _user(login: str) -> Json:
    number = login_id(login)
    bot = login.endswith("[bot]")
    name = login.removesuffix("[bot]")
    return {
        "login": login,
        "id": number,
        "node_id": _node("User", number),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": f"https://api.github.com/users/{login.replace('[', '%5B').replace(']', '%5D')}",
        "html_url": f"https://github.com/{'apps/' if bot else ''}{name}",
        "type": "Bot" if bot else "User",
        "site_admin": False,
    }


def _repository() -> Json:
    owner, name = REPOSITORY.split("/")
    return {
        "id": _REPOSITORY_ID,
        "node_id": _node("Repository", _REPOSITORY_ID),
        "name": name,
        "full_name": REPOSITORY,
        "private": True,
        "owner": {**_user(owner), "type": "Organization"},
        "html_url": _WEB,
        "url": _API,
        "default_branch": "main",
    }


def _end(branch: str, sha: str, login: str) -> Json:
    owner = REPOSITORY.split("/")[0]
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": _user(login),
        "repo": _repository(),
    }


def _reviews_by(pull: Pull, at: datetime) -> list[Review]:
    return sorted((r for r in pull.reviews if r.at <= at), key=lambda review: (review.at, review.id))


def _runs_by(pull: Pull, at: datetime) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {commit.sha: [] for pushed, commit in pull.heads if pushed <= at}
    for check in pull.checks:
        if check.started <= at:
            found.setdefault(check.head.sha, []).append(check)
    return found


def _updated(pull: Pull, at: datetime) -> datetime:
    moments = [pull.created_at, *(pushed for pushed, _ in pull.heads), pull.closed_at, pull.merged_at]
    moments += [moment for review in pull.reviews for moment in (review.at, review.dismissed_at)]
    return max(moment for moment in moments if moment is not None and moment <= at)


def _pull(pull: Pull, at: datetime) -> Json:
    """A pull request as `GET /repos/…/pulls/N` gave it then."""
    closed = pull.closed_at if pull.closed_at and pull.closed_at <= at else None
    merged = pull.merged_at if pull.merged_at and pull.merged_at <= at else None
    head = pull.head_at(at)
    api, web = f"{_API}/pulls/{pull.number}", f"{_WEB}/pull/{pull.number}"
    number = 2_100_000_000 + pull.number * 37
    return {
        "url": api,
        "id": number,
        "node_id": _node("PullRequest", number),
        "html_url": web,
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "issue_url": f"{_API}/issues/{pull.number}",
        "number": pull.number,
        "state": "closed" if closed else "open",
        "locked": False,
        "title": pull.title,
        "user": _user(pull.opener.login),
        "body": None if pull.number % 5 == 0 else f"{pull.title}.\n\nFollows #12.",
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(_updated(pull, at)),
        "closed_at": stamp(closed) if closed else None,
        "merged_at": stamp(merged) if merged else None,
        "merge_commit_sha": pull.merge.sha if merged and pull.merge else None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [_label(name) for name in pull.labels],
        "milestone": None,
        "draft": pull.draft,
        "commits_url": f"{api}/commits",
        "review_comments_url": f"{api}/comments",
        "statuses_url": f"{_API}/statuses/{head.sha}",
        "head": _end(pull.branch, head.sha, pull.opener.login),
        "base": _end("main", pull.base.sha, REPOSITORY.split("/")[0]),
        "author_association": "MEMBER" if pull.opener.person else "CONTRIBUTOR",
        "auto_merge": None,
        "active_lock_reason": None,
        "merged": merged is not None,
        "mergeable": None,
        "mergeable_state": "unknown",
        "merged_by": _user(pull.merged_by.login) if merged and pull.merged_by else None,
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": pull.commits,
        "additions": 3,
        "deletions": 3,
        "changed_files": 1,
    }


def _label(name: str) -> Json:
    number = login_id(name)
    return {
        "id": number,
        "node_id": _node("Label", number),
        "url": f"{_API}/labels/{name}",
        "name": name,
        "color": "0366d6",
        "default": False,
        "description": None,
    }


def _review(pull: Pull, review: Review, at: datetime) -> Json:
    """A review as `GET /repos/…/pulls/N/reviews` gave it then: a dismissed one no longer says what it said."""
    dismissed = review.dismissed_at is not None and review.dismissed_at <= at
    api, web = f"{_API}/pulls/{pull.number}", f"{_WEB}/pull/{pull.number}#pullrequestreview-{review.id}"
    return {
        "id": review.id,
        "node_id": _node("PullRequestReview", review.id),
        "user": _user(review.login),
        "body": "" if review.verdict == "APPROVED" else "See my comments.",
        "state": "DISMISSED" if dismissed else review.verdict,
        "html_url": web,
        "pull_request_url": api,
        "author_association": "MEMBER",
        "_links": {"html": {"href": web}, "pull_request": {"href": api}},
        "submitted_at": stamp(review.at),
        "commit_id": review.head.sha,
    }


def _check(check: Check, at: datetime) -> Json:
    """A check run as `GET /repos/…/commits/SHA/check-runs` gave it then."""
    done = check.completed if check.completed and check.completed <= at else None
    return {
        "id": check.id,
        "name": check.name,
        "node_id": _node("CheckRun", check.id),
        "head_sha": check.head.sha,
        "external_id": f"{check.id:x}",
        "url": f"{_API}/check-runs/{check.id}",
        "html_url": f"{_WEB}/actions/runs/{check.id - 5}/job/{check.id}",
        "details_url": f"{_WEB}/actions/runs/{check.id - 5}/job/{check.id}",
        "status": "completed" if done else "in_progress",
        "conclusion": check.conclusion if done else None,
        "started_at": stamp(check.started),
        "completed_at": stamp(done) if done else None,
        "output": {"title": None, "summary": None, "text": None, "annotations_count": 0},
        "check_suite": {"id": check.id - 11},
        "app": {
            "id": 15368,
            "slug": "github-actions",
            "node_id": "MDM6QXBwMTUzNjg=",
            "name": "GitHub Actions",
        },
        "pull_requests": [],
    }


def _events(pull: Pull, at: datetime) -> Iterable[Json]:
    """The pull request's issue events until then; a dismissal keeps what the review had said."""
    number = 9_000_000_000 + pull.number * 100
    events: list[tuple[datetime | None, str, str | None, Json]] = [
        (
            review.dismissed_at,
            "review_dismissed",
            review.dismissed_by,
            {
                "dismissed_review": {
                    "state": review.verdict.lower(),
                    "review_id": review.id,
                    "dismissal_message": "No longer holds.",
                }
            },
        )
        for review in pull.reviews
    ]
    by = pull.merged_by.login if pull.merged_by else pull.opener.login
    merge = {"commit_id": pull.merge.sha} if pull.merge else {}
    events += [(pull.merged_at, "merged", by, merge), (pull.closed_at, "closed", by, {})]
    events += [(pull.created_at, "labeled", pull.opener.login, {"label": {"name": x}}) for x in pull.labels]
    for place, (moment, event, login, more) in enumerate(events):
        if moment is not None and login is not None and moment <= at:
            yield {
                "id": number + place,
                "node_id": _node("IssueEvent", number + place),
                "url": f"{_API}/issues/events/{number + place}",
                "actor": _user(login),
                "event": event,
                "commit_id": None,
                "commit_url": None,
                "created_at": stamp(moment),
                "performed_via_github_app": None,
                **more,
                "issue": _issue(pull),
            }


def _issue(pull: Pull) -> Json:
    return {
        "url": f"{_API}/issues/{pull.number}",
        "repository_url": _API,
        "html_url": f"{_WEB}/pull/{pull.number}",
        "number": pull.number,
        "title": pull.title,
        "user": _user(pull.opener.login),
        "pull_request": {"url": f"{_API}/pulls/{pull.number}", "html_url": f"{_WEB}/pull/{pull.number}"},
    }


def _activity(hub: Hub, at: datetime) -> list[Json]:
    """The repository's activity until then, newest first. Its entries do not name the repository."""
    entries = [
        {
            "id": 17_000_000_000 + place * 13,
            "node_id": _node("RepositoryActivity", place),
            "before": push.before,
            "after": push.after,
            "ref": push.ref,
            "timestamp": stamp(push.at),
            "activity_type": push.operation,
            "actor": _user(push.login),
        }
        for place, push in enumerate(hub.pushes)
        if push.at <= at
    ]
    return entries[::-1]
