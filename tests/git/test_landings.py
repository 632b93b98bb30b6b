"""How the mainline is cut into landings, and how each is tied to its pull request."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from forge_rows import REPO, ZEROS, at, operations, pull, pulls, push
from git_repo import Repo

from audit.git import history, landings


def find(
    repo: Repo,
    *pull_rows: dict[str, Any],
    pushes: tuple[dict[str, Any], ...] = (),
    complete: bool = True,
    **more: Any,
) -> pd.DataFrame:
    """Landings after the root commit."""
    git = history.read(repo.path, repo=REPO, branch="main")
    found = landings.find(git, pulls(*pull_rows), operations(*pushes), forge_complete=complete, **more)[
        "landings"
    ]
    assert found["first_position"].tolist() == [0, *(found["position"][:-1] + 1)], "no gap, no overlap"
    assert found["mainline_commits"].sum() == git["repositories"]["mainline"][0]
    assert found["commits"].sum() == git["repositories"]["commits"][0]
    return found.iloc[1:].reset_index(drop=True)


def told(found: pd.DataFrame) -> list[tuple[Any, ...]]:
    rows = found[["kind", "pr_number", "link", "confidence", "mainline_commits"]].astype(object)
    return list(rows.where(rows.notna(), None).itertuples(index=False, name=None))


def branch_of(repo: Repo, commits: int, *, author: str = "ann") -> list[str]:
    repo.branch("side", "main")
    made = [repo.commit(f"work {number}", author=author) for number in range(commits)]
    repo.main()
    return made


def test_each_kind_is_told_by_the_forges_merge_sha(repo: Repo) -> None:
    branch_of(repo, 2)
    merge = repo.merge("Merge pull request #1 from acme/side", "side", author="bob", committer="GitHub")
    squash = repo.commit("Squashed (#2)", committer="GitHub")
    repo.commit("part 1", committer="bob")
    rebase = repo.commit("part 2", committer="bob")
    single = repo.commit("one commit", committer="bob")
    direct = repo.commit("direct")
    found = find(
        repo,
        pull(1, merge, commits=2),
        pull(2, squash, commits=3),
        pull(3, rebase, commits=2),
        pull(4, single),
    )
    assert told(found) == [
        ("merge", 1, "merge sha", "certain", 1),
        ("squash", 2, "merge sha", "certain", 1),
        ("rebase", 3, "merge sha", "certain", 2),
        ("rebase", 4, "merge sha", "certain", 1),
        ("direct", None, "none", "none", 1),
    ]
    assert found["head_sha"].tolist() == [merge, squash, rebase, single, direct]
    assert found["base_sha"].tolist() == [repo.sha(":/Start"), merge, squash, rebase, single]
    assert found["landed_at_source"].tolist() == ["forge"] * 4 + ["mainline"]
    assert found["pusher"].tolist()[:4] == ["bob"] * 4
    assert found["commits"].tolist() == [3, 1, 2, 1, 1]


def test_the_root_commit_is_a_landing(repo: Repo) -> None:
    git = history.read(repo.path, repo=REPO, branch="main")
    found = landings.find(git, pulls(), operations(), forge_complete=True)["landings"]
    assert found[["kind", "position", "files", "added"]].to_numpy().tolist() == [["direct", 0, 1, 9]]
    assert found["base_sha"].isna().all()


@pytest.mark.parametrize(
    ("subject", "committer", "evidence", "complete", "expected"),
    [
        ("x (#7)", "GitHub", (), False, ("squash", 7, "subject", "strong")),
        ("x (#7)", "GitHub", (pull(7, None),), True, ("squash", 7, "subject", "strong")),
        ("x (#7)", "GitHub", (pull(8, None),), False, ("squash", 7, "subject", "weak")),
        ("Revert 'y (#3)' (#7)", "GitHub", (), False, ("squash", 7, "subject", "strong")),
        ("x (#7)", "ann", (), False, ("direct", None, "none", "none")),
        ("x (#7)", "GitHub", (), True, ("direct", None, "none", "none")),
        ("x (#7)", "GitHub", (pull(8, None),), True, ("direct", None, "none", "none")),
        ("x (#7)", "GitHub", (pull(7, "d" * 40),), True, ("direct", None, "none", "none")),
        ("x (#7)", "GitHub", (pull(7, "d" * 40),), False, ("direct", None, "none", "none")),
        ("x (#7)", "GitHub", (pull(7, None, base_ref="release"),), True, ("direct", None, "none", "none")),
        ("x (#7)", "GitHub", (pull(7, None, merged_at=None),), True, ("direct", None, "none", "none")),
        ("fixes #12, see (#12) there", "GitHub", (), False, ("direct", None, "none", "none")),
        ("Merge pull request #7 from a/b", "GitHub", (), False, ("direct", None, "none", "none")),
        ("x (#0)", "GitHub", (), False, ("direct", None, "none", "none")),
    ],
)  # fmt: skip
def test_a_subject_is_believed_only_as_far_as_nothing_contradicts_it(
    repo: Repo,
    subject: str,
    committer: str,
    evidence: tuple[dict[str, Any], ...],
    complete: bool,
    expected: tuple[Any, ...],
) -> None:
    repo.commit(subject, committer=committer)
    (found,) = told(find(repo, *evidence, complete=complete))
    assert found[:4] == expected


@pytest.mark.parametrize(
    ("subject", "committer", "expected"),
    [
        ("Merge pull request #7 from a/b", "GitHub", ("merge", 7, "subject", "strong", 1)),
        ("Merge pull request #7 from a/b", "ann", ("direct", None, "none", "none", 1)),
        ("Merge branch 'side'", "GitHub", ("direct", None, "none", "none", 1)),
        ("tidy (#7)", "GitHub", ("direct", None, "none", "none", 1)),
    ],
)
def test_subjects_of_merge_commits(
    repo: Repo, subject: str, committer: str, expected: tuple[Any, ...]
) -> None:
    branch_of(repo, 2)
    repo.merge(subject, "side", committer=committer)
    found = find(repo, complete=False)
    assert told(found) == [expected]
    assert found["commits"].tolist() == [3]


def test_a_number_lands_once(repo: Repo) -> None:
    repo.commit("x (#7)", committer="GitHub")
    repo.commit("forged (#7)", committer="GitHub")
    assert [row[1] for row in told(find(repo, complete=False))] == [7, None]


def test_a_forged_subject_beside_the_real_one_is_a_direct_push(repo: Repo) -> None:
    real = repo.commit("x (#7)", committer="GitHub")
    repo.commit("forged (#7)", committer="GitHub")
    assert told(find(repo, pull(7, real))) == [
        ("squash", 7, "merge sha", "certain", 1),
        ("direct", None, "none", "none", 1),
    ]


def test_a_rebase_never_swallows_what_is_not_its_own(repo: Repo) -> None:
    other = repo.commit("of another")
    head = repo.commit("last of two")
    assert [row[0:2] for row in told(find(repo, pull(1, other), pull(2, head, commits=2)))] == [
        ("rebase", 1),
        ("rebase", 2),
    ]


def test_a_rebase_takes_only_what_was_written_together(repo: Repo) -> None:
    """The pull request holds two commits, of which one was on main already: a push by somebody else before it is none."""
    repo.commit("direct", committer="cyd")
    head = repo.commit("last of two", committer="bob")
    found = find(repo, pull(2, head, commits=2))
    assert [(row[0], row[4]) for row in told(found)] == [("direct", 1), ("rebase", 1)]


def test_a_rebase_takes_nothing_that_was_written_long_before(repo: Repo) -> None:
    repo.commit("direct", committer="bob")
    repo.clock += 3600
    head = repo.commit("last of two", committer="bob")
    found = find(repo, pull(2, head, commits=2))
    assert [(row[0], row[4]) for row in told(found)] == [("direct", 1), ("rebase", 1)]


def test_a_branch_that_was_moved_forward_is_whole_whoever_committed_it(repo: Repo) -> None:
    """Its last commit is the pull request's own: nothing was written anew."""
    repo.commit("part 1", author="cyd")
    repo.clock += 3600
    head = repo.commit("part 2", author="bob")
    found = find(repo, pull(2, head, commits=2, head_sha=head))
    assert [(row[0], row[4]) for row in told(found)] == [("rebase", 2)]


