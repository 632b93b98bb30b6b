"""Pull requests that land together: through a merge queue, or in a merge robot's batch."""

from __future__ import annotations

from typing import Any

import pytest
from forge_rows import at, pull, push
from git_repo import Repo
from landing_rows import Found

KIND = ("kind", "via", "pr_number", "link", "confidence")


def branch(repo: Repo, name: str, *, author: str = "ann", start: str = "main") -> str:
    """A branch with one commit of its own; its id."""
    repo.branch(name, start)
    made = repo.commit(f"work on {name}", {f"{name}.txt": "x\n"}, author=author)
    repo.main()
    return made


def test_a_merge_queue_lands_each_pull_request_by_itself(repo: Repo) -> None:
    """One operation moves main over all of them; the second one is a rebase of two commits."""
    before = repo.sha()
    first = repo.commit("One (#1)", committer="GitHub")
    repo.commit("part 1", committer="bob")
    second = repo.commit("part 2", committer="bob")
    head = branch(repo, "three")
    third = repo.merge("Merge pull request #3 from acme/three", "three", committer="GitHub")
    found = Found(
        repo,
        pull(1, first),
        pull(2, second, commits=2),
        pull(3, third, head_sha=head),
        pushes=(push(1, before, third, "merge_queue_merge"),),
    )
    assert found.told(*KIND, "mainline_commits") == [
        ("squash", "merge queue", 1, "merge sha", "certain", 1),
        ("rebase", "merge queue", 2, "merge sha", "certain", 2),
        ("merge", "merge queue", 3, "merge sha", "certain", 1),
    ]


def test_the_queues_operation_alone_gives_no_rebase_another_ones_commits(repo: Repo) -> None:
    """The export does not hold the first pull request: its commit stays its own."""
    before = repo.sha()
    repo.commit("of a pull request that is not in evidence")
    second = repo.commit("single commit", committer="bob")
    found = Found(repo, pull(2, second, commits=1), pushes=(push(1, before, second, "merge_queue_merge"),))
    assert found.told("kind", "pr_number", "mainline_commits") == [("direct", None, 1), ("rebase", 2, 1)]


def test_a_branch_of_the_queue_tells_the_queue_too(repo: Repo) -> None:
    before = repo.sha()
    head = repo.commit("One (#1)", committer="GitHub")
    ref = f"refs/heads/gh-readonly-queue/main/pr-1-{before}"
    made = push(1, "0" * 40, head, "branch_creation", ref=ref)
    assert Found(repo, pull(1, head), pushes=(made,)).told("via") == [("merge queue",)]
    other = push(1, "0" * 40, head, "branch_creation", ref=ref.replace("/main/", "/release/"))
    assert Found(repo, pull(1, head), pushes=(other,)).told("via") == [("pull request",)]


def batch(repo: Repo, subject: str = "Merge #12 #13", *, author: str = "bors") -> tuple[str, str, str]:
    """A robot's merge of two branches, by ann and by bob: its commit and their last ones."""
    heads = branch(repo, "one"), branch(repo, "two", author="bob")
    return (repo.merge(subject, "one", "two", author=author), *heads)


def test_a_batch_is_one_landing_of_all_its_pull_requests(repo: Repo) -> None:
    """The forge names the commit for one of them; of the other it knows that it was merged."""
    merge, one, two = batch(repo)
    found = Found(repo, pull(13, None, head_sha=two), pull(12, merge, head_sha=one))
    assert found.told(*KIND, "commits", "landed_at") == [
        ("merge", "batch", 12, "merge sha", "certain", 3, at(10))
    ]
    assert found.held("head_sha", "pr_number", "link", "confidence", "authors") == [
        ("Merge #12 #13", 12, "merge sha", "certain", "ann@example.org"),
        ("Merge #12 #13", 13, "batch", "strong", "bob@example.org"),
    ]
    assert found.told("authors") == [("ann@example.org bob@example.org",)]


@pytest.mark.parametrize("names_the_batch", [True, False])
def test_the_lowest_number_stands_for_the_batch_whatever_the_forge_lists_first(
    repo: Repo, names_the_batch: bool
) -> None:
    merge, one, two = batch(repo, "Merge #13 #12")
    said = merge if names_the_batch else None
    found = Found(repo, pull(13, said, head_sha=two), pull(12, said, head_sha=one))
    assert found.told("pr_number", "via") == [(12, "batch")]
    assert [number for (number,) in found.held("pr_number")] == [12, 13]


