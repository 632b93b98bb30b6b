"""Histories of unusual shape: octopus merges, back-merges, mains that were overtaken or moved by force."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from forge_rows import REPO, operations, pull, pulls, push
from git_repo import Repo
from landing_rows import Found

from audit.git import history, landings


def test_an_octopus_brings_in_every_branch(repo: Repo) -> None:
    for name, author in (("one", "ann"), ("two", "bob"), ("three", "cyd")):
        repo.branch(name, "main")
        repo.commit(f"work on {name}", {f"{name}.txt": "x\n"}, author=author)
    repo.main()
    repo.merge("Merge branches 'one', 'two' and 'three'", "one", "two", "three")
    everyone = "ann@example.org bob@example.org cyd@example.org"
    found = Found(repo)
    assert found.told("via", "commits", "files", "authors", "evil") == [
        ("branch merge", 4, 3, everyone, False)
    ]


def test_an_octopus_with_content_of_its_own_is_evil(repo: Repo) -> None:
    for name in ("one", "two"):
        repo.branch(name, "main")
        repo.commit(f"work on {name}", {f"{name}.txt": "x\n"})
    repo.main()
    head = repo.merge(
        "Merge pull request #1 from acme/two", "one", "two", author="bob", committer="GitHub", resolve={"y.txt": "y\n"}
    )  # fmt: skip
    assert Found(repo, pull(1, head)).told("kind", "evil", "authors") == [
        ("merge", True, "ann@example.org bob@example.org")
    ]


def test_a_back_merge_of_main_counts_what_landed_before_only_once(repo: Repo) -> None:
    repo.branch("side")
    repo.commit("work 1", {"side.txt": "1\n"})
    repo.main()
    other = repo.commit("Meanwhile (#1)", {"main.txt": "1\n"}, author="cyd", committer="GitHub")
    repo.git("checkout", "--quiet", "side")
    repo.merge("Merge branch 'main' into side", "main", author="bob")
    repo.commit("work 2", {"side.txt": "2\n"})
    repo.main()
    merge = repo.merge("Merge pull request #2 from acme/side", "side", committer="GitHub")
    found = Found(repo, pull(1, other), pull(2, merge))
    assert found.told("pr_number", "commits", "files", "authors", "evil") == [
        (1, 1, 1, "cyd@example.org", False),
        (2, 4, 1, "ann@example.org bob@example.org", False),  # bob made the back-merge
    ]


def overtaken(repo: Repo) -> tuple[str, str, str, str]:
    """Main is fast-forwarded to cyd's branch, which had merged main: pull request 1 is off the first-parent chain.

    Returns:
        The root, cyd's own commit, what pull request 1 merged, and the merge that main was moved to.
    """
    root = repo.sha()
    repo.branch("feature")
    repo.commit("feature", {"feature.txt": "1\n"}, author="ann")
    repo.main()
    merged = repo.merge(
        "Merge pull request #1 from acme/feature", "feature", author="bob", committer="GitHub"
    )
    repo.branch("mine", root)
    own = repo.commit("mine", {"mine.txt": "1\n"}, author="cyd")
    head = repo.merge("Merge branch 'main' of example.org:gitops", "main", author="cyd")
    repo.main()
    repo.git("merge", "--quiet", "--ff-only", "mine")
    return root, own, merged, head


def test_a_main_that_was_overtaken_is_one_push_and_loses_no_pull_request(repo: Repo) -> None:
    root, _, merged, head = overtaken(repo)
    pushes = (push(1, root, merged, "pr_merge"), push(2, merged, head, actor="cyd"))
    found = Found(repo, pull(1, merged, head_sha=repo.sha("feature")), pushes=pushes)
    assert found.told("kind", "via", "pr_number", "mainline_commits", "commits", "pusher") == [
        ("direct", "push", None, 1, 1, None),
        ("direct", "push", None, 1, 3, "cyd"),
    ]
    assert found.held("head_sha", "pr_number", "link", "confidence", "aside", "authors") == [
        ("Merge branch 'main' of example.org:gitops", 1, "merge sha", "certain", True, "ann@example.org")
    ]


def test_a_squash_and_a_rebase_that_were_overtaken_keep_their_authors(repo: Repo) -> None:
    root = repo.sha()
    squash = repo.commit("Squashed (#1)", {"a.txt": "1\n"}, author="ann", committer="GitHub")
    repo.commit("part 1", {"b.txt": "1\n"}, author="bob", committer="cyd")
    rebase = repo.commit("part 2", {"b.txt": "2\n"}, author="ann", committer="cyd")
    repo.branch("mine", root)
    repo.commit("mine", {"mine.txt": "1\n"}, author="cyd")
    repo.merge("Merge branch 'main'", "main", author="cyd")
    repo.main()
    repo.git("merge", "--quiet", "--ff-only", "mine")
    found = Found(repo, pull(1, squash, commits=3), pull(2, rebase, commits=2))
    assert found.held("pr_number", "aside", "authors") == [
        (1, True, "ann@example.org"),
        (2, True, "ann@example.org bob@example.org"),
    ]


def test_a_main_moved_by_force_is_what_it_is_now(repo: Repo) -> None:
    """What was taken off has no landing; the push by force reaches back to what main still shares with it."""
    root = repo.sha()
    kept = repo.commit("kept")
    repo.branch("lost")
    lost = repo.commit("lost (#1)", committer="GitHub")
    repo.main()
    new = [repo.commit("new 1"), repo.commit("new 2")]
    after = repo.commit("after")
    pushes = (
        push(1, root, kept),
        push(2, kept, lost, "pr_merge"),
        push(3, lost, new[-1], "force_push", actor="eve"),
        push(4, new[-1], after),
    )
    found = Found(repo, pull(1, lost), pushes=pushes)
    assert found.told("subject", "mainline_commits", "pusher", "pr_number") == [
        ("kept", 1, "cyd", None), ("new 2", 2, "eve", None), ("after", 1, "cyd", None),
    ]  # fmt: skip
    assert found.held("pr_number") == []


def test_nothing_of_one_repository_links_into_another(repo: Repo, tmp_path: Path) -> None:
    """A fork: the same commits, the same numbers; each has its own pull requests, pushes and reverts."""
    root = repo.sha()
    shared = repo.commit("Shared (#1)", {"a.txt": "1\n"}, committer="GitHub")
    fork = Repo(tmp_path / "fork")
    fork.git("fetch", "--quiet", str(repo.path), "main")
    fork.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    fork.clock = repo.clock + 600
    gone = repo.commit("Only here", {"b.txt": "1\n"})
    fork.commit(f"Undo\n\nThis reverts commit {gone}.", {"c.txt": "1\n"})
    other = "acme/fork"
    git = [history.read(r.path, repo=n, branch="main") for r, n in ((repo, REPO), (fork, other))]
    both = {name: pd.concat([one[name] for one in git], ignore_index=True) for name in git[0]}
    made = landings.find(
        both,
        pulls(pull(1, shared)),
        operations(push(1, root, shared, "pr_merge", repo=other, actor="eve")),
        forge_complete=True,
    )
    rows = made["landings"].sort_values(["repo", "position"], ascending=[False, True])
    assert rows[["repo", "subject", "link"]].to_numpy().tolist() == [
        [REPO, "Start", "none"], [REPO, "Shared (#1)", "merge sha"], [REPO, "Only here", "none"],
        [other, "Start", "none"], [other, "Shared (#1)", "none"], [other, "Undo", "none"],
    ]  # fmt: skip
    assert rows["pusher"].fillna("").tolist() == ["", "bob", "", "", "eve", ""]
    assert rows["reverts"].isna().all()
    assert made["landing_pulls"][["repo", "pr_number"]].to_numpy().tolist() == [[REPO, 1]]


def test_who_gives_no_address_is_somebody_whom_nobody_knows(repo: Repo) -> None:
    repo.commit("no address", author="nobody")
    repo.commit("applied for them", author="nobody", committer="bob")
    assert Found(repo).told("authors") == [("(none)",), ("(none) bob@example.org",)]