def test_a_rebase_does_not_reach_back_over_a_push(repo: Repo) -> None:
    """Whose end the forge recorded, though it recorded nothing of the merge."""
    root = repo.sha()
    pushed = repo.commit("direct", committer="bob")
    head = repo.commit("last of two", committer="bob")
    found = find(repo, pull(2, head, commits=2), pushes=(push(1, root, pushed),))
    assert [(row[0], row[4]) for row in told(found)] == [("direct", 1), ("rebase", 1)]


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("exported", [True, False])
def test_a_push_contradicts_a_subject(repo: Repo, complete: bool, exported: bool) -> None:
    """Whatever else is known of the forge: it says that somebody pushed what claims to be its own squash."""
    root = repo.sha()
    forged = repo.commit("tidy (#9)", committer="GitHub")
    rows = (pull(1, "e" * 40),) if exported else ()
    found = find(repo, *rows, complete=complete, pushes=(push(1, root, forged),))
    assert [row[0] for row in told(found)] == ["direct"]
    assert [row[0] for row in told(find(repo, *rows, complete=False))] == ["squash"]


def test_a_date_is_not_believed_against_the_forges_times_around_it(repo: Repo) -> None:
    """Moved to the nearest time that can be true; what can be true is left as it is."""
    first = repo.commit("x (#1)", committer="GitHub")
    repo.commit("too early")
    repo.clock = int(at(5).timestamp())
    repo.commit("in between")
    repo.clock = int(at(50).timestamp())
    repo.commit("too late")
    last = repo.commit("x (#2)", committer="GitHub")
    found = find(repo, pull(1, first, merged_at=at(1)), pull(2, last, merged_at=at(9)))
    assert found["landed_at_source"].tolist() == ["forge", "mainline", "committer", "mainline", "forge"]
    assert found["landed_at"].tolist() == [pd.Timestamp(at(minute)) for minute in (1, 1, 6, 9, 9)]


