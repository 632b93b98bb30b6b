"""GraphQL's answers and what `gh --json` prints: the rows of REST exports, and lists that are not whole."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from evidence_records import (
    API,
    CHECK,
    CLI_PULL,
    CLI_RUN,
    CONTEXT,
    DISMISSAL,
    GRAPH_PULL,
    GRAPHQL,
    PULL,
    REVIEW,
    STATUS,
    WORKFLOW_RUN,
    left_out,
    lines,
    parse_bytes,
    read,
    refused,
)

from audit.normalise import github_graph_items as items
from audit.normalise.github_graph import Pull
from audit.normalise.interface import Context

NOWHERE = Context("forge", "pulls.json")


def bare(rows: list[dict[str, Any]], *without: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in ("evidence", "line", *without)} for row in rows]


def answer(**fields: Any) -> dict[str, Any]:
    """An answer whose pull request differs in some fields."""
    found = copy.deepcopy(GRAPHQL)
    found["data"]["repository"]["pullRequests"]["nodes"][0] |= fields
    return found


def test_an_answer_gives_the_rows_of_rest_exports() -> None:
    told = read(GRAPHQL, context=NOWHERE)
    assert told.formats == {"github-graphql"}
    pull = PULL | {"merged_by": {"login": "grace"}, "commits": 3}
    for table, record in (("pull_requests", pull), ("reviews", REVIEW), ("review_dismissals", DISMISSAL)):
        assert bare(told.rows[table]) == bare(read(record).rows[table]), table
    run, status = sorted(told.rows["checks"], key=lambda row: str(row["kind"]))
    assert bare([run]) == bare(read(CHECK).rows["checks"])
    (own,) = read(STATUS).rows["checks"]
    assert bare([status], "check_id") == bare([own | {"app": None}], "check_id")
    assert status["check_id"] < 0  # GraphQL has no number of a status


def test_the_command_line_gives_the_same_without_the_numbers_that_it_lacks() -> None:
    told = read(CLI_PULL, context=NOWHERE)
    assert told.formats == {"github-cli-pulls"}
    pull = PULL | {"merged_by": {"login": "grace"}, "commits": 3}
    assert bare(told.rows["pull_requests"]) == bare(read(pull).rows["pull_requests"])
    assert bare(told.rows["reviews"], "review_id") == bare(read(REVIEW).rows["reviews"], "review_id")
    run, status = sorted(told.rows["checks"], key=lambda row: str(row["kind"]))
    assert bare([run], "check_id", "app") == bare(read(CHECK).rows["checks"], "check_id", "app")
    assert bare([status], "check_id") == bare(read(STATUS).rows["checks"], "check_id")
    assert all(row["review_id"] < 0 for row in told.rows["reviews"])
    assert all(row["check_id"] < 0 for row in told.rows["checks"])


def test_a_list_as_the_command_line_prints_it_is_opened() -> None:
    parsed = parse_bytes(json.dumps([CLI_PULL, CLI_PULL | {"number": 8}], indent=2).encode(), NOWHERE)
    assert (parsed.kept, parsed.quarantined) == (2, [])
    assert [row["number"] for row in parsed.rows["pull_requests"]] == [7, 8]


def test_runs_are_those_of_rest_but_for_who_and_where() -> None:
    (told,) = read(CLI_RUN, context=NOWHERE).rows["workflow_runs"]
    unsaid = ("actor", "triggering_actor", "path")
    assert bare([told], *unsaid) == bare(read(WORKFLOW_RUN).rows["workflow_runs"], *unsaid)
    assert [told[name] for name in unsaid] == [None, None, None]
    (running,) = read(CLI_RUN | {"conclusion": "", "status": "in_progress"}).rows["workflow_runs"]
    assert running["conclusion"] is None
    assert refused(CLI_RUN | {"url": "https://example.org"}).endswith("url names no run")


@pytest.mark.parametrize(
    "data",
    [
        {"repository": {"pullRequest": GRAPH_PULL}},
        {"node": GRAPH_PULL},
        {"search": {"issueCount": 1, "edges": [{"node": GRAPH_PULL}]}},
        {"mine": {"prs": {"edges": [{"cursor": "x", "node": GRAPH_PULL}]}}},
        {"organization": {"repositories": {"nodes": [{"pullRequests": {"nodes": [GRAPH_PULL]}}]}}},
    ],
)
def test_wherever_a_pull_request_stands_it_is_one(data: dict[str, Any]) -> None:
    parsed = read({"data": data}, context=NOWHERE)
    assert bare(parsed.rows["pull_requests"]) == bare(read(GRAPHQL).rows["pull_requests"])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"url": None, "resourcePath": "/netbpf/netbpf-gitops/pull/7"},
        {"url": None, "repository": {"nameWithOwner": "netbpf/netbpf-gitops"}},
        {"url": None},
    ],
)
def test_the_repository_is_told_by_the_object_or_by_what_it_stands_below(fields: dict[str, Any]) -> None:
    (row,) = read(answer(**fields), context=NOWHERE).rows["pull_requests"]
    assert row["repo"] == "netbpf/netbpf-gitops"


@pytest.mark.parametrize(
    ("author", "login"),
    [
        ({"login": "dependabot", "__typename": "Bot"}, "dependabot[bot]"),
        ({"login": "app/dependabot", "is_bot": True}, "dependabot[bot]"),
        ({"login": "x[bot]", "__typename": "Bot"}, "x[bot]"),
        ({"login": "ada", "__typename": "User"}, "ada"),
        (None, None),
    ],
)
def test_apps_are_named_as_rest_names_them(author: Any, login: str | None) -> None:
    assert read(answer(author=author)).rows["pull_requests"][0]["author"] == login


@pytest.mark.parametrize("state", ["OPEN", "CLOSED", "MERGED"])
def test_states_and_commits_of_the_merge(state: str) -> None:
    merged = state == "MERGED"
    fields = {} if merged else {"mergedAt": None, "mergedBy": None}
    (row,) = read(answer(state=state, **fields)).rows["pull_requests"]
    assert row["state"] == ("open" if state == "OPEN" else "closed")
    assert (row["merge_sha"] is not None) == merged


def cut(record: dict[str, Any]) -> list[tuple[Any, ...]]:
    rows = read(record).rows.get("export_lists", [])
    return [(row["list"], row["held"], row["total"], row["later"], row["earlier"]) for row in rows]


WHOLE = ("repository.pullRequests", 1, 1, False, False)
REVIEWS = GRAPH_PULL["reviews"]["nodes"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, None),
        ({"reviews": {"nodes": REVIEWS, "pageInfo": {"hasNextPage": True}}}, ("#7.reviews", 1, None, True, None)),
        ({"reviews": {"nodes": REVIEWS, "pageInfo": {"hasNextPage": False, "hasPreviousPage": True}}},
         ("#7.reviews", 1, None, False, True)),
        ({"reviews": {"nodes": REVIEWS, "totalCount": 4}}, ("#7.reviews", 1, 4, None, None)),
        ({"reviews": {"nodes": REVIEWS}}, ("#7.reviews", 1, None, None, None)),
        ({"reviews": {"nodes": []}}, None),
        ({"reviews": {"nodes": REVIEWS, "totalCount": 1}}, None),
        ({"timelineItems": {"nodes": [{}], "totalCount": 9, "filteredCount": 1}}, None),
        ({"labels": {"nodes": [{"name": "a"}], "totalCount": 2}}, ("#7.labels", 1, 2, None, None)),
        ({"statusCheckRollup": {"contexts": {"nodes": [], "totalCount": 3}}}, ("#7.statusCheckRollup", 0, 3, None, None)),
    ],
)  # fmt: skip
def test_a_list_that_does_not_show_to_be_whole_is_told(
    fields: dict[str, Any], told: tuple[Any, ...] | None
) -> None:
    assert cut(answer(**fields)) == [*([told] if told else []), WHOLE]


def test_the_command_line_gives_a_hundred_at_most() -> None:
    review = CLI_PULL["reviews"][0]
    assert cut(CLI_PULL | {"reviews": [review | {"id": str(n)} for n in range(99)]}) == []
    full = [review | {"id": str(n)} for n in range(100)]
    assert cut(CLI_PULL | {"reviews": full}) == [("#7.reviews", 100, None, True, None)]


def test_every_page_of_pull_requests_is_told() -> None:
    page = copy.deepcopy(GRAPHQL)
    page["data"]["repository"]["pullRequests"] |= {"pageInfo": {"hasNextPage": True}, "totalCount": 2}
    assert cut(page) == [("repository.pullRequests", 1, 2, True, None)]
    empty = {"data": {"repository": {"pullRequests": {"nodes": [], "totalCount": 0}}}}
    assert cut(empty) == [("repository.pullRequests", 0, 0, None, None)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"reviews": {"totalCount": 1, "nodes": [{"state": "APPROVED"}]}},
         "github-graphql: #7.reviews: review: Object missing required field `author`"),
        ({"reviews": {"totalCount": 1}}, "github-graphql: #7.reviews: a list has neither nodes nor edges"),
        ({"reviews": {"totalCount": 1, "nodes": [REVIEWS[0] | {"state": "SHRUGGED"}]}},
         "github-graphql: #7.reviews: unknown state 'SHRUGGED'"),
        ({"reviews": {"totalCount": 1, "nodes": [REVIEWS[0] | {"submittedAt": None}]}},
         "github-graphql: #7.reviews: submittedAt is missing, and it is not pending"),
        ({"timelineItems": {"totalCount": 1, "nodes": [
            {"createdAt": "2026-07-01T09:40:00Z", "actor": None, "previousReviewState": "APPROVED", "review": None}]}},
         "github-graphql: #7.timelineItems: review_dismissed: Expected `object`, got `null` - at `$.review`"),
        ({"statusCheckRollup": [{"context": "x", "state": "ODD"}]},
         "github-graphql: #7.statusCheckRollup: unknown state 'ODD'"),
        ({"statusCheckRollup": [{"context": "x", "state": "SUCCESS"}]},
         "github-graphql: #7.statusCheckRollup: createdAt is missing"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_of_a_pull_request_leaves_the_rest(fields: dict[str, Any], reason: str) -> None:
    assert left_out(answer(**fields)) == reason


def test_a_status_that_nobody_has_set_is_no_check() -> None:
    rollup = [{"context": "x", "state": "EXPECTED", "createdAt": "2026-07-01T09:05:00Z"}]
    checks = read(answer(statusCheckRollup=rollup)).rows["checks"]
    assert "x" not in [row["name"] for row in checks]


def test_a_time_that_the_command_line_makes_of_none_is_none() -> None:
    running = CLI_PULL["statusCheckRollup"][0] | {
        "status": "IN_PROGRESS", "conclusion": "", "completedAt": "0001-01-01T00:00:00Z"
    }  # fmt: skip
    (row,) = read(CLI_PULL | {"statusCheckRollup": [running]}).rows["checks"]
    assert (row["status"], row["conclusion"], row["completed_at"]) == ("in_progress", None, None)


def test_a_pull_request_that_lacks_what_the_table_needs_is_refused_by_name() -> None:
    without = {k: v for k, v in CLI_PULL.items() if k != "headRefOid"}
    assert refused(without).endswith("pull request: ask for headRefOid as well")
    assert refused(CLI_PULL | {"url": None}, context=NOWHERE).endswith(
        "neither the record nor its source names a repository"
    )
    other = copy.deepcopy(GRAPHQL)
    other["data"]["repository"]["pullRequests"]["nodes"].append({"__typename": "PullRequest", "number": 8})
    assert "pull request: ask for title, state, author, createdAt, updatedAt, mergedAt, " in left_out(other)


def test_errors_are_told_and_not_their_words() -> None:
    error = {"type": "FORBIDDEN", "message": "pretend-value", "path": ["repository"]}
    said = "GitHub answered with an error (FORBIDDEN): what it concerns is missing"
    assert left_out(GRAPHQL | {"errors": [error]}) == f"github-graphql: {said}"
    assert refused({"data": None, "errors": [error]}) == f"not a github-graphql record: {said}"
    assert refused({"data": None, "errors": [{"type": "a b"}]}).endswith(
        "with an error: what it concerns is missing"
    )


def test_an_item_that_is_not_shown_is_told() -> None:
    hidden = copy.deepcopy(GRAPHQL)
    hidden["data"]["repository"]["pullRequests"]["nodes"].append(None)
    assert left_out(hidden) == "github-graphql: repository.pullRequests: an item that is not shown"


def test_what_is_nested_too_deep_is_refused() -> None:
    deep: Any = {"pullRequests": 1}
    for _ in range(60):
        deep = {"x": deep}
    assert refused({"data": deep}).endswith("nested too deep")


def test_rest_and_graphql_of_one_source_are_told_apart() -> None:
    parsed = parse_bytes(lines(PULL, GRAPHQL, CLI_PULL, CLI_RUN, REVIEW), CONTEXT)
    assert parsed.by_format == dict.fromkeys(
        ("github-pulls", "github-graphql", "github-cli-pulls", "github-cli-runs", "github-reviews"), 1
    )
    assert API.endswith("netbpf/netbpf-gitops")


GUIDE = Path(__file__).parents[2] / "docs/how-to/bring-evidence.md"
ASKED = re.compile(r"gh api graphql --paginate .*?query='(.*?)' > pulls.json", re.DOTALL)


def test_the_query_of_the_guide_asks_for_all_that_is_read() -> None:
    """Every field that the reader needs or takes, and of every list whether it is whole."""
    found = ASKED.search(GUIDE.read_text(encoding="utf-8"))
    assert found is not None
    query = found[1]
    assert query.count("{") == query.count("}")
    words = set(re.findall(r"\w+", query))
    optional = {"resourcePath", "repository", "id", "fullDatabaseId", "startedAt", "statusCheckRollup"}
    for shape in (Pull, items._Review, items._Dismissed, items._Run, items._Status):
        names = {field.encode_name for field in msgspec.structs.fields(shape)}
        assert names - optional <= words, shape
    for name in ("pullRequests", "labels", "reviews", "timelineItems", "commits", "contexts"):
        assert re.search(rf"{name}\([^)]*\) {{ (totalCount|filteredCount)", query), name
