"""GitHub's API is collected whole, once, within its limits; what could not be had is said with its remedy."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from github_server import (
    NOW,
    REPO,
    TOKEN,
    FakeGitHub,
    activity,
    add_pull,
    check_run,
    deployment,
    deployment_status,
    organisation,
    pull,
    repository,
    review,
    run,
    serving,
    sha,
)
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from audit import pipeline
from audit.build import Built
from audit.cli import main
from audit.errors import EvidenceMissing, ExitCode, UsageError
from audit.evidence.collect import Collected, collect
from audit.evidence.manifest import current_entries
from audit.evidence.store import Store
from audit.evidence.verify import verify
from audit.settings import Settings
from audit.sources.github import connection

AS_OF = datetime(2026, 10, 2, 9, tzinfo=UTC)
ROOT = f"/repos/{REPO}"
PARTS = ["statuses", "activity", "deployments", "runs", "rules", "environments", "access"]
Serve = Callable[[FakeGitHub], FakeGitHub]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves what a test holds."""
    with contextlib.ExitStack() as ends:
        yield lambda held: ends.enter_context(serving(held))


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)


def _values(held: FakeGitHub, store: Path, **github: Any) -> dict[str, Any]:
    return {
        "organisation": {"name": "NETBPF"},
        "store": str(store),
        "sources": [{"name": "hub", "location": f"github:{REPO}"}],
        "github": {
            "api_url": held.url,
            "attempts": 2,
            "max_wait_seconds": 5,
            "since": "2026-07-01",
            "leave_out": [],
        }
        | github,
    }


def _settings(held: FakeGitHub, store: Path, **github: Any) -> Settings:
    return Settings.model_validate(_values(held, store, **github))


def _collect(settings: Settings) -> Collected:
    return collect(settings, Store(settings.store_path), as_of=AS_OF)


def _keys(settings: Settings) -> list[str]:
    return [entry.key for entry in current_entries(Store(settings.store_path))]


def _bytes(settings: Settings, key: str) -> bytes:
    store = Store(settings.store_path)
    (entry,) = [entry for entry in current_entries(store) if entry.key == key]
    return store.path(entry.sha256).read_bytes()


def _problems(done: Collected) -> str:
    assert all(isinstance(problem, EvidenceMissing) for problem in done.problems)
    return "\n".join(map(str, done.problems))