def test_where_the_forges_times_are_in_another_order_nothing_is_moved(repo: Repo) -> None:
    first = repo.commit("x (#1)", committer="GitHub")
    repo.commit("between")
    last = repo.commit("x (#2)", committer="GitHub")
    found = find(repo, pull(1, first, merged_at=at(9)), pull(2, last, merged_at=at(1)))
    assert found["landed_at_source"].tolist() == ["forge", "committer", "forge"]


def test_a_squash_with_a_subject_of_its_own_swallows_no_direct_push(repo: Repo) -> None:
    repo.commit("direct")
    head = repo.commit("edited title", committer="GitHub")
    assert [row[0] for row in told(find(repo, pull(2, head, commits=2)))] == ["direct", "squash"]


def test_the_forges_own_record_of_a_merge_says_how_many_commits_it_put_there(repo: Repo) -> None:
    """Two commits were rebased away as empty: the pull request holds four, the mainline got two."""
    direct = repo.commit("direct")
    repo.commit("part 1", committer="bob")
    head = repo.commit("part 2", committer="bob")
    found = find(repo, pull(2, head, commits=4), pushes=(push(1, direct, head, "pr_merge"),))
    assert [(row[0], row[4]) for row in told(found)] == [("direct", 1), ("rebase", 2)]


def test_commits_of_one_push_are_one_landing(repo: Repo) -> None:
    root = repo.sha()
    a = [repo.commit(f"a{n}") for n in range(3)]
    b = [repo.commit(f"b{n}") for n in range(2)]
    loose = repo.commit("no record of it")
    found = find(
        repo,
        pushes=(
            push(1, root, a[-1]),
            push(2, a[-1], b[-1], actor="dan"),
            push(3, ZEROS, b[-1], ref="refs/heads/x"),
        ),
    )
    assert [row[4] for row in told(found)] == [3, 2, 1]
    assert found["head_sha"].tolist() == [a[-1], b[-1], loose]
    assert found["pusher"].tolist()[:2] == ["cyd", "dan"]
    assert found["landed_at"].tolist()[:2] == [pd.Timestamp(at(1)), pd.Timestamp(at(2))]
    assert found["landed_at_source"].tolist() == ["forge", "forge", "mainline"]


def test_a_pull_request_within_a_push_stays_its_own(repo: Repo) -> None:
    root = repo.sha()
    repo.commit("before")
    inner = repo.commit("x (#7)", committer="GitHub")
    last = repo.commit("after")
    found = find(repo, pull(7, inner), pushes=(push(1, root, last),))
    assert [row[0] for row in told(found)] == ["direct", "squash", "direct"]


def test_a_forced_push_reaches_back_to_where_the_forge_left_the_branch(repo: Repo) -> None:
    root = repo.sha()
    kept = repo.commit("kept")
    new = [repo.commit("new 1"), repo.commit("new 2")]
    lost = "e" * 40
    found = find(
        repo, pushes=(push(1, root, kept), push(2, kept, lost), push(3, lost, new[-1], "force_push"))
    )
    assert [row[4] for row in told(found)] == [1, 2]