CLOSED = {"merged_at": None, "merged_by": None, "title_text": "[Merged by Bors] - Do it"}


@pytest.mark.parametrize(
    ("evidence", "complete", "expected"),
    [
        ({}, True, "strong"),
        ({"head_sha": "c" * 40}, True, "weak"),  # its last commit is not there
        (CLOSED, True, "strong"),
        (CLOSED | {"head_sha": "c" * 40}, True, "weak"),
        (CLOSED | {"title_text": "Do it"}, True, None),  # closed, and nobody says why
        (CLOSED | {"state": "open"}, True, None),
        ({"base_ref": "release"}, True, None),
        ({"merge_sha": "d" * 40}, True, None),  # the forge names another commit
        ({"number": 99}, True, None),  # there is no such pull request
        ({"number": 99}, False, "weak"),  # nobody knows
    ],
)
def test_a_robots_word_counts_as_far_as_the_forge_bears_it_out(
    repo: Repo, evidence: dict[str, Any], complete: bool, expected: str | None
) -> None:
    _, one, _ = batch(repo, "Auto merge of #12 - acme:one, r=bob")
    found = Found(repo, pull(12, None, head_sha=one) | evidence, complete=complete)
    wanted = (
        ("merge", "batch", 12, "batch", expected)
        if expected
        else ("direct", "branch merge", None, "none", "none")
    )
    assert found.told(*KIND) == [wanted]


@pytest.mark.parametrize(
    ("subject", "author"),
    [("Merge #12 #13", "ann"), ("Try #12", "bors"), ("Merge #12 by hand", "bors"), ("see #12", "bors")],
)
def test_what_no_robot_says_of_a_merge_is_no_batch(repo: Repo, subject: str, author: str) -> None:
    _, one, two = batch(repo, subject, author=author)
    found = Found(repo, pull(12, None, head_sha=one), pull(13, None, head_sha=two))
    assert found.told("kind", "via", "pr_number") == [("direct", "branch merge", None)]
    assert found.held("pr_number") == []


def test_a_robots_squash_is_known_by_its_patch_and_else_by_its_word(repo: Repo) -> None:
    one, two = branch(repo, "one"), "c" * 40
    repo.commit("Do one (#12)", {"one.txt": "x\n"}, committer="bors")
    repo.commit("Do two (#13)", {"two.txt": "x\n"}, committer="bors")
    repo.commit("by hand (#14)", {"three.txt": "x\n"})
    made = [pull(n, None, head_sha=head, **CLOSED) for n, head in ((12, one), (13, two), (14, two))]
    assert Found(repo, *made).told(*KIND) == [
        ("squash", "batch", 12, "patch-id", "strong"),
        ("squash", "batch", 13, "batch", "weak"),
        ("direct", "push", None, "none", "none"),
    ]


def test_prow_merges_through_the_forge_and_is_no_robot_of_its_own(repo: Repo) -> None:
    head = branch(repo, "one")
    merge = repo.merge("Merge pull request #7 from acme/one", "one", author="bob", committer="GitHub")
    squash = repo.commit("Two (#8)", committer="GitHub")
    found = Found(repo, pull(7, merge, head_sha=head, merged_by="prow[bot]"), pull(8, squash))
    assert found.told(*KIND) == [
        ("merge", "pull request", 7, "merge sha", "certain"),
        ("squash", "pull request", 8, "merge sha", "certain"),
    ]
    assert found.told("pusher")[0] == ("prow[bot]",)


def test_branches_of_a_batch_that_build_on_each_other_keep_their_own_commits(repo: Repo) -> None:
    one = branch(repo, "one")
    two = branch(repo, "two", author="bob", start="one")
    merge = repo.merge("Merge #12 #13", "two", author="bors")
    found = Found(repo, pull(12, merge, head_sha=one), pull(13, merge, head_sha=two))
    assert found.held("pr_number", "authors") == [(12, "ann@example.org"), (13, "bob@example.org")]


def test_content_of_the_batchs_own_is_the_work_of_all(repo: Repo) -> None:
    one, two = branch(repo, "one"), branch(repo, "two", author="bob")
    merge = repo.merge("Merge #12 #13", "one", "two", author="bors", resolve={"smuggled": "x\n"})
    found = Found(repo, pull(12, merge, head_sha=one), pull(13, merge, head_sha=two))
    (everyone,) = found.told("authors", "evil")
    assert everyone[1]
    assert found.held("authors") == [(everyone[0],), (everyone[0],)]
    assert "bors[bot]" in everyone[0]
