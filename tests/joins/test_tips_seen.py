"""What earlier runs saw of a default branch is never forgotten, and is asked for again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joins_rows import REPO, T0, settings, table

from audit.evidence.manifest import append, tips_seen
from audit.evidence.store import Store
from audit.joins.tips import branch_tips, seen_tips

MAIN = "refs/heads/main"
OTHER = "netbpf/other"


def test_every_manifest_tells_the_tips_that_it_recorded(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for day, sha in enumerate(("a" * 40, "a" * 40, "b" * 40), 1):
        append(store, as_of=datetime(2026, 7, day, tzinfo=UTC), entries=[], tips={REPO: {MAIN: sha}})
    seen = tips_seen(store, until=datetime(2026, 7, 3, tzinfo=UTC))
    assert [(one["sha"], one["seen_at"]) for one in seen] == [
        ("a" * 40, datetime(2026, 7, 1, tzinfo=UTC)),  # unchanged on the second day: said once
        ("b" * 40, datetime(2026, 7, 3, tzinfo=UTC)),
    ]
    assert {(one["repo"], one["ref"]) for one in seen} == {(REPO, MAIN)}
    assert len({one["manifest"] for one in seen}) == 2
    earlier = tips_seen(store, until=datetime(2026, 7, 2, tzinfo=UTC))
    assert [one["sha"] for one in earlier] == ["a" * 40]


def seen(sha: str, days: int = 0, **more: Any) -> dict[str, Any]:
    at = T0 + timedelta(days=days)
    return {"repo": REPO, "ref": MAIN, "sha": sha, "seen_at": at, "manifest": f"m{days}"} | more


def repositories() -> Any:
    return table("repositories", *({"repo": repo, "branch": "main"} for repo in (REPO, OTHER)))


def test_only_the_default_branch_counts_under_all_its_names() -> None:
    every = [seen("a", ref=f"refs/heads/{name}") for name in ("main", "master", "fix")]
    every.append(seen("a", repo="netbpf/not-read"))
    renamed = settings(
        repositories=[{"name": REPO, "location": "repo", "former_branches": ["master"]}]
    ).repositories
    assert seen_tips(every, repositories())["ref"].tolist() == [MAIN]
    assert seen_tips(every, repositories(), renamed)["ref"].tolist() == [MAIN, "refs/heads/master"]


def test_a_tip_is_reachable_while_its_own_repository_holds_it() -> None:
    kept, lost = "a" * 40, "b" * 40
    rows = [seen(kept, 3), seen(kept, 1), seen(lost, 2), seen(kept, 4, repo=OTHER)]
    commits = table("commits", {"sha": kept}, {"sha": lost, "repo": OTHER})
    found = branch_tips(seen_tips(rows, repositories()), commits)
    assert found[["repo", "sha", "manifest", "reachable"]].to_numpy().tolist() == [
        [REPO, kept, "m1", True],
        [REPO, lost, "m2", False],
        [OTHER, kept, "m4", False],
    ]


def test_with_nothing_seen_there_is_nothing_to_ask_for() -> None:
    assert branch_tips(seen_tips([], repositories()), table("commits")).empty