def test_a_forced_push_without_a_past_takes_its_last_commit_alone(repo: Repo) -> None:
    repo.commit("old")
    repo.commit("older than the record")
    head = repo.commit("forced")
    found = find(repo, pushes=(push(3, "e" * 40, head, "force_push"),))
    assert found["landed_at_source"].tolist() == ["committer", "committer", "forge"]


AUTHORS = [
    # kind, who counts
    ("merge", "ann@example.org cyd@example.org"),  # bob merged it in the browser
    ("squash", "ann@example.org cyd@example.org"),
    ("rebase", "ann@example.org cyd@example.org"),  # bob is committer of the copies
    ("direct", "ann@example.org bob@example.org cyd@example.org"),  # bob committed ann's work and pushed it
]


@pytest.mark.parametrize(("kind", "expected"), AUTHORS)
def test_who_counts_as_an_author(repo: Repo, kind: str, expected: str) -> None:
    message = "x\n\nCo-authored-by: Cyd <CYD@Example.org>"
    if kind == "merge":
        repo.branch("side")
        repo.commit(message, committer="GitHub")
        repo.main()
        head = repo.merge("Merge pull request #1 from a/b", "side", author="bob", committer="GitHub")
    else:
        head = repo.commit(message, committer={"squash": "GitHub"}.get(kind, "bob"))
    found = find(repo, *([] if kind == "direct" else [pull(1, head)]))
    assert found[["kind", "authors"]].to_numpy().tolist() == [[kind, expected]]


def test_committers_on_a_merged_branch_count(repo: Repo) -> None:
    repo.branch("side")
    repo.commit("x", committer="cyd")
    repo.main()
    head = repo.merge("Merge pull request #1 from a/b", "side", author="bob", committer="GitHub")
    assert find(repo, pull(1, head))["authors"].tolist() == ["ann@example.org cyd@example.org"]


def test_whoever_made_an_evil_merge_is_an_author_of_it(repo: Repo) -> None:
    branch_of(repo, 1)
    head = repo.merge("Merge pull request #1 from a/b", "side", author="bob", resolve={"smuggled": "x\n"})
    found = find(repo, pull(1, head))
    assert found[["evil", "authors"]].to_numpy().tolist() == [[True, "ann@example.org bob@example.org"]]


def test_a_pull_request_pushed_to_main_as_it_is_keeps_its_committers(repo: Repo) -> None:
    head = repo.commit("x", committer="bob")
    assert find(repo, pull(1, head, head_sha=head))["authors"].tolist() == ["ann@example.org bob@example.org"]


def test_a_revert_points_to_the_landing_that_holds_the_commit(repo: Repo) -> None:
    inner = branch_of(repo, 2)[0]
    merge = repo.merge("Merge pull request #1 from a/b", "side", committer="GitHub")
    repo.commit(f"Revert\n\nThis reverts commit {inner}.")
    repo.branch("undo", "main")
    repo.commit(f"Revert all\n\nThis reverts commit {merge}, reversing\nchanges made to {inner}.")
    repo.main()
    repo.merge("Merge pull request #2 from a/undo", "undo", committer="GitHub")
    repo.commit(f"Revert what is not there\n\nThis reverts commit {'f' * 40}.")
    found = find(repo, complete=False)
    assert found["reverts"].fillna("").tolist() == ["", merge, merge, ""]


def test_files_and_lines_are_those_against_the_mainline(repo: Repo) -> None:
    root = repo.sha()
    repo.commit("a", {"one.txt": "1\n2\n", "bin": b"\0"})
    last = repo.commit("b", {"one.txt": "1\n", "two.txt": "x\n"})
    found = find(repo, pushes=(push(1, root, last),))
    assert found[["files", "added", "deleted"]].to_numpy().tolist() == [[3, 3, 1]]


def test_repositories_are_told_apart(repo: Repo, tmp_path: Any) -> None:
    other = Repo(tmp_path / "other")
    shared = other.commit("x (#7)", committer="GitHub")
    repo.commit("x (#7)", committer="GitHub")
    git = [history.read(r.path, repo=n, branch="main") for r, n in ((repo, REPO), (other, "acme/other"))]
    both = {name: pd.concat([one[name] for one in git], ignore_index=True) for name in git[0]}
    found = landings.find(both, pulls(pull(7, shared, repo="acme/other")), operations(), forge_complete=True)[
        "landings"
    ]
    assert found[["repo", "kind"]].to_numpy().tolist() == [
        [REPO, "direct"],
        [REPO, "direct"],
        ["acme/other", "squash"],
    ]