def _rows(built: Built, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return list(built.tables[table][list(columns)].itertuples(index=False, name=None))


class TestWhole:
    def test_what_is_collected_gives_pull_requests_reviews_dismissals_and_checks(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        settings = _settings(serve(repository(3)), tmp_path / "store")
        done = _collect(settings)
        built = pipeline.build(settings)
        assert done.problems == []
        assert _rows(built, "pull_requests", "repo", "number", "merged_by", "commits") == [
            (REPO, number, "grace", 1) for number in (1, 2, 3)
        ]
        assert _rows(built, "reviews", "number", "review_id", "reviewer", "state") == [
            (number, 100 + number, "grace", "APPROVED") for number in (1, 2, 3)
        ]
        assert _rows(built, "review_dismissals", "repo", "number", "review_id", "dismissed_by") == [
            (REPO, 1, 101, "ada")
        ]
        assert sorted(_rows(built, "checks", "kind", "head_sha")) == sorted(
            (what, sha(number, kind))
            for what in ("check run", "status")
            for number in (1, 2, 3)
            for kind in ("head", "merge")
        )
        assert built.tables["quarantine"].empty
        assert verify(Store(settings.store_path)) == []

    def test_every_page_is_an_object_with_the_bytes_that_github_sent(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = serve(repository(5, per_page=2))
        settings = _settings(held, tmp_path / "store")
        _collect(settings)
        lists = [key for key in _keys(settings) if key.startswith("pulls/list/")]
        assert lists == [f"pulls/list/page-000{number}.json" for number in (1, 2, 3)]
        assert _bytes(settings, lists[1]) == json.dumps([pull(3), pull(4)]).encode()
        assert {
            f"pulls/{n:06}/{part}" for n in range(1, 6) for part in ("pull.json", "reviews/page-0001.json")
        } <= set(_keys(settings))

    def test_entries_carry_the_etag_and_the_time_of_the_server(self, serve: Serve, tmp_path: Path) -> None:
        settings = _settings(serve(repository(1)), tmp_path / "store")
        _collect(settings)
        entries = current_entries(Store(settings.store_path))
        assert {entry.last_modified for entry in entries} == {NOW}
        assert all(entry.etag.startswith("W/") and '"' not in entry.etag for entry in entries)

    def test_pull_requests_that_did_not_change_since_are_only_listed(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = repository(1)
        add_pull(held, 2, updated="2024-01-01T00:00:00Z")
        settings = _settings(serve(held), tmp_path / "store", since="2026-07-01")
        done = _collect(settings)
        assert done.problems == []
        assert not any(key.startswith("pulls/000002") for key in _keys(settings))
        assert b'"number": 2' in _bytes(settings, "pulls/list/page-0001.json")

    @runs(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(size=st.integers(1, 7), count=st.integers(0, 7))
    def test_any_split_into_pages_gives_the_same_rows(
        self, tmp_path_factory: pytest.TempPathFactory, size: int, count: int
    ) -> None:
        given = []
        for per_page in (size, None):
            with serving(repository(count, per_page=per_page)) as held:
                held.things[f"{ROOT}/pulls/{count}/reviews"] = [review(count, 100 + n) for n in range(count)]
                settings = _settings(held, tmp_path_factory.mktemp("split") / "store")
                assert _collect(settings).problems == []
                built = pipeline.build(settings)
            given.append(
                {
                    name: frame.drop(columns=["evidence", "line"]).to_dict("records")
                    for name, frame in built.tables.items()
                    if name in ("pull_requests", "reviews", "review_dismissals", "checks")
                }
            )
        assert given[0] == given[1]


class TestOnce:
    def test_a_second_run_asks_conditionally_and_stores_nothing(self, serve: Serve, tmp_path: Path) -> None:
        held = serve(repository(3))
        settings = _settings(held, tmp_path / "store")
        first = _collect(settings)
        held.asked.clear()
        second = _collect(settings)
        assert (second.pulled, second.kept, second.bytes) == (0, first.pulled, 0)
        assert second.manifest is None
        unconditional = [one.path for one in held.asked if one.etag is None]
        not_kept = [ROOT, f"{ROOT}/branches/main/protection", f"{ROOT}/rulesets"]
        assert [path.split("?")[0] for path in unconditional] == not_kept
        assert {one.status for one in held.asked if one.etag is not None} == {304}

    def test_what_has_not_changed_since_a_quarter_ended_is_recorded_once_more_and_not_stored(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = serve(repository(2))
        settings = _settings(held, tmp_path / "store", leave_out=PARTS)
        store = Store(settings.store_path)
        held.now = datetime(2026, 9, 20, tzinfo=UTC)
        first = collect(settings, store, as_of=datetime(2026, 9, 20, tzinfo=UTC))
        objects = sorted(store.objects())
        held.now = NOW
        second = collect(settings, store, as_of=AS_OF)
        assert (second.pulled, second.bytes) == (0, 0)
        assert second.manifest is not None
        assert len(second.manifest.entries) == second.kept
        assert second.kept >= first.pulled
        assert {(entry.collected_at, entry.last_modified) for entry in second.manifest.entries} == {
            (AS_OF, NOW)
        }
        assert {entry.collected_at for entry in current_entries(store) if entry.key.startswith("pulls/")} == {
            AS_OF
        }
        assert set(objects) <= set(store.objects())
        assert _collect(settings).manifest is None

    def test_only_what_changed_is_pulled(self, serve: Serve, tmp_path: Path) -> None:
        held = serve(repository(3))
        settings = _settings(held, tmp_path / "store")
        _collect(settings)
        add_pull(held, 2, updated="2026-09-30T10:00:00Z")
        held.things[f"{ROOT}/pulls/2/reviews"].append(review(2, 999, "CHANGES_REQUESTED"))
        done = _collect(settings)
        assert done.pulled == 3  # the list, the pull request, its reviews
        assert ("CHANGES_REQUESTED",) in _rows(pipeline.build(settings), "reviews", "state")

    def test_a_page_that_was_full_and_is_unchanged_does_not_hide_the_next(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = repository(0)
        held.things[f"{ROOT}/pulls"] = [pull(n, updated="2020-01-01T00:00:00Z") for n in range(1, 101)]
        settings = _settings(serve(held), tmp_path / "store")
        _collect(settings)
        held.things[f"{ROOT}/pulls"].append(pull(101, updated="2020-01-01T00:00:00Z"))
        done = _collect(settings)
        assert done.problems == []
        assert b'"number": 101' in _bytes(settings, "pulls/list/page-0002.json")

    def test_the_same_bytes_under_another_etag_are_not_stored_again(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = serve(repository(1))
        settings = _settings(held, tmp_path / "store")
        _collect(settings)
        body = json.dumps(held.things[f"{ROOT}/pulls/1/reviews"]).encode()
        held.faults[f"{ROOT}/pulls/1/reviews"] = [(200, {"ETag": '"another"'}, body)]
        assert _collect(settings).manifest is None

    def test_a_list_that_loses_an_item_while_it_is_read_loses_no_other(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = repository(6, per_page=2)
        seen: list[str] = []

        def vanish(path: str) -> None:
            if path == f"{ROOT}/pulls":
                seen.append(path)
                if len(seen) == 2:  # the third moves to the page that was read
                    del held.things[f"{ROOT}/pulls"][0]

        held.hook = vanish
        settings = _settings(serve(held), tmp_path / "store")
        done = _collect(settings)
        assert done.problems == []
        numbers = {number for (number,) in _rows(pipeline.build(settings), "pull_requests", "number")}
        assert numbers == {1, 2, 3, 4, 5, 6}

    def test_a_list_that_never_holds_still_is_said(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(6, per_page=2)

        def churn(path: str) -> None:
            if path == f"{ROOT}/pulls":
                listed = held.things[f"{ROOT}/pulls"]
                listed.append(pull(listed[-1]["number"] + 1, updated="2020-01-01T00:00:00Z"))
                del listed[0]

        held.hook = churn
        done = _collect(_settings(serve(held), tmp_path / "store"))
        assert "kept changing while it was read" in _problems(done)

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_a_list_that_only_grows_while_it_is_read_is_whole(
        self, serve: Serve, tmp_path: Path, newest_first: bool
    ) -> None:
        """An active organisation's log grows in each of the passes: that loses nothing, and is no failure."""
        held, path = repository(0, per_page=2), f"{ROOT}/activity"
        rows = held.things[path]
        rows += [activity(ident, f"2026-08-{ident:02}T10:00:00Z") for ident in range(1, 6)]

        def grow(asked: str) -> None:
            if asked == path and len(rows) < 20:
                ident = len(rows) + 1
                rows.insert(
                    0 if newest_first else len(rows), activity(ident, f"2026-08-{ident:02}T10:00:00Z")
                )

        held.hook = grow
        settings = _settings(serve(held), tmp_path / "store")
        assert _collect(settings).problems == []
        found = {ident for (ident,) in _rows(pipeline.build(settings), "git_operations", "operation_id")}
        assert found >= set(range(1, 6))

    def test_fewer_items_than_the_total_are_said(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(1)
        body = json.dumps({"total_count": 7, "check_runs": [check_run(1, sha(1, "head"))]}).encode()
        path = f"{ROOT}/commits/{sha(1, 'head')}/check-runs"
        held.faults[path] = [(200, {}, body)] * 9
        done = _collect(_settings(serve(held), tmp_path / "store"))
        assert "1 items came of the 7 that it says it has" in _problems(done)


class TestLimits:
    def test_a_primary_limit_is_waited_for_and_told(
        self, serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        held = repository(1)
        reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()))}
        refused = (403, reset, b'{"message":"API rate limit exceeded for installation ID 22."}')
        held.faults[f"{ROOT}/pulls/1/reviews"] = [refused]
        begun = time.monotonic()
        with caplog.at_level("WARNING", logger="audit"):
            done = _collect(_settings(serve(held), tmp_path / "store"))
        assert done.problems == []
        assert time.monotonic() - begun >= 1
        assert "hub: GitHub's rate limit: waiting 1 seconds, until 2026-10-02T08:00:01Z" in caplog.text

    @pytest.mark.parametrize("status", [403, 429])
    def test_a_secondary_limit_is_waited_for_as_long_as_github_says(
        self, serve: Serve, tmp_path: Path, status: int
    ) -> None:
        held = repository(1)
        said = b'{"message":"You have exceeded a secondary rate limit."}'
        held.faults[f"{ROOT}/pulls/1"] = [(status, {"Retry-After": "1"}, said)]
        begun = time.monotonic()
        done = _collect(_settings(serve(held), tmp_path / "store"))
        assert done.problems == []
        assert time.monotonic() - begun >= 1

    def test_the_last_request_that_is_allowed_holds_the_next_one_back(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = repository(1)
        last = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()))}
        held.faults[ROOT] = [(200, last, json.dumps(held.things[ROOT]).encode())]
        begun = time.monotonic()
        assert _collect(_settings(serve(held), tmp_path / "store")).problems == []
        assert time.monotonic() - begun >= 1

    def test_a_longer_limit_stops_it_and_says_when_to_go_on(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(3)
        reset = {
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(int((NOW + timedelta(minutes=30)).timestamp())),
        }
        held.faults[f"{ROOT}/pulls/2/reviews"] = [(403, reset, b'{"message":"API rate limit exceeded"}')]
        settings = _settings(serve(held), tmp_path / "store")
        done = _collect(settings)
        assert "rate limit is used up until 2026-10-02T08:30:01Z" in _problems(done)
        assert done.problems[0].exit_code is ExitCode.EVIDENCE
        assert "pulls/000002/pull.json" in _keys(settings)
        assert not any(key.startswith("pulls/000003") for key in _keys(settings))
        assert (before := len(held.asked)) == held.asked.index(held.asked[-1]) + 1
        held.asked.clear()
        again = _collect(settings)
        assert again.problems == []
        assert before
        assert {one.status for one in held.asked if one.etag is not None} == {304}
        assert "pulls/000003/reviews/page-0001.json" in _keys(settings)

    def test_a_limit_that_never_ends_stops_it(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(1)
        held.faults[f"{ROOT}/pulls/1"] = [(429, {"Retry-After": "0"}, b"{}")] * 5
        assert "again and again: GitHub's rate limit" in _problems(
            _collect(_settings(serve(held), tmp_path / "store"))
        )


class TestFailures:
    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_a_server_error_is_asked_again(self, serve: Serve, tmp_path: Path, status: int) -> None:
        held = repository(1)
        held.faults[f"{ROOT}/pulls/1/reviews"] = [(status, {}, b"<html>oops</html>")]
        assert _collect(_settings(serve(held), tmp_path / "store")).problems == []

    def test_a_broken_body_is_asked_again(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(1)
        held.faults[f"{ROOT}/pulls/1/reviews"] = [(200, {}, b'[{"id": 1')]
        settings = _settings(serve(held), tmp_path / "store")
        assert _collect(settings).problems == []
        assert b"APPROVED" in _bytes(settings, "pulls/000001/reviews/page-0001.json")

    @pytest.mark.parametrize(
        ("answer", "reason", "remedy"),
        [
            ((200, {}, b'[{"id": 1'), "no JSON, or broke off", "collect again"),
            ((200, {}, b'{"id": 1}'), "has not the shape that GitHub documents", "collect again"),
            ((200, {}, b"[" * 5000), "no JSON", "collect again"),
            ((503, {}, b"{}"), "answered 503", "status page"),
            ((404, {}, b'{"message":"Not Found"}'), "answered 404 (Not Found)", "Pull requests: read"),
            ((410, {}, b"{}"), "answered 410", "switched off"),
            (
                (403, {}, b'{"message":"Resource not accessible by personal access token"}'),
                "answered 403 (Resource not accessible",
                "allow the token or App 'Pull requests: read'",
            ),
            (
                (403, {"X-Accepted-GitHub-Permissions": "pull_requests=read"}, b"{}"),
                "answered 403",
                "'pull_requests=read'",
            ),
            ((403, {"X-GitHub-SSO": "required; url=x"}, b"{}"), "answered 403", "single sign-on"),
            ((302, {"Location": "http://127.0.0.1:1/x"}, b"{}"), "answered 302", "collect again"),
            ((301, {"Location": "http://127.0.0.1:1/x"}, b"{}"), "leads to another server", "collect again"),
            ((403, {}, b'{"message":"a\\u001b[31m\\nb"}'), "(a [31m b)", "Pull requests"),
        ],
    )
    def test_what_of_one_pull_request_can_not_be_read_does_not_end_the_others(
        self, serve: Serve, tmp_path: Path, answer: Any, reason: str, remedy: str
    ) -> None:
        held = repository(3)
        held.faults[f"{ROOT}/pulls/2/reviews"] = [answer] * 9
        settings = _settings(serve(held), tmp_path / "store")
        done = _collect(settings)
        (problem,) = done.problems
        assert isinstance(problem, EvidenceMissing)
        assert reason in problem.problem
        assert "GET /repos/{repo}/pulls/{number}/reviews" in problem.problem
        assert f"source 'hub' (github:{REPO})" in problem.problem
        assert remedy in problem.remedy
        assert [one.key for one in done.sources[0].unread] == ["pulls/000002/reviews/"]
        assert {"pulls/000002/events/page-0001.json", "pulls/000003/reviews/page-0001.json"} <= set(
            _keys(settings)
        )

    @pytest.mark.parametrize(
        ("answer", "problem"),
        [
            ((401, {}, b'{"message":"Bad credentials"}'), "the token is wrong, has expired or was revoked"),
            ((404, {}, b'{"message":"Not Found"}'), "GET /repos/{repo} answered 404"),
            ((403, {}, b'{"message":"Forbidden"}'), "GET /repos/{repo} answered 403"),
            ((200, {}, b'{"hello":"world"}'), "is not GitHub's API"),
            (
                (200, {"x-ratelimit-remaining": "x", "x-ratelimit-limit": "y"}, b"{}"),
                "its headers are not GitHub's",
            ),
        ],
    )
    def test_a_repository_that_can_not_be_read_is_evidence_missing(
        self, serve: Serve, tmp_path: Path, answer: Any, problem: str
    ) -> None:
        held = repository(1)
        held.faults[ROOT] = [answer] * 9
        done = _collect(_settings(serve(held), tmp_path / "store"))
        assert problem in _problems(done)
        assert done.manifest is not None
        assert done.manifest.entries == ()
        assert done.manifest.counts["hub"].failed  # and that stays on record

    def test_a_server_that_fails_everything_is_not_asked_for_all_of_it(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = repository(50)
        for path in list(held.things):
            if path not in (ROOT, f"{ROOT}/pulls"):
                held.faults[path] = [(503, {}, b"{}")] * 9
        done = _collect(_settings(serve(held), tmp_path / "store", attempts=1))
        assert "and 4 others before it" in _problems(done)
        assert len(held.asked) < 10

    def test_a_page_that_leads_to_another_server_is_not_followed(self, serve: Serve, tmp_path: Path) -> None:
        held, other = repository(2), serve(FakeGitHub())
        link = {"Link": f'<{other.url}/repos/x/pulls?page=2>; rel="next"'}
        held.faults[f"{ROOT}/pulls/1/reviews"] = [(200, link, b"[]")] * 2
        done = _collect(_settings(serve(held), tmp_path / "store"))
        assert "leads to another server" in _problems(done)
        assert other.asked == []

    def test_an_answer_larger_than_any_of_githubs_is_not_read(
        self, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "LARGEST", 1 << 20)
        held = repository(2)
        held.faults[f"{ROOT}/pulls/1/reviews"] = [(200, {}, b"[" + b" " * (2 << 20) + b"]")] * 2
        settings = _settings(serve(held), tmp_path / "store")
        assert "the answer is larger than any of GitHub's" in _problems(_collect(settings))
        assert "pulls/000002/reviews/page-0001.json" in _keys(settings)

    @runs(max_examples=25, deadline=None)
    @given(
        status=st.sampled_from([200, 200, 200, 304, 400, 422, 500]),
        body=st.binary(max_size=60) | st.sampled_from([b"[1]", b'[{"id":"x"}]', b"null", b'{"message":[]}']),
        header=st.sampled_from(["ETag", "Link", "Date", "X-RateLimit-Remaining", "X-RateLimit-Reset"]),
        value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    )
    def test_whatever_a_server_answers_is_collected_or_said(
        self, tmp_path_factory: pytest.TempPathFactory, status: int, body: bytes, header: str, value: str
    ) -> None:
        with serving(repository(1)) as held:
            for path in (f"{ROOT}/pulls/1/reviews", f"{ROOT}/pulls/1"):
                held.faults[path] = [(status, {header: value}, body)]
            folder = tmp_path_factory.mktemp("any") / "store"
            done = _collect(_settings(held, folder, attempts=1, leave_out=PARTS))
        assert all(isinstance(problem, EvidenceMissing) for problem in done.problems)
        assert verify(Store(folder)) == []

    def test_nobody_there(self, tmp_path: Path) -> None:
        held = FakeGitHub(url="http://127.0.0.1:1")
        assert "can't be reached at http://127.0.0.1:1: ConnectionError" in _problems(
            _collect(_settings(held, tmp_path / "store"))
        )

    def test_a_renamed_repository_is_followed_and_told(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(2, per_page=1)
        new = "netbpf/platform"
        held.things |= {path.replace(ROOT, f"/repos/{new}"): value for path, value in held.things.items()} | {
            "/repositories/77": {"full_name": new, "default_branch": "main"}
        }
        held.moved[REPO] = "/repositories/77"
        settings = _settings(serve(held), tmp_path / "store")
        done = _collect(settings)
        assert done.problems == []
        assert "is now called netbpf/platform" in done.sources[0].remarks[0]
        assert "pulls/000002/reviews/page-0001.json" in _keys(settings)

    def test_a_rename_in_between_keeps_the_page_that_was_asked_for(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = repository(4, per_page=1)
        held.things |= {path.replace(ROOT, "/repositories/77"): value for path, value in held.things.items()}

        def rename(path: str) -> None:
            if path == f"{ROOT}/pulls/2":
                held.moved[REPO] = "/repositories/77"

        held.hook = rename
        settings = _settings(serve(held), tmp_path / "store")
        assert _collect(settings).problems == []
        assert b'"number": 4' in _bytes(settings, "pulls/list/page-0004.json")


class TestAccess:
    @pytest.mark.parametrize(
        ("value", "problem"), [(None, "holds no token"), ("  ", "holds no token"), ("se cret", "is no token")]
    )
    def test_without_a_token_nothing_is_asked(
        self, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None, problem: str
    ) -> None:
        held = serve(repository(1))
        monkeypatch.delenv("GITHUB_TOKEN")
        if value is not None:
            monkeypatch.setenv("AUDIT_HUB", value)
        done = _collect(_settings(held, tmp_path / "store", token_variable="AUDIT_HUB"))
        assert problem in _problems(done)
        assert "AUDIT_HUB" in _problems(done)
        assert "cret" not in _problems(done)
        assert held.asked == []

    def test_an_app_asks_with_a_token_for_which_it_signed(
        self, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("GITHUB_TOKEN")
        key = _key(tmp_path)
        held = serve(repository(1, app_key=key.public_key()))
        settings = _settings(
            held,
            tmp_path / "store",
            app_id=11,
            installation_id=22,
            private_key_file=str(tmp_path / "app.pem"),
        )
        assert _collect(settings).problems == []
        assert len(_keys(settings)) > 5

    def test_an_app_with_another_key_is_refused(self, serve: Serve, tmp_path: Path) -> None:
        _key(tmp_path)
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        held = serve(repository(1, app_key=other.public_key()))
        settings = _settings(
            held,
            tmp_path / "store",
            app_id=11,
            installation_id=22,
            private_key_file=str(tmp_path / "app.pem"),
        )
        assert "GitHub gave the App no token: it answered 401" in _problems(_collect(settings))

    def test_a_file_that_holds_no_key_is_a_slip_of_the_settings(self, tmp_path: Path) -> None:
        (tmp_path / "app.pem").write_text("no key")
        settings = _settings(
            FakeGitHub(url="http://127.0.0.1:1"),
            tmp_path / "store",
            app_id=11,
            installation_id=22,
            private_key_file=str(tmp_path / "app.pem"),
        )
        with pytest.raises(UsageError, match=r"app\.pem: not an unencrypted RSA private key"):
            _collect(settings)

    def test_tokens_never_reach_the_store_or_the_messages(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(2)
        held.faults[f"{ROOT}/pulls/1/reviews"] = [(500, {}, b"{}")] * 9
        settings = _settings(serve(held), tmp_path / "store")
        done = _collect(settings)
        assert TOKEN not in repr(done)
        assert not any(
            TOKEN.encode() in path.read_bytes() for path in settings.store_path.rglob("*") if path.is_file()
        )


class TestResume:
    def test_a_killed_run_is_gone_on_with(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(30)
        reached = threading.Event()
        release = threading.Event()

        def stop(path: str) -> None:
            if path == f"{ROOT}/pulls/20/reviews" and not release.is_set():
                reached.set()
                release.wait(30)

        held.hook = stop
        serve(held)
        _write(tmp_path / "audit.toml", _values(held, tmp_path / "store"))
        process = subprocess.Popen(
            [sys.executable, "-m", "audit.cli", "collect", "github", "-s", str(tmp_path / "audit.toml")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert reached.wait(60)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            release.set()
        settings = _settings(held, tmp_path / "store")
        assert _keys(settings) == []
        time.sleep(0.2)
        held.asked.clear()
        done = _collect(settings)
        assert done.problems == []
        asked = [one.path for one in held.asked]
        brought = [f"{ROOT}/pulls/{n}" for n in range(1, 20)] + [f"{ROOT}/commits/{sha(19, 'merge')}"]
        assert [path for path in asked if path.split("?")[0].removesuffix("/reviews") in brought] == []
        sent = [one.path.split("/") for one in held.asked if one.status == 200]
        of_pulls = [path for path in sent if len(path) > 5 and path[4] in ("pulls", "issues", "commits")]
        assert len(of_pulls) <= 11 * 7
        assert sum(key.endswith("/pull.json") for key in _keys(settings)) == 30
        assert verify(Store(settings.store_path)) == []


def _organisation(held: FakeGitHub, store: Path, **github: Any) -> Settings:
    values = _values(held, store, **github)
    values["sources"] = [{"name": "org", "location": "github:netbpf"}]
    return Settings.model_validate(values)


class TestBesidesPulls:
    def test_changes_of_refs_are_read_back_to_the_day_that_the_settings_name(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = repository(0, per_page=2)
        times = ["2026-09-01", "2026-08-01", "2026-07-02", "2026-06-01", "2026-05-01", "2026-04-01"]
        held.things[f"{ROOT}/activity"] = [activity(n, f"{day}T10:00:00Z") for n, day in enumerate(times)]
        settings = _settings(serve(held), tmp_path / "store")
        assert _collect(settings).problems == []
        built = pipeline.build(settings)
        assert _rows(built, "git_operations", "repo", "operation_id") == [(REPO, n) for n in range(4)]
        assert built.tables["quarantine"].empty

    def test_deployments_come_with_their_statuses(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(0)
        held.things[f"{ROOT}/deployments"] = [deployment(2), deployment(1, "2026-06-01T10:00:00Z")]
        held.things[f"{ROOT}/deployments/2/statuses"] = [deployment_status(21, 2)]
        settings = _settings(serve(held), tmp_path / "store")
        assert _collect(settings).problems == []
        assert [key for key in _keys(settings) if key.startswith("deployments")] == [
            "deployments/2/statuses/page-0001.json",
            "deployments/page-0001.json",
        ]

    def test_runs_are_asked_for_by_month_and_by_fewer_days_where_a_search_does_not_give_them_all(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = repository(0)
        held.things[f"{ROOT}/actions/runs"] = [
            run(n, f"2026-08-{1 + n % 31:02}T10:00:00Z") for n in range(1900)
        ] + [run(9000, "2026-09-01T10:00:00Z")]
        settings = _settings(serve(held), tmp_path / "store")
        assert _collect(settings).problems == []
        keys = [key for key in _keys(settings) if key.startswith("runs/")]
        assert {key.split("/")[1] for key in keys} == {
            "2026-07-01..2026-07-31",
            "2026-08-01..2026-08-16",
            "2026-08-17..2026-08-31",
            "2026-09-01..2026-09-30",
            "2026-10-01..2026-10-31",
        }
        pages = [json.loads(_bytes(settings, key))["workflow_runs"] for key in keys]
        assert sorted(one["id"] for page in pages for one in page) == [*range(1900), 9000]

    def test_a_day_with_more_runs_than_a_search_gives_is_said(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(0)
        held.things[f"{ROOT}/actions/runs"] = [run(n, "2026-08-05T10:00:00Z") for n in range(1001)]
        done = _collect(_settings(serve(held), tmp_path / "store"))
        assert "1000 items came of the 1001 that it says it has" in _problems(done)
        assert [one.key for one in done.sources[0].unread] == ["runs/2026-08-05..2026-08-05/"]

    def test_rules_and_rights_are_kept_as_they_stand(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(0)
        held.things[f"{ROOT}/branches/main/protection"] = {"url": "x", "enforce_admins": {"enabled": True}}
        held.things[f"{ROOT}/rulesets"] = [{"id": 31, "name": "main"}]
        held.things[f"{ROOT}/rulesets/31"] = {"id": 31, "name": "main", "rules": [{"type": "deletion"}]}
        held.things[f"{ROOT}/collaborators"] = [{"login": "ada", "id": 1, "role_name": "admin"}]
        settings = _settings(serve(held), tmp_path / "store")
        done = _collect(settings)
        assert (done.problems, done.sources[0].remarks) == ([], [])
        assert {"protection/main.json", "rulesets/31.json", "collaborators/page-0001.json"} <= set(
            _keys(settings)
        )
        assert b"deletion" in _bytes(settings, "rulesets/31.json")

    def test_a_branch_without_protection_is_told_and_no_failure(self, serve: Serve, tmp_path: Path) -> None:
        done = _collect(_settings(serve(repository(0)), tmp_path / "store"))
        assert done.problems == []
        assert "no classic protection of branch 'main'" in done.sources[0].remarks[0]

    def test_an_empty_repository_and_a_plan_without_rules_are_told_and_no_failure(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held, path = repository(0), f"{ROOT}/branches/main/protection"
        upgrade = (
            403,
            {},
            b'{"message":"Upgrade to GitHub Pro or make this repository public to enable this feature."}',
        )
        settings = _settings(serve(held), tmp_path / "store")
        for answer, said in (
            ((404, {}, b'{"message":"Branch not found"}'), "no branch 'main'"),
            (upgrade, "its plan has no"),
        ):
            held.faults |= {path: [answer], f"{ROOT}/rulesets": [upgrade]}
            done = _collect(settings)
            assert done.problems == []
            first, second = done.sources[0].remarks
            assert said in first
            assert "its plan has no rulesets" in second

    def test_who_may_not_see_the_protection_is_told_what_to_allow(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(0)
        held.faults[f"{ROOT}/branches/main/protection"] = [(404, {}, b'{"message":"Not Found"}')]
        problem = _problems(_collect(_settings(serve(held), tmp_path / "store")))
        assert "Administration: read" in problem

    def test_the_name_of_a_branch_is_no_path(self, serve: Serve, tmp_path: Path) -> None:
        held = repository(0)
        held.things[ROOT]["default_branch"] = "release/../x?y"
        held.things[f"{ROOT}/branches/release%2F..%2Fx%3Fy/protection"] = {"url": "x"}
        settings = _settings(serve(held), tmp_path / "store")
        assert _collect(settings).problems == []
        assert "protection/release%2F..%2Fx%3Fy.json" in _keys(settings)

    def test_what_is_collected_unless_the_settings_say_otherwise_can_all_be_read(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        held = repository(2)
        held.things[f"{ROOT}/activity"] = [activity(1, "2026-09-01T10:00:00Z")]
        held.things[f"{ROOT}/deployments"] = [deployment(2)]
        held.things[f"{ROOT}/deployments/2/statuses"] = [deployment_status(21, 2)]
        held.things[f"{ROOT}/actions/runs"] = [run(1, "2026-08-05T10:00:00Z")]
        off, on = {"enabled": False}, {"enabled": True}
        held.things[f"{ROOT}/branches/main/protection"] = {
            "url": f"https://api.github.com{ROOT}/branches/main/protection",
            "enforce_admins": on,
            "allow_force_pushes": off,
            "allow_deletions": off,
        }
        held.things[f"{ROOT}/rulesets"] = [{"id": 31, "name": "all", "source": REPO, "enforcement": "active"}]
        held.things[f"{ROOT}/rulesets/31"] = held.things[f"{ROOT}/rulesets"][0] | {
            "rules": [{"type": "deletion"}]
        }
        values = _values(serve(held), tmp_path / "store")
        del values["github"]["leave_out"]
        settings = Settings.model_validate(values)
        assert _collect(settings).problems == []
        built = pipeline.build(settings)
        assert built.tables["quarantine"].empty
        assert _rows(built, "git_operations", "repo") == [(REPO,)]
        assert _rows(built, "forge_deployments", "repo", "deployment_id") == [(REPO, 2)]
        assert _rows(built, "forge_deployment_statuses", "deployment_id", "state") == [(2, "success")]
        assert _rows(built, "workflow_runs", "repo", "run_id") == [(REPO, 1)]
        assert _rows(built, "protections", "scope", "kind", "rule", "force_pushes") == [
            (REPO, "classic", "main", False),
            (REPO, "ruleset", "31", True),
        ]

    def test_parts_that_the_settings_leave_out_are_not_asked_for(self, serve: Serve, tmp_path: Path) -> None:
        held = serve(repository(1))
        assert _collect(_settings(held, tmp_path / "store", leave_out=PARTS)).problems == []
        assert {one.path.split("?")[0].split("/")[4] for one in held.asked[1:]} == {
            "pulls",
            "issues",
            "commits",
        }
        assert not any(one.path.endswith("statuses?per_page=100") for one in held.asked)


class TestOrganisation:
    def test_people_teams_and_rules_are_kept(self, serve: Serve, tmp_path: Path) -> None:
        settings = _organisation(serve(organisation()), tmp_path / "store")
        done = _collect(settings)
        assert done.problems == []
        assert _keys(settings) == [
            "members/admin/page-0001.json",
            "members/member/page-0001.json",
            "rulesets/31.json",
            "teams/page-0001.json",
            "teams/platform/members/maintainer/page-0001.json",
            "teams/platform/members/member/page-0001.json",
            "teams/platform/repos/page-0001.json",
        ]
        built = pipeline.build(settings)
        assert {
            (row[0], row[1], row[2], row[3])
            for row in _rows(built, "memberships", "scope", "team", "role", "login")
        } == {
            *(
                ("organisation", "", role, login)
                for role in ("admin", "member")
                for login in ("ada", "grace")
            ),
            *(("team", "platform", role, "grace") for role in ("maintainer", "member")),
        }
        assert _rows(built, "teams", "team", "name") == [("platform", "Platform")]
        assert _rows(built, "repo_grants", "repo", "holder_kind", "holder", "role") == [
            (REPO, "team", "platform", "write")
        ]

    @pytest.mark.parametrize("status", [403, 404])
    def test_a_plan_without_audit_log_is_told_and_no_failure(
        self, serve: Serve, tmp_path: Path, status: int
    ) -> None:
        held = organisation()
        held.faults["/orgs/netbpf/audit-log"] = [(status, {}, b'{"message":"Upgrade your plan"}')]
        done = _collect(_organisation(serve(held), tmp_path / "store"))
        assert done.problems == []
        assert f"no audit log: GET /orgs/{{org}}/audit-log answered {status}" in done.sources[0].remarks[0]

    def test_who_may_not_read_the_audit_log_is_told_what_to_allow(self, serve: Serve, tmp_path: Path) -> None:
        held = organisation()
        said = b'{"message":"Resource not accessible by personal access token"}'
        held.faults["/orgs/netbpf/audit-log"] = [(403, {}, said)]
        done = _collect(_organisation(serve(held), tmp_path / "store"))
        assert "Administration: read (of the organisation)" in _problems(done)
        assert done.sources[0].remarks == []

    def test_the_audit_log_gives_events(self, serve: Serve, tmp_path: Path) -> None:
        held = organisation()
        held.things["/orgs/netbpf/audit-log"] = [
            {
                "@timestamp": 1785578400000,
                "_document_id": f"event-{n}",
                "action": "protected_branch.destroy",
                "actor": "ada",
                "created_at": 1785578400000,
                "org": "netbpf",
                "repo": REPO,
                "name": "main",
            }
            for n in range(3)
        ]
        parts = ["members", "teams", "rules"]
        settings = _organisation(serve(held), tmp_path / "store", leave_out=parts)
        assert _collect(settings).problems == []
        built = pipeline.build(settings)
        assert len(built.tables["forge_events"]) == 3
        assert built.tables["quarantine"].empty


class TestCommand:
    def test_only_githubs_sources_or_one_of_them_are_collected(
        self, serve: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        held = serve(repository(1))
        (tmp_path / "export").mkdir()
        (tmp_path / "export" / "a.json").write_text("{}")
        values = _values(held, tmp_path / "store")
        values["sources"] += [
            {"name": "files", "location": "file:export"},
            {"name": "other", "location": "github:netbpf/other"},
        ]
        path = _write(tmp_path / "audit.toml", values)
        command = [
            "collect",
            "github",
            "--repository",
            REPO,
            "-s",
            str(path),
            "--as-of",
            "2026-10-02",
            "--json",
        ]
        assert main(command) == 0
        assert [source["name"] for source in json.loads(capfd.readouterr().out)["sources"]] == ["hub"]
        assert main(["collect", "github", "-s", str(path)]) == 3
        assert "'other'" in (printed := capfd.readouterr()).out + printed.err
        assert main(["collect", "folder", "-s", str(path), "--json"]) == 0
        assert [source["name"] for source in json.loads(capfd.readouterr().out)["sources"]] == ["files"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["github", "--repository", "netbpf/unknown"], "no source github:netbpf/unknown"),
            (["--repository", REPO], "--repository is of GitHub's sources alone"),
            (["s3"], "no source of the kind 's3'"),
        ],
    )
    def test_what_the_settings_do_not_name_is_a_slip(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str
    ) -> None:
        path = _write(
            tmp_path / "audit.toml", _values(FakeGitHub(url="http://127.0.0.1:1"), tmp_path / "store")
        )
        assert main(["collect", *arguments, "-s", str(path)]) == 2
        assert message in capfd.readouterr().err


def _key(folder: Path) -> rsa.RSAPrivateKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (folder / "app.pem").write_bytes(pem)
    return key


def _write(path: Path, values: dict[str, Any]) -> Path:
    """Settings as TOML."""
    lines = [f"store = {json.dumps(values['store'])}"]
    for name in ("organisation", "github"):
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values[name].items())]
    for source in values["sources"]:
        lines += ["[[sources]]", *(f"{key} = {json.dumps(value)}" for key, value in source.items())]
    path.write_text("\n".join(lines) + "\n")
    return path
